"""Read a function from a database's catalogue: its definition, and the statements for its rights. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runbook.definitions.catalogue import found_in
from runbook.definitions.changes import ObjectName
from runbook.definitions.restoration import Asked
from runbook.definitions.routines import argument_types
from runbook.errors import RunbookError
from runbook.migration.new.current_function import Choose, CurrentFunction, choose_function, refuse_unknown
from runbook.policy.sql_names import quoted_name, quoted_text
from runbook.policy.sql_tokens import tokens

__all__ = ["function_in", "query_for"]

_PUSHES = "postgres"
"""The role by which the CLI applies migrations to a hosted project."""

# PostgreSQL leaves out the schemas that are in the search path. A migration may run with another path, so the query
# empties it first: CASE evaluates its condition before the rest.
_QUERY = """\
select case when path.now = '' then json_build_object(
  'functions', (
    select json_agg(json_build_object(
      'schema', n.nspname, 'name', p.proname, 'kind', p.prokind,
      'types', (
        select json_agg(format_type(t.oid, null) order by t.place)
        from unnest(p.proargtypes::oid[]) with ordinality as t(oid, place)),
      'identity', pg_get_function_identity_arguments(p.oid),
      'definition', case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end,
      'owner', pg_get_userbyid(p.proowner),
      'comment', obj_description(p.oid, 'pg_proc'),
      'extension', (
        select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
        where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'),
      'has_grants', p.proacl is not null,
      'grants', (
        select json_agg(json_build_object(
          'role', case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end,
          'by', pg_get_userbyid(a.grantor), 'grantable', a.is_grantable) order by a.grantee)
        from aclexplode(p.proacl) a)
      ) order by n.nspname, p.proname, p.oid)
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where lower(p.proname) = lower('{name}')
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'),
  'names', (
    select json_agg(distinct jsonb_build_array(n.nspname, p.proname))
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and p.prokind <> 'a'
    and not exists (
      select from pg_depend d
      where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')),
  'roles', (
    select json_agg(rolname order by rolname) from pg_roles
    where rolname in ('anon', 'authenticated', 'service_role'))
) end as found
from (select set_config('search_path', '', true) as now offset 0) as path"""


def query_for(asked: Asked) -> str:
    """Return the query for the functions of a name, whatever their case, and for the names of all."""
    return _QUERY.replace("'{name}'", quoted_text(asked.name))


def function_in(document: str, asked: Asked, *, where: str, choose: Choose | None = None) -> CurrentFunction:
    """Return the function in a database's answer to the query. `where` names the database in messages.

    Raises UsageError if it doesn't exist or several fit, RunbookError if the answer can't be read.
    """
    found = found_in(document)
    if found is None:
        raise RunbookError(
            f"can't read the answer of {where} about '{asked.name}'",
            hint="Run it again, or take the function from the migrations with --offline.",
        )
    roles = [str(role) for role in found.get("roles") or ()]
    functions = [_function(row, roles, where) for row in found.get("functions") or () if row["definition"]]
    chosen = choose_function(asked, functions, choose)
    if chosen is None:
        names = (ObjectName(*pair) for pair in found.get("names") or ())
        raise refuse_unknown(asked, names, where)
    return chosen


def _function(row: Mapping[str, Any], roles: Sequence[str], where: str) -> CurrentFunction:
    name = ObjectName(row["schema"], row["name"])
    return CurrentFunction(
        name,
        tuple(argument_types(list(tokens(one)))[0] for one in row["types"] or ()),
        str(row["definition"]).rstrip(),
        tuple(
            _rights(row, f"{'procedure' if row['kind'] == 'p' else 'function'} {name.sql}({row['identity']})", roles)
        ),
        where,
        tuple(_notes(row)),
    )


def _rights(row: Mapping[str, Any], what: str, roles: Sequence[str]) -> Iterator[str]:
    """Yield the statements for owner, grants and comment. Where they are as now, these change nothing."""
    owner = str(row["owner"])
    yield f"alter {what} owner to {quoted_name(owner)}"
    if row["has_grants"]:
        grants = [one for one in row["grants"] or () if one["by"] == owner]
        having = {one["role"] for one in grants}
        # A new function can be called by everybody, and on Supabase the API's roles get a grant of their own.
        without = [role for role in ("public", *roles, owner) if role not in having]
        if without:
            yield f"revoke all on {what} from {_roles(without)}"
        for grantable, ending in ((False, ""), (True, " with grant option")):
            to = [one["role"] for one in grants if one["grantable"] is grantable and one["role"] != owner]
            if to:
                yield f"grant execute on {what} to {_roles(to)}{ending}"
    if row["comment"]:
        yield f"comment on {what} is {quoted_text(str(row['comment']))}"


def _roles(names: Sequence[str]) -> str:
    return ", ".join("public" if name == "public" else quoted_name(name) for name in dict.fromkeys(names))


def _notes(row: Mapping[str, Any]) -> Iterator[str]:
    if row["extension"]:
        yield f"It belongs to the extension {row['extension']}, which replaces it at the next update."
    if row["owner"] != _PUSHES:
        yield f"Its owner is {row['owner']}. A push runs as {_PUSHES}, and only the owner may replace a function."
    others = sorted({str(one["by"]) for one in row["grants"] or () if one["by"] != row["owner"]})
    if others:
        yield f"Some grants were made by {', '.join(others)}. They aren't in the file."
    if not row["has_grants"]:
        yield "It has PostgreSQL's default rights: everybody may call it."
