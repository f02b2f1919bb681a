  -- A version without a statement isn't recorded. The digest is that of runbook.steps.migration_files.digest_of.
  select version, coalesce(name, '') as name, ran, ran ~ '[^ \t\n\r\f\v;]' as recorded,
    md5(btrim(regexp_replace(
      regexp_replace(ran, '(''[^'']*''|"[^"]*"|/\*([^*]|\*+[^*/])*\*+/)|--[^\n]*', '\1', 'g'),
      '(''[^'']*''|"[^"]*"|/\*([^*]|\*+[^*/])*\*+/)|[ \t\n\r\f\v;]+', '\1 ', 'g'))) as digest
  from (
    select version, name, coalesce(array_to_string(statements, E';\n'), '') as ran
    from supabase_migrations.schema_migrations
  ) rows
