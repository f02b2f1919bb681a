"""What CREATE statements need and make. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runbook.migration.database.change import Act, Change, Reader, Words, referenced, type_names
from runbook.migration.syntax_tree import Name, relation_name, walk

__all__ = ["CREATIONS"]


def _create_table(words: Words) -> Iterator[Change]:
    node = words.node.get("base", words.node)
    relation = node["relation"]
    for each in node.get("inhRelations", ()):
        yield words.relation(Act.NEEDS, each.get("RangeVar", {}))
    for element in node.get("tableElts", ()):
        constraints = element.get("ColumnDef", {}).get("constraints", ())
        yield from referenced(words, [element, *constraints])
    is_hiding = relation.get("relpersistence") == "t"
    yield words.relation(Act.MAKES, relation, lenient=bool(node.get("if_not_exists")), replaces=is_hiding)


def _create_as(words: Words) -> Iterator[Change]:
    yield from _read_by(words)
    yield words.relation(Act.MAKES, words.node["into"]["rel"], lenient=bool(words.node.get("if_not_exists")))


def _read_by(words: Words) -> Iterator[Change]:
    """Yield the tables that a query reads. A name that a WITH defines isn't one."""
    nodes = list(walk(words.node.get("query", {})))
    own = {node.get("ctename") for kind, node in nodes if kind == "CommonTableExpr"}
    for kind, node in nodes:
        if kind == "RangeVar" and ("schemaname" in node or node.get("relname") not in own):
            yield words.relation(Act.NEEDS, node)


def _view(words: Words) -> Iterator[Change]:
    yield from _read_by(words)
    yield words.relation(Act.MAKES, words.node["view"], replaces=bool(words.node.get("replace")))


def _index(words: Words) -> Iterator[Change]:
    node = words.node
    yield words.relation(Act.NEEDS, node["relation"])
    for each in node.get("indexParams", ()):
        if column := each.get("IndexElem", {}).get("name"):
            yield words.part(Act.NEEDS, "column", column)
    if name := node.get("idxname"):
        at = words.statement.find(name)
        lenient = bool(node.get("if_not_exists"))
        yield Change(Act.MAKES, "relation", Name(words.table.schema, name), at, lenient=lenient)


def _trigger(words: Words) -> Iterator[Change]:
    node = words.node
    yield words.relation(Act.NEEDS, node["relation"])
    yield words.named(Act.NEEDS, "function", node["funcname"], types=())
    yield words.part(Act.MAKES, "trigger", node["trigname"], replaces=bool(node.get("replace")))


def _policy(words: Words) -> Iterator[Change]:
    yield words.relation(Act.NEEDS, words.node["table"])
    yield words.part(Act.MAKES, "policy", words.node["policy_name"])


def _alter_policy(words: Words) -> Iterator[Change]:
    yield words.relation(Act.NEEDS, words.node["table"])
    yield words.part(Act.NEEDS, "policy", words.node["policy_name"])


def _function(words: Words) -> Iterator[Change]:
    node = words.node
    parameters = [each["FunctionParameter"] for each in node.get("parameters", ())]
    given = [each for each in parameters if each.get("mode") not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"}]
    types = type_names([each.get("argType", {}) for each in given])
    yield words.named(Act.MAKES, "function", node["funcname"], replaces=bool(node.get("replace")), types=types)


def _create_type(words: Words) -> Iterator[Change]:
    node = words.node
    if "typevar" in node:
        yield words.named(Act.MAKES, "type", [{"String": {"sval": each}} for each in relation_name(node["typevar"])])
    else:
        yield words.named(Act.MAKES, "type", node.get("typeName") or node.get("domainname") or [])


def _create_schema(words: Words) -> Iterator[Change]:
    if name := words.node.get("schemaname"):
        lenient = bool(words.node.get("if_not_exists"))
        yield Change(Act.MAKES, "schema", Name("", name), words.statement.find(name), lenient=lenient)


def _create_extension(words: Words) -> Iterator[Change]:
    name, lenient = words.node["extname"], bool(words.node.get("if_not_exists"))
    yield Change(Act.MAKES, "extension", Name("", name), words.statement.find(name), lenient=lenient)


def _create_sequence(words: Words) -> Iterator[Change]:
    yield words.relation(Act.MAKES, words.node["sequence"], lenient=bool(words.node.get("if_not_exists")))


CREATIONS: Mapping[str, Reader] = {
    "AlterPolicyStmt": _alter_policy,
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
    "IndexStmt": _index,
    "ViewStmt": _view,
}
"""The reader for each kind of CREATE statement."""
