"""The page of all symptoms, errors and SQLSTATEs, each with where it leads, to search on paper or without scripts."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from runbook.model import Book, KnownError, Procedure
from runbook.search.index import build_index
from runbook.search.record import Index, Source
from runbook.site.source import book
from runbook.site.templating import render

__all__ = ["codes", "errors", "symptoms"]


class _Way(NamedTuple):
    """A procedure, and the texts that lead to it: symptoms with their anchors on its page ("": the top), and errors."""

    procedure: Procedure
    symptoms: list[tuple[str, str]]
    errors: list[str]


def symptoms() -> Markup:
    """Render the symptoms and errors of each procedure, the urgent procedures first."""
    return render("reference/symptoms.html", ways=_ways(book(), build_index(book())))


def codes() -> Markup:
    """Render every SQLSTATE of a known error, with its errors."""
    found: dict[str, list[KnownError]] = {}
    for error in book().errors:
        for state in error.sqlstates:
            found.setdefault(state, []).append(error)
    return render("reference/codes.html", codes=sorted(found.items()))


def errors() -> Markup:
    """Render every known error: how it is shown, what it means, what to do, and the procedure that helps."""
    return render("reference/errors.html", errors=book().errors, procedure=book().procedure)


def _ways(whole: Book, index: Index) -> list[_Way]:
    ways = {name: _Way(procedure, [], []) for name, procedure in whole.procedures.items()}
    for line in index.lines:
        way = ways.get(index.entries[line.entry].id)
        if way is None or index.entries[line.entry].kind != "procedure":
            continue
        if line.source is Source.ERROR:
            way.errors.append(line.text)
        elif line.source in {Source.SYMPTOM, Source.USE, Source.SIGN}:
            way.symptoms.append((line.text, line.anchor))
    order = ["wrong", "functions", "before", "during", "start"]
    return sorted(ways.values(), key=lambda way: (not way.procedure.is_emergency, order.index(way.procedure.section)))
