"""`previous`: find an object's definition before a migration changed it, and prove that it's restored.

One query gets the statements on the object from the history, and what the database has now. Its answer is parsed in
Python and not in SQL, because statements contain quotes, comments, function bodies and other statements.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from runbook.definitions.queries import query_for_migration, query_for_name
from runbook.definitions.queries_by_hand import query_for_now, query_for_past
from runbook.filling import Values, fill_query, fill_statement, fill_text, query_command, timeouts_environment
from runbook.model import Position, Use
from runbook.model.action import Becomes
from runbook.model.fields import LINE_TEMPLATE, LITERAL, Choice, key
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.runnable import Runnable

__all__ = ["Previous"]

_OBJECTS = ("function", "object", "access", "column", "index", "migration")
_COPY = "Copy from the files in supabase/migrations: the output writes each line break as `\\n`"
_FIX = {
    "function": (
        "the newest `create function` statement that differs from what runs now, with `or replace`. The step that "
        f"confirms which version runs has the query for that. {_COPY}"
    ),
    "object": f"the statements that created it, and those that changed it before it broke. {_COPY}",
    "access": (
        "the statements that undo the last change, such as `create policy` after a `drop policy`. If a policy of that "
        f"name exists now, put `drop policy NAME on TABLE;` before it. {_COPY}"
    ),
    "column": (
        "`alter table {table} add column {column} TYPE;` if the column is gone, with the earlier type for TYPE and the "
        "earlier default, but without NOT NULL, because the rows have no value yet. If its type was changed, "
        "`alter table {table} alter column {column} type TYPE using {column}::TYPE;`"
    ),
    "migration": (
        "for each object that it changed, the definition in the newest earlier file: with `or replace` for a function "
        "or a view, and after `drop policy if exists` or `drop trigger if exists` for a policy or a trigger. "
        f"{_COPY}"
    ),
}
"""The statements that restore an object, as a person puts them together from what the migrations ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous(Runnable):
    """What the history says about an object. With `must_be`, whether the object matches that now."""

    mapping: ClassVar = "previous"
    summary: ClassVar = "The earlier definition of an object, from the history of migrations."

    of: str = key(
        Choice(_OBJECTS),
        "function: the version before the one that runs. object: a view, trigger, table, type or function. access: a "
        "table's policies, row level security and grants. column: one that is gone, or its earlier type. index: one "
        "that is gone. migration: all functions, views, triggers and policies that a migration changed.",
    )
    name: str = key(
        LINE_TEMPLATE,
        "The object: name, schema.name, or name(types); for access and column the table's; a migration's version.",
    )
    column: str | None = key(LINE_TEMPLATE, "The column's name.", default=None)
    must_be: str | None = key(
        LITERAL, "The `_proof` that an earlier step captured: each object is compared with it.", default=None
    )
    at: Position

    @property
    def by_hand(self) -> Mapping[str, str]:
        """The parts of the file that restores the object, for a person who writes it."""
        return {
            "_file_version": "The new file's version: the time now in UTC, as 14 digits: `date -u +%Y%m%d%H%M%S`.",
            "_file_name": "The end of the file name: the object's name in letters, digits and underscores.",
            "_source": "The migration that the earlier definition comes from.",
            "_fix": _FIX.get(self.of, "").format(table=self.name, column=self.column),
            "_rest": "What follows `index` in the statement that created it, such as `a_idx on t (a)`.",
            "_kind": "`index`, or `unique index`.",
        }

    @classmethod
    def made(cls, values: Mapping[str, Any]) -> Previous:
        """Return it with the place of its mapping."""
        return cls(**{name: value for name, value in values.items() if name in cls.__dataclass_fields__})

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield the names, and the proof that the object must match."""
        del at
        for text in (self.name, self.column):
            if text:
                yield Use(text, self.at, Becomes.SQL)
        if self.must_be:
            yield Use(self.must_be, self.at, Becomes.COMPARED)

    def argv(self, values: Values, to: Destination) -> tuple[str, ...]:
        """Return the CLI's query command, with the statement as one word."""
        words = to.cli.query_read
        return query_command(self._statement(values), words=words, target=to.words(words))

    def _statement(self, values: Values) -> str:
        template = query_for_migration() if self.of == "migration" else query_for_name()
        return fill_statement(template, {"name": fill_text(self.name, values)})

    def environment(self) -> Mapping[str, str]:
        """Return the query's timeouts, and a read-only transaction."""
        return timeouts_environment(lock_timeout=5, statement_timeout=30, writes=False)

    def _reader(self, fill: Callable[[str], str]) -> Callable[[str], str]:
        """Return a function that turns the database's answer into a document for people and for captures."""
        name, column = fill(self.name), fill(self.column or "")
        proof = fill(self.must_be) if self.must_be else ""

        def read(document: str) -> str:
            from runbook.definitions.answers import check_proof, find_earlier

            found = check_proof(proof, document) if proof else find_earlier(self.of, name, document, part=column)
            return json.dumps(found, ensure_ascii=False)

        return read

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield what is compared, and a command that shows a person the statements without the comparison.

        The query itself has a hundred lines, and its answer means little to a reader. The journal keeps it as it ran.
        """
        named = fill_text(self.name, values)
        if self.column:
            subject = f"column {fill_text(self.column, values)} of {named}"
        else:
            subject = f"what migration {named} changed" if self.of == "migration" else named
        if self.must_be:
            yield view.Prose(f"Compare what the database has now with the definition chosen for {subject}.")
            template, lead = query_for_now(self.of), "To see by hand what it has now:"
        else:
            yield view.Prose(f"Compare {subject} in the database with each version in the migrations.")
            template, lead = query_for_past(self.of), "To see by hand what the migrations ran:"
        words = to.cli.query_read
        line = fill_query(template, {"name": named}, words=words, target=to.words(words))
        yield view.CommandToRun(line, lead=lead)
