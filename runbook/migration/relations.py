"""What the statements so far have made of tables and of what hangs on them: indexes, triggers, policies and views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import Name, Node, constant, last_name, name_in, relation_name

__all__ = ["Relations"]

_Resolve = Callable[[Name, Statement], Name]


@dataclass
class Relations:
    """The relations of a schema as far as statements tell."""

    tables: set[Name] = field(default_factory=set)
    views: set[Name] = field(default_factory=set)
    protected: set[Name] = field(default_factory=set)
    """Tables with row level security."""
    materialized: set[Name] = field(default_factory=set)
    """Materialized views, which can't have policies."""
    readable: set[Name] = field(default_factory=set)
    """Tables with a policy that lets everybody read every row."""
    constraints: set[tuple[Name, str]] = field(default_factory=set)
    policies: dict[Name, set[str]] = field(default_factory=dict)
    """The names of each table's policies."""
    indexes: dict[Name, Name] = field(default_factory=dict)
    """Indexes with their tables."""
    triggers: dict[tuple[Name, str], Name] = field(default_factory=dict)
    """The function that each trigger calls, by its table and name."""

    def learn(self, statement: Statement, resolve: _Resolve) -> list[Name]:
        """Add what a statement changes. Return the tables that are gone under their names: dropped or renamed."""
        if learn := _BY_KIND.get(statement.kind):
            learn(self, statement, resolve)
        gone = [*_gone(statement, resolve)] if statement.kind in {"DropStmt", "RenameStmt"} else []
        for table in gone:
            if statement.kind == "RenameStmt":
                self._rename(table, table._replace(name=statement.node["newname"]))
            self._forget(table)
        return gone

    def _rename(self, table: Name, new: Name) -> None:
        for names in (self.tables, self.protected, self.readable):
            if table in names:
                names.add(new)
        self.constraints |= {(new, name) for on, name in self.constraints if on == table}
        self.policies[new] = self.policies.get(table, set())
        self.indexes.update({index: new for index, on in self.indexes.items() if on == table})
        self.triggers.update({(new, key[1]): function for key, function in self.triggers.items() if key[0] == table})

    def _forget(self, table: Name) -> None:
        for names in (self.tables, self.protected, self.readable):
            names.discard(table)
        self.policies.pop(table, None)
        self.constraints = {each for each in self.constraints if each[0] != table}
        self.indexes = {index: on for index, on in self.indexes.items() if on != table}
        self.triggers = {key: function for key, function in self.triggers.items() if key[0] != table}


def _table(known: Relations, statement: Statement, resolve: _Resolve) -> None:
    table = resolve(relation_name(statement.node["relation"]), statement)
    known.tables.add(table)
    named = (each.get("Constraint", {}).get("conname", "") for each in statement.node.get("tableElts", ()))
    known.constraints |= {(table, name) for name in named if name}


def _view(known: Relations, statement: Statement, resolve: _Resolve) -> None:
    known.views.add(resolve(relation_name(statement.node["view"]), statement))


def _table_as(known: Relations, statement: Statement, resolve: _Resolve) -> None:
    if statement.node.get("objtype") == "OBJECT_MATVIEW":
        known.materialized.add(resolve(relation_name(statement.node["into"]["rel"]), statement))


def _alter(known: Relations, statement: Statement, resolve: _Resolve) -> None:
    table = resolve(relation_name(statement.node["relation"]), statement)
    for each in statement.node.get("cmds", ()):
        command = each.get("AlterTableCmd", {})
        match command.get("subtype"):
            case "AT_EnableRowSecurity":
                known.protected.add(table)
            case "AT_DisableRowSecurity":
                known.protected.discard(table)
            case "AT_AddConstraint":
                known.constraints.add((table, command["def"]["Constraint"].get("conname", "")))
            case "AT_DropConstraint":
                known.constraints.discard((table, command.get("name", "")))


def _policy(known: Relations, statement: Statement, resolve: _Resolve) -> None:
    node = statement.node
    table = resolve(relation_name(node["table"]), statement)
    known.policies.setdefault(table, set()).add(node["policy_name"])
    if node.get("cmd_name") == "select" and constant(node.get("qual")) is True:
        known.readable.add(table)


def _index(known: Relations, statement: Statement, resolve: _Resolve) -> None:
    table = resolve(relation_name(statement.node["relation"]), statement)
    known.indexes[Name(table.schema, statement.node.get("idxname") or _index_name(table, statement.node))] = table


def _index_name(table: Name, node: Node) -> str:
    """Return the name that PostgreSQL gives an index without one."""
    columns = [each.get("IndexElem", {}).get("name", "expr") for each in node.get("indexParams", ())]
    return "_".join([table.name, *columns, "idx"])


def _trigger(known: Relations, statement: Statement, resolve: _Resolve) -> None:
    node = statement.node
    table = resolve(relation_name(node["relation"]), statement)
    known.triggers[table, node["trigname"]] = resolve(name_in(node.get("funcname", [])), statement)


def _drop(known: Relations, statement: Statement, resolve: _Resolve) -> None:
    kind = statement.node.get("removeType")
    for each in statement.node.get("objects", ()) if kind in {"OBJECT_TRIGGER", "OBJECT_POLICY"} else ():
        items = each.get("List", {}).get("items", [])
        table, name = resolve(name_in(items[:-1]), statement), last_name(items)
        if kind == "OBJECT_TRIGGER":
            known.triggers.pop((table, name), None)
        else:
            known.policies.get(table, set()).discard(name)


def _gone(statement: Statement, resolve: _Resolve) -> Iterator[Name]:
    node = statement.node
    if node.get("removeType") == "OBJECT_TABLE":
        yield from (resolve(name_in(each), statement) for each in node.get("objects", ()))
    if node.get("renameType") == "OBJECT_TABLE":
        yield resolve(relation_name(node["relation"]), statement)


_BY_KIND: Mapping[str, Callable[[Relations, Statement, _Resolve], None]] = {
    "AlterTableStmt": _alter,
    "CreatePolicyStmt": _policy,
    "CreateStmt": _table,
    "CreateTableAsStmt": _table_as,
    "CreateTrigStmt": _trigger,
    "DropStmt": _drop,
    "IndexStmt": _index,
    "ViewStmt": _view,
}
