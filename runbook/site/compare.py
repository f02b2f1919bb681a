"""CLI 2 and CLI 3 side by side: how each names a target, where a bare command goes, the same command on both."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.model import Command, Family, Policy, TargetKind
from runbook.site.actions import PageContext
from runbook.site.commands import target_flags, words_of
from runbook.site.markup import tag, text
from runbook.site.numbering import Placed, outline
from runbook.site.snippet import words
from runbook.site.source import book
from runbook.site.value_markers import Scope, shown

__all__ = ["bare", "same_command", "targets", "versions"]

_FAMILIES = {Family.DATABASE: "the database", Family.PROJECT: "the project"}
_LANDS = {TargetKind.PRODUCTION: "production", TargetKind.LOCAL: "the local stack", TargetKind.DRILL: "a drill"}


def _majors() -> tuple[int, ...]:
    return tuple(sorted(book().policy.majors, reverse=True))


def _table(heads: list[str], rows: list[list[str]]) -> str:
    head = tag("thead", tag("tr", *(tag("th", text(one), scope="col") for one in heads)))
    body = tag("tbody", *(_row(row, heads) for row in rows))
    return tag("table", head, body, class_="rb-table rb-compare")


def _row(row: list[str], heads: list[str]) -> str:
    cells = (tag("td", cell, data_label=label) for cell, label in zip(row[1:], heads[1:], strict=True))
    return tag("tr", tag("th", row[0], scope="row"), *cells)


def versions() -> str:
    """Say with which versions every command of the book was proven."""
    proven = " and ".join(book().policy.majors[major].proven for major in _majors())
    return tag("p", "Every command of this book was run with ", tag("strong", text(proven)), ".")


def targets() -> str:
    """Render the words by which each major names each target."""
    policy = book().policy
    rows = [
        [
            f"{where.capitalize()}, to reach {what}",
            *(_target(policy, major, family, kind) for major in _majors()),
        ]
        for kind, where in _LANDS.items()
        for family, what in _FAMILIES.items()
    ]
    return _table(["Target", *(f"CLI {major}" for major in _majors())], rows)


def _target(policy: Policy, major: int, family: Family, kind: TargetKind) -> str:
    named = policy.majors[major].target.get(family, {}).get(kind)
    if named is None:
        return "can't be reached"
    return tag("code", shown(Scope().fill(" ".join(named)))) if named else "nothing: it is the default"


def bare() -> str:
    """Render where each command goes when it names no target. Rows that differ come first and are marked."""
    rules = [rule for rule in book().policy.rules if rule.bare and rule.program == "supabase"]
    rules.sort(key=lambda rule: len(set(rule.bare.values())) < 2)
    rows = []
    for rule in rules:
        lands = [_LANDS[rule.bare[major]] if major in rule.bare else "not in this CLI" for major in _majors()]
        differs = len(set(lands)) > 1
        shown_lands = [tag("strong", one) if differs and one == "production" else one for one in lands]
        rows.append([tag("code", text(" ".join((rule.program, *rule.command)))), *shown_lands])
    return _table(["Without a target", *(f"on CLI {major}" for major in _majors())], rows)


def same_command() -> str:
    """Render each command of the book that is written differently on the two majors."""
    seen: dict[tuple[str, ...], list[str]] = {}
    for page, at, command in _commands():
        key = tuple(_shown_words(page, at, command, major) for major in _majors())
        used = seen.setdefault(key, [])
        link = page.link(page.procedure.id)
        used += [link] if link not in used else []
    rows = [[*key, ", ".join(used)] for key, used in sorted(seen.items()) if len(set(key)) > 1]
    return _table([*(f"CLI {major}" for major in _majors()), "Used in"], rows)


def _commands() -> Iterator[tuple[PageContext, Placed, Command]]:
    for procedure in book().procedures.values():
        page = PageContext(book(), procedure)
        for at in outline(procedure):
            if isinstance(at.step.action, Command) and not at.step.on_cli and not at.scope.bound:
                yield page, at, at.step.action


def _shown_words(page: PageContext, at: Placed, command: Command, major: int) -> str:
    filled = words_of(page.book, command, at.scope, major)
    return tag("code", words(filled, target=target_flags(page.book, major), live=False))
