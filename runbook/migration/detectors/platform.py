"""What belongs to the platform: its schemas, settings, publications and extensions."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.common import commands, commands_on_old, is_true, options
from runbook.migration.detectors.data import changes_in
from runbook.migration.detectors.registry import detects
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, name_in, relation_name, text_of

__all__: list[str] = []

_PLATFORM = frozenset(
    {"auth", "storage", "realtime", "vault", "supabase_migrations", "supabase_functions", "cron", "extensions"}
    | {"graphql", "graphql_public", "net", "pgbouncer", "pgsodium", "pgmq", "pgtle", "_realtime", "_analytics"}
    | {"pg_catalog", "information_schema"}
)
"""Schemas whose tables the platform or an extension creates, reads and migrates itself."""
_OWN_KINDS = frozenset({"policy", "trigger", "rule", "extension", "publication"})
"""What projects may create on tables of the platform, and drop again."""
_OPEN_ROWS = frozenset({("storage", "buckets"), ("cron", "job")})
"""Tables there that the documentation tells people to insert rows into."""


@detects("platform-object", "AlterTableStmt", "IndexStmt", "RenameStmt", "AlterObjectSchemaStmt", "TruncateStmt")
def find_table(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a change of a table that the platform owns."""
    if statement.kind == "TruncateStmt":
        relations = [each.get("RangeVar", {}) for each in statement.node.get("relations", ())]
    else:
        relations = [statement.node.get("relation") or {}]
    kinds = [each.kind for each in commands(statement, migration)] if statement.kind == "AlterTableStmt" else []
    if kinds and set(kinds) <= {"AT_EnableRowSecurity"}:
        return  # the platform has enabled it already, so this changes nothing
    for relation in relations:
        name = migration.resolve(relation_name(relation), statement)
        if name.schema in _PLATFORM and not migration.is_new_schema(name.schema, statement):
            yield Hit(
                statement.at(relation.get("location")),
                f"the platform owns {name}, and its own updates rely on its form",
            )


