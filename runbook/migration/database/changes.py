"""What a migration's statements need, make and drop, as values that can be compared with a database. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from runbook.migration.context import Migration
from runbook.migration.known import column_type
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, last_name, name_in, relation_name, text_of, walk

__all__ = ["Act", "Change", "changes_of"]


class Act(Enum):
    """What a statement does with an object."""

    NEEDS = auto()
    MAKES = auto()
    DROPS = auto()
    RENAMES = auto()
    """It's gone under this name, and what depends on it follows."""


class Change(NamedTuple):
    """One object that a statement needs, makes or drops."""

    act: Act
    kind: str
    """relation (tables, views, indexes and sequences share their names), column, constraint, trigger, policy, function,
    type, schema or extension."""
    name: Name
    """Its name, or that of its table."""
    offset: int
    part: str = ""
    """Its name if it belongs to a table."""
    lenient: bool = False
    """IF EXISTS, IF NOT EXISTS or OR REPLACE: the statement doesn't fail."""
    replaces: bool = False
    """OR REPLACE, or a temporary table, which hides the other one."""
    cascade: bool = False
    types: tuple[str, ...] | None = None
    """The types of a function's arguments, if the statement names them."""
    as_index: bool = False
    """It's needed as the index of a new constraint on `table`."""
    table: Name | None = None


def changes_of(statement: Statement, migration: Migration) -> Iterator[Change]:
    """Yield what a statement needs, makes and drops, in its order."""
    read = _READERS.get(statement.kind)
    if read is not None:
        yield from read(_Words(statement, migration))


class _Words:
    """A statement with its names resolved."""

    def __init__(self, statement: Statement, migration: Migration) -> None:
        self.statement = statement
        self.node: Node = statement.node
        self._migration = migration

    def resolved(self, name: Name) -> Name:
        return self._migration.resolve(name, self.statement)

    def relation(self, act: Act, relation: Node, **more: Any) -> Change:
        name = self.resolved(relation_name(relation))
        return Change(act, "relation", name, self.statement.at(relation.get("location", 0)), **more)

    def named(self, act: Act, kind: str, nodes: Any, **more: Any) -> Change:
        name = name_in(nodes)
        return Change(act, kind, self.resolved(name), self.statement.find(name.name), **more)

    def part(self, act: Act, kind: str, part: str, **more: Any) -> Change:
        """Return a change of something that belongs to the statement's table."""
        table: Name = more.pop("of", None) or self.table
        return Change(act, kind, table, self.statement.find(part), part=part, **more)

    @property
    def table(self) -> Name:
        return self.resolved(relation_name(self.node.get("relation") or self.node.get("table") or {}))


# --- CREATE ----------------------------------------------------------------------------------------------------------


def _create_table(words: _Words) -> Iterator[Change]:
    node = words.node.get("base", words.node)
    relation = node["relation"]
    for each in node.get("inhRelations", ()):
        yield words.relation(Act.NEEDS, each.get("RangeVar", {}))
    for element in node.get("tableElts", ()):
        constraints = element.get("ColumnDef", {}).get("constraints", ())
        yield from _referenced(words, [element, *constraints])
    is_hiding = relation.get("relpersistence") == "t"
    yield words.relation(Act.MAKES, relation, lenient=bool(node.get("if_not_exists")), replaces=is_hiding)


def _referenced(words: _Words, elements: Sequence[Node]) -> Iterator[Change]:
    own = relation_name(words.node.get("relation", {})).name
    for each in elements:
        other = each.get("Constraint", {}).get("pktable")
        if other and other.get("relname") != own:
            yield words.relation(Act.NEEDS, other)


def _create_as(words: _Words) -> Iterator[Change]:
    yield from _read_by(words)
    yield words.relation(Act.MAKES, words.node["into"]["rel"], lenient=bool(words.node.get("if_not_exists")))


def _read_by(words: _Words) -> Iterator[Change]:
    """Yield the tables that a query reads. A name that a WITH defines isn't one."""
    nodes = list(walk(words.node.get("query", {})))
    own = {node.get("ctename") for kind, node in nodes if kind == "CommonTableExpr"}
    for kind, node in nodes:
        if kind == "RangeVar" and ("schemaname" in node or node.get("relname") not in own):
            yield words.relation(Act.NEEDS, node)


def _view(words: _Words) -> Iterator[Change]:
    yield from _read_by(words)
    yield words.relation(Act.MAKES, words.node["view"], replaces=bool(words.node.get("replace")))


