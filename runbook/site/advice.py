"""Do and don't, what to watch for, and the SQL patterns, from the book's lists."""

from __future__ import annotations

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PostgresLexer

from runbook.model import Advice, Pattern
from runbook.site.icons import badge, icon
from runbook.site.markup import lines, tag, text
from runbook.site.prose import bullets, inline
from runbook.site.source import book, page_context

__all__ = ["all_advice", "faults", "patterns"]

_FAULTS = "function-issues"
"""The list that has a page of its own."""


def all_advice() -> str:
    """Render every list of advice but the faults of edge functions."""
    return lines(*(_advice(one) for one in book().advice if one.id != _FAULTS))


def _advice(one: Advice) -> str:
    title = tag("h2", text(one.title), id=one.id)
    do = _column("Do", "allow", "rb-do", one.do)
    dont = _column("Don't", "refuse", "rb-dont", one.dont)
    watch = _watch(one.watch, "Watch for") if one.watch else ""
    return lines(title, tag("div", do, dont, class_="rb-advice"), watch)


def _column(title: str, drawing: str, class_: str, entries: tuple[tuple[str, str], ...]) -> str:
    items = (tag("li", tag("strong", inline(what)), _why(why)) for what, why in entries)
    head = tag("p", icon(drawing), title, class_="rb-advice__title")
    return tag("div", head, tag("ul", *items), class_=f"rb-advice__column {class_}") if entries else ""


def _why(why: str) -> str:
    return tag("span", inline(why), class_="rb-advice__why") if why else ""


def _watch(entries: tuple[tuple[str, str], ...], title: str) -> str:
    head = tag("thead", tag("tr", tag("th", title, scope="col"), tag("th", "What it means, what to do", scope="col")))
    rows = (tag("tr", tag("th", inline(what), scope="row"), tag("td", inline(why))) for what, why in entries)
    return tag("table", head, tag("tbody", *rows), class_="rb-table rb-watch")


def faults() -> str:
    """Render the common faults of edge functions, and what to do about them."""
    one = next(one for one in book().advice if one.id == _FAULTS)
    columns = _column("Do", "allow", "rb-do", one.do) + _column("Don't", "refuse", "rb-dont", one.dont)
    return lines(_watch(one.watch, "What you see"), tag("div", columns, class_="rb-advice"))


def patterns() -> str:
    """Render every SQL pattern: the safe form, the unsafe one, why, and what catches it."""
    return lines(*(_pattern(one) for one in book().patterns))


def _pattern(one: Pattern) -> str:
    caught = tag("p", "Caught by ", tag("code", text(one.caught_by)), ".", class_="rb-caught")
    see = tag("p", "Step by step: ", page_context(one.see).link(one.see), ".") if one.see else ""
    return lines(
        tag("h2", text(one.title), id=one.id),
        tag("p", inline(one.why)),
        tag("div", _form(one.safe, "allow", "Safe"), _form(one.unsafe, "refuse", "Unsafe"), class_="rb-pattern"),
        bullets(one.notes),
        caught,
        see,
    )


def _form(sql: str, drawing: str, word: str) -> str:
    return tag(
        "div", tag("p", badge(drawing, word)), _highlighted(sql), class_=f"rb-pattern__form rb-pattern--{drawing}"
    )


def _highlighted(sql: str) -> str:
    code = highlight(sql.rstrip(), PostgresLexer(), HtmlFormatter(nowrap=True)).rstrip()
    return tag("div", tag("pre", tag("code", code)), class_="highlight rb-snippet rb-sql")
