"""Screens of a walk for the site's pages. The terminal's own code draws them, so they are never out of date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from rich.text import Text

from runbook import __version__
from runbook.engine.context import Context, Identity, Ports
from runbook.engine.loop import ready_screen
from runbook.engine.state import fold
from runbook.journal.events import RunStarted, TargetSeen
from runbook.journal.interface import MemoryJournal
from runbook.model import Procedure
from runbook.site.pictures import screen_picture, styled
from runbook.site.source import book
from runbook.steps.destination import production
from runbook.terminal.intro import render_begin, render_intro
from runbook.terminal.step_screen import render_step

if TYPE_CHECKING:
    from runbook.secret_file import SecretFile

__all__ = ["first_screen", "screens_digest", "step_screen"]

_MOMENT = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)
_REF = "abcdefghijklmnopqrst"
_TARGET = TargetSeen(kind="production", name=_REF, cli="3.1.0", environment="production", project_ref=_REF)


def first_screen(name: str) -> str:
    """Draw what `runbook run NAME` shows first."""
    procedure = book().procedure(name)
    rows = [*render_intro(procedure), Text(), *render_begin(_TARGET, ())]
    return _picture(rows, key=f"{name}-screen", title=f"The first screen of: runbook run {name}")


def step_screen(name: str, path: str, *, is_file: bool = False) -> str:
    """Draw the screen of one step (given by its path in the walk), with the parameters' examples as values.

    The picture is part of a page, or a file of its own.
    """
    context = _context(book().procedure(name))
    place = context.way.find(path)
    assert place is not None, f"{name} has no step {path}"
    screen, _ = ready_screen(context, place)
    key = "" if is_file else f"{name}-{path.replace('/', '-')}-screen"
    return _picture(render_step(screen), key=key, title=f"A step of: runbook run {name}")


def screens_digest(name: str) -> str:
    """Return a digest of a procedure and its terminal screens: a recording with another digest is stale."""
    procedure = book().procedure(name)
    context = _context(procedure)
    rows = [*render_intro(procedure), *render_begin(_TARGET, ())]
    for place in context.way.places:
        rows += render_step(ready_screen(context, place)[0])
    return sha256("\n".join([procedure.digest, *(row.plain for row in rows)]).encode()).hexdigest()[:16]


def _context(procedure: Procedure) -> Context:
    """Return a walk that has just begun on production, with only the ports that a screen needs."""
    run = f"{_MOMENT:%Y%m%d-%H%M}-{procedure.id}"
    started = RunStarted(
        at=_MOMENT,
        run=run,
        procedure=procedure.id,
        digest=procedure.digest,
        sources={},
        target=_TARGET,
        runbook=__version__,
        operator="you",
        host="here",
        directory="",
        values={one.name: one.example for one in procedure.parameters if not one.secret},
    )
    ports = SimpleNamespace(clock=SimpleNamespace(now=lambda: _MOMENT), target=_Production(), journal=MemoryJournal())
    return Context(
        run=run,
        procedure=procedure,
        book=book(),
        ports=cast("Ports", ports),
        identity=Identity("you", "here", 0, __version__),
        scratch=Path(),
        secret_file=cast("SecretFile", SimpleNamespace(path=f"{run}.env")),
        state=fold([started]),
    )


class _Production:
    """A target that only knows how commands are written for it."""

    def words(self, argv_template: Sequence[str], major: int) -> tuple[str, ...]:
        return production(book().policy, major, {"project_ref": _REF}).words(argv_template)

    def functions_url(self) -> str:
        return production(book().policy, 0, {"project_ref": _REF}).functions_url()


def _picture(rows: Iterable[Text], *, key: str, title: str) -> str:
    return screen_picture([styled(row) for row in rows], key=key, title=title)
