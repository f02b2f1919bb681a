"""Pictures as SVG: the way through a procedure, and the screen of a terminal. Their places are computed here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

from markupsafe import Markup
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from runbook.site.page_context import PageContext
from runbook.site.prose import plain
from runbook.site.templating import render
from runbook.steps.scope import Place

__all__ = ["StyledText", "flow", "screen_picture", "styled"]


# --- The way through: one line of stations, with a side line for each branch ------------------------------------------

_WIDTH = 300
_LEFT = 12
_INDENT = 22
_LINE = 14
_GAP = 10
_LETTER = 6.3
"""Width of a letter at 12 units, measured generously: titles are wrapped by it."""

_MEANINGS = (
    ("reads", "reads"),
    ("writes", "writes"),
    ("destroys", "destroys"),
    ("tick", "by hand"),
    ("choose", "a question"),
    ("go", "another procedure"),
)


@dataclass(frozen=True, slots=True)
class _Station:
    """A stop on the way through. `x` and `y` are the middle of its symbol."""

    kind: str
    depth: int
    label: str
    lines: tuple[str, ...]
    x: float
    y: float


def flow(page: PageContext) -> Markup:
    """Draw a procedure's flow. Steps of an included procedure are one station: they have a picture of their own."""
    stations: list[_Station] = []
    y = 14.0
    for depth, kind, label in _stops(page, page.expansion.steps, 0):
        x = _LEFT + depth * _INDENT
        # The text begins 12 to the right of its symbol's middle; the rest is kept free at the edge.
        lines = tuple(textwrap.wrap(label, int((_WIDTH - x - 18) / _LETTER))) or ("",)
        stations.append(_Station(kind, depth, label, lines, x, y))
        y += _LINE * len(lines) + _GAP
    return render(
        "pictures/flow.html",
        procedure=page.procedure,
        stations=stations,
        rails=list(_rails(stations)),
        width=_WIDTH,
        height=y,
        line_height=_LINE,
        meanings=_MEANINGS,
    )


def _stops(page: PageContext, places: Sequence[Place], depth: int) -> Iterator[tuple[int, str, str]]:
    for place in places:
        yield depth, page.views[place].symbol, f"{place.number} {plain(place.step.title)}"
        for branch in place.branches:
            if branch.letter:
                label = f"{branch.letter} {plain(branch.title)}{'' if branch.places else ': go on'}"
                yield depth + 1, "branch", label
            if branch.procedure == place.procedure:
                yield from _stops(page, branch.places, depth + 1)


def _rails(stations: list[_Station]) -> Iterator[str]:
    """Yield the paths of a line down each row of stations, and a bend from a question to each of its branches."""
    last: dict[int, _Station] = {}
    for station in stations:
        x, y, depth = station.x, station.y, station.depth
        # What is deeper than this station has ended: the next of its kind begins at a bend again.
        last = {level: one for level, one in last.items() if level <= depth}
        if depth and (station.kind == "branch" or depth not in last):
            parent = last[depth - 1]
            corner = f"V{y - 8:g}Q{parent.x:g} {y:g} {parent.x + 8:g} {y:g}H{x:g}"
            yield f"M{parent.x:g} {parent.y:g}{corner}"
        elif depth in last:
            yield f"M{x:g} {last[depth].y:g}V{y:g}"
        last[depth] = station


# --- A terminal's screen: every character where the terminal puts it, readable as text too ----------------------------

_COLUMN, _ROW, _PAD = 7.8, 17, 14
_BASELINE = 12.5
"""Where a row's letters stand, below its top."""


_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


@dataclass(frozen=True, slots=True)
class StyledText:
    """Characters of one look. `colour` and `ground` are the terminal's colour names."""

    text: str
    bold: bool = False
    dim: bool = False
    colour: str = ""
    ground: str = ""


def styled(row: Text) -> tuple[StyledText, ...]:
    """Return a row of a terminal's screen in stretches of one look."""
    console = Console(width=200, color_system="standard", force_terminal=True, file=StringIO())
    return tuple(
        _styled(piece.text, piece.style or Style())
        for piece in row.render(console, end="")
        if isinstance(piece, Segment) and piece.text
    )


def _styled(text: str, style: Style) -> StyledText:
    return StyledText(
        text, bold=bool(style.bold), dim=bool(style.dim), colour=_name(style.color), ground=_name(style.bgcolor)
    )


def _name(colour: Color | None) -> str:
    """Return the name of one of a terminal's eight colours; a bright one is called like the other."""
    return "" if colour is None or colour.number is None else _COLOURS[colour.number % 8]


def screen_picture(rows: Sequence[Sequence[StyledText]], *, key: str = "", title: str, columns: int = 80) -> Markup:
    """Draw a screen; `key` makes its ids. The same text stands below it, folded, for those who can't see it.

    Without a key it is a file of its own.
    """
    return render(
        "pictures/screen.html" if key else "pictures/screen_file.html",
        key=key,
        title=title,
        width=columns * _COLUMN + 2 * _PAD,
        height=len(rows) * _ROW + 2 * _PAD,
        row_height=_ROW,
        texts=[one for number, row in enumerate(rows) for one in _placed_row(row, _PAD + number * _ROW)],
        plain_text="\n".join("".join(one.text for one in row).rstrip() for row in rows),
    )


def _placed_row(row: Sequence[StyledText], top: float) -> Iterator[dict[str, object]]:
    """Yield the texts of a row: `x` and `width` with the spaces around them, `text_x` and `text_width` without."""
    column = 0
    for one in row:
        shown, lead = one.text.strip(), len(one.text) - len(one.text.lstrip())
        x, width = _PAD + column * _COLUMN, len(one.text) * _COLUMN
        placed = {"style": one, "text": shown, "x": x, "width": width, "top": top, "baseline": top + _BASELINE}
        # SVG drops leading spaces, so the text begins at its first letter.
        yield {**placed, "text_x": x + lead * _COLUMN, "text_width": len(shown) * _COLUMN}
        column += len(one.text)
