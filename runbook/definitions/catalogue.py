"""The one query that reads what an object is now and what the history says of it, and its answer as values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runbook.definitions.changes import Change, ObjectName, changes_in
from runbook.errors import UsageError

__all__ = ["Catalogue", "Function", "Policy", "Relation", "Trigger", "query_for_migration", "query_for_name"]

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


@dataclass(frozen=True, slots=True)
class Function:
    """A function that exists."""

    object: ObjectName
    types: tuple[str, ...]
    definition: str
    body: str
    owner: str
    comment: str
    grants: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view, index or sequence that exists. What is not about the wanted name is left empty."""

    object: ObjectName
    kind: str
    rls: bool
    size: str
    definition: str
    grants: tuple[tuple[str, str], ...]
    columns: Mapping[str, str]
    """Types, by name."""
    required: frozenset[str] = frozenset()
    """Columns that must not be empty."""
    constraints: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that exists. `enabled` is a letter as in `pg_trigger.tgenabled`."""

    object: ObjectName
    table: ObjectName
    enabled: str
    definition: str
    function: ObjectName


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that exists, as `pg_policies` shows it."""

    object: ObjectName
    table: ObjectName
    permissive: bool
    roles: tuple[str, ...]
    command: str
    using: str
    check: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the database has, and what its migrations said, as far as the query was about it."""

    next_version: str
    changes: tuple[Change, ...]
    functions: tuple[Function, ...] = ()
    relations: Mapping[ObjectName, Relation] = field(default_factory=dict)
    types: frozenset[ObjectName] = frozenset()
    """Enums, domains and ranges."""
    triggers: tuple[Trigger, ...] = ()
    policies: tuple[Policy, ...] = ()

    @classmethod
    def read(cls, document: str) -> Catalogue:
        """Read the answer to the query. Raises UsageError where it isn't whole, or secrets in it are masked."""
        from runbook.definitions.routines import argument_types
        from runbook.policy.sql_tokens import tokens

        found = _answer(document)
        changes = tuple(changes_in((str(version), str(text)) for version, text in found.get("history") or ()))

        def name(row: Mapping[str, Any], of: str = "name") -> ObjectName:
            return ObjectName(row["schema"], row[of])

        return cls(
            str(found.get("next_version") or "").rjust(14, "0"),
            changes,
            tuple(
                Function(
                    name(row),
                    tuple(argument_types(list(tokens(one)))[0] for one in row["types"] or ()),
                    row["definition"],
                    row["body"],
                    row["owner"],
                    row["comment"] or "",
                    _pairs(row["grants"]),
                )
                for row in found.get("functions") or ()
            ),
            {
                name(row): Relation(
                    name(row),
                    row["kind"],
                    row["rls"],
                    row["size"] or "",
                    row["definition"] or "",
                    _pairs(row["grants"]),
                    {column[0]: column[1] for column in row["columns"] or ()},
                    frozenset(column[0] for column in row["columns"] or () if column[2]),
                    frozenset(row["constraints"] or ()),
                )
                for row in found.get("relations") or ()
            },
            frozenset(ObjectName(*row) for row in found.get("types") or ()),
            tuple(
                Trigger(name(row), name(row, "table"), row["enabled"], row["definition"], ObjectName(*row["function"]))
                for row in found.get("triggers") or ()
            ),
            tuple(
                Policy(
                    name(row),
                    name(row, "table"),
                    row["permissive"] == "PERMISSIVE",
                    tuple(sorted(row["roles"])),
                    row["cmd"].lower(),
                    row["using"] or "",
                    row["check"] or "",
                )
                for row in found.get("policies") or ()
            ),
        )


def _answer(document: str) -> Mapping[str, Any]:
    try:
        rows = json.loads(document)
        found = (rows["rows"] if isinstance(rows, Mapping) else rows)[0]["found"]
        found = json.loads(found) if isinstance(found, str) else found
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise UsageError(
            "the history can't be read: the answer isn't whole",
            hint="Copy the earlier definition from git by hand.",
        ) from error
    assert isinstance(found, Mapping)
    return found


def _pairs(rows: Sequence[Sequence[str]] | None) -> tuple[tuple[str, str], ...]:
    return tuple((row[0], row[1]) for row in rows or ())
