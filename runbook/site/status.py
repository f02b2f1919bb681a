"""How much a page can be relied on: its owner, its reviews, its drills, its source."""

from __future__ import annotations

import posixpath

from runbook.model import Mode, Procedure
from runbook.site.actions import PageContext, kind_of
from runbook.site.icons import badge
from runbook.site.markup import page_link, tag, text
from runbook.site.numbering import outline
from runbook.site.source import DrillResult, drilled, due, today

__all__ = ["SOURCE_DIRECTORY", "source_page", "standing", "strip"]

SOURCE_DIRECTORY = "source"
"""Where the site carries the YAML of each procedure, readable without any other host."""


def source_page(procedure: str) -> str:
    """Return the path of a procedure's YAML in the site. `.txt`, so that a browser shows it."""
    return f"{SOURCE_DIRECTORY}/{procedure}.yaml.txt"


def strip(page: PageContext) -> str:
    """Render the line of facts below a title."""
    procedure = page.procedure
    facts = [
        tag("li", f"about {procedure.minutes} min"),
        tag("li", _worst(page)),
        tag("li", "Read, then do" if procedure.mode is Mode.READ_DO else "Do, then confirm"),
        tag("li", _review(procedure)),
        tag("li", _last_drill(procedure)),
    ]
    return tag("ul", *facts, class_="rb-strip")


def _worst(page: PageContext) -> str:
    order = {"destroys": ("destroys", "Destroys"), "writes": ("writes", "Writes"), "reads": ("reads", "Reads only")}
    kinds = {kind_of(page, at)[0] for at in outline(page.procedure)}
    name, word = next((order[kind] for kind in order if kind in kinds), ("tick", "By hand"))
    return badge(name, word)


def _review(procedure: Procedure) -> str:
    late = due(procedure) < today()
    words = f"review overdue since {due(procedure)}" if late else f"reviewed {procedure.reviewed}"
    return tag(
        "span",
        text(words),
        class_="rb-review rb-review--late" if late else "rb-review",
        data_rb_due=str(due(procedure)),
    )


def _last_drill(procedure: Procedure) -> str:
    results = drilled(procedure.id)
    if not results:
        return "never drilled" if procedure.drills else "has no drill"
    newest = max(results, key=lambda result: result.at)
    failed = sum(not result.passed for result in results)
    return f"drilled {newest.at[:10]}" + (f", {failed} of {len(results)} failed" if failed else "")


def standing(page: PageContext) -> str:
    """Render the whole status as a list of facts."""
    procedure = page.procedure
    source = page_link(source_page(procedure.id), tag("code", text(posixpath.basename(procedure.at.file))))
    rows = [
        ("Owner", text(procedure.owner)),
        ("Reviewed", text(procedure.reviewed)),
        ("Next review", _review_line(procedure)),
        ("Last drill", _drills(procedure)),
        ("Content", f"SHA-256 {tag('code', text(procedure.digest))}, as {tag('code', 'runbook show')} prints it"),
        ("Source", f"{source}. The page is made from it; edit it there."),
    ]
    return tag("dl", *(tag("dt", title) + tag("dd", body) for title, body in rows), class_="rb-facts rb-standing")


def _review_line(procedure: Procedure) -> str:
    late = due(procedure) < today()
    note = tag("strong", " overdue", class_="rb-review--late") if late else ""
    return tag("span", text(due(procedure)), note, data_rb_due=str(due(procedure)))


def _drills(procedure: Procedure) -> str:
    results = drilled(procedure.id)
    if not results:
        return "no result is recorded" if procedure.drills else "there is no drill for it yet"
    return tag("ul", *(tag("li", _result(result, procedure)) for result in results))


def _result(result: DrillResult, procedure: Procedure) -> str:
    ended = badge("allow", "Passed") if result.passed else badge("refuse", "Failed")
    facts = f"{result.at[:10]}, Supabase CLI {result.cli}, PostgreSQL {result.postgres}, {result.seconds:.0f} s"
    older = "" if result.digest == procedure.digest else " (an earlier version of this procedure)"
    return f"{tag('code', text(result.name))} {ended} {text(facts)}{older}"
