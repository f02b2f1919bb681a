"""Pictures: the way through a procedure as a list of links, and the screen of a terminal as SVG."""

from __future__ import annotations

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
from runbook.site.templating import render

__all__ = ["StyledText", "screen_picture", "styled", "way"]


# --- The way through: a station for each step, and a side line for each answer ---------------------------------------

_SMALL = 12
"""The most stations that are open at first."""
_FIRST_STEPS, _FEW_ANSWERS = 3, 9
"""A question with this many answers, among this many first steps, is in view anyway."""


def way(page: PageContext) -> Markup:
    """Draw a procedure's way: its steps, and the answers to its questions, each a link to its place on the page."""
    steps = [page.views[place] for place in page.expansion.steps]
    questions = [(index, step.question) for index, step in enumerate(steps) if step.question]
    stations = len(steps) + sum(len(question.answers) for _, question in questions)
    is_in_sight = not page.expansion.before and any(
        index < _FIRST_STEPS and len(question.answers) <= _FEW_ANSWERS for index, question in questions[:1]
    )
    is_open = stations <= _SMALL or bool(questions and not is_in_sight)
    return render("pictures/way.html", steps=steps, is_open=is_open)


# --- A terminal's screen: every character where the terminal puts it, and readable as text ----------------------------

_COLUMN, _ROW, _PAD = 7.8, 17, 14
_BASELINE = 12.5
"""The baseline of a row's letters, below its top."""


_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


@dataclass(frozen=True, slots=True)
class StyledText:
    """Characters in one style. `colour` and `ground` are the terminal's colour names."""

    text: str
    bold: bool = False
    dim: bool = False
    colour: str = ""
    ground: str = ""


def styled(row: Text) -> tuple[StyledText, ...]:
    """Return a row of a terminal's screen in stretches of one style."""
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
    """Return the name of one of a terminal's eight colours; bright ones have the same name."""
    return "" if colour is None or colour.number is None else _COLOURS[colour.number % 8]


def screen_picture(rows: Sequence[Sequence[StyledText]], *, key: str = "", title: str, columns: int = 80) -> Markup:
    """Draw a screen; `key` makes its ids. The same text is below it, folded, for people who can't see it.

    Without a key, it is a file of its own.
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