def _index(words: _Words) -> Iterator[Change]:
    node = words.node
    yield words.relation(Act.NEEDS, node["relation"])
    for each in node.get("indexParams", ()):
        if column := each.get("IndexElem", {}).get("name"):
            yield words.part(Act.NEEDS, "column", column)
    if name := node.get("idxname"):
        at = words.statement.find(name)
        lenient = bool(node.get("if_not_exists"))
        yield Change(Act.MAKES, "relation", Name(words.table.schema, name), at, lenient=lenient)


def _trigger(words: _Words) -> Iterator[Change]:
    node = words.node
    yield words.relation(Act.NEEDS, node["relation"])
    yield words.named(Act.NEEDS, "function", node["funcname"], types=())
    yield words.part(Act.MAKES, "trigger", node["trigname"], replaces=bool(node.get("replace")))


def _policy(words: _Words) -> Iterator[Change]:
    yield words.relation(Act.NEEDS, words.node["table"])
    yield words.part(Act.MAKES, "policy", words.node["policy_name"])


def _alter_policy(words: _Words) -> Iterator[Change]:
    yield words.relation(Act.NEEDS, words.node["table"])
    yield words.part(Act.NEEDS, "policy", words.node["policy_name"])


def _function(words: _Words) -> Iterator[Change]:
    node = words.node
    parameters = [each["FunctionParameter"] for each in node.get("parameters", ())]
    given = [each for each in parameters if each.get("mode") not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"}]
    types = _type_names([each.get("argType", {}) for each in given])
    yield words.named(Act.MAKES, "function", node["funcname"], replaces=bool(node.get("replace")), types=types)


def _type_names(nodes: Sequence[Node]) -> tuple[str, ...] | None:
    """Return the names of types as the catalogue has them, None if one isn't known before it runs."""
    if any(each.get("pct_type") for each in nodes):
        return None
    types = [column_type({"typeName": each}) for each in nodes]
    return tuple(f"_{each.name}" if each.is_array else each.name for each in types)


def _create_type(words: _Words) -> Iterator[Change]:
    node = words.node
    if "typevar" in node:
        yield words.named(Act.MAKES, "type", [{"String": {"sval": each}} for each in relation_name(node["typevar"])])
    else:
        yield words.named(Act.MAKES, "type", node.get("typeName") or node.get("domainname") or [])


def _create_schema(words: _Words) -> Iterator[Change]:
    if name := words.node.get("schemaname"):
        lenient = bool(words.node.get("if_not_exists"))
        yield Change(Act.MAKES, "schema", Name("", name), words.statement.find(name), lenient=lenient)


def _create_extension(words: _Words) -> Iterator[Change]:
    name, lenient = words.node["extname"], bool(words.node.get("if_not_exists"))
    yield Change(Act.MAKES, "extension", Name("", name), words.statement.find(name), lenient=lenient)


def _create_sequence(words: _Words) -> Iterator[Change]:
    yield words.relation(Act.MAKES, words.node["sequence"], lenient=bool(words.node.get("if_not_exists")))


# --- ALTER -----------------------------------------------------------------------------------------------------------


def _alter_table(words: _Words) -> Iterator[Change]:
    node = words.node
    if node.get("objtype") == "OBJECT_TYPE":
        return
    lenient = bool(node.get("missing_ok"))
    yield words.relation(Act.NEEDS, node["relation"], lenient=lenient)
    for each in node.get("cmds", ()):
        for change in _command(words, each.get("AlterTableCmd", {})):
            yield change._replace(lenient=change.lenient or lenient)


def _command(words: _Words, command: Node) -> Iterator[Change]:
    kind, name = str(command.get("subtype", "")), command.get("name", "")
    lenient, cascade = bool(command.get("missing_ok")), command.get("behavior") == "DROP_CASCADE"
    definition = command.get("def", {})
    if kind == "AT_AddColumn":
        column = definition["ColumnDef"]
        yield from _referenced(words, column.get("constraints", ()))
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
)
_ON_TRIGGER = frozenset({"AT_EnableTrig", "AT_DisableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig"})


def _constraint(words: _Words, constraint: Node) -> Iterator[Change]:
    for each in (*constraint.get("keys", ()), *constraint.get("fk_attrs", ())):
        yield words.part(Act.NEEDS, "column", text_of(each))
    yield from _referenced(words, [{"Constraint": constraint}])
    if index := constraint.get("indexname"):
        at = words.statement.find(index)
        yield Change(Act.NEEDS, "relation", Name(words.table.schema, index), at, as_index=True, table=words.table)
    if name := constraint.get("conname"):
        yield words.part(Act.MAKES, "constraint", name)


def _rename(words: _Words) -> Iterator[Change]:
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


