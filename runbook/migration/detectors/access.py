"""Who may see and change rows: row level security, policies, grants and views."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.bodies import UNSEEN
from runbook.migration.context import Migration
from runbook.migration.detectors.common import (
    API_ROLES,
    commands,
    commands_on_old,
    is_true,
    option,
    options,
    role_names,
    sentence_list,
)
from runbook.migration.detectors.registry import detects, detects_in_file
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, constant, last_name, name_in, relation_name, walk

__all__: list[str] = []

_WRITES = frozenset({"insert", "update", "delete", "truncate", "references", "trigger", "maintain"})
_TRUSTED = frozenset({"service_role", "postgres", "supabase_admin", "dashboard_user"})


# --- row level security ----------------------------------------------------------------------------------------------


def _protected(migration: Migration) -> set[Name]:
    """Return the tables for which the file enables row level security, in its DO blocks too."""
    enabling = (each for each in migration.of_kind("AlterTableStmt") if "AT_EnableRowSecurity" in each.parts)
    return {migration.table_of(each) for each in enabling}


@detects("rls-missing", "CreateStmt", "CreateTableAsStmt", "SelectStmt")
def find_missing(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a new table that the API serves and that the file leaves without row level security."""
    node = statement.node
    relation = node.get("relation") or node.get("into", {}).get("rel") or node.get("intoClause", {}).get("rel")
    if not relation or relation.get("relpersistence") == "t" or node.get("objtype") == "OBJECT_MATVIEW":
        return
    table = migration.resolve(relation_name(relation), statement)
    is_open = migration.is_exposed(table) and table not in _protected(migration)
    if is_open and not migration.is_dropped("table", table) and not _is_moved(table, migration):
        if _is_for_every_table(migration):
            return
        message = f"the API serves {table}, and without row level security whoever has a grant reaches every row"
        yield Hit(statement.at(relation.get("location")), message)


def _is_moved(table: Name, migration: Migration) -> bool:
    """Whether the file moves the table out of the API's reach, or protects it under another name."""
    protected = _protected(migration)
    for statement in migration.statements:
        node = statement.node
        if "relation" not in node or migration.table_of(statement) != table:
            continue
        if statement.kind == "RenameStmt" and Name(table.schema, node["newname"]) in protected:
            return True
        if statement.kind == "AlterObjectSchemaStmt" and node["newschema"] not in migration.settings.exposed_schemas:
            return True
    return False


def _is_for_every_table(migration: Migration) -> bool:
    """Whether a loop enables row level security for tables that it looks up."""
    return any(table.name == UNSEEN for table in _protected(migration))


