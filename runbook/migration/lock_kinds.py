"""Say which locks a statement takes, as kinds of the table in `locks`.

Only the statement is read, so tables that it doesn't name are left out: partitions, children, what CASCADE drops, and
the table on the other side of a foreign key that is dropped by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from runbook.migration.locks import LOCKS, Lock, Mode
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, constant, last_name, name_in, relation_name
from runbook.migration.volatility import SERIAL, volatile_call

__all__ = ["LOCK_TABLE_MODES", "TakenLock", "locks_of"]

LOCK_TABLE_MODES = {
    4: Mode.SHARE_UPDATE_EXCLUSIVE,
    5: Mode.SHARE,
    6: Mode.SHARE_ROW_EXCLUSIVE,
    7: Mode.EXCLUSIVE,
    8: Mode.ACCESS_EXCLUSIVE,
}
"""The modes of LOCK TABLE that matter, by their numbers in the syntax tree."""


class TakenLock(NamedTuple):
    """A lock that a statement takes: its kind, on what, and its mode if that isn't the kind's own."""

    kind: str
    on: Name
    mode: Mode | None = None

    @property
    def lock(self) -> Lock:
        """The kind's entry in the table, with this lock's mode."""
        lock = LOCKS[self.kind]
        return lock if self.mode is None else lock._replace(mode=self.mode)


def locks_of(statement: Statement) -> Iterator[TakenLock]:
    """Yield the locks that a statement takes on what may have existed before, from SHARE UPDATE EXCLUSIVE up.

    DROP INDEX and REINDEX INDEX name the index alone; their lock is on its table, too.
    """
    yield from _BY_KIND.get(statement.kind, _no_locks)(statement.node)


def _no_locks(_node: Node) -> Iterator[TakenLock]:
    return iter(())


# --- CREATE TABLE and ALTER TABLE ------------------------------------------------------------------------------------


def _create_table(node: Node) -> Iterator[TakenLock]:
    kind = "create-partition" if "partbound" in node else "create-child"
    for each in node.get("inhRelations", ()):
        yield TakenLock(kind, relation_name(each["RangeVar"]))
    for element in node.get("tableElts", ()):
        constraints = [element.get("Constraint", {}), *_constraints(element.get("ColumnDef", {}))]
        yield from _referenced("create-table-foreign-key", constraints)


def _constraints(column: Node) -> list[Node]:
    return [each["Constraint"] for each in column.get("constraints", ())]


def _referenced(kind: str, constraints: Iterable[Node]) -> Iterator[TakenLock]:
    for each in constraints:
        if "pktable" in each:
            yield TakenLock(kind, relation_name(each["pktable"]))


def _alter_table(node: Node) -> Iterator[TakenLock]:
    table, is_about = relation_name(node["relation"]), node.get("objtype")
    for each in node.get("cmds", ()):
        command = each["AlterTableCmd"]
        if is_about == "OBJECT_VIEW":
            yield TakenLock("alter-view", table)
        elif is_about == "OBJECT_SEQUENCE":
            yield TakenLock("alter-table", table)
        elif is_about == "OBJECT_INDEX":
            yield from _index_command(command, table)
        elif is_about != "OBJECT_TYPE":
            yield from _command(command, table)


def _index_command(command: Node, index: Name) -> Iterator[TakenLock]:
    if command["subtype"] == "AT_AttachPartition":
        yield TakenLock("attach-partition", index)
        yield TakenLock(
            "attach-partition", relation_name(command["def"]["PartitionCmd"]["name"]), Mode.ACCESS_EXCLUSIVE
        )
    else:
        yield TakenLock("set-storage-rewrite" if command["subtype"] == "AT_SetTableSpace" else "alter-index", index)


def _command(command: Node, table: Name) -> Iterator[TakenLock]:
    kind, definition = _command_kind(command), command.get("def", {})
    yield TakenLock(kind, table, Mode.ACCESS_EXCLUSIVE if _sets_catalog_table(definition) else None)
    match command["subtype"]:
        case "AT_AddColumn":
            constraints = _constraints(definition["ColumnDef"])
            # Without a default, the new column is NULL in every row, and nothing is looked up.
            has_default = any(each.get("contype") == "CONSTR_DEFAULT" for each in constraints)
            yield from _referenced(f"add-foreign-key{'' if has_default else '-not-valid'}", constraints)
        case "AT_AddConstraint":
            yield from _referenced(kind, [definition["Constraint"]])
        case "AT_AddInherit":
            yield TakenLock(kind, relation_name(definition["RangeVar"]), Mode.SHARE_UPDATE_EXCLUSIVE)
        case "AT_AttachPartition" | "AT_DetachPartition":
            yield TakenLock(kind, relation_name(definition["PartitionCmd"]["name"]), Mode.ACCESS_EXCLUSIVE)


def _command_kind(command: Node) -> str:
    kind = str(command["subtype"])
    if kind == "AT_AddColumn":
        return _column_kind(command["def"]["ColumnDef"])
    if kind == "AT_AddConstraint":
        return _constraint_kind(command["def"]["Constraint"])
    if kind == "AT_DetachPartition" and command["def"]["PartitionCmd"].get("concurrent"):
        return "detach-partition-concurrently"
    return _COMMANDS.get(kind, "alter-table")


def _sets_catalog_table(definition: Node) -> bool:
    """Whether storage parameters include the one that takes a stronger lock."""
    items = definition.get("List", {}).get("items", ())
    return any(each.get("DefElem", {}).get("defname") == "user_catalog_table" for each in items)


def _constraint_kind(constraint: Node) -> str:
    kind = constraint.get("contype")
    later = "-not-valid" if constraint.get("skip_validation") else ""
    if kind == "CONSTR_FOREIGN":
        return f"add-foreign-key{later}"
    if kind == "CONSTR_CHECK":
        return f"add-check{later}"
    return "add-unique-using-index" if "indexname" in constraint else "add-unique"


def _column_kind(column: Node) -> str:
    """Return the kind of ADD COLUMN, the one that takes longest if several fit."""
    every = {each.get("contype"): each for each in _constraints(column)}
    is_serial = last_name(column.get("typeName", {}).get("names", [])) in SERIAL
    kinds = {
        "add-column-generated": "CONSTR_GENERATED" in every,
        "add-column-serial": is_serial or "CONSTR_IDENTITY" in every,
        "add-column-rewrite": bool(volatile_call(every.get("CONSTR_DEFAULT", {}).get("raw_expr"))),
        "add-column-unique": "CONSTR_UNIQUE" in every or "CONSTR_PRIMARY" in every,
        "add-column-checked": "CONSTR_CHECK" in every,
        "add-column-foreign-key": "CONSTR_FOREIGN" in every,
        "add-column-constant-default": "CONSTR_DEFAULT" in every,
    }
    return next((kind for kind, fits in kinds.items() if fits), "add-column")


_COMMANDS = {
    "AT_DropColumn": "drop-column",
    "AT_AlterColumnType": "change-type",
    "AT_SetExpression": "change-generated",
    "AT_SetNotNull": "set-not-null",
    "AT_DropNotNull": "alter-column",
    "AT_ColumnDefault": "alter-column",
    "AT_SetStatistics": "set-statistics",
    "AT_SetOptions": "set-statistics",
    "AT_ResetOptions": "set-statistics",
    "AT_ValidateConstraint": "validate-constraint",
    "AT_DropConstraint": "drop-constraint",
    "AT_EnableRowSecurity": "row-security",
    "AT_DisableRowSecurity": "row-security",
    "AT_ForceRowSecurity": "row-security",
    "AT_NoForceRowSecurity": "row-security",
    "AT_SetRelOptions": "set-options",
    "AT_ResetRelOptions": "set-options",
    "AT_ClusterOn": "set-options",
    "AT_DropCluster": "set-options",
    "AT_SetLogged": "set-storage-rewrite",
    "AT_SetUnLogged": "set-storage-rewrite",
    "AT_SetTableSpace": "set-storage-rewrite",
    "AT_SetAccessMethod": "set-storage-rewrite",
    "AT_DisableTrig": "disable-trigger",
    "AT_DisableTrigAll": "disable-trigger",
    "AT_DisableTrigUser": "disable-trigger",
    "AT_EnableTrig": "disable-trigger",
    "AT_EnableTrigAll": "disable-trigger",
    "AT_EnableTrigUser": "disable-trigger",
    "AT_EnableAlwaysTrig": "disable-trigger",
    "AT_EnableReplicaTrig": "disable-trigger",
    "AT_AddInherit": "inherit",
    "AT_AttachPartition": "attach-partition",
    "AT_DetachPartition": "detach-partition",
}


# --- other statements ------------------------------------------------------------------------------------------------


def _on(kind: str, field: str = "relation") -> Callable[[Node], Iterator[TakenLock]]:
    def take(node: Node) -> Iterator[TakenLock]:
        if field in node:
            yield TakenLock(kind, relation_name(node[field]))

    return take


def _on_each(kind: str) -> Callable[[Node], Iterator[TakenLock]]:
    def take(node: Node) -> Iterator[TakenLock]:
        for each in node.get("relations", ()):
            yield TakenLock(kind, relation_name(each.get("RangeVar", {})))

    return take


def _index(node: Node) -> Iterator[TakenLock]:
    yield from _on("create-index-concurrently" if node.get("concurrent") else "create-index")(node)


def _refresh(node: Node) -> Iterator[TakenLock]:
    yield from _on("refresh-concurrently" if node.get("concurrent") else "refresh")(node)


def _replace_view(node: Node) -> Iterator[TakenLock]:
    if node.get("replace"):
        yield TakenLock("replace-view", relation_name(node["view"]))


def _reindex(node: Node) -> Iterator[TakenLock]:
    is_concurrent = _is_on(node.get("params", ()), "concurrently")
    yield from _on("reindex-concurrently" if is_concurrent else "reindex")(node)


def _vacuum(node: Node) -> Iterator[TakenLock]:
    kind = "analyze"
    if node.get("is_vacuumcmd"):
        kind = "vacuum-full" if _is_on(node.get("options", ()), "full") else "vacuum"
    for each in node.get("rels", ()):
        yield from _on(kind)(each["VacuumRelation"])


def _is_on(options: Iterable[Node], name: str) -> bool:
    """Whether the options in parentheses switch one on. Without a value, its name does."""
    for each in options:
        if each["DefElem"]["defname"] == name:
            return "arg" not in each["DefElem"] or constant(each["DefElem"]["arg"]) not in {"false", "off", "0", 0}
    return False


def _rename(node: Node) -> Iterator[TakenLock]:
    kind = node.get("renameType")
    if "relation" in node and kind not in {"OBJECT_ATTRIBUTE", "OBJECT_TYPE"}:
        yield TakenLock("alter-index" if kind == "OBJECT_INDEX" else "rename", relation_name(node["relation"]))


def _lock_table(node: Node) -> Iterator[TakenLock]:
    if mode := LOCK_TABLE_MODES.get(node.get("mode", 0)):
        for each in node.get("relations", ()):
            yield TakenLock("lock-table", relation_name(each.get("RangeVar", {})), mode)


def _publication(node: Node) -> Iterator[TakenLock]:
    for each in node.get("pubobjects", ()):
        if "pubtable" in each.get("PublicationObjSpec", {}):
            yield TakenLock("publish", relation_name(each["PublicationObjSpec"]["pubtable"]["relation"]))


_RELATIONS = {
    "OBJECT_TABLE": "drop-table",
    "OBJECT_FOREIGN_TABLE": "drop-table",
    "OBJECT_VIEW": "drop-view",
    "OBJECT_MATVIEW": "drop-view",
    "OBJECT_SEQUENCE": "drop-sequence",
    "OBJECT_INDEX": "drop-index",
}
_PARTS = {"OBJECT_TRIGGER": "drop-trigger", "OBJECT_POLICY": "drop-policy", "OBJECT_RULE": "drop-rule"}


def _drop(node: Node) -> Iterator[TakenLock]:
    kind = str(node.get("removeType"))
    for each in node.get("objects", ()):
        if kind in _RELATIONS:
            yield TakenLock(f"{_RELATIONS[kind]}{'-concurrently' if node.get('concurrent') else ''}", name_in(each))
        elif kind in _PARTS:
            yield TakenLock(_PARTS[kind], name_in(each["List"]["items"][:-1]))


def _comment(node: Node) -> Iterator[TakenLock]:
    if node.get("objtype") == "OBJECT_COLUMN":
        yield TakenLock("comment", name_in(node["object"]["List"]["items"][:-1]))
    elif node.get("objtype") in _RELATIONS:
        yield TakenLock("comment", name_in(node["object"]))


_BY_KIND: dict[str, Callable[[Node], Iterator[TakenLock]]] = {
    "CreateStmt": _create_table,
    "AlterTableStmt": _alter_table,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _on("set-schema"),
    "DropStmt": _drop,
    "IndexStmt": _index,
    "ReindexStmt": _reindex,
    "ClusterStmt": _on("cluster"),
    "VacuumStmt": _vacuum,
    "TruncateStmt": _on_each("truncate"),
    "LockStmt": _lock_table,
    "CreateTrigStmt": _on("create-trigger"),
    "CreatePolicyStmt": _on("create-policy", "table"),
    "AlterPolicyStmt": _on("create-policy", "table"),
    "RuleStmt": _on("create-rule"),
    "ViewStmt": _replace_view,
    "RefreshMatViewStmt": _refresh,
    "AlterSeqStmt": _on("alter-sequence", "sequence"),
    "CreateStatsStmt": _on_each("create-statistics"),
    "CreatePublicationStmt": _publication,
    "AlterPublicationStmt": _publication,
    "CommentStmt": _comment,
}
