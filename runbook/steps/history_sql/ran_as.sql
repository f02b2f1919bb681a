select version, name, array_to_string(statements, E';\n') as ran
from supabase_migrations.schema_migrations
where version = '{version}'
