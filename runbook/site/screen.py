"""A terminal's screen as a picture: every character where the terminal puts it, readable as text too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runbook.site.markup import lines, tag, text

__all__ = ["Run", "screen_picture"]

_COLUMN, _ROW, _PAD = 7.8, 17, 14


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one look. `colour` and `ground` are the terminal's colour names."""

    text: str
    bold: bool = False
    dim: bool = False
    colour: str = ""
    ground: str = ""


def screen_picture(rows: Sequence[Sequence[Run]], *, key: str, title: str, columns: int = 80) -> str:
    """Draw a screen; `key` makes its ids. The same text stands below it, folded, for those who can't see it."""
    width, height = columns * _COLUMN + 2 * _PAD, len(rows) * _ROW + 2 * _PAD
    picture = tag(
        "svg",
        tag("title", text(title), id=f"{key}-title"),
        tag("rect", width=width, height=height, rx=6, class_="rb-screen__ground"),
        *(part for number, row in enumerate(rows) for part in _row(row, _PAD + number * _ROW)),
        class_="rb-screen",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_labelledby=f"{key}-title",
        aria_describedby=f"{key}-text",
    )
    words = "\n".join("".join(run.text for run in row).rstrip() for row in rows)
    spoken = tag("details", tag("summary", "This screen as text"), tag("pre", text(words), id=f"{key}-text"))
    return tag("figure", lines(picture, spoken), class_="rb-screen-figure")


def _row(row: Sequence[Run], top: float) -> Iterator[str]:
    column = 0
    for run in row:
        x, width = _PAD + column * _COLUMN, len(run.text) * _COLUMN
        if run.ground:
            yield tag("rect", x=f"{x:g}", y=f"{top:g}", width=f"{width:g}", height=_ROW, class_=f"rb-on-{run.ground}")
        if run.text.strip():
            yield _text(run, x, top + 12.5)
        column += len(run.text)


def _text(run: Run, x: float, y: float) -> str:
    lead = len(run.text) - len(run.text.lstrip())
    shown = run.text.strip()
    looks = [name for name, is_so in (("rb-bold", run.bold), ("rb-dim", run.dim)) if is_so]
    looks += [f"rb-ink-{run.colour}"] if run.colour else []
    return tag(
        "text",
        text(shown),
        x=f"{x + lead * _COLUMN:g}",
        y=f"{y:g}",
        textLength=f"{len(shown) * _COLUMN:g}",
        class_=" ".join(looks) or None,
    )
