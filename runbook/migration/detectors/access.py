"""Who may see and change rows: row level security, policies and views."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook.migration.bodies import UNSEEN, body_of_function
from runbook.migration.context import Migration
from runbook.migration.detectors.common import (
    commands,
    commands_on_old,
    is_true,
    option,
    options,
    role_names,
)
from runbook.migration.detectors.conditions import (
    admits_signed_out,
    asks_for_sign_in,
    needs_only_bucket,
    needs_only_sign_in,
)
from runbook.migration.detectors.registry import detects, detects_in_file
from runbook.migration.finding import Hit
from runbook.migration.known import function_settings
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, constant, last_name, name_in, relation_name, walk

__all__ = ["protected_tables"]

_TRUSTED = frozenset({"service_role", "postgres", "supabase_admin", "dashboard_user"})


# --- row level security ----------------------------------------------------------------------------------------------


def protected_tables(migration: Migration) -> set[Name]:
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
    is_open = migration.is_exposed(table) and table not in protected_tables(migration)
    is_open = is_open and table not in migration.later.protected | migration.later.dropped
    if node.get("if_not_exists") and not migration.is_made("table", table):
        return  # an earlier file has created it
    if is_open and not migration.is_dropped("table", table) and not _is_moved(table, migration):
        if _is_for_every_table(migration):
            return
        message = f"the API serves {table}, and without row level security whoever has a grant reaches every row"
        yield Hit(statement.at(relation.get("location")), message)


def _is_moved(table: Name, migration: Migration) -> bool:
    """Whether the file moves the table out of the API's reach, or protects it under another name."""
    protected = protected_tables(migration)
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
    return any(table.name == UNSEEN for table in protected_tables(migration))


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
    table = migration.resolve(relation_name(node["table"]), statement)
    if set(roles) <= _TRUSTED or _is_replaced_later(statement, table, migration):
        return
    reads = node.get("cmd_name") == "select"
    who = "anybody who has signed up" if set(roles) == {"authenticated"} else "anybody"
    for name in ("qual", "with_check"):
        if not is_true(node.get(name)):
            continue
        place = statement.find("using" if name == "qual" else "check")
        if not reads and statement.kind == "CreatePolicyStmt":
            said = _DOES.get(node.get("cmd_name", "all"), "read, change and delete every row of")
            yield Hit(place, f"{who} can {said} {table}")
            return
        if statement.kind == "AlterPolicyStmt":
            yield Hit(
                place, f"the policy {node['policy_name']} lets everybody it applies to reach every row of {table}"
            )
            return
        if (
            who == "anybody"
            and not migration.is_new_table(table, statement)
            and table not in migration.known.relations.readable
        ):
            yield Hit(place, f"anybody on the internet can read every row of {table}")
            return


def _is_replaced_later(policy: Statement, table: Name, migration: Migration) -> bool:
    """Whether a later file drops a policy or its table."""
    return (table, policy.node["policy_name"]) in migration.later.dropped_policies or table in migration.later.dropped


