"""`sql`: one statement, run by the CLI's query command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.filling import Shown, Values, fill_query, fill_statement, timeouts_environment, whole_statement
from runbook.model import Effect, Parameter, Position, Procedure, Role, Use, Value
from runbook.model.action import Becomes, Problem
from runbook.model.fields import SQL, Duration, Truth, key
from runbook.model.templates import PLACEHOLDER
from runbook.policy.sql_tokens import statements, tokens
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.runnable import Runnable

__all__ = ["Sql"]

_NOTHING_READ = "this query reads no table and calls no function, so it returns the same whatever happened"


_READ, _WRITTEN = "select count(*) from pg_class", "insert into backup.copy select * from public.example"
"""Examples of a statement that an earlier query writes, used to check a book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sql(Runnable):
    """One statement for the CLI's query command. `lock_timeout` and `statement_timeout` are seconds."""

    places: ClassVar = frozenset({"step", "on_cli", "check", "undo"})

    statement: str = key(
        SQL,
        "One SQL statement. {{name}} within '…' becomes text, elsewhere an identifier. A statement that is {{name}} "
        "alone is one that an earlier query wrote; policy judges it as it runs.",
        name="sql",
        read=str.strip,
    )
    at: Position
    writes: bool = key(Truth(), "The statement changes something.", default=False, said="false", not_in=("check",))
    lock_timeout: float = key(Duration(), "How long the statement may wait for a lock.", default=5.0, said="5s")
    statement_timeout: float = key(Duration(), "How long the statement may run.", default=30.0, said="30s")

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield the statement."""
        del at
        yield Use(self.statement, self.at, Becomes.SQL)

    def problems(self, role: Role, effect: Effect) -> Iterator[Problem]:
        """Report more than one statement, and a statement that writes without `writes: true`."""
        count = len(statements(self.statement))
        if count != 1:
            yield (f"a step runs one statement, but this has {count}",)
        elif role is not Role.CHECK and not self.writes and effect is not Effect.READS:
            yield (f"this statement {effect.value}: say so with 'writes: true'",)

    def weaknesses(self, role: Role) -> Iterator[Problem]:
        """Report a query that reads nothing, as `SELECT 'Migration completed successfully'`: it proves nothing."""
        del role
        words = [token.text for token in tokens(PLACEHOLDER.sub(r"\1", self.statement)) if not token.quote]
        if not self.writes and words[:1] == ["select"] and not {"from", "("} & set(words):
            yield _NOTHING_READ, "select"

    def scope_problems(
        self, names: Mapping[str, Parameter | None], resolved: Mapping[str, Procedure]
    ) -> Iterator[Problem]:
        """Report a whole statement that a person types. Only one that a query wrote may run."""
        del resolved
        name = whole_statement(self.statement)
        if names.get(name) is not None:
            yield f"'{name}' is typed by a person; a whole statement must be captured from a query", name

    def example_values(self, values: Mapping[str, Value]) -> Mapping[str, Value]:
        """Return the values, with an example if the statement is one that an earlier query writes."""
        name = whole_statement(self.statement)
        if name not in values or (isinstance(values, Shown) and not values.is_stand_in(name)):
            return values
        return {**values, name: _WRITTEN if self.writes else _READ}

    @property
    def declared(self) -> Effect:
        """The effect that the author declares: SQL that calls a function may write without showing it."""
        return Effect.WRITES if self.writes else Effect.READS

    def argv(self, values: Values, to: Destination) -> tuple[str, ...]:
        """Return the CLI's query command, with the filled-in statement as one word."""
        words = to.cli.query if self.writes else to.cli.query_read
        return fill_query(self.statement, values, words=words, target=to.words(words))

    def environment(self) -> Mapping[str, str]:
        """Return the statement's timeouts and, if it only reads, the setting for a read-only transaction."""
        return timeouts_environment(
            lock_timeout=self.lock_timeout, statement_timeout=self.statement_timeout, writes=self.writes
        )

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield the line to run, and the statement on its own."""
        yield view.CommandToRun(self.argv(values, to))
        yield view.Statement(fill_statement(self.statement, values))
