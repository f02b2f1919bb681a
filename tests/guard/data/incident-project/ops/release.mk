release:
	cd supabase && npx supabase functions deploy --project-ref $(REF)
ship:
	npx supabase db push --linked --dry-run
