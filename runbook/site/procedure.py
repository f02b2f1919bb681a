"""A procedure's page: its parts, one function each, and all of them in order."""

from __future__ import annotations

from collections.abc import Callable

from runbook.model import Check, Mode, Reference
from runbook.site.actions import PageContext, snippets
from runbook.site.checks import check_lines, expectation_lines
from runbook.site.markup import badge, bullets, icon, inline, line, lines, paragraphs, tag, text
from runbook.site.numbering import Placed, outline, placed
from runbook.site.pictures import flow
from runbook.site.source import page_context
from runbook.site.status import facts_line as strip
from runbook.site.status import page_status as standing
from runbook.site.steps import checklist
from runbook.site.stub import HEADINGS, anchor
from runbook.site.values import form

__all__ = ["checks", "ending", "needs", "opening", "page", "status", "steps", "undo", "values", "warnings", "when"]


def page(name: str, *, screen: Callable[[str], str], after: str = "", through: str = "") -> str:
    """Render the page's parts below their headings: all, or those behind `after` as far as `through`.

    Parts are named as in HEADINGS; `screen` draws what the terminal shows first. Raises ValueError for a name that no
    part has.
    """
    makers: dict[str, Callable[[str], str]] = {
        "opening": opening,
        "when": when,
        "warnings": warnings,
        "needs": needs,
        "values": values,
        "steps": steps,
        "checks": checks,
        "undo": undo,
        "ending": ending,
        "screen": screen,
        "status": status,
    }
    names = [part for part, _ in HEADINGS]
    shown = slice(names.index(after) + 1 if after else 0, names.index(through) + 1 if through else None)
    return lines(*(lines(_heading(heading), makers[part](name)) for part, heading in HEADINGS[shown]))


def _heading(heading: str) -> str:
    """Return the heading as Markdown makes a written one, with the link to itself (`toc` in mkdocs.yml)."""
    if not heading:
        return ""
    link = tag("a", "&para;", class_="headerlink", href=f"#{anchor(heading)}", title="Link to this section")
    return tag("h2", heading, link, id=anchor(heading))


def opening(name: str) -> str:
    """Say what it is in one sentence, how long it takes, what it does, and how to walk it in a terminal."""
    page = page_context(name)
    return tag(
        "div",
        paragraphs(page.procedure.summary, class_="rb-lead"),
        strip(page),
        tag(
            "div",
            tag("a", "Go to step 1", href="#steps", class_="md-button md-button--primary rb-begin"),
            tag("span", icon("terminal"), "or in a terminal", class_="rb-or"),
            line(("runbook", "run", name)),
            class_="rb-terminal",
        ),
        class_=f"rb-opening rb-opening--{page.procedure.section.value}",
    )


def when(name: str) -> str:
    """Say when to use it, and what to use in the other cases."""
    page = page_context(name)
    use = bullets(page.procedure.use_when, class_="rb-use")
    others = [tag("li", _instead(page, one)) for one in page.procedure.not_for]
    other = tag("p", tag("strong", "Not for:")) + tag("ul", *others, class_="rb-not") if others else ""
    return lines(use, other)


def _instead(page: PageContext, reference: Reference) -> str:
    return inline(reference.text) + (f" → {page.link(reference.see)}" if reference.see else "")


_LANDS = (
    f"The commands below land on {tag('strong', 'production', class_='rb-target')}; the flag that says so stands out. "
    "Pick your CLI's tab once, and all commands follow."
)


def warnings(name: str) -> str:
    """Say where the commands land and what to mind before step 1."""
    page = page_context(name)
    target = tag("p", _LANDS if page.reaches_production else "No command of this procedure reaches a hosted project.")
    if not page.procedure.warnings:
        return target
    notes = tag(
        "div",
        tag("p", "Before you begin", class_="admonition-title"),
        bullets(page.procedure.warnings),
        class_="admonition warning",
    )
    return lines(notes, target)


def needs(name: str) -> str:
    """List what to have at hand, and what to do or see before step 1."""
    page = page_context(name)
    before, _ = placed(page.procedure)
    ticked = checklist(page, before) if before else ""
    listed = bullets(page.procedure.needs)
    return lines(listed, ticked) or tag("p", "Nothing but this page.")


