"""The home page: what is happening, the emergency first; the golden rule; the commands that lose data."""

from __future__ import annotations

from markupsafe import Markup

from runbook.model import Section, Verdict
from runbook.site.navigation import procedure_order
from runbook.site.policy_tables import majors, policy_rows, production_words
from runbook.site.source import book
from runbook.site.templating import render

__all__ = ["emergency", "golden_rule", "most_dangerous_commands", "situations"]

_QUESTIONS = {
    Section.START: "I am new here",
    Section.BEFORE: "Before a change",
    Section.DURING: "Making a change",
    Section.FUNCTIONS: "Edge functions",
}


def emergency() -> Markup:
    """Render the procedures for when something is broken now."""
    return render("home/emergency.html", emergencies=book().emergencies, team=book().team)


def situations() -> Markup:
    """Render a card for each moment with its procedures, in the nav's order: the main one first."""
    places = {name: place for place, name in enumerate(procedure_order(book()))}
    cards = []
    for section, question in _QUESTIONS.items():
        procedures = sorted(
            (one for one in book().procedures.values() if one.section is section),
            key=lambda one: places[one.id],
        )
        if procedures:
            cards.append((section.value, question, procedures))
    return render("home/situations.html", cards=cards)


def golden_rule() -> Markup:
    """Render the rule above all others, as commands for both CLI majors."""
    return render("home/golden_rule.html", targets={major: production_words(major) for major in majors()})


def most_dangerous_commands() -> Markup:
    """Render the first of the refused commands, each with the first sentence of its reason."""
    return render("home/most_dangerous_commands.html", rows=policy_rows(Verdict.REFUSE)[:8])
