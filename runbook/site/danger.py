"""The policy as tables: what is refused, what asks first, what is fine, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runbook.model import Effect, Family, Policy, Rule, TargetKind, Variant, Verdict
from runbook.site.icons import badge
from runbook.site.markup import tag, text
from runbook.site.prose import inline
from runbook.site.source import book

__all__ = ["VERDICT_WORDS", "Line", "commands", "lines_of", "most_dangerous", "production_words", "table"]

VERDICT_WORDS = {Verdict.REFUSE: "Refused", Verdict.CONFIRM: "Asks first", Verdict.ALLOW: "Fine"}
_EFFECT_WORDS = {Effect.READS: "Reads", Effect.WRITES: "Writes", Effect.DESTROYS: "Destroys"}


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
    """Render the first commands that are refused on production, for the home page."""
    refused = [line for line in lines_of(book().policy) if line.remote is Verdict.REFUSE and not line.form]
    return table(refused[:count], verdicts=False)


def commands(verdict: str) -> str:
    """Render all commands with that verdict on production."""
    wanted = Verdict(verdict)
    return table([line for line in lines_of(book().policy) if line.remote is wanted], verdicts=True)


def table(rows: list[Line], *, verdicts: bool) -> str:
    """Render rows as a table that turns into cards where the screen is narrow."""
    heads = ["Command", *(["What it does", "On the local stack"] if verdicts else []), "Why", "Instead"]
    head = tag("thead", tag("tr", *(tag("th", one, scope="col") for one in heads)))
    return tag(
        "table", head, tag("tbody", *(_row(line, verdicts=verdicts) for line in rows)), class_="rb-table rb-commands"
    )


def _row(line: Line, *, verdicts: bool) -> str:
    form = tag("span", inline(line.form), class_="rb-form") if line.form else ""
    facts = [
        _cell("What it does", badge(line.effect.value, _EFFECT_WORDS[line.effect])),
        _cell("On the local stack", badge(line.local.value, VERDICT_WORDS[line.local])),
    ]
    return tag(
        "tr",
        tag("th", tag("code", text(line.command)), form, scope="row"),
        *(facts if verdicts else []),
        _cell("Why", inline(line.reason)),
        _cell("Instead", inline(line.instead) if line.instead else ""),
        id=f"rule-{line.id}" if verdicts else None,
        class_=f"rb-verdict--{line.remote.value}",
    )


def _cell(label: str, content: str) -> str:
    return tag("td", content, data_label=label) if content else tag("td")


def production_words(policy: Policy, major: int) -> tuple[str, ...]:
    """Return the words that name production's database on that CLI major."""
    return policy.majors[major].target[Family.DATABASE][TargetKind.PRODUCTION]
