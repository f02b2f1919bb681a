"""Screens of a walk for the site's pages, drawn by the code that draws them in the terminal: never out of date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.style import Style
from rich.text import Text

from runbook import __version__
from runbook.engine.context import Frame, Identity, Ports
from runbook.engine.events import RunStarted, TargetSeen
from runbook.engine.path import instances
from runbook.engine.state import fold
from runbook.engine.view_model import screen_at
from runbook.filling import target_words
from runbook.model import Procedure, TargetKind
from runbook.site.pictures import StyledText, screen_picture
from runbook.site.source import book
from runbook.terminal.intro import render_begin, render_intro
from runbook.terminal.step_screen import render_step

__all__ = ["first_screen", "step_screen"]

_MOMENT = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)
_REF = "abcdefghijklmnopqrst"
_TARGET = TargetSeen(kind="production", name=_REF, cli="3.1.0", environment="production", project_ref=_REF)


def first_screen(name: str) -> str:
    """Draw what `runbook run NAME` shows first."""
    procedure = book().procedure(name)
    rows = [*render_intro(procedure), Text(), *render_begin(_TARGET, ())]
    return _picture(rows, key=f"{name}-screen", title=f"The first screen of: runbook run {name}")


def step_screen(name: str, path: str) -> str:
    """Draw the screen of one step (its path as the walk names it), with the parameters' examples as values."""
    frame = _frame(book().procedure(name))
    at = next(one for one in instances(frame.procedure, frame.state) if one.path == path)
    screen, _ = screen_at(frame, at)
    return _picture(
        render_step(screen), key=f"{name}-{path.replace('/', '-')}-screen", title=f"A step of: runbook run {name}"
    )


class _StillClock:
    """A clock that stands at the moment of the picture."""

    def now(self) -> datetime:
        return _MOMENT


class _Production:
    """A target that only knows its words."""

    def words(self, argv_template: Sequence[str], major: int) -> tuple[str, ...]:
        names = {"project_ref": _TARGET.name}
        return target_words(argv_template, policy=book().policy, major=major, kind=TargetKind.PRODUCTION, names=names)


class _Stage:
    """All that a screen asks of the walk's ports."""

    clock = _StillClock()
    target = _Production()


def _frame(procedure: Procedure) -> Frame:
    values = {one.name: one.example for one in procedure.parameters if not one.secret}
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
        values=values,
    )
    return Frame(
        run=run,
        procedure=procedure,
        book=book(),
        ports=cast("Ports", _Stage()),
        identity=Identity("you", "here", 0, __version__),
        scratch=Path(),
        state=fold([started]),
    )


def _picture(rows: Iterable[Text], *, key: str, title: str) -> str:
    console = Console(width=200, color_system="standard", force_terminal=True, file=StringIO())
    drawn = [[_styled(piece.text, piece.style) for piece in row.render(console, end="")] for row in rows]
    return screen_picture(drawn, key=key, title=title)


def _styled(text: str, style: Style | None) -> StyledText:
    look = style or Style()
    colour, ground = (part.name if part else "" for part in (look.color, look.bgcolor))
    return StyledText(text, bold=bool(look.bold), dim=bool(look.dim), colour=colour, ground=ground)
