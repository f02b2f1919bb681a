const text = 'Never run supabase db reset --linked on production.';
document.title = text;
