"""A procedure's page: its parts in order, each from the template of the same name, and the facts on its status."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from runbook.rendering.shown_procedure import change_sentence
from runbook.site.new_procedure import HEADINGS, anchor
from runbook.site.page_context import page_context
from runbook.site.pictures import way
from runbook.site.source import drilled, source_page, today
from runbook.site.templating import render

__all__ = ["page", "part"]

_STRENGTH = {"destroys": "Destroys", "writes": "Writes", "reads": "Reads only"}
"""The word for a procedure, by its strongest step. A procedure with only other steps is done by hand."""


def page(name: str, *, screen: Callable[[str], str], after: str = "", through: str = "") -> str:
    """Render the page's parts below their headings: all, or the ones after `after` up to `through`.

    Parts are named as in HEADINGS; `screen` draws what the terminal shows first, as HTML. Raises ValueError for an
    unknown part.
    """
    names = [each for each, _ in HEADINGS]
    shown = []
    for each, heading in HEADINGS[
        names.index(after) + 1 if after else 0 : names.index(through) + 1 if through else None
    ]:
        content = Markup(screen(name)) if each == "screen" else part(name, each)  # noqa: S704 - made by a template
        shown.append(render("procedure/part.html", heading=heading, anchor=anchor(heading), content=content))
    return "\n".join(shown)


def part(name: str, part_name: str) -> Markup:
    """Render one part of a procedure's page, without its heading."""
    page = page_context(name)
    procedure, results = page.procedure, drilled(name)
    symbols = {each.symbol for each in page.views.values()}
    strongest = ((symbol, word) for symbol, word in _STRENGTH.items() if symbol in symbols)
    effect, effect_word = next(strongest, ("tick", "By hand"))
    last_drill = "never drilled" if procedure.drills else "has no drill"
    if results:
        newest, failed = max(result["at"] for result in results), sum(not result["passed"] for result in results)
        is_current = all(result["digest"] == procedure.digest for result in results)
        last_drill = f"drilled {newest[:10]}" if is_current else f"edited since its last drill, on {newest[:10]}"
        last_drill += f", {failed} of {len(results)} failed" if failed else ""
    return render(
        f"procedure/{part_name}.html",
        page=page,
        procedure=procedure,
        effect=effect,
        effect_word=effect_word,
        last_drill=last_drill,
        drills=results,
        source=source_page(name),
        review_due=procedure.due,
        is_late=procedure.due < today(),
        way=way,
        change_sentence=change_sentence,
    )
