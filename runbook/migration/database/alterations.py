"""What ALTER statements need, make, drop and rename. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runbook.migration.database.change import Act, Change, Reader, Words, argument_types, referenced
from runbook.migration.syntax_tree import Name, Node, text_of

__all__ = ["ALTERATIONS"]


def _alter_table(words: Words) -> Iterator[Change]:
    node = words.node
    if node.get("objtype") == "OBJECT_TYPE":
        return
    lenient = bool(node.get("missing_ok"))
    yield words.relation(Act.NEEDS, node["relation"], lenient=lenient)
    for each in node.get("cmds", ()):
        for change in _command(words, each.get("AlterTableCmd", {})):
            yield change._replace(lenient=change.lenient or lenient)


def _command(words: Words, command: Node) -> Iterator[Change]:
    kind, name = str(command.get("subtype", "")), command.get("name", "")
    lenient, cascade = bool(command.get("missing_ok")), command.get("behavior") == "DROP_CASCADE"
    definition = command.get("def", {})
    if kind == "AT_AddColumn":
        column = definition["ColumnDef"]
        yield from referenced(words, column.get("constraints", ()))
        yield words.part(Act.MAKES, "column", column["colname"], lenient=lenient)
    elif kind == "AT_DropColumn":
        yield words.part(Act.DROPS, "column", name, lenient=lenient, cascade=cascade)
    elif kind == "AT_AddConstraint":
        yield from _constraint(words, definition["Constraint"])
    elif kind == "AT_DropConstraint":
        yield words.part(Act.DROPS, "constraint", name, lenient=lenient, cascade=cascade)
    elif kind == "AT_ValidateConstraint":
        yield words.part(Act.NEEDS, "constraint", name)
    elif kind in _ON_COLUMN and name:
        yield words.part(Act.NEEDS, "column", name)
    elif kind in _ON_TRIGGER and name:
        yield words.part(Act.NEEDS, "trigger", name)
    elif kind in {"AT_AttachPartition", "AT_DetachPartition"}:
        yield words.relation(Act.NEEDS, definition["PartitionCmd"]["name"])


_ON_COLUMN = frozenset(
    {"AT_AlterColumnType", "AT_SetNotNull", "AT_DropNotNull", "AT_ColumnDefault", "AT_SetStatistics"}
    | {"AT_AddIdentity", "AT_SetIdentity", "AT_SetStorage", "AT_SetCompression", "AT_SetOptions", "AT_ResetOptions"}
)
_ON_TRIGGER = frozenset({"AT_EnableTrig", "AT_DisableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig"})


def _constraint(words: Words, constraint: Node) -> Iterator[Change]:
    for each in (*constraint.get("keys", ()), *constraint.get("fk_attrs", ())):
        yield words.part(Act.NEEDS, "column", text_of(each))
    yield from referenced(words, [{"Constraint": constraint}])
    if index := constraint.get("indexname"):
        at = words.statement.find(index)
        yield Change(Act.NEEDS, "relation", Name(words.table.schema, index), at, as_index=True, table=words.table)
    if name := constraint.get("conname"):
        yield words.part(Act.MAKES, "constraint", name)


def _rename(words: Words) -> Iterator[Change]:
    node, kind = words.node, words.node.get("renameType")
    lenient, new, old = bool(node.get("missing_ok")), node.get("newname", ""), node.get("subname", "")
    if kind in {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"}:
        yield words.relation(Act.RENAMES, node["relation"], lenient=lenient)
        yield Change(Act.MAKES, "relation", Name(words.table.schema, new), words.statement.find(new), replaces=lenient)
    elif kind in _RENAMED_PARTS and "relation" in node:
        part = _RENAMED_PARTS[kind]
        yield words.relation(Act.NEEDS, node["relation"], lenient=lenient)
        yield words.part(Act.RENAMES, part, old, lenient=lenient)
        yield words.part(Act.MAKES, part, new, replaces=lenient)


_RENAMED_PARTS = {
    "OBJECT_COLUMN": "column",
    "OBJECT_TABCONSTRAINT": "constraint",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_POLICY": "policy",
}


def _set_schema(words: Words) -> Iterator[Change]:
    node = words.node
    if "relation" in node:
        lenient, new = bool(node.get("missing_ok")), node.get("newschema", "")
        yield words.relation(Act.RENAMES, node["relation"], lenient=lenient)
        name, at = Name(new, words.table.name), words.statement.find(new)
        yield Change(Act.MAKES, "relation", name, at, replaces=lenient)


def _alter_sequence(words: Words) -> Iterator[Change]:
    yield words.relation(Act.NEEDS, words.node["sequence"], lenient=bool(words.node.get("missing_ok")))


def _alter_enum(words: Words) -> Iterator[Change]:
    yield words.named(Act.NEEDS, "type", words.node.get("typeName", []))


def _alter_function(words: Words) -> Iterator[Change]:
    function = words.node.get("func", {})
    yield words.named(Act.NEEDS, "function", function.get("objname", []), types=argument_types(function))


ALTERATIONS: Mapping[str, Reader] = {
    "AlterEnumStmt": _alter_enum,
    "AlterFunctionStmt": _alter_function,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterSeqStmt": _alter_sequence,
    "AlterTableStmt": _alter_table,
    "RenameStmt": _rename,
}
"""The reader for each kind of ALTER statement."""
