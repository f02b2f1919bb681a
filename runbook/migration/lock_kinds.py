"""Say which locks a statement takes, as kinds of the table in `locks`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from runbook.migration.locks import LOCKS, Lock
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, last_name, name_in, relation_name
from runbook.migration.volatility import SERIAL, volatile_call

__all__ = ["TakenLock", "locks_of"]


class TakenLock(NamedTuple):
    """A lock that a statement takes: its kind, and on what."""

    kind: str
    on: Name

    @property
    def lock(self) -> Lock:
        """The kind's entry in the table."""
        return LOCKS[self.kind]


def locks_of(statement: Statement) -> Iterator[TakenLock]:
    """Yield the locks that a statement takes on tables that may have existed before."""
    yield from _BY_KIND.get(statement.kind, _no_locks)(statement.node)


def _no_locks(_node: Node) -> Iterator[TakenLock]:
    return iter(())


def _alter_table(node: Node) -> Iterator[TakenLock]:
    if node.get("objtype") not in {"OBJECT_TABLE", "OBJECT_MATVIEW"}:
        return
    table = relation_name(node["relation"])
    for each in node.get("cmds", ()):
        command = each.get("AlterTableCmd", {})
        yield TakenLock(_command_lock(command), table)
        constraint = command.get("def", {}).get("Constraint", {})
        if "pktable" in constraint:
            yield TakenLock("add-foreign-key-not-valid", relation_name(constraint["pktable"]))
        if command.get("subtype") == "AT_AttachPartition":
            yield TakenLock("drop-column", relation_name(command["def"]["PartitionCmd"]["name"]))


def _command_lock(command: Node) -> str:
    kind = str(command.get("subtype", ""))
    if kind == "AT_AddColumn":
        return _column_lock(command["def"]["ColumnDef"])
    if kind == "AT_AddConstraint":
        return _constraint_lock(command["def"]["Constraint"])
    if kind == "AT_DetachPartition" and command["def"]["PartitionCmd"].get("concurrent"):
        return "set-options"
    return _COMMANDS.get(kind, "alter-table")


def _constraint_lock(constraint: Node) -> str:
    kind = constraint.get("contype")
    later = "-not-valid" if constraint.get("skip_validation") else ""
    if kind == "CONSTR_FOREIGN":
        return f"add-foreign-key{later}"
    if kind == "CONSTR_CHECK":
        return f"add-check{later}"
    return "add-unique-using-index" if "indexname" in constraint else "add-unique"


def _column_lock(column: Node) -> str:
    """Return the lock of ADD COLUMN, the longest of what its parts ask for."""
    every = {each["Constraint"].get("contype", ""): each["Constraint"] for each in column.get("constraints", ())}
    default = every.get("CONSTR_DEFAULT", {}).get("raw_expr")
    if "CONSTR_GENERATED" in every:
        return "add-column-generated"
    if "CONSTR_IDENTITY" in every or last_name(column.get("typeName", {}).get("names", [])) in SERIAL:
        return "add-column-serial"
    if volatile_call(default):
        return "add-column-rewrite"
    if {"CONSTR_UNIQUE", "CONSTR_PRIMARY"} & set(every):
        return "add-column-unique"
    if "CONSTR_CHECK" in every:
        return "add-column-checked"
    return "add-column-constant-default" if default else "add-column"


_COMMANDS = {
    "AT_DropColumn": "drop-column",
    "AT_AlterColumnType": "change-type",
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
    "AT_AttachPartition": "attach-partition",
    "AT_DetachPartition": "detach-partition",
}


def _on_relation(kind: str) -> Callable[[Node], Iterator[TakenLock]]:
    def take(node: Node) -> Iterator[TakenLock]:
        if "relation" in node:
            yield TakenLock(kind, relation_name(node["relation"]))

    return take


def _index(node: Node) -> Iterator[TakenLock]:
    kind = "create-index-concurrently" if node.get("concurrent") else "create-index"
    yield TakenLock(kind, relation_name(node["relation"]))


def _refresh(node: Node) -> Iterator[TakenLock]:
    yield TakenLock("refresh-concurrently" if node.get("concurrent") else "refresh", relation_name(node["relation"]))


def _reindex(node: Node) -> Iterator[TakenLock]:
    if "relation" in node:
        words = {each.get("DefElem", {}).get("defname") for each in node.get("params", ())}
        kind = "reindex-concurrently" if "concurrently" in words else "reindex"
        yield TakenLock(kind, relation_name(node["relation"]))


def _vacuum(node: Node) -> Iterator[TakenLock]:
    words = {each.get("DefElem", {}).get("defname") for each in node.get("options", ())}
    for each in node.get("rels", ()) if "full" in words else ():
        yield TakenLock("vacuum-full", relation_name(each.get("VacuumRelation", {}).get("relation", {})))


def _rename(node: Node) -> Iterator[TakenLock]:
    if "relation" in node and node.get("renameType") in {"OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"}:
        yield TakenLock("rename", relation_name(node["relation"]))


def _set_schema(node: Node) -> Iterator[TakenLock]:
    if "relation" in node and node.get("objectType") == "OBJECT_TABLE":
        yield TakenLock("set-schema", relation_name(node["relation"]))


def _policy(node: Node) -> Iterator[TakenLock]:
    yield TakenLock("create-policy", relation_name(node["table"]))


def _truncate(node: Node) -> Iterator[TakenLock]:
    for each in node.get("relations", ()):
        yield TakenLock("truncate", relation_name(each.get("RangeVar", {})))


def _lock(node: Node) -> Iterator[TakenLock]:
    for each in node.get("relations", ()):
        yield TakenLock("lock-table", relation_name(each.get("RangeVar", {})))


def _drop(node: Node) -> Iterator[TakenLock]:
    kind = node.get("removeType")
    for each in node.get("objects", ()):
        if kind in {"OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"}:
            yield TakenLock("drop-table", name_in(each))
        elif kind in {"OBJECT_VIEW", "OBJECT_MATVIEW"}:
            yield TakenLock("drop-view", name_in(each))
        elif kind == "OBJECT_INDEX":
            yield TakenLock("drop-index-concurrently" if node.get("concurrent") else "drop-index", name_in(each))
        elif kind in {"OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"}:
            items = each.get("List", {}).get("items", [])
            yield TakenLock("drop-trigger" if kind == "OBJECT_TRIGGER" else "drop-policy", name_in(items[:-1]))


_BY_KIND: dict[str, Callable[[Node], Iterator[TakenLock]]] = {
    "AlterTableStmt": _alter_table,
    "IndexStmt": _index,
    "CreateTrigStmt": _on_relation("create-trigger"),
    "CreatePolicyStmt": _policy,
    "AlterPolicyStmt": _policy,
    "TruncateStmt": _truncate,
    "RefreshMatViewStmt": _refresh,
    "ReindexStmt": _reindex,
    "VacuumStmt": _vacuum,
    "ClusterStmt": _on_relation("cluster"),
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "LockStmt": _lock,
    "DropStmt": _drop,
}
