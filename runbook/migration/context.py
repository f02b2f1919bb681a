"""What is known while a migration's statements are judged: what it creates itself, and what earlier files have made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from runbook.migration.bodies import (
    DynamicText,
    atomic_body,
    body_of_function,
    called_functions,
    carried_statements,
    do_body,
    statements_in,
)
from runbook.migration.dumps import is_dump
from runbook.migration.known import Known
from runbook.migration.later import Later
from runbook.migration.objects import Key, created_by, dropped_by
from runbook.migration.source import Source
from runbook.migration.statements import Parsed, Statement
from runbook.migration.syntax_tree import Name, constant, last_name, relation_name
from runbook.model.migration_settings import MigrationSettings

__all__ = ["Migration"]


@dataclass
class Migration:
    """One migration, with all statements that it runs in order, those in its DO blocks included."""

    source: Source
    parsed: Parsed
    known: Known
    settings: MigrationSettings
    later: Later = field(default_factory=Later)
    statements: list[Statement] = field(default_factory=list)
    unseen: list[DynamicText] = field(default_factory=list)
    _made: dict[Key, list[int]] = field(default_factory=dict)
    _dropped: dict[Key, int] = field(default_factory=dict)
    _order: dict[int, int] = field(default_factory=dict)
    _schemas: list[str] = field(default_factory=list)
    _by_kind: dict[str, list[Statement]] = field(default_factory=dict)
    _callers: dict[Name, list[tuple[Name, str]]] = field(default_factory=dict)
    """The triggers that called each function before the file."""
    _adopted: list[Statement] = field(default_factory=list)

    def __post_init__(self) -> None:
        for trigger, function in self.known.relations.triggers.items():
            self._callers.setdefault(function, []).append(trigger)
        functions: dict[str, Statement] = {}
        for each in self.parsed.statements:
            self._add(each, functions)
        schema = "public"
        for order, each in enumerate(self.statements):
            schema = _search_path(each) or schema
            self._schemas.append(schema)
            self._order[id(each)] = order
            self._by_kind.setdefault(each.kind, []).append(each)
        for order, each in enumerate(self.statements):
            if each.kind == "DropStmt":
                for key in self.dropped_by(each):
                    self._dropped.setdefault(key, order)
            for key in self._created_by(each):
                self._made.setdefault(key, []).append(order)

    def _created_by(self, statement: Statement) -> list[Key]:
        if statement.kind == "RenameStmt" and statement.node.get("renameType") in {"OBJECT_TABLE", "OBJECT_VIEW"}:
            table = self.table_of(statement)
            if any(Key(kind, table) in self._made for kind in ("table", "view")):
                return [Key("table", Name(table.schema, statement.node["newname"]))]
        return [each for each in created_by(statement, self.resolve) if not self._was_there(each, statement)]

    def _was_there(self, key: Key, statement: Statement) -> bool:
        """Whether IF NOT EXISTS leaves an object as an earlier file has made it."""
        if key.kind == "column" and key.table is not None:
            return (key.table, key.name.name) in self.known.columns
        is_kept = bool(statement.node.get("if_not_exists")) and key not in self._dropped
        return key.kind == "table" and is_kept and key.name in self.known.relations.tables

    def is_there_already(self, index: Name) -> bool:
        """Whether an earlier file has created an index, and this one doesn't drop it."""
        return index in self.known.relations.indexes and Key("index", index) not in self._dropped

    def _add(self, statement: Statement, functions: dict[str, Statement], depth: int = 0) -> None:
        self.statements.append(statement)
        body, inside = None, ""
        if statement.kind == "DoStmt":
            body, inside = do_body(statement), "a DO block"
            if body is None:
                self.unseen.append(DynamicText(statement.start, "the check can't read the language of this block"))
        if statement.kind == "CreateFunctionStmt":
            functions[last_name(statement.node["funcname"])] = statement
        inner: list[Iterator[Statement | DynamicText]] = (
            [statements_in(body, self.source, index=statement.index, inside=inside)] if body else []
        )
        for name in called_functions(statement) if functions else ():
            made = functions.pop(name.name, None) if depth < 3 else None
            if made is None:
                continue
            inside = f"the function {name.name}"
            inner.append(atomic_body(made, index=statement.index, inside=inside))
            if called := body_of_function(made):
                inner.append(statements_in(called, self.source, index=statement.index, inside=inside))
        inner.append(carried_statements(statement))
        for found in inner:
            for each in found:
                if isinstance(each, DynamicText):
                    self.unseen.append(each)
                else:
                    self._add(each, functions, depth + 1)

    def adopt(self, statement: Statement, parent: Statement) -> None:
        """Take a statement in at the place of another, though the file doesn't run it: names mean the same there."""
        self._adopted.append(statement)  # an id is only its own while it exists
        self._order[id(statement)] = self._order[id(parent)]

    @cached_property
    def is_dump(self) -> bool:
        """Whether the file is the dump of a schema."""
        return is_dump(self.parsed.statements)

    def of_kind(self, kind: str) -> Sequence[Statement]:
        """Return the statements of a kind, in order."""
        return self._by_kind.get(kind, ())

    # --- names ---------------------------------------------------------------------------------------------------

    def order_of(self, statement: Statement) -> int:
        """Return the number of a statement, in the order in which they run."""
        return self._order[id(statement)]

    def resolve(self, name: Name, statement: Statement) -> Name:
        """Return a name with its schema, as the search path at that statement has it."""
        return name if name.schema else Name(self._schemas[self.order_of(statement)], name.name)

    def table_of(self, statement: Statement) -> Name:
        """Return the name of the relation that a statement is about."""
        return self.resolve(relation_name(statement.node.get("relation", {})), statement)

    def is_exposed(self, name: Name) -> bool:
        """Whether the API serves the name's schema."""
        return name.schema in self.settings.exposed_schemas

    # --- what the file creates -------------------------------------------------------------------------------------

    def is_new(self, kind: str, name: Name, statement: Statement, table: Name | None = None) -> bool:
        """Whether the file created this object before the statement."""
        name = self.resolve(name, statement) if table is None else name
        if name.schema == "pg_temp":
            return True
        made = self._made.get(Key(kind, name, table), ())
        return any(order < self.order_of(statement) for order in made) or self.is_new_schema(name.schema, statement)

    def is_new_schema(self, schema: str, statement: Statement) -> bool:
        """Whether the file created the schema before the statement."""
        if not self.of_kind("CreateSchemaStmt"):
            return False
        made = self._made.get(Key("schema", Name("", schema)), ())
        return any(order < self.order_of(statement) for order in made)

    def is_new_table(self, name: Name, statement: Statement) -> bool:
        """Whether the file created this table, view or materialized view before the statement."""
        return self.is_new("table", name, statement) or self.is_new("view", name, statement)

    def is_made(self, kind: str, name: Name, table: Name | None = None) -> bool:
        """Whether the file creates this object anywhere."""
        return Key(kind, name, table) in self._made

    def made(self, kind: str) -> Iterator[Key]:
        """Yield what the file creates of a kind."""
        return (key for key in self._made if key.kind == kind)

    def is_dropped(self, kind: str, name: Name) -> bool:
        """Whether the file drops this object anywhere."""
        return Key(kind, name) in self._dropped

    def is_going(self, table: Name) -> bool:
        """Whether the file drops this table. What it does to it besides is a part of that."""
        return Key("table", table) in self._dropped and Key("table", table) not in self._made

    def drops_column(self, table: Name, column: str = "") -> bool:
        """Whether the file drops this column, or any, or the table as a whole."""
        return self.is_going(table) or any(
            self.table_of(each) == table
            and any(part.get("AlterTableCmd", {}).get("name") == column or not column for part in each.node["cmds"])
            for each in self.of_kind("AlterTableStmt")
            if "AT_DropColumn" in each.parts
        )

    def drops_constraint(self, name: Name) -> bool:
        """Whether the file drops a constraint of that name, and with it the index of that name."""
        return any(
            command.get("subtype") == "AT_DropConstraint" and command.get("name") == name.name
            for each in self.of_kind("AlterTableStmt")
            if "AT_DropConstraint" in each.parts and self.table_of(each).schema == name.schema
            for command in each.nodes["AlterTableCmd"]
        )

    def drops_callers(self, function: Name) -> bool:
        """Whether triggers of earlier files called a function, and the file drops each of them or its table."""
        callers = self._callers.get(function, ())
        return bool(callers) and all(
            self.is_going(table) or Key("trigger", Name("", trigger), table) in self._dropped
            for table, trigger in callers
        )

    def drops(self, kind: str, name: Name, table: Name | None) -> bool:
        """Whether the file drops this object of a table anywhere."""
        return Key(kind, name, table) in self._dropped

    def was_dropped(self, kind: str, name: Name, statement: Statement) -> bool:
        """Whether the file dropped this object before the statement."""
        return self._dropped.get(Key(kind, name), len(self.statements)) < self.order_of(statement)

    def dropped_by(self, statement: Statement) -> list[Key]:
        """Return what a DROP statement drops, in its order."""
        return dropped_by(statement, self.resolve)


def _search_path(statement: Statement) -> str:
    """Return the first schema that a SET search_path names, "" if the statement isn't one."""
    node = statement.node
    if statement.kind != "VariableSetStmt" or node.get("name") != "search_path":
        return ""
    values = [str(constant(each) or "") for each in node.get("args", ())]
    return next((each for each in values if each and each != "$user"), "public")
