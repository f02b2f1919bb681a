"""The home page: what is happening, the emergency first; the golden rule; the commands that lose data."""

from __future__ import annotations

from runbook.model import Procedure, Section
from runbook.site.checkout import checkout
from runbook.site.coverage import nav_entries
from runbook.site.icons import icon
from runbook.site.markup import lines, page_link, tag, text
from runbook.site.policy_tables import most_dangerous, production_words
from runbook.site.prose import inline
from runbook.site.snippet import line, tabs
from runbook.site.source import EMERGENCY, book

__all__ = ["danger", "emergency", "golden_rule", "situations"]

_QUESTIONS = {
    Section.START: "I am new here",
    Section.BEFORE: "Before a change",
    Section.DURING: "Making a change",
    Section.FUNCTIONS: "Edge functions",
}


def _emergencies() -> list[Procedure]:
    """All procedures for when it goes wrong, and those they hand over to: the order of the book, rollback first."""
    wrong = [one for one in book().procedures.values() if one.section is Section.WRONG]
    wrong.sort(key=lambda one: (one.id != EMERGENCY, one.title))
    names = [one.id for one in wrong]
    names += [other.see for one in wrong for other in one.not_for if other.see]
    return [book().procedure(name) for name in dict.fromkeys(names)]


def emergency() -> str:
    """Render what to do when something is broken now."""
    first, *others = _emergencies()
    rows = [
        tag("li", page_link(f"procedures/{one.id}.md", text(one.title)), tag("span", inline(one.summary)))
        for one in others
    ]
    return tag(
        "section",
        tag("p", icon("destroys"), "Something is broken now", class_="rb-emergency__title"),
        tag(
            "div",
            page_link(f"procedures/{first.id}.md", text(first.title), class_="rb-emergency__link"),
            tag("p", inline(first.summary)),
            line(("runbook", "run", first.id)),
            class_="rb-emergency__first",
        ),
        tag("ul", *rows, class_="rb-emergency__others"),
        class_="rb-emergency",
        aria_label="Emergency",
    )


def situations() -> str:
    """Render a card per moment with the procedures for it, in the nav's order: the main road first."""
    order = list(nav_entries(checkout() / "mkdocs.yml"))
    cards = []
    for section, question in _QUESTIONS.items():
        members = sorted(
            (one for one in book().procedures.values() if one.section is section),
            key=lambda one: order.index(one.id) if one.id in order else len(order),
        )
        title = tag("h3", question, id=f"section-{section.value}")
        items = tag("ul", *(_entry(one, is_first=not index) for index, one in enumerate(members)))
        cards.append(tag("section", title, items, class_="rb-card") if members else "")
    return tag("div", *cards, class_="rb-cards")


def _entry(procedure: Procedure, *, is_first: bool) -> str:
    link = page_link(f"procedures/{procedure.id}.md", text(procedure.title))
    return tag("li", link, tag("span", inline(procedure.summary)) if is_first else "")


def golden_rule() -> str:
    """Render the rule above all others, as commands for both CLI majors."""
    policy = book().policy
    panes = []
    for major in sorted(policy.majors, reverse=True):
        target = production_words(policy, major)
        push, reset = (line(("npx", "supabase", "db", verb, *target), target=target) for verb in ("push", "reset"))
        good = tag("div", tag("p", icon("allow"), "Push"), push, class_="rb-rule rb-rule--do")
        bad = tag("div", tag("p", icon("refuse"), "Never reset"), reset, class_="rb-rule rb-rule--never")
        panes.append((f"CLI {major}", tag("div", good, bad, class_="rb-rules")))
    return tabs("golden-rule", panes)


def danger() -> str:
    """Render the worst commands."""
    return lines(
        most_dangerous(8),
        tag("p", page_link("reference/commands.md", "All commands, and what to do instead"), class_="rb-more"),
    )