@detects("policy-open", "CreatePolicyStmt")
def find_signed_in_policy(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a policy by which whoever has signed in, or just names the bucket, writes every row."""
    node = statement.node
    roles = {name for name, _ in role_names(node.get("roles", ()))} or {"public"}
    if node.get("permissive") is not True or node.get("cmd_name") == "select" or roles <= _TRUSTED:
        return
    table = migration.resolve(relation_name(node["table"]), statement)
    if _is_replaced_later(statement, table, migration):
        return
    does = _DOES.get(node.get("cmd_name", "all"), "read, change and delete every row of")
    for name, word in (("qual", "using"), ("with_check", "check")):
        condition = node.get(name)
        if table == Name("storage", "objects") and needs_only_bucket(condition):
            is_signed_in = asks_for_sign_in(condition) or roles == {"authenticated"}
            if is_signed_in and node.get("cmd_name") == "insert":
                continue  # uploads by everybody who has signed in are what many apps want
            who = "anybody who has signed up" if is_signed_in else "anybody"
            does = _DOES_WITH_FILES.get(node.get("cmd_name", "all"), "read, replace and delete every file in")
            yield Hit(statement.find(word), f"{who} can {does} the bucket")
            return
        if needs_only_sign_in(condition):
            yield Hit(statement.find(word), f"anybody who has signed up can {does} {table}")
            return


@detects("policy-open", "CreatePolicyStmt", "AlterPolicyStmt")
def find_signed_out_policy(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a policy that is true for everybody who hasn't signed in."""
    node = statement.node
    table = migration.resolve(relation_name(node["table"]), statement)
    is_restrictive = statement.kind == "CreatePolicyStmt" and node.get("permissive") is not True
    roles = {name for name, _ in role_names(node.get("roles", ()))} or {"public"}
    if is_restrictive or not roles & {"public", "anon"} or _is_replaced_later(statement, table, migration):
        return
    for name, word in (("qual", "using"), ("with_check", "check")):
        if admits_signed_out(node.get(name)):
            message = f"this is true for everybody who hasn't signed in, so anybody reaches every row of {table}"
            yield Hit(statement.find(word), message)
            return


_DOES = {"insert": "insert any row into", "update": "change every row of", "delete": "delete every row of"}
_DOES_WITH_FILES = {"insert": "upload files to", "update": "replace every file in", "delete": "delete every file in"}


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


# --- views -----------------------------------------------------------------------------------------------------------


@detects("view-security", "ViewStmt")
def find_view(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a view that the API serves and that reads with its owner's rights."""
    view = migration.resolve(relation_name(statement.node["view"]), statement)
    found = options(statement.node.get("options", ())).get("security_invoker")
    is_invoker = found is not None and _is_on(constant(found.get("arg")), default=True)
    is_repaired = _is_set_later(view, migration) or view in migration.later.replaced_views | migration.later.dropped
    if migration.is_exposed(view) and not is_invoker and not is_repaired:
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


@detects("auth-users-exposed", "CreateFunctionStmt")
def find_auth_users_function(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a function that returns rows of auth.users with its owner's rights to whoever calls it."""
    name = migration.resolve(name_in(statement.node["funcname"]), statement)
    body = body_of_function(statement)
    if body is None or "auth.users" not in body.text.lower():
        return
    if not migration.is_exposed(name) or not function_settings(statement.node).is_definer:
        return
    found = (_READS_USERS if body.language == "sql" else _RETURNS_USERS).search(body.text)
    if found is None or not _returns_rows(statement.node) or _CHECKS_CALLER.search(body.text):
        return
    if not _is_taken_from_all(name, migration):
        message = f"{name} returns people's data from auth.users to everybody who calls it through the API"
        yield Hit(body.at(found.start("users")), message)


_READS_USERS = re.compile(r"(?P<users>\bauth\.users\b)", re.IGNORECASE)
_RETURNS_USERS = re.compile(r"\breturn\s+query\b[^;]*?(?P<users>\bauth\.users\b)", re.IGNORECASE)
_CHECKS_CALLER = re.compile(
    r"\bauth\.(?:uid|jwt|role|email)\s*\(|\b(?:is|has|check|require)_\w+\s*\(|\bcurrent_setting\b", re.IGNORECASE
)


def _returns_rows(node: Node) -> bool:
    parameters = (each.get("FunctionParameter", {}).get("mode") for each in node.get("parameters", ()))
    return bool(node.get("returnType", {}).get("setof")) or "FUNC_PARAM_TABLE" in parameters


def _is_taken_from_all(name: Name, migration: Migration) -> bool:
    """Whether the file revokes the right to call a function from those who have it by default."""
    return any(_takes_execute(each, name, migration) for each in migration.of_kind("GrantStmt"))


def _takes_execute(grant: Statement, name: Name, migration: Migration) -> bool:
    names = (name_in(each.get("ObjectWithArgs", {}).get("objname", [])) for each in grant.node.get("objects", ()))
    is_named = any(migration.resolve(each, grant) == name for each in names)
    is_all = grant.node.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA"
    is_public = {role for role, _ in role_names(grant.node.get("grantees", ()))} & {"public", "anon"}
    return not grant.node.get("is_grant") and (is_named or is_all) and bool(is_public)


@detects("definer-callable", "CreateFunctionStmt")
def find_callable_definer(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a SECURITY DEFINER function that the API lets everybody call."""
    name = migration.resolve(name_in(statement.node["funcname"]), statement)
    returns = last_name(statement.node.get("returnType", {}).get("names", []))
    if not migration.is_exposed(name) or returns in {"trigger", "event_trigger"}:
        return
    if function_settings(statement.node).is_definer and not _is_taken_from_all(name, migration):
        message = f"everybody can call {name} through the API, and it runs with its owner's rights"
        yield Hit(statement.find("security"), message)


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
