"""The way through a procedure as a picture: one line of stations, with a side line for each branch."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from runbook.model import Choose, Include
from runbook.site.actions import PageContext, kind_of
from runbook.site.markup import tag, text
from runbook.site.numbering import Placed, branches, nested, placed
from runbook.site.prose import plain

__all__ = ["flow"]

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
class _Row:
    depth: int
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class _Station:
    row: _Row
    lines: tuple[str, ...]
    y: float

    @property
    def x(self) -> float:
        return _LEFT + self.row.depth * _INDENT


def flow(page: PageContext) -> str:
    """Draw a procedure's flow. Steps of an included procedure are one station: they have a picture of their own."""
    _, steps = placed(page.procedure)
    stations, height = _laid_out(list(_rows(page, steps, 0)))
    title = tag("title", text(f"Flow of {page.procedure.title}"), id="flow-title")
    description = tag("desc", text("; ".join(station.row.label for station in stations)), id="flow-text")
    picture = tag(
        "svg",
        title,
        description,
        *_rails(stations),
        *(_drawn(station) for station in stations),
        class_="rb-flow",
        viewBox=f"0 0 {_WIDTH} {height:g}",
        role="img",
        aria_labelledby="flow-title flow-text",
    )
    legend = tag("figcaption", *(_meaning(kind, word) for kind, word in _MEANINGS))
    return tag(
        "details", tag("summary", "The way through, at a glance"), tag("figure", picture, legend), class_="rb-glance"
    )


def _rows(page: PageContext, row: tuple[Placed, ...], depth: int) -> Iterator[_Row]:
    for at in row:
        action = at.step.action
        yield _Row(depth, kind_of(page, at)[0], f"{at.number} {plain(at.title)}")
        if isinstance(action, Choose):
            for letter, when, steps in branches(at, action):
                yield _Row(depth + 1, "branch", f"{letter} {plain(when)}{'' if steps else ': go on'}")
                yield from _rows(page, steps, depth + 1)
        elif not isinstance(action, Include):
            yield from _rows(page, nested(at, action), depth + 1)


def _laid_out(rows: list[_Row]) -> tuple[list[_Station], float]:
    stations = []
    y = 14.0
    for row in rows:
        room = _WIDTH - _LEFT - row.depth * _INDENT - 18
        wrapped = tuple(textwrap.wrap(row.label, int(room / _LETTER))) or ("",)
        stations.append(_Station(row, wrapped, y))
        y += _LINE * len(wrapped) + _GAP
    return stations, y


def _rails(stations: list[_Station]) -> Iterator[str]:
    """Draw a line down each row of stations, and a bend from a question to each of its branches."""
    last: dict[int, _Station] = {}
    for station in stations:
        depth = station.row.depth
        last = {level: one for level, one in last.items() if level <= depth}
        if depth and (station.row.kind == "branch" or depth not in last):
            yield _bend(last[depth - 1], station)
        elif depth in last:
            yield tag("path", d=f"M{station.x:g} {last[depth].y:g}V{station.y:g}", class_="rb-flow__rail")
        last[depth] = station


def _bend(parent: _Station, station: _Station) -> str:
    corner = f"V{station.y - 8:g}Q{parent.x:g} {station.y:g} {parent.x + 8:g} {station.y:g}H{station.x:g}"
    return tag("path", d=f"M{parent.x:g} {parent.y:g}{corner}", class_="rb-flow__rail")


def _drawn(station: _Station) -> str:
    spans = (
        tag("tspan", text(one), x=f"{station.x + 12:g}", dy=0 if not index else _LINE)
        for index, one in enumerate(station.lines)
    )
    label = tag(
        "text", *spans, y=f"{station.y + 4:g}", class_="rb-flow__branch" if station.row.kind == "branch" else None
    )
    return _symbol(station.row.kind, station.x, station.y) + label


def _symbol(kind: str, x: float, y: float) -> str:
    class_ = f"rb-flow__{kind}"
    if kind in {"destroys", "choose"}:
        return tag("path", d=f"M{x:g} {y - 6:g}l6 6 -6 6 -6 -6z", class_=class_)
    if kind in {"tick", "edit"}:
        return tag("rect", x=f"{x - 4.5:g}", y=f"{y - 4.5:g}", width=9, height=9, rx=1.5, class_=class_)
    if kind == "branch":
        return tag("circle", cx=f"{x:g}", cy=f"{y:g}", r=2.5, class_=class_)
    return tag("circle", cx=f"{x:g}", cy=f"{y:g}", r=5, class_=class_)


def _meaning(kind: str, word: str) -> str:
    drawing = tag("svg", _symbol(kind, 8, 8), viewBox="0 0 16 16", class_="rb-flow rb-flow--key", aria_hidden="true")
    return tag("span", drawing, text(word))
