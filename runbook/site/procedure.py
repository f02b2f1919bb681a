"""A procedure's page: its parts in order, each by the template of its name, and what they say of its state."""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from runbook.model import Procedure
from runbook.site.new_procedure import HEADINGS, anchor
from runbook.site.page_context import PageContext, page_context
from runbook.site.pictures import flow
from runbook.site.source import drilled, due, source_page, today
from runbook.site.templating import render

__all__ = ["page", "part"]


def page(name: str, *, screen: Callable[[str], str], after: str = "", through: str = "") -> str:
    """Render the page's parts below their headings: all, or those behind `after` as far as `through`.

    Parts are named as in HEADINGS; `screen` draws what the terminal shows first, as HTML. Raises ValueError for a name
    that no part has.
    """
    names = [each for each, _ in HEADINGS]
    shown = slice(names.index(after) + 1 if after else 0, names.index(through) + 1 if through else None)
    return "\n".join(
        render("procedure/part.html", heading=heading, anchor=anchor(heading), content=_content(name, each, screen))
        for each, heading in HEADINGS[shown]
    )


def _content(name: str, part_name: str, screen: Callable[[str], str]) -> Markup:
    return Markup(screen(name)) if part_name == "screen" else part(name, part_name)  # noqa: S704 - made by a template


def part(name: str, part_name: str) -> Markup:
    """Render one part of a procedure's page, without its heading."""
    page = page_context(name)
    data = _DATA[part_name](page) if part_name in _DATA else {}
    return render(f"procedure/{part_name}.html", page=page, procedure=page.procedure, **data)


def _opening(page: PageContext) -> dict[str, object]:
    effect, word = _strongest_effect(page)
    return {"effect": effect, "effect_word": word, "last_drill": _last_drill(page.procedure), **_review(page.procedure)}


def _strongest_effect(page: PageContext) -> tuple[str, str]:
    words = {"destroys": "Destroys", "writes": "Writes", "reads": "Reads only"}
    symbols = {each.symbol for each in page.views.values()}
    return next(((symbol, word) for symbol, word in words.items() if symbol in symbols), ("tick", "By hand"))


def _last_drill(procedure: Procedure) -> str:
    results = drilled(procedure.id)
    if not results:
        return "never drilled" if procedure.drills else "has no drill"
    newest = max(results, key=lambda result: result.at)
    failed = sum(not result.passed for result in results)
    return f"drilled {newest.at[:10]}" + (f", {failed} of {len(results)} failed" if failed else "")


def _review(procedure: Procedure) -> dict[str, object]:
    return {"review_due": due(procedure), "is_late": due(procedure) < today()}


def _steps(page: PageContext) -> dict[str, object]:
    return {"flow": flow(page)}


def _status(page: PageContext) -> dict[str, object]:
    procedure = page.procedure
    return {"drills": drilled(procedure.id), "source": source_page(procedure.id), **_review(procedure)}


_DATA: dict[str, Callable[[PageContext], dict[str, object]]] = {
    "opening": _opening,
    "steps": _steps,
    "status": _status,
}
"""What a part's template needs besides the page."""
