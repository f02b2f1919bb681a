"""The steps of a procedure as a checklist: what to do, what to copy, what must come of it, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

from runbook.model import Action, Choose, Each, Include, Step
from runbook.site.actions import PageContext, doing, kind_of
from runbook.site.checks import check_lines, expectation_lines
from runbook.site.markup import badge, inline, lines, paragraphs, tag, text
from runbook.site.numbering import Placed, branches, nested
from runbook.site.value_markers import marks_in
from runbook.site.values import captured_fields

__all__ = ["checklist", "minutes"]


@dataclass(frozen=True, slots=True)
class _Phase:
    title: str
    steps: tuple[Placed, ...]


def checklist(page: PageContext, row: tuple[Placed, ...], *, headings: bool = True) -> str:
    """Render steps as ordered lists, one per phase, each phase under a heading with a stable anchor."""
    return lines(*(_phase(page, phase, headings=headings) for phase in _phases(row)))


def _phases(row: tuple[Placed, ...]) -> list[_Phase]:
    title = ""
    titled = []
    for at in row:
        title = at.step.phase or title
        titled.append((title, at))
    return [_Phase(name, tuple(at for _, at in group)) for name, group in groupby(titled, key=lambda pair: pair[0])]


def _phase(page: PageContext, phase: _Phase, *, headings: bool) -> str:
    items = tag("ol", *(_step(page, at) for at in phase.steps), class_="rb-steps")
    if not phase.title:
        return items
    if not headings:
        return tag("p", inline(phase.title), class_="rb-phase") + items
    anchor = "phase-" + "-".join(phase.title.lower().split())
    return tag("h3", inline(phase.title), id="".join(c for c in anchor if c.isalnum() or c == "-")) + items


def _step(page: PageContext, at: Placed) -> str:
    action = at.step.action
    body = _body(page, at)
    tick_key = f"{at.path}@{sha256((at.title + body).encode()).hexdigest()[:8]}"
    return tag(
        "li",
        _head(page, at, tick_key),
        tag("div", body, class_="rb-step__body") if body else "",
        _inner(page, at, action),
        class_=f"rb-step rb-step--{kind_of(page, at)[0]}",
        id=at.anchor,
        data_rb_step=f"{page.procedure.id}/{at.path}",
    )


def _head(page: PageContext, at: Placed, tick_key: str) -> str:
    name, word = kind_of(page, at)
    number = "" if at.path.startswith("before/") else tag("span", text(at.number), class_="rb-step__number")
    title = tag("span", inline(at.title, at.scope), class_="rb-step__title")
    decided = isinstance(at.step.action, Choose)
    box = tag("input", type="checkbox", data_rb_tick=tick_key, data_rb_decision=decided)
    facts = [badge(name, word)]
    if at.step.minutes:
        facts.append(tag("span", minutes(at.step.minutes), class_="rb-minutes"))
    return tag(
        "div",
        tag("label", box, number, title, class_="rb-check"),
        tag("span", *facts, class_="rb-step__facts"),
        class_="rb-step__head",
    )


def minutes(count: float) -> str:
    """Say how long something takes."""
    return f"about {count:g} min"


def _body(page: PageContext, at: Placed) -> str:
    step = at.step
    return lines(
        _note("warning", "Warning", step.warning, at),
        paragraphs(step.why, at.scope, class_="rb-why") if step.why else "",
        doing(page, at),
        captured_fields(page, at),
        _facts(page, at, step),
    )


def _note(kind: str, title: str, body: str | None, at: Placed) -> str:
    if not body:
        return ""
    return tag(
        "div", tag("p", title, class_="admonition-title"), paragraphs(body, at.scope), class_=f"admonition {kind}"
    )


def _facts(page: PageContext, at: Placed, step: Step) -> str:
    recovery = ""
    if step.if_it_fails:
        recovery = inline(step.if_it_fails.text, at.scope) + _see(page, step.if_it_fails.see)
    rows = [
        ("Look for", inline(step.look_for, at.scope) if step.look_for else ""),
        ("Must hold", "; ".join(expectation_lines(step.expect, at.scope))),
        ("Stop if", inline(step.stop_if, at.scope) if step.stop_if else ""),
        ("If it fails", recovery),
        ("Way back", _way_back(at, step)),
    ]
    kept = [tag("dt", title) + tag("dd", body) for title, body in rows if body]
    listed = tag("dl", *kept, class_="rb-facts") if kept else ""
    return lines(listed, check_lines(page, at, step.verify, title="Then check") if step.verify else "")


def _see(page: PageContext, procedure: str | None) -> str:
    """Say where to go; a step that is included here may name the very procedure that includes it."""
    return f" Go to {page.link(procedure)}." if procedure and procedure != page.procedure.id else ""


def _way_back(at: Placed, step: Step) -> str:
    if step.undo is None:
        return ""
    if step.undo.reason:
        return inline(f"None: {step.undo.reason}", at.scope)
    return tag("a", "Undo this step", href=f"#undo-{at.anchor}")


def _inner(page: PageContext, at: Placed, action: Action) -> str:
    if isinstance(action, Choose):
        return _choice(page, at, action)
    if isinstance(action, Each):
        return tag(
            "div",
            checklist(page, nested(at, action), headings=False),
            class_="rb-each",
            data_rb_each=at.scope.key(action.name),
            data_rb_over=next(iter(marks_in(at.scope.value(action.over))), None),
        )
    if isinstance(action, Include):
        return tag("div", checklist(page, nested(at, action), headings=False), class_="rb-include")
    return ""


def _choice(page: PageContext, at: Placed, choose: Choose) -> str:
    legend = tag("legend", "Pick one; the others fold away", class_="rb-choice__legend")
    options = (_branch(page, at, letter, when, steps) for letter, when, steps in branches(at, choose))
    return tag("fieldset", legend, *options, class_="rb-choice", data_rb_choice=at.path)


def _branch(page: PageContext, at: Placed, letter: str, when: str, steps: tuple[Placed, ...]) -> str:
    radio = tag("input", type="radio", name=f"choice-{at.anchor}", value=letter, data_rb_option=True)
    title = tag("span", tag("span", text(letter), class_="rb-step__number"), inline(when, at.scope))
    body = checklist(page, steps, headings=False) if steps else tag("p", "Go on with the next step.")
    return tag(
        "div",
        tag("label", radio, title, class_="rb-branch__when"),
        tag("div", body, class_="rb-branch__steps"),
        class_="rb-branch",
    )