def values(name: str) -> str:
    """Render the fields that fill the page's commands."""
    return form(page_context(name))


def steps(name: str) -> str:
    """Render the bar of the read-through and the steps."""
    page = page_context(name)
    _, row = placed(page.procedure)
    bar = tag(
        "div",
        tag("p", "", class_="rb-progress__count", role="status"),
        tag("p", "", class_="rb-progress__since"),
        tag("button", "New read-through", type="button", class_="md-button rb-progress__new"),
        tag("div", tag("span"), class_="rb-progress__bar", aria_hidden="true"),
        class_="rb-progress",
        data_rb_procedure=name,
    )
    reading = "" if page.procedure.mode is Mode.READ_DO else tag("p", _DO_CONFIRM, class_="rb-mode")
    return lines(flow(page), bar, _PAPER, reading, checklist(page, row))


_DO_CONFIRM = "Do a phase from memory, then confirm each line of it here."
_PAPER = tag("p", "Read-through started at ____________ by ______________________________", class_="rb-paper")


def _to(at: Placed) -> str:
    return tag("a", text(f"{at.number} "), inline(at.title, at.scope), href=f"#{at.anchor}")


def checks(name: str) -> str:
    """Gather all checks: what must hold after which step."""
    page = page_context(name)
    rows = [_must_hold(at, at.step.verify) for at in outline(page.procedure) if at.step.verify]
    if not rows:
        return tag("p", "No step of this procedure changes anything that needs a check of its own.")
    heads = tag("thead", tag("tr", tag("th", "After", scope="col"), tag("th", "Must hold", scope="col")))
    note = "Each check only reads; its command stands below its step. Run it as often as you like."
    return tag("p", note) + tag("table", heads, tag("tbody", *rows), class_="rb-table rb-checks")


def _must_hold(at: Placed, check: Check) -> str:
    clauses = "; ".join(expectation_lines(check.expect, at.scope)) or "the check ends without an error"
    see = tag("a", "see the command", href=f"#check-{at.anchor}")
    return tag("tr", tag("th", _to(at), scope="row"), tag("td", f"{clauses} ({see})", data_label="Must hold"))


def undo(name: str) -> str:
    """Gather all ways back: how to undo which step, or why that can't be done."""
    page = page_context(name)
    rows = [_undo(page, at) for at in outline(page.procedure) if at.step.undo]
    if not rows:
        return tag("p", "Nothing to undo: no step of this procedure changes anything.")
    return tag("ul", *rows, class_="rb-undo")


def _undo(page: PageContext, at: Placed) -> str:
    way = at.step.undo
    if way is None or way.action is None:
        body = tag("p", badge("refuse", "No way back"), " ", inline((way and way.reason) or "", at.scope))
    else:
        body = snippets(page, at, way.action, key=f"undo-{at.anchor}-do")
        body += check_lines(page, at, way.check, title="Then check", anchor="undo-check") if way.check else ""
    return tag("li", tag("p", _to(at)), body, id=f"undo-{at.anchor}")


def ending(name: str) -> str:
    """Say that this is the end, what follows later, and what else is near."""
    page = page_context(name)
    after = bullets(page.procedure.after)
    related = [tag("li", page.link(one)) for one in page.procedure.related]
    return lines(
        tag("p", tag("strong", "This procedure ends here."), " Tell those you told at the start."),
        tag("p", "Afterwards:") + after if after else "",
        tag("p", "Near this:") + tag("ul", *related) if related else "",
        tag("p", "Walk it in a terminal, where each command is run, checked and written down:"),
        line(("runbook", "run", name)),
        _rehearse(page),
    )


def _rehearse(page: PageContext) -> str:
    if not page.procedure.drills:
        return ""
    return tag("p", "Practise it on a throwaway database:") + line(("runbook", "drill", page.procedure.id))


def status(name: str) -> str:
    """Say who keeps this page, whether it is due, when it was last drilled, and where its source is."""
    return standing(page_context(name))
