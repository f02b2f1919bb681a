"""Rights that are granted, revoked and given away: by grants, by membership of a role, and by ownership."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.access import protected_tables
from runbook.migration.detectors.common import API_ROLES, commands_on_old, options, role_names, sentence_list
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, name_in, relation_name, walk

__all__: list[str] = []

_WRITES = frozenset({"insert", "update", "delete", "truncate", "references", "trigger", "maintain"})
_SECRET_SCHEMAS = frozenset({"auth", "vault", "cron", "net", "pgsodium", "supabase_migrations", "supabase_functions"})
"""Schemas of the platform with people's addresses, tokens, keys and jobs."""


def _granted(node: Node) -> tuple[list[str], list[tuple[str, int]]]:
    """Return the privileges of a GRANT or REVOKE (all: ["all"]) and its roles from outside."""
    names = [each.get("AccessPriv", {}).get("priv_name", "all") for each in node.get("privileges", ())] or ["all"]
    return names, [each for each in role_names(node.get("grantees", ())) if each[0] in API_ROLES]


@detects("grant-to-api", "GrantStmt")
def find_grant(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report grants that open old tables to strangers, or that policies don't narrow."""
    node = statement.node
    privileges, outside = _granted(node)
    if not node.get("is_grant") or not outside:
        return
    said = ", ".join(each.upper() for each in privileges)
    role, location = outside[0]
    if node.get("objtype") == "OBJECT_SCHEMA" and {"all", "create"} & set(privileges):
        yield Hit(statement.at(location), f"{said} on a schema lets {role} create objects in it")
    if node.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        yield from _grants_on_all(statement, migration, said, outside)
    elif node.get("objtype") == "OBJECT_TABLE":
        yield from _table_grants(statement, migration, set(privileges), outside)


def _grants_on_all(
    statement: Statement, migration: Migration, said: str, outside: list[tuple[str, int]]
) -> Iterator[Hit]:
    """Report a grant on everything in a schema: to strangers, or of rights that no policy narrows."""
    noun = _ALL.get(statement.node.get("objtype", ""), "function")
    privileges = {*_granted(statement.node)[0]}
    if noun == "sequence" and not {"all", "update"} & privileges:
        return  # to take the next number does no harm
    has_more = noun == "table" and bool({"all", "truncate"} & privileges)
    found = [each for each in outside if has_more or each[0] != "authenticated"]
    schemas = [name_in(each).name for each in statement.node.get("objects", ())]
    if found and not all(migration.is_new_schema(each, statement) for each in schemas):
        role, location = found[0]
        message = f"{said} on every {noun} in {sentence_list(schemas)} reaches {role}, old ones too"
        yield Hit(statement.at(location), message)


_ALL = {"OBJECT_TABLE": "table", "OBJECT_SEQUENCE": "sequence"}


def _table_grants(
    statement: Statement, migration: Migration, privileges: set[str], outside: list[tuple[str, int]]
) -> Iterator[Hit]:
    names = [relation_name(each["RangeVar"]) for each in statement.node.get("objects", ()) if "RangeVar" in each]
    secret = [each for each in names if each.schema in _SECRET_SCHEMAS and not migration.is_new_table(each, statement)]
    if secret:
        named = sentence_list([*map(str, secret)])
        message = f"{named} has secrets of people or of the project, and {outside[0][0]} may read them"
        yield Hit(statement.at(outside[0][1]), message)
        return
    guarded = migration.known.relations.protected
    old = [
        str(migration.resolve(each, statement))
        for each in names
        if not migration.is_new_table(each, statement) and migration.resolve(each, statement) not in guarded
    ]
    open_names = [each for each in (migration.resolve(name, statement) for name in names) if _is_open(each, migration)]
    which = sentence_list([*dict.fromkeys([*old, *map(str, open_names)])] or ["it"])
    said = ", ".join(sorted(each.upper() for each in privileges))
    stranger, location = next((each for each in outside if each[0] != "authenticated"), ("", -1))
    if stranger and (old or open_names) and ({"all"} | _WRITES) & privileges:
        yield Hit(statement.at(location), f"{said} on {which} lets {stranger} write without signing in")
    elif stranger and old:
        message = f"{said} on {sentence_list(old)} lets {stranger} read without signing in"
        yield Hit(statement.at(location), message)
    elif {"all", "truncate"} & privileges and old:
        message = f"{said} on {sentence_list(old)} includes TRUNCATE, which no policy stops"
        yield Hit(statement.at(outside[0][1]), message)


def _is_open(table: Name, migration: Migration) -> bool:
    """Whether the file creates a table and leaves it without row level security."""
    return migration.is_made("table", table) and table not in protected_tables(migration) | migration.later.protected


@detects("default-privileges", "AlterDefaultPrivilegesStmt")
def find_default_privileges(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report privileges that every later table gives to roles from outside."""
    action = statement.node.get("action", {})
    privileges, outside = _granted(action)
    outside = [each for each in outside if each[0] != "authenticated" or "all" in privileges]
    if (
        action.get("is_grant")
        and outside
        and action.get("objtype") in {"OBJECT_TABLE", "OBJECT_SCHEMA", "OBJECT_FUNCTION"}
    ):
        said = ", ".join(each.upper() for each in privileges)
        yield Hit(
            statement.at(outside[0][1]), f"every later object gives {said} to {outside[0][0]}, whoever creates it"
        )


@detects("revoke-from-api", "GrantStmt")
def find_revoke(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a REVOKE that takes from the app what it works with."""
    node = statement.node
    if node.get("is_grant") or node.get("objtype") not in {"OBJECT_TABLE", "OBJECT_SCHEMA", "OBJECT_SEQUENCE"}:
        return
    served = {"authenticated", "service_role", "postgres", "authenticator"}
    hit = [each for each in role_names(node.get("grantees", ())) if each[0] in served]
    names = [relation_name(each["RangeVar"]) for each in node.get("objects", ()) if "RangeVar" in each]
    tables = [migration.resolve(each, statement) for each in names]
    is_moot = bool(tables) and all(migration.is_new_table(one, statement) or migration.is_going(one) for one in tables)
    if node.get("objtype") == "OBJECT_SCHEMA":
        tables = [Name("", name_in(each).name) for each in node.get("objects", ())]
        is_moot = not any(each.name in migration.settings.exposed_schemas for each in tables)
    copies = migration.known.relations.materialized
    is_moot = is_moot or (bool(tables) and all(each in copies for each in tables))
    is_moot = is_moot or (bool(tables) and all(each.schema in _SECRET_SCHEMAS for each in tables))
    if hit and not is_moot and not _is_granted_again(statement, migration):
        what = sentence_list([*map(str, tables)]) if tables else "every table"
        yield Hit(statement.at(hit[0][1]), f"requests of {hit[0][0]} that use {what} fail at once with 42501")


def _is_granted_again(statement: Statement, migration: Migration) -> bool:
    """Whether the file grants the same roles something narrower on the same objects afterwards."""

    def plain(node: Node) -> tuple[object, object]:
        objects = [(kind, each.get("relname", each.get("sval"))) for kind, each in walk(node.get("objects", []))]
        return objects, {name for name, _ in role_names(node.get("grantees", ()))}

    objects, roles = plain(statement.node)
    for later in migration.statements[migration.order_of(statement) + 1 :]:
        if later.kind == "GrantStmt" and later.node.get("is_grant"):
            again, to = plain(later.node)
            if again == objects and isinstance(to, set) and isinstance(roles, set) and to & roles:
                return True
    return False


@detects("grant-role", "GrantRoleStmt")
def find_role_grant(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a role that a role from outside becomes a member of."""
    if not statement.node.get("is_grant"):
        return
    granted = [each.get("AccessPriv", {}).get("priv_name", "") for each in statement.node.get("granted_roles", ())]
    for name, location in role_names(statement.node.get("grantee_roles", ())):
        if name in API_ROLES:
            yield Hit(statement.at(location), f"{name} gets every right of {sentence_list(granted)}")
            return


@detects("role-privileges", "CreateRoleStmt", "AlterRoleStmt")
def find_role_privileges(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a role that policies don't bind."""
    for name in ("superuser", "bypassrls", "createrole", "isreplication"):
        found = options(statement.node.get("options", ())).get(name)
        if found and found.get("arg", {}).get("Boolean", {}).get("boolval"):
            role = statement.node.get("role", {})
            named = role.get("rolename", "") if isinstance(role, dict) else str(role)
            yield Hit(
                statement.at(found.get("location")),
                f"{name.upper()} lets {named} pass every policy or give itself rights",
            )


# --- owners ----------------------------------------------------------------------------------------------------------

_SERVED = API_ROLES | {"authenticator"}


def _gives_away(what: str, role: str) -> str:
    return f"{role} then owns {what}: policies don't count for an owner, who may also change and drop it"


@detects("owner-given-away", "AlterTableStmt")
def find_table_owner(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a table that a role from outside becomes the owner of."""
    for command in commands_on_old(statement, migration, "AT_ChangeOwner"):
        for role, location in role_names([{"RoleSpec": command.node.get("newowner", {})}]):
            if role in _SERVED:
                yield Hit(statement.at(location), _gives_away(str(command.table), role))


@detects("owner-given-away", "AlterOwnerStmt")
def find_owner(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a function, view, schema or type that a role from outside becomes the owner of."""
    for role, location in role_names([{"RoleSpec": statement.node.get("newowner", {})}]):
        if role in _SERVED:
            yield Hit(statement.at(location), _gives_away("it", role))
