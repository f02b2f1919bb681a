select 1;
\! npx supabase db reset --linked
