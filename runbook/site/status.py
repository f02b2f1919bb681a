"""How much a page can be relied on: its owner, its reviews, its drills, its source."""

from __future__ import annotations

import posixpath

from markupsafe import Markup

from runbook.model import Procedure
from runbook.site.actions import PageContext, kind_of
from runbook.site.numbering import outline
from runbook.site.source import drilled, due, today
from runbook.site.templating import render

__all__ = ["SOURCE_DIRECTORY", "facts_line", "page_status", "source_page"]

SOURCE_DIRECTORY = "source"
"""Where the site carries the YAML of each procedure, readable without any other host."""


def source_page(procedure: str) -> str:
    """Return the path of a procedure's YAML in the site. `.txt`, so that a browser shows it."""
    return f"{SOURCE_DIRECTORY}/{procedure}.yaml.txt"


def facts_line(page: PageContext) -> Markup:
    """Render the line of facts below a title."""
    effect, effect_word = _strongest_effect(page)
    return render(
        "procedure/facts_line.html",
        procedure=page.procedure,
        effect=effect,
        effect_word=effect_word,
        review_due=due(page.procedure),
        is_late=due(page.procedure) < today(),
        last_drill=_last_drill(page.procedure),
    )


def _strongest_effect(page: PageContext) -> tuple[str, str]:
    words = {"destroys": "Destroys", "writes": "Writes", "reads": "Reads only"}
    kinds = {kind_of(page, at)[0] for at in outline(page.procedure)}
    return next(((kind, word) for kind, word in words.items() if kind in kinds), ("tick", "By hand"))


def _last_drill(procedure: Procedure) -> str:
    results = drilled(procedure.id)
    if not results:
        return "never drilled" if procedure.drills else "has no drill"
    newest = max(results, key=lambda result: result.at)
    failed = sum(not result.passed for result in results)
    return f"drilled {newest.at[:10]}" + (f", {failed} of {len(results)} failed" if failed else "")


def page_status(page: PageContext) -> Markup:
    """Render the whole status as a list of facts."""
    procedure = page.procedure
    return render(
        "procedure/status.html",
        procedure=procedure,
        review_due=due(procedure),
        is_late=due(procedure) < today(),
        drills=drilled(procedure.id),
        source=source_page(procedure.id),
        file=posixpath.basename(procedure.at.file),
    )
