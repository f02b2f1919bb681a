"""`previous`: what an object was before a migration changed it, from the history, and the proof that it is so again.

One reading query gets the history's statements on the object and what the database has. The answer is read here and
not by SQL: a statement's text has quotes, comments, several statements and bodies of functions in it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from runbook.definitions.catalogue import Catalogue, query_for_migration, query_for_name
from runbook.definitions.proving import differences
from runbook.definitions.restoration import Asked, Restoration
from runbook.definitions.restoring import restore
from runbook.errors import UsageError
from runbook.filling import Values, fill_query, fill_statement, fill_text, timeouts_environment
from runbook.model import Effect, Position, Use
from runbook.model.action import Becomes
from runbook.model.fields import LINE_TEMPLATE, LITERAL, Choice, key
from runbook.printable import lines_of
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.performing import Job, Work
from runbook.steps.runnable import Runnable

__all__ = ["Previous"]

_BY_HAND = """
select m.version, s.statement
from supabase_migrations.schema_migrations m, unnest(m.statements) as s(statement)
where strpos(lower(s.statement), lower(split_part(split_part('{{name}}', '(', 1), '.', -1))) > 0
order by m.version desc
""".strip()
_BY_HAND_MIGRATION = """
select statements
from supabase_migrations.schema_migrations
where version = '{{name}}'
""".strip()
_OBJECTS = ("function", "object", "access", "column", "index", "migration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous(Runnable):
    """What the history says of an object. With `must_be`, whether the object is so now."""

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
        LITERAL, "What an earlier look has captured as `_proof`: each object is compared with it.", default=None
    )
    at: Position

    @classmethod
    def made(cls, values: Mapping[str, Any]) -> Previous:
        """Return it at the place of its mapping."""
        return cls(**{name: value for name, value in values.items() if name in cls.__dataclass_fields__})

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield the names, and what the object must be."""
        del at
        for text in (self.name, self.column):
            if text:
                yield Use(text, self.at, Becomes.SQL)
        if self.must_be:
            yield Use(self.must_be, self.at, Becomes.COMPARED)

    @property
    def declared(self) -> Effect:
        """It reads."""
        return Effect.READS

    def argv(self, values: Values, to: Destination) -> tuple[str, ...]:
        """Return the CLI's query command, with the statement as one word."""
        words = to.cli.query_read
        return fill_query(self._statement(values), {}, words=words, target=to.words(words))

    def _statement(self, values: Values) -> str:
        template = query_for_migration() if self.of == "migration" else query_for_name()
        return fill_statement(template, {"name": fill_text(self.name, values)})

    def environment(self) -> Mapping[str, str]:
        """Return the query's timeouts, and a read-only transaction."""
        return timeouts_environment(lock_timeout=5, statement_timeout=30, writes=False)

    def perform(self, work: Work, answer: str) -> None:
        """Ask the database, read its answer, compare it and keep what the step captures."""
        del answer
        step = work.step
        work.run(
            Job(
                expect=self.expectation(step.expect),
                capture=step.capture,
                timeout=step.timeout,
                understands=self._reader(work.fill),
            )
        )

    def _reader(self, fill: Callable[[str], str]) -> Callable[[str], str]:
        """Return what makes a document for people and captures of the database's answer."""
        name, column = fill(self.name), fill(self.column or "")
        proof = fill(self.must_be) if self.must_be else ""

        def read(document: str) -> str:
            catalogue = Catalogue.read(document)
            found = (
                _compared(proof, catalogue)
                if proof
                else _told(restore(self.of, name, catalogue, part=column), catalogue, Asked.read(name).name)
            )
            return json.dumps(found, ensure_ascii=False)

        return read

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield what is compared, and a line by which a person sees the same without the comparison.

        The query itself has a hundred lines, and its answer means little to a reader; the journal keeps it as it ran.
        """
        named = fill_text(self.name, values)
        if self.must_be:
            yield view.Prose(f"Compare what the database has now with what was chosen for {named}.")
            return
        yield view.Prose(f"Compare what the database has of {named} with what the migrations made of it.")
        template = _BY_HAND_MIGRATION if self.of == "migration" else _BY_HAND
        words = to.cli.query_read
        line = fill_query(template, {"name": named}, words=words, target=to.words(words))
        yield view.CommandToRun(line, lead="A query that only reads does this. By hand, read what the migrations ran:")


def _told(found: Sequence[Restoration], catalogue: Catalogue, name: str) -> dict[str, object]:
    """Return what was found for a person, and (names with `_`) what later steps capture."""
    statements = [statement for one in found for statement in one.statements]
    differences_ = [_difference(one) for one in found]
    return {
        "_fix": ";\n\n".join(statement.strip().rstrip(";") for statement in statements) + ";",
        "_file_version": catalogue.next_version,
        "_file_name": re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60] or "object",
        "_source": ", ".join(dict.fromkeys(one.source for one in found)),
        "_proof": json.dumps([{"what": one.what, **one.wanted} for one in found], ensure_ascii=False),
        **{f"_{part}": text for one in found for part, text in one.parts.items()},
        "object": ", ".join(one.what for one in found),
        "goes_back_to": ", ".join(dict.fromkeys(one.source for one in found)),
        "note": ". ".join(note for one in found for note in one.notes) + ".",
        "difference": "\n".join(differences_),
    }


def _difference(found: Restoration) -> str:
    before, after = lines_of(found.now), lines_of(found.before)
    lines = difflib.unified_diff(before, after, "runs now", "goes back", lineterm="", n=2)
    return "\n".join(lines) or "(no difference in the text)"


def _compared(proof: str, catalogue: Catalogue) -> dict[str, object]:
    """Return for each object whether it is as wanted, and for all of them."""
    try:
        wanted = json.loads(proof)
    except ValueError as error:
        raise UsageError("what the object must be is not known: the step that looked it up was skipped") from error
    rows = [{"object": one["what"], "differs": "; ".join(differences(one, catalogue))} for one in wanted]
    is_whole = bool(rows) and not any(row["differs"] for row in rows)
    said = [{"object": row["object"], "as_before": row["differs"] or "yes"} for row in rows]
    return {"all_as_before": is_whole, "objects": said}
