"""Build the query that reads an object as it is now, and its history."""

from __future__ import annotations

__all__ = ["query_for_migration", "query_for_name"]

_QUERY = """\
with {wanted},
history as (
  select m.version, s.text, s.place
  from supabase_migrations.schema_migrations m,
    unnest(m.statements) with ordinality as s(text, place)
  where {statements}
),
namespaces as (
  select oid, nspname from pg_namespace
  where nspname !~ '^pg_' and nspname <> 'information_schema'
)
select json_build_object(
  'next_version', (
    select greatest(max(version::numeric) + 1,
      to_char(now() at time zone 'utc', 'YYYYMMDDHH24MISS')::numeric)::text
    from supabase_migrations.schema_migrations
    where version ~ '^[0-9]{{1,14}}$'),
  'history', (
    select json_agg(json_build_array(version, text) order by version, place)
    from history),
  'functions', (
    select json_agg(json_build_object(
      'schema', n.nspname, 'name', p.proname, 'body', p.prosrc,
      'types', (
        select json_agg(format_type(t.oid, null) order by t.place)
        from unnest(p.proargtypes::oid[]) with ordinality as t(oid, place)),
      'definition', pg_get_functiondef(p.oid),
      'owner', pg_get_userbyid(p.proowner),
      'comment', obj_description(p.oid, 'pg_proc'),
      'grants', (
        select json_agg(json_build_array(
          case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end,
          a.privilege_type) order by a.grantee, a.privilege_type)
        from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a)
      ))
    from pg_proc p join namespaces n on n.oid = p.pronamespace
    where p.prokind in ('f', 'p') and {functions}),
  'relations', (
    select json_agg(json_build_object(
      'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
      'rls', c.relrowsecurity,
      'size', case when {relations} then pg_size_pretty(pg_total_relation_size(c.oid)) end,
      'definition', case when {relations} and c.relkind in ('v', 'm')
        then pg_get_viewdef(c.oid) end,
      'grants', case when {relations} then (
        select json_agg(json_build_array(
          case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end,
          a.privilege_type) order by a.grantee, a.privilege_type)
        from aclexplode(c.relacl) a) end,
      'columns', case when {relations} then (
        select json_agg(json_build_array(a.attname,
          format_type(a.atttypid, a.atttypmod), a.attnotnull) order by a.attnum)
        from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) end,
      'constraints', case when {relations} then (
        select json_agg(conname) from pg_constraint where conrelid = c.oid) end))
    from pg_class c join namespaces n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'i', 'S')),
  'types', (
    select json_agg(json_build_array(n.nspname, t.typname))
    from pg_type t join namespaces n on n.oid = t.typnamespace
    where t.typtype in ('e', 'd', 'r')),
  'triggers', (
    select json_agg(json_build_object(
      'schema', n.nspname, 'table', c.relname, 'name', t.tgname,
      'enabled', t.tgenabled, 'definition', pg_get_triggerdef(t.oid),
      'function', json_build_array(f.nspname, p.proname)))
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join namespaces n on n.oid = c.relnamespace
    join pg_proc p on p.oid = t.tgfoid
    join pg_namespace f on f.oid = p.pronamespace
    where not t.tgisinternal),
  'policies', (
    select json_agg(json_build_object(
      'schema', schemaname, 'table', tablename, 'name', policyname,
      'permissive', permissive, 'roles', roles, 'cmd', cmd,
      'using', qual, 'check', with_check))
    from pg_policies)
) as found"""


_WANTED = r"""wanted as (
  select lower(btrim(regexp_replace(
    regexp_replace('{{name}}', '\(.*$', ''), '^.*\.', ''), '" ')) as name
)"""
"""The name alone, without schema, quotes and types."""
_WANTED_MIGRATION = """wanted as (
  select lower(array_to_string(statements, ' ')) as text
  from supabase_migrations.schema_migrations
  where version = '{{name}}'
)"""


def query_for_name() -> str:
    """Return the query for an object. The template's `name` is a name, schema.name or name(types)."""
    return _QUERY.format(
        wanted=_WANTED,
        statements="strpos(lower(s.text), (select name from wanted)) > 0",
        functions="lower(p.proname) = (select name from wanted)",
        relations="lower(c.relname) = (select name from wanted)",
    )


def query_for_migration() -> str:
    """Return the query for all that a migration defines. The template's `name` is its version."""
    return _QUERY.format(
        wanted=_WANTED_MIGRATION,
        statements=r"s.text ~* '\m(function|procedure|view|trigger|policy|security|grant|revoke)\M'",
        functions="strpos((select text from wanted), lower(p.proname)) > 0",
        relations="strpos((select text from wanted), lower(c.relname)) > 0",
    )
