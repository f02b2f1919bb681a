"""A run as it happens: a few lines for each event, for somebody who watches from another terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runbook.engine.state import RunState, apply
from runbook.engine.way import way_of
from runbook.filling import Shown, fill_text
from runbook.journal.events import ChildStarted, Event, Outcome, Purpose, StepFinished, StepStarted
from runbook.model import Book
from runbook.printable import lines_of, one_line, printable, span
from runbook.rendering.command_text import broken, quoted
from runbook.reports.timeline import said_of

__all__ = ["LiveView"]

_LAST_LINES = 8
"""How many lines of a command's output to show: its end says how it went."""
_INDENT = " " * 10
_DOES: Mapping[Purpose, str] = {
    Purpose.RUN: "runs",
    Purpose.VERIFY: "checks",
    Purpose.UNDO: "undoes",
    Purpose.PROBE: "checks what became of it",
    Purpose.PREPARE: "prepares",
    Purpose.OWN: "runs a command of their own",
}


class LiveView:
    """Turns events, one after the other, into lines of at most `width` columns; `book` gives steps their titles."""

    def __init__(self, book: Book | None, width: int) -> None:
        self._book = book
        self._width = width
        self._state = RunState()

    def lines(self, event: Event) -> list[str]:
        """Return what to print about the next event; nothing for one that only matters to the program."""
        self._state = apply(self._state, event)
        match event:
            case ChildStarted():
                return []
            case StepStarted():
                return self._started(event)
            case StepFinished():
                return self._finished(event)
        what, result = said_of(event)
        return self._entry(event, f"{what}: {result}" if result else what)

    def _started(self, event: StepStarted) -> list[str]:
        commands = [" ".join(map(quoted, event.argv))] if event.argv else list(event.looks)
        is_by_hand = event.purpose is Purpose.RUN and not commands
        said = f", confirmed with '{event.confirmed}'" if event.confirmed not in {"", "Enter"} else ""
        what = f"{'done by hand' if is_by_hand else _DOES[event.purpose]}{said}"
        return [*self._entry(event, what), *self._indented(f"$ {one}" for one in commands)]

    def _finished(self, event: StepFinished) -> list[str]:
        output = [line for line in lines_of(event.output.rstrip("\n")) if line.strip()][-_LAST_LINES:]
        took = f" after {span(event.seconds)}" if event.seconds >= 1 else ""
        why = f": {event.evidence}" if event.evidence and event.outcome is not Outcome.PASSED else ""
        return [
            *self._indented(f"| {printable(line)}" for line in output),
            *self._indented([one_line(f"{event.outcome.value}{took}{why}")]),
        ]

    def _entry(self, event: Event, what: str) -> list[str]:
        who = getattr(event, "operator", "") or self._state.operator
        title = self._title(str(getattr(event, "step", "")))
        text = one_line(f"{title}: {what}" if title else what)
        first, *rest = self._broken(f"{one_line(who)}  {text}")
        return [f"{event.at:%H:%M:%S}  {first}", *(f"{_INDENT}  {line}" for line in rest)]

    def _indented(self, lines: Iterable[str]) -> list[str]:
        return [f"{_INDENT}{part}" for line in lines for part in self._broken(line)]

    def _broken(self, line: str) -> list[str]:
        return broken(line, max(self._width - len(_INDENT) - 2, 20))

    def _title(self, path: str) -> str:
        """Return a step's title, or its path if the book doesn't have the procedure as it was."""
        header = self._state.header
        procedure = self._book.procedures.get(header.procedure) if self._book and header else None
        if not path or procedure is None or procedure.digest != self._state.digest:
            return path
        place = way_of(procedure, self._state).find(path)
        return path if place is None else fill_text(place.step.title, Shown(place.scope.values))
