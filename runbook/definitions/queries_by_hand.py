"""Return short statements for a person who does by hand what the query in `queries` does in one go.

A person reads their output; nothing parses it. Their only placeholder is `{{name}}`: an object, or a migration's
version.
"""

from __future__ import annotations

__all__ = ["query_for_now", "query_for_past"]

_ONE_NAME = """\
with wanted as (
  select trim(both '"' from split_part(split_part('{{name}}', '(', 1), '.', -1)) as name
)
"""
"""The name alone, of `name`, `schema.name`, `"Name"` or `name(types)`."""
_NAMES_OF_MIGRATION = """\
with wanted as (
  select unnest(array[word, lower(word)]) as name
  from supabase_migrations.schema_migrations,
    regexp_split_to_table(array_to_string(statements, ' '), '[^[:alnum:]_$]+') as word
  where version = '{{name}}'
)
"""

_PAST = """\
select m.version, s.statement
from wanted w, supabase_migrations.schema_migrations m, unnest(m.statements) as s(statement)
where strpos(lower(s.statement), lower(w.name)) > 0
order by m.version desc"""
_PAST_OF_MIGRATION = """\
select statements
from supabase_migrations.schema_migrations
where version = '{{name}}'"""

_OBJECTS = """\
select p.oid::regprocedure::text as object, pg_get_functiondef(p.oid) as definition,
  p.proowner::regrole::text as owner, p.proacl::text as grants
from pg_proc p join wanted w on p.proname = w.name
where p.prokind in ('f', 'p') and p.pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
union
select c.oid::regclass::text, case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
  c.relowner::regrole::text, c.relacl::text
from pg_class c join wanted w on c.relname = w.name
where c.relkind in ('r', 'p', 'v', 'm') and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
union
select t.tgname || ' on ' || t.tgrelid::regclass::text, pg_get_triggerdef(t.oid), 'enabled: ' || t.tgenabled::text, null
from pg_trigger t join pg_proc f on f.oid = t.tgfoid join wanted w on w.name in (t.tgname, f.proname)
where not t.tgisinternal
union
select p.policyname || ' on ' || p.tablename,
  concat_ws(' ', p.permissive, p.cmd, 'to', p.roles::text, 'using', p.qual, 'check', p.with_check), null, null
from pg_policies p join wanted w on p.tablename = w.name
order by object"""
_ACCESS = """\
select c.oid::regclass::text as table, c.relrowsecurity as row_level_security, c.relacl::text as grants,
  p.policyname, p.permissive, p.cmd, p.roles::text as roles, p.qual, p.with_check
from pg_class c join wanted w on c.relname = w.name
left join pg_policies p on p.schemaname = c.relnamespace::regnamespace::text and p.tablename = c.relname
where c.relkind in ('r', 'p')"""
_COLUMNS = """\
select a.attrelid::regclass::text as table, a.attname::text as column, format_type(a.atttypid, a.atttypmod) as type,
  a.attnotnull as not_null, pg_get_expr(d.adbin, d.adrelid) as default
from pg_attribute a join pg_class c on c.oid = a.attrelid join wanted w on c.relname = w.name
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
union all
select r.conrelid::regclass::text, 'constraint ' || r.conname, pg_get_constraintdef(r.oid), null, null
from pg_constraint r join pg_class c on c.oid = r.conrelid join wanted w on c.relname = w.name"""
_INDEXES = """\
select pg_get_indexdef(i.indexrelid) as definition, i.indisvalid as is_valid
from pg_index i join pg_class c on c.oid = i.indexrelid join wanted w on c.relname = w.name"""
_NOW = {"access": _ACCESS, "column": _COLUMNS, "index": _INDEXES}


def query_for_past(of: str) -> str:
    """Return the query that lists an object's statements in the history, or a migration's (`of` is `migration`)."""
    return _PAST_OF_MIGRATION if of == "migration" else _ONE_NAME + _PAST


def query_for_now(of: str) -> str:
    """Return the query that shows such objects as they are now, with owner and grants, triggers or policies."""
    return (_NAMES_OF_MIGRATION if of == "migration" else _ONE_NAME) + _NOW.get(of, _OBJECTS)
