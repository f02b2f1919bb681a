"""The home page: what is happening, the emergency first; the golden rule; the commands that lose data."""

from __future__ import annotations

from runbook.model import Procedure, Section
from runbook.site.danger import most_dangerous, production_words
from runbook.site.icons import icon
from runbook.site.markup import lines, page_link, tag, text
from runbook.site.prose import inline
from runbook.site.snippet import line, tabs
from runbook.site.source import book

__all__ = ["danger", "emergency", "golden_rule", "situations"]

_QUESTIONS = {
    Section.START: "I am new here",
    Section.BEFORE: "I am about to change the database",
    Section.DURING: "I am making a change",
    Section.FUNCTIONS: "I am working on an edge function",
}


def _emergencies() -> list[Procedure]:
    """All procedures for when it goes wrong, and those they hand over to: the order of the book, rollback first."""
    wrong = [one for one in book().procedures.values() if one.section is Section.WRONG]
    wrong.sort(key=lambda one: (one.id != "emergency-rollback", one.title))
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
        page_link(
            f"procedures/{first.id}.md",
            tag("strong", text(first.title)),
            tag("span", inline(first.summary)),
            class_="rb-emergency__first",
        ),
        tag("div", line(("runbook", "run", first.id)), class_="rb-emergency__run"),
        tag("ul", *rows, class_="rb-emergency__others"),
        class_="rb-emergency",
        aria_label="Emergency",
    )


def situations() -> str:
    """Render a card per moment, with the procedures for it."""
    cards = []
    for section, question in _QUESTIONS.items():
        members = [one for one in book().procedures.values() if one.section is section]
        items = (
            tag("li", page_link(f"procedures/{one.id}.md", text(one.title)), tag("span", inline(one.summary)))
            for one in members
        )
        title = tag("h3", question, id=f"section-{section.value}")
        cards.append(tag("section", title, tag("ul", *items), class_="rb-card") if members else "")
    return tag("div", *cards, class_="rb-cards")


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
    """Render the worst commands and what to do instead."""
    return lines(
        most_dangerous(7),
        tag("p", page_link("reference/commands.md", "All commands, dangerous and safe"), class_="rb-more"),
    )
