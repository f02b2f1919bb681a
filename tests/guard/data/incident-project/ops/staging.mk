all: look
look:
	psql "$$STAGING_DATABASE_URL" -f db/look.sql
empty:
	npx supabase db reset --db-url "$$STAGING_DATABASE_URL"
