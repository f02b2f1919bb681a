"""Tell what SQL does from PostgreSQL's own parse tree, as a second opinion to compare the tokenizer with."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from runbook.model import Effect
from runbook.policy.sql_functions import READING_FUNCTIONS, READING_PREFIXES, READING_QUALIFIED

__all__ = ["NotSql", "effect_by_tree"]

_PGPARSE = import_module("pgparse")  # it has no types
NotSql: type[Exception] = _PGPARSE.PGQueryError

_KEEPS = {
    f"OBJECT_{name}"
    for name in (
        "AGGREGATE",
        "CAST",
        "COLLATION",
        "EVENT_TRIGGER",
        "FUNCTION",
        "INDEX",
        "OPERATOR",
        "OPCLASS",
        "OPFAMILY",
    )
} | {f"OBJECT_{name}" for name in ("POLICY", "PROCEDURE", "ROUTINE", "RULE", "STATISTIC_EXT", "TRIGGER", "VIEW")}
_DROPS = {
    "DropdbStmt",
    "DropRoleStmt",
    "DropTableSpaceStmt",
    "DropOwnedStmt",
    "DropUserMappingStmt",
    "DropSubscriptionStmt",
}
_READING = {
    "VariableShowStmt",
    "FetchStmt",
    "ClosePortalStmt",
    "ListenStmt",
    "UnlistenStmt",
    "DeallocateStmt",
    "DiscardStmt",
}
_SETTINGS = {"lock_timeout", "statement_timeout", "search_path", "timezone", "application_name", "work_mem"}

Tree = dict[str, object]


def effect_by_tree(sql: str) -> Effect:
    """Return the worst effect of a text's statements. Raises NotSql if PostgreSQL can't parse it."""
    return _worst(_statement(*next(iter(statement["stmt"].items()))) for statement in _PGPARSE.parse(sql))


def _worst(effects: Iterator[Effect]) -> Effect:
    return max(effects, key=lambda effect: effect.rank, default=Effect.READS)


def _statement(kind: str, tree: Tree) -> Effect:
    if kind in {"ExplainStmt", "PrepareStmt", "DeclareCursorStmt", "CopyStmt"}:
        return _around(kind, tree)
    if kind == "VariableSetStmt":
        return _setting(tree)
    if kind == "TransactionStmt":
        return Effect.WRITES if _says_read_write(tree) else Effect.READS
    if kind == "SelectStmt" or kind in _READING:
        return _node(kind, tree)
    inside = Effect.READS if kind == "CreateFunctionStmt" else _node(kind, tree)
    return _worst(iter((Effect.WRITES, inside)))


def _around(kind: str, tree: Tree) -> Effect:
    """Return the effect of a statement that holds another one."""
    inner = _statement(*_only(tree["query"])) if "query" in tree else Effect.READS
    if kind == "ExplainStmt":
        runs = any(_text(each, "DefElem", "defname") == "analyze" for each in _items(tree, "options"))
        return inner if runs else Effect.READS
    if kind == "CopyStmt" and tree.get("is_program"):
        return Effect.DESTROYS
    own = Effect.WRITES if tree.get("is_from") or "filename" in tree else Effect.READS
    return _worst(iter((own, inner)))


def _setting(tree: Tree) -> Effect:
    if tree.get("kind") in {"VAR_RESET", "VAR_RESET_ALL"} or tree.get("name") in {
        "TRANSACTION",
        "SESSION CHARACTERISTICS",
    }:
        return Effect.WRITES if _says_read_write(tree) else Effect.READS
    return Effect.READS if str(tree.get("name")).lower() in _SETTINGS else Effect.WRITES


def _says_read_write(tree: Tree) -> bool:
    """Whether `read only` is switched off: as an option whose value is not 1."""
    options = [each["DefElem"] for each in (*_items(tree, "options"), *_items(tree, "args")) if "DefElem" in each]
    return any(
        isinstance(option, dict)
        and option.get("defname") == "transaction_read_only"
        and "'ival': {}" in str(option.get("arg"))
        for option in options
    )


def _node(kind: str, tree: Tree) -> Effect:
    """Return the effect of one node and of all below it."""
    return _worst(iter((_own(kind, tree), *(_node(*pair) for pair in _below(tree)))))


def _own(kind: str, tree: Tree) -> Effect:  # noqa: PLR0911 one line for each kind of node
    if kind in {"DeleteStmt", "UpdateStmt"}:
        narrowed = "whereClause" in tree and "ColumnRef" in str(tree["whereClause"])
        return Effect.WRITES if narrowed else Effect.DESTROYS
    if kind == "MergeStmt":
        return Effect.DESTROYS if "CMD_DELETE" in str(tree) else Effect.WRITES
    if kind == "TruncateStmt" or kind in _DROPS:
        return Effect.DESTROYS
    if kind == "DropStmt":
        keeps = tree["removeType"] in _KEEPS and tree.get("behavior") != "DROP_CASCADE"
        return Effect.WRITES if keeps else Effect.DESTROYS
    if kind == "AlterTableCmd":
        return Effect.DESTROYS if tree["subtype"] == "AT_DropColumn" else Effect.WRITES
    if kind in {"InsertStmt", "IntoClause", "LockingClause"}:
        return Effect.WRITES
    if kind == "SelectStmt" and ("intoClause" in tree or "lockingClause" in tree):
        return Effect.WRITES
    return _call(tree) if kind == "FuncCall" else Effect.READS


def _call(tree: Tree) -> Effect:
    parts = [_text(part, "String", "sval") for part in _items(tree, "funcname")]
    name = ".".join(part for part in parts if part not in {"pg_catalog", "extensions"})
    known = name in READING_FUNCTIONS or name.startswith(READING_PREFIXES) or name in READING_QUALIFIED
    return Effect.READS if known else Effect.WRITES


def _below(tree: object) -> Iterator[tuple[str, Tree]]:
    """Yield the nodes right below, with their kinds: a node is a mapping under a name in capitals."""
    if isinstance(tree, list):
        for each in tree:
            yield from _below(each)
    elif isinstance(tree, dict):
        for name, value in tree.items():
            if name[0].isupper() and isinstance(value, dict):
                yield name, value
            else:
                yield from _below(value)


def _items(tree: Tree, name: str) -> list[Tree]:
    found = tree.get(name, [])
    return found if isinstance(found, list) else []


def _only(tree: object) -> tuple[str, Tree]:
    assert isinstance(tree, dict)
    name, value = next(iter(tree.items()))
    return name, value


def _text(tree: Tree, kind: str, name: str) -> str:
    inner = tree.get(kind, {})
    return str(inner.get(name, "")) if isinstance(inner, dict) else ""
