"""The first screens of a walk: what it does and where commands will land, which is proven while the operator reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from rich.text import Text

from runbook.journal.events import TargetSeen
from runbook.markup import plain_prose
from runbook.model import Mode, Parameter, Procedure
from runbook.printable import one_line
from runbook.rendering.shown_procedure import change_sentence
from runbook.terminal.lines import Band, Lines, band, both_ends, fit, keys, wrap
from runbook.terminal.pick_list import offered_lines
from runbook.terminal.screen_head import target_text

__all__ = [
    "ROOM_BELOW",
    "Background",
    "how_to_begin",
    "render_begin",
    "render_book",
    "render_intro",
    "render_notes",
    "render_question",
]


class Background:
    """A call that runs while the operator reads; `result` waits for it and raises what it raised.

    Asking the CLI for the target takes seconds, so it is asked before anything is shown.
    """

    def __init__(self, call: Callable[[], TargetSeen]) -> None:
        self._call = call
        self._seen: TargetSeen | None = None
        self._error: BaseException | None = None
        # A daemon: a CLI that hangs must not keep this process from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._seen = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for it
            self._error = error

    def result(self) -> TargetSeen:
        """Wait for the call and return what it returned."""
        while self._thread.is_alive():
            self._thread.join(0.2)  # in pieces, so that Ctrl-C is heard
        if self._error is not None:
            raise self._error
        assert self._seen is not None
        return self._seen


_MODES = {Mode.READ_DO: "Read each step, then do it.", Mode.DO_CONFIRM: "Do a phase, then confirm it line by line."}
ROOM_BELOW = 8
"""Rows for what follows: the progress line, the target with its notes, the question, the prompt."""


def render_intro(procedure: Procedure, width: int = 80, height: int = 24, *, whole: bool = False) -> Lines:
    """Return the introduction; unless `whole`, at most `height` lines minus what `render_begin` needs."""
    title = Text(one_line(procedure.title), style="bold")
    minutes = Text(f"about {procedure.minutes} min", style="dim")
    not_for = [f"{one.text}{f' -> {one.see}' if one.see else ''}" for one in procedure.not_for]
    changes = [plain_prose(change_sentence(one)) for one in procedure.changes]
    bands = [
        band([*both_ends(title, minutes, width), *wrap(procedure.summary, width)]),
        _listed("WARNING", procedure.warnings, width, "bold yellow", least=6),
        _listed("Your team changed this", changes, width, least=2),
        _listed("Use it when", procedure.use_when, width, least=2),
        _listed("Not for", not_for, width, least=2),
        _listed("Have at hand", procedure.needs, width, least=2),
        _listed(f"Owner ({procedure.owner})", [procedure.contact.reached] if procedure.contact else [], width, least=2),
        band(wrap(_MODES[procedure.mode], width, style="dim"), 0),
    ]
    return fit(bands, 1000 if whole else height - ROOM_BELOW)


def render_begin(  # noqa: PLR0913 - each by its name
    seen: TargetSeen,
    notes: Sequence[str],
    width: int = 80,
    *,
    height: int = 5,
    book: str = "",
    name: str = "",
    dry: bool = False,
    back: bool = False,
) -> Lines:
    """Return the proven target, the notes on it, and the question whether to begin, or to continue (`back`).

    `name` is what must be typed to do so, "" if Enter is enough.
    `book` names the book if it isn't the packaged one; these lines are never cut and don't count in `height`. A dry run
    only reads.
    """
    found = render_notes(notes, width)
    what = "DRY RUN, nothing is written. It reads:" if dry else "Commands will land on:"
    where = Text(f"{what}  ") + target_text(seen)
    lines = [where] if where.cell_len <= width else [Text(what), Text("  ") + target_text(seen)]
    lines += render_book(book, width)
    leave = "q leave; nothing more runs" if back else "q leave; nothing has run"
    ask = keys(f"{how_to_begin(name, back=back)}, or:", ["? whole introduction", leave], width)
    room = max(height + len(render_book(book, width)), len(lines) + len(ask) + 1)
    return fit([band(lines), band(found, 1 if found else 0), band(ask)], room)


def how_to_begin(name: str, *, back: bool) -> str:
    """Return what to do to begin or to continue: type the name of a protected project, or press Enter."""
    return f"{f'Type {name}' if name else 'Press Enter'} to {'continue' if back else 'begin'}"


def render_book(book: str, width: int = 80) -> Lines:
    """Return the lines that name the book, none for the packaged one."""
    return wrap(book, width, style="yellow") if book else []


def render_notes(notes: Sequence[str], width: int = 80) -> Lines:
    """Return the notes on what was found around the target, uncut."""
    return [line for note in notes for line in wrap(note, width, first="  NOTE: ", style="yellow")]


def render_question(parameter: Parameter, problem: str, width: int = 80, height: int = 24) -> Lines:
    """Return the question for a value: what was wrong with the last answer, what is asked, and what fits."""
    lines = wrap(problem, width, first="  ! ", style="bold red") if problem else []
    lines += wrap(parameter.ask, width, style="bold")
    hints = [f"one of: {', '.join(parameter.choices)}"] if parameter.choices else []
    hints += ["a number from the list, or the value itself"] if parameter.offered else []
    hints += ["several, separated by commas"] if parameter.many else []
    hints += [f"for example {parameter.example}"] if parameter.example and not parameter.secret else []
    hints += [f"Enter takes {parameter.default}"] if parameter.default else []
    hints += ["it isn't shown or stored"] if parameter.secret else []
    hints += ["paste it whole, or type @ and the path of a file that contains it"] if parameter.takes_lines else []
    hints += ["q stops"]
    lines += wrap("; ".join(hints), width, first="  ", style="dim")
    return fit([band(lines), band(offered_lines(parameter, width), 3)], height - 1)


def _listed(label: str, texts: Sequence[str], width: int, style: str = "", *, least: int) -> Band:
    if not texts:
        return band([])
    lines = [Text(f"{label}:", style=style or "bold")]
    return band([*lines, *(line for text in texts for line in wrap(text, width, first="  - ", style=style))], least)