@detects("platform-object", "DropStmt")
def find_drop(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report the drop of an object that the platform owns."""
    for key in migration.dropped_by(statement):
        schema = key.name.name if key.kind == "schema" else key.name.schema
        is_theirs = key.kind not in _OWN_KINDS and schema in _PLATFORM
        if is_theirs and not migration.is_new(key.kind, key.name, statement):
            place = statement.find(key.name.name, after=statement.start + 1)
            yield Hit(place, f"the platform owns {key.name}, and stops working without it")


@detects("platform-object", "DeleteStmt", "UpdateStmt", "InsertStmt", "MergeStmt", "SelectStmt")
def find_rows(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report rows that are changed in a table that the platform owns."""
    for kind in ("DeleteStmt", "UpdateStmt", "InsertStmt", "MergeStmt"):
        for node in changes_in(statement, kind):
            relation: Node = node.get("relation", {})
            name = _with_catalogue(migration.resolve(relation_name(relation), statement))
            if name.schema not in _PLATFORM or (kind == "InsertStmt" and (name.schema, name.name) in _OPEN_ROWS):
                continue
            if kind == "DeleteStmt" and name.schema == "cron" and "whereClause" in node:
                continue  # how jobs and their old runs are removed
            if kind == "UpdateStmt" and name == Name("storage", "buckets") and "whereClause" in node:
                continue
            words = {"DeleteStmt": "deletes", "UpdateStmt": "changes", "InsertStmt": "writes", "MergeStmt": "changes"}
            message = f"this {words[kind]} rows of {name}, which the platform keeps in step with its own services"
            yield Hit(statement.at(relation.get("location")), message)


def _with_catalogue(name: Name) -> Name:
    """Return a name with pg_catalog before it, where PostgreSQL looks first, if it's one of the catalogue's."""
    return Name("pg_catalog", name.name) if name.name.startswith("pg_") and name.schema != "pg_temp" else name


@detects("bucket-opened", "UpdateStmt")
def find_opened_bucket(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a bucket whose files become public."""
    if migration.table_of(statement) == Name("storage", "buckets"):
        for each in statement.node.get("targetList", ()):
            target = each.get("ResTarget", {})
            if target.get("name") == "public" and is_true(target.get("val")):
                message = "whoever has or guesses a link reads the files that are in the bucket, without signing in"
                yield Hit(statement.at(target.get("location")), message)


@detects("platform-object", "CreateFunctionStmt", "CreateStmt", "ViewStmt", "CreateTableAsStmt")
def find_create(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an object that is created in a schema of the platform."""
    node = statement.node
    relation = node.get("relation") or node.get("view") or node.get("into", {}).get("rel")
    name = relation_name(relation) if relation else name_in(node.get("funcname", []))
    if name.schema in _PLATFORM - {"graphql_public", "extensions"} and not migration.is_new_schema(
        name.schema, statement
    ):
        place = statement.at(relation.get("location")) if relation else statement.find(name.schema)
        yield Hit(place, f"{name} is in a schema of the platform, where roles of projects may no longer create objects")


@detects("foreign-key-to-users", "CreateStmt", "AlterTableStmt")
def find_user_key(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a foreign key to auth.users that doesn't say what a deleted user means."""
    if "users" not in statement.source.text:
        return  # most files: walking every table's definition takes a while
    for node in statement.nodes.get("Constraint", ()):
        if node.get("fk_del_action") == "a" and relation_name(node.get("pktable", {})) == Name("auth", "users"):
            message = "without ON DELETE, a user who is referred to here can't be deleted"
            yield Hit(statement.at(node.get("location")), message)


# --- publications and replication ------------------------------------------------------------------------------------


@detects("publication", "DropStmt")
def find_publication_drop(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report a publication that is dropped."""
    if statement.node.get("removeType") == "OBJECT_PUBLICATION":
        for key in migration.dropped_by(statement):
            if not migration.is_made("publication", key.name):
                place = statement.find(key.name.name, after=statement.start + 1)
                yield Hit(place, f"whatever listens to {key.name.name}, such as Realtime, gets no more changes")


@detects("publication", "AlterPublicationStmt")
def find_publication_change(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report tables that a publication loses."""
    action = statement.node.get("action")
    objects = statement.node.get("pubobjects", ())
    tables = [each.get("PublicationObjSpec", {}).get("pubtable", {}).get("relation", {}) for each in objects]
    names = [migration.resolve(relation_name(each), statement) for each in tables]
    if action == "AP_DropObjects" and all(map(migration.is_going, names)):
        return
    if action in {"AP_DropObjects", "AP_SetObjects"} and objects:
        word = "drop" if action == "AP_DropObjects" else "set"
        message = f"listeners of {statement.node['pubname']} get no more changes of the tables that it loses"
        yield Hit(statement.find(word), message)


@detects("replica-identity", "AlterTableStmt")
def find_replica_identity(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report REPLICA IDENTITY NOTHING."""
    for command in commands_on_old(statement, migration, "AT_ReplicaIdentity"):
        if command.definition.get("identity_type") == "n":
            message = f"if {command.table} is in a publication, every UPDATE and DELETE of it fails from now on"
            yield Hit(command.find("replica"), message)


# --- extensions ------------------------------------------------------------------------------------------------------


@detects("update-extension", "AlterExtensionStmt")
def find_extension_update(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report an extension that is updated."""
    name = statement.node.get("extname", "")
    yield Hit(statement.find("update"), f"the update of {name} may change its functions and types, and can't be undone")


@detects("extension-in-public", "CreateExtensionStmt")
def find_public_extension(statement: Statement, migration: Migration) -> Iterator[Hit]:
    """Report an extension whose functions the API would serve."""
    node = statement.node
    schema = text_of(options(node.get("options", ())).get("schema", {}).get("arg"))
    if (schema or "public") in migration.settings.exposed_schemas and node.get("extname") not in _OWN_SCHEMA:
        message = f"the functions of {node.get('extname', 'it')} are in the API's schema, where everybody can call them"
        yield Hit(statement.start, message)


_OWN_SCHEMA = frozenset({"pg_cron", "pg_net", "pgsodium", "supabase_vault", "pgmq", "pg_graphql", "pgtle", "plpgsql"})
"""Extensions that choose their schema themselves."""
