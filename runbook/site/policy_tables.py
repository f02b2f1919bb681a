"""The policy as tables: what is refused, what asks first, what is fine, and what to do instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runbook.model import Effect, Family, Policy, Rule, TargetKind, Variant, Verdict
from runbook.site.actions import EFFECT_WORDS
from runbook.site.icons import badge
from runbook.site.markup import tag, text
from runbook.site.prose import inline
from runbook.site.source import book

__all__ = ["VERDICT_WORDS", "Line", "commands", "lines_of", "most_dangerous", "production_words"]

VERDICT_WORDS = {Verdict.REFUSE: "Refused", Verdict.CONFIRM: "Asks first", Verdict.ALLOW: "Fine"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row: a command (in a certain form) and what policy says of it."""

    id: str
    command: str
    form: str
    effect: Effect
    remote: Verdict
    local: Verdict
    reason: str
    instead: str


def lines_of(policy: Policy) -> Iterator[Line]:
    """Yield a row for each rule and for each of its variants that says something else, in the policy's order."""
    for rule in policy.rules:
        yield _line(rule, None)
        for number, variant in enumerate(rule.variants, start=1):
            yield _line(rule, variant, number)


def _line(rule: Rule, variant: Variant | None, number: int = 0) -> Line:
    own = variant or Variant()
    return Line(
        id=f"{rule.id}-{number}" if number else rule.id,
        command=" ".join((rule.program, *rule.command)),
        form=_form(own) if variant else "",
        effect=own.effect or rule.effect,
        remote=own.remote or rule.remote,
        local=own.local or rule.local,
        reason=own.reason or rule.reason,
        instead=own.instead if own.instead is not None else rule.instead,
    )


def _form(variant: Variant) -> str:
    """Say in words which form of the command a variant is."""
    parts = []
    if variant.flags:
        parts.append("with " + " ".join(f"`{flag}`" for flag in variant.flags))
    if variant.without:
        parts.append("without " + " or ".join(f"`{flag}`" for flag in variant.without))
    if variant.arguments:
        parts.append("naming nothing" if variant.arguments == "none" else "naming something")
    if variant.words:
        parts.append(f"with a word that matches `{variant.words}`")
    if variant.sql:
        parts.append(f"when its SQL {variant.sql.value}")
    if variant.majors:
        parts.append("on CLI " + " and ".join(map(str, variant.majors)))
    return ", ".join(parts)


def most_dangerous(count: int) -> str:
    """Render the first commands that are refused on production with the first reason, for the home page."""
    refused = [line for line in lines_of(book().policy) if line.remote is Verdict.REFUSE]
    rows = (tag("tr", _command(line), tag("td", inline(_first_sentence(line.reason)))) for line in refused[:count])
    heads = tag("tr", tag("th", "Command", scope="col"), tag("th", "Why", scope="col"))
    return tag("table", tag("thead", heads), tag("tbody", *rows), class_="rb-table rb-commands rb-worst")


def _first_sentence(reason: str) -> str:
    return re.split(r"(?<=[.;])\s", reason, maxsplit=1)[0].rstrip(";.") + "."


def commands(verdict: str) -> str:
    """Render all commands with that verdict on production, each under a heading that search and links find."""
    wanted = Verdict(verdict)
    heads = tag(
        "div",
        *(tag("span", one) for one in ("Command", "What it does, and why", "Instead")),
        class_="rb-command__heads",
    )
    rows = (_entry(line) for line in lines_of(book().policy) if line.remote is wanted)
    return tag("div", heads, *rows, class_=f"rb-commands-list rb-verdict--{verdict}")


def _entry(line: Line) -> str:
    local = tag("span", "On the local stack: ", tag("b", VERDICT_WORDS[line.local].lower()), class_="rb-local")
    what = badge(line.effect.value, EFFECT_WORDS[line.effect]) + tag("span", inline(line.reason), class_="rb-reason")
    instead = tag("span", "Instead: ", class_="rb-command__label") + inline(line.instead) if line.instead else ""
    title = tag("h3", tag("code", text(line.command)), id=f"rule-{line.id}")
    return tag(
        "article",
        tag("div", title, _form_words(line)),
        tag("div", what, local if line.local is not line.remote else ""),
        tag("div", instead),
        class_="rb-command",
    )


def _form_words(line: Line) -> str:
    return tag("span", inline(line.form), class_="rb-form") if line.form else ""


def _command(line: Line) -> str:
    return tag("th", tag("code", text(line.command)), _form_words(line), scope="row")


def production_words(policy: Policy, major: int) -> tuple[str, ...]:
    """Return the words that name production's database on that CLI major."""
    return policy.majors[major].target[Family.DATABASE][TargetKind.PRODUCTION]