@detects("rls-disabled", "AlterTableStmt")
def find_disabled(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report row level security that is switched off, for everybody or for the owner."""
    for command in commands_on_old(statement, migration, "AT_DisableRowSecurity", "AT_NoForceRowSecurity"):
        if command.kind == "AT_DisableRowSecurity":
            message = f"no policy of {command.table} counts any more: whoever has a grant reaches every row"
            yield Hit(command.find("disable"), message)
        else:
            message = (
                f"policies of {command.table} no longer count for its owner, and so not in its functions and views"
            )
            yield Hit(command.find("no"), message)


@detects_in_file("rls-without-policy")
def find_no_policy(migration: Migration) -> Iterator[Hit]:
    """Report a table that gets row level security but no policy."""
    with_policy = {key.table for key in migration.made("policy")}
    for statement in migration.statements:
        if statement.kind != "AlterTableStmt":
            continue
        for command in commands(statement, migration):
            if command.kind == "AT_EnableRowSecurity" and command.table not in with_policy and not migration.unseen:
                message = f"this file gives {command.table} no policy: until there is one, the API shows no row"
                yield Hit(command.find("enable"), message)


@detects("policy-open", "CreatePolicyStmt", "AlterPolicyStmt")
def find_open_policy(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a policy that lets strangers read old rows, or lets anybody write every row."""
    node = statement.node
    roles = [name for name, _ in role_names(node.get("roles", ()))] or ["public"]
    if node.get("permissive") is not True and statement.kind == "CreatePolicyStmt":
        return
    if set(roles) <= _TRUSTED:
        return
    table = migration.resolve(relation_name(node["table"]), statement)
    reads = node.get("cmd_name") == "select"
    who = "anybody who has signed up" if set(roles) == {"authenticated"} else "anybody"
    for name in ("qual", "with_check"):
        if not is_true(node.get(name)):
            continue
        place = statement.find("using" if name == "qual" else "check")
        if not reads and statement.kind == "CreatePolicyStmt":
            does = {"insert": "insert any row into", "update": "change every row of", "delete": "delete every row of"}
            said = does.get(node.get("cmd_name", "all"), "read, change and delete every row of")
            yield Hit(place, f"{who} can {said} {table}")
            return
        if statement.kind == "AlterPolicyStmt":
            yield Hit(
                place, f"the policy {node['policy_name']} lets everybody it applies to reach every row of {table}"
            )
            return
        if who == "anybody" and not migration.is_new_table(table, statement):
            yield Hit(place, f"anybody on the internet can read every row of {table}")
            return


@detects("policy-metadata", "CreatePolicyStmt", "AlterPolicyStmt")
def find_metadata_policy(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a policy that trusts metadata which people can change themselves."""
    if "_meta" not in statement.source.text:
        return  # most files: walking every policy takes a while
    table = migration.resolve(relation_name(statement.node["table"]), statement)
    for name in ("qual", "with_check"):
        for kind, node in walk(statement.node.get(name)):
            is_named = kind == "A_Const" and node.get("sval", {}).get("sval") == "user_metadata"
            if is_named or (kind == "ColumnRef" and last_name(node.get("fields", [])) == "raw_user_meta_data"):
                message = (
                    f"people can change their own user_metadata, and so what this policy lets them reach in {table}"
                )
                yield Hit(statement.at(node.get("location")), message)
                return


# --- grants ----------------------------------------------------------------------------------------------------------


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
    if node.get("objtype") != "OBJECT_TABLE":
        return
    if node.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        schemas = [name_in(each).name for each in node.get("objects", ())]
        if not all(migration.is_new_schema(each, statement) for each in schemas):
            message = f"{said} on every table in {sentence_list(schemas)} reaches {role}, old tables too"
            yield Hit(statement.at(location), message)
    else:
        yield from _table_grants(statement, migration, set(privileges), outside)


def _table_grants(
    statement: Statement, migration: Migration, privileges: set[str], outside: list[tuple[str, int]]
) -> Iterator[Hit]:
    names = [relation_name(each["RangeVar"]) for each in statement.node.get("objects", ()) if "RangeVar" in each]
    old = [str(migration.resolve(each, statement)) for each in names if not migration.is_new_table(each, statement)]
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
    return migration.is_made("table", table) and table not in _protected(migration)


@detects("default-privileges", "AlterDefaultPrivilegesStmt")
def find_default_privileges(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report privileges that every later table gives to roles from outside."""
    action = statement.node.get("action", {})
    privileges, outside = _granted(action)
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
    is_new = bool(names) and all(migration.is_new_table(each, statement) for each in names)
    if hit and not is_new and not _is_granted_again(statement, migration):
        what = sentence_list([str(migration.resolve(each, statement)) for each in names]) if names else "every table"
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


# --- views -----------------------------------------------------------------------------------------------------------


@detects("view-security", "ViewStmt")
def find_view(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a view that the API serves and that reads with its owner's rights."""
    view = migration.resolve(relation_name(statement.node["view"]), statement)
    found = options(statement.node.get("options", ())).get("security_invoker")
    is_invoker = found is not None and _is_on(constant(found.get("arg")), default=True)
    if migration.is_exposed(view) and not is_invoker and not _is_set_later(view, migration):
        message = (
            f"{view} reads with its owner's rights, so the policies of its tables don't count for anybody who reads it"
        )
        yield Hit(statement.at(statement.node["view"].get("location")), message)


def _is_on(value: object, *, default: bool = False) -> bool:
    return default if value is None else str(value).lower() in {"true", "on", "yes", "1", "t"}


def _is_set_later(view: Name, migration: Migration) -> bool:
    for statement in migration.statements:
        if statement.kind == "AlterTableStmt" and migration.table_of(statement) == view:
            for command in commands(statement, migration):
                items = command.node.get("def", {}).get("List", {}).get("items", ())
                if command.kind == "AT_SetRelOptions" and _is_on(option(items, "security_invoker"), default=False):
                    return True
    return False


@detects("view-security", "AlterTableStmt")
def find_altered_view(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a view that goes back to its owner's rights."""
    if statement.node.get("objtype") != "OBJECT_VIEW":
        return
    for command in commands(statement, migration):
        items = command.node.get("def", {}).get("List", {}).get("items", ())
        found = options(items).get("security_invoker")
        resets = command.kind == "AT_ResetRelOptions"
        if (
            found
            and (resets or not _is_on(constant(found.get("arg")), default=True))
            and migration.is_exposed(command.table)
        ):
            message = f"{command.table} reads with its owner's rights from now on: no policy of its tables counts"
            yield Hit(statement.at(found.get("location")), message)


@detects("auth-users-exposed", "ViewStmt", "CreateTableAsStmt")
def find_auth_users(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a view or copy of auth.users in the API's reach."""
    relation = statement.node.get("view") or statement.node.get("into", {}).get("rel", {})
    name = migration.resolve(relation_name(relation), statement)
    for kind, node in walk(statement.node.get("query")):
        if kind == "RangeVar" and relation_name(node) == Name("auth", "users") and migration.is_exposed(name):
            message = f"{name} shows people's addresses and tokens from auth.users to everybody who can read it"
            yield Hit(statement.at(node.get("location")), message)
            return


@detects("unprotected-relation", "CreateTableAsStmt", "CreateForeignTableStmt")
def find_unprotected(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report what the API serves and can't have row level security."""
    node = statement.node
    is_view = node.get("objtype") == "OBJECT_MATVIEW"
    if statement.kind == "CreateTableAsStmt" and not is_view:
        return
    relation = node["into"]["rel"] if is_view else node.get("relation") or node.get("base", {}).get("relation", {})
    name = migration.resolve(relation_name(relation), statement)
    if migration.is_exposed(name):
        noun = "materialized view" if is_view else "foreign table"
        yield Hit(statement.at(relation.get("location")), f"a {noun} can't have policies, and the API serves {name}")