def _set_schema(words: _Words) -> Iterator[Change]:
    node = words.node
    if "relation" in node:
        lenient, new = bool(node.get("missing_ok")), node.get("newschema", "")
        yield words.relation(Act.RENAMES, node["relation"], lenient=lenient)
        name, at = Name(new, words.table.name), words.statement.find(new)
        yield Change(Act.MAKES, "relation", name, at, replaces=lenient)


def _alter_enum(words: _Words) -> Iterator[Change]:
    yield words.named(Act.NEEDS, "type", words.node.get("typeName", []))


def _alter_function(words: _Words) -> Iterator[Change]:
    function = words.node.get("func", {})
    yield words.named(Act.NEEDS, "function", function.get("objname", []), types=_argument_types(function))


def _argument_types(function: Node) -> tuple[str, ...] | None:
    if function.get("args_unspecified"):
        return None
    return _type_names([each.get("TypeName", {}) for each in function.get("objargs", ())])


# --- DROP, and statements that change rows ---------------------------------------------------------------------------


def _drop(words: _Words) -> Iterator[Change]:
    node = words.node
    kind = _DROPPED.get(node.get("removeType", ""))
    more: dict[str, Any] = {"lenient": bool(node.get("missing_ok")), "cascade": node.get("behavior") == "DROP_CASCADE"}
    for each in node.get("objects", ()) if kind else ():
        if kind in {"trigger", "policy"}:
            items = each.get("List", {}).get("items", [])
            yield words.named(Act.NEEDS, "relation", items[:-1], lenient=more["lenient"])
            yield words.part(Act.DROPS, kind, last_name(items), of=words.resolved(name_in(items[:-1])), **more)
        elif kind == "function":
            function = each["ObjectWithArgs"]
            yield words.named(Act.DROPS, kind, function.get("objname", []), types=_argument_types(function), **more)
        elif kind in {"schema", "extension"}:
            name = last_name(each)
            yield Change(Act.DROPS, kind, Name("", name), words.statement.find(name), **more)
        elif kind:
            yield words.named(Act.DROPS, kind, each, **more)


_DROPPED = {
    **dict.fromkeys(("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SEQUENCE"), "relation"),
    **dict.fromkeys(("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"), "function"),
    **dict.fromkeys(("OBJECT_TYPE", "OBJECT_DOMAIN"), "type"),
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_POLICY": "policy",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_EXTENSION": "extension",
}


def _rows(words: _Words) -> Iterator[Change]:
    node = words.node
    relation = node.get("relation", {})
    own = {each["CommonTableExpr"]["ctename"] for each in node.get("withClause", {}).get("ctes", ())}
    if relation.get("relname") in own:
        return
    yield words.relation(Act.NEEDS, relation)
    written = node.get("cols", ()) if words.statement.kind == "InsertStmt" else node.get("targetList", ())
    for each in written:
        if column := each.get("ResTarget", {}).get("name"):
            yield words.part(Act.NEEDS, "column", column)


def _tables(words: _Words) -> Iterator[Change]:
    for each in words.node.get("relations", ()):
        yield words.relation(Act.NEEDS, each.get("RangeVar", {}))


def _one_relation(words: _Words) -> Iterator[Change]:
    if "relation" in words.node:
        yield words.relation(Act.NEEDS, words.node["relation"])


def _grant(words: _Words) -> Iterator[Change]:
    if words.node.get("targtype") == "ACL_TARGET_OBJECT" and words.node.get("objtype") == "OBJECT_TABLE":
        for each in words.node.get("objects", ()):
            yield words.relation(Act.NEEDS, each.get("RangeVar", {}))


_READERS: Mapping[str, Callable[[_Words], Iterator[Change]]] = {
    "AlterEnumStmt": _alter_enum,
    "AlterFunctionStmt": _alter_function,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterPolicyStmt": _alter_policy,
    "AlterTableStmt": _alter_table,
    "ClusterStmt": _one_relation,
    "CompositeTypeStmt": _create_type,
    "CreateDomainStmt": _create_type,
    "CreateEnumStmt": _create_type,
    "CreateExtensionStmt": _create_extension,
    "CreateForeignTableStmt": _create_table,
    "CreateFunctionStmt": _function,
    "CreatePolicyStmt": _policy,
    "CreateSchemaStmt": _create_schema,
    "CreateSeqStmt": _create_sequence,
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_as,
    "CreateTrigStmt": _trigger,
    "DeleteStmt": _rows,
    "DropStmt": _drop,
    "GrantStmt": _grant,
    "IndexStmt": _index,
    "InsertStmt": _rows,
    "LockStmt": _tables,
    "RefreshMatViewStmt": _one_relation,
    "ReindexStmt": _one_relation,
    "RenameStmt": _rename,
    "TruncateStmt": _tables,
    "UpdateStmt": _rows,
    "ViewStmt": _view,
}
