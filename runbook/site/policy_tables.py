"""The policy as tables: which commands are refused, ask first or are fine, and how the CLI majors differ."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup

from runbook.filling import fill_command
from runbook.model import Effect, Family, Procedure, Programs, Rule, TargetKind, Variant, Verdict
from runbook.model.http_requests import HttpRequest
from runbook.model.policy import Loosening
from runbook.site.page_context import EFFECT_WORDS, page_context, target_flags
from runbook.site.source import book
from runbook.site.templating import render

__all__ = [
    "command_files",
    "command_index",
    "commands",
    "majors",
    "policy_rows",
    "production_words",
    "proven_versions",
    "targets",
    "task_runners",
    "without_target",
    "written_differently",
]

_VERDICTS = {Verdict.REFUSE: "Refused", Verdict.CONFIRM: "Asks first", Verdict.ALLOW: "Fine"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One row: a command (in a certain form) and what policy says about it."""

    id: str
    command: str
    form: str
    effect: Effect
    remote: Verdict
    local: Verdict
    reason: str
    instead: str
    loosened: tuple[Loosening, ...]
    """What the team's policy says about the rule, for less care."""

    @property
    def effect_word(self) -> str:
        """Return the word beside the effect's icon."""
        return EFFECT_WORDS[self.effect]

    @property
    def local_word(self) -> str:
        """Return the verdict on the local stack, in a word, if it differs from the one on production."""
        return "" if self.local is self.remote else _VERDICTS[self.local].lower()

    @property
    def first_reason(self) -> str:
        """Return the first sentence of the reason."""
        return re.split(r"(?<=[.;])\s", self.reason, maxsplit=1)[0].rstrip(";.") + "."


def policy_rows(verdict: Verdict) -> list[_Row]:
    """Return the commands with that verdict on production: each rule and each of its variants, in the policy's order.

    A variant only says what differs from its rule. Requests to a project's API come last.
    """
    found = []
    for rule in book().policy.rules:
        for number, own in enumerate((Variant(), *rule.variants)):
            row = _Row(
                id=f"{rule.id}-{number}" if number else rule.id,
                command=" ".join((rule.program, *rule.command)),
                form=_form(own),
                effect=own.effect or rule.effect,
                remote=own.remote or rule.remote,
                local=own.local or rule.local,
                reason=own.reason or rule.reason,
                # An empty text is valid, too: there is nothing to do instead of this form.
                instead=own.instead if own.instead is not None else rule.instead,
                loosened=tuple(one for one in book().policy.loosen if one.rule == rule.id),
            )
            found += [row] if row.remote is verdict else []
    return [*found, *(_request_row(each) for each in book().policy.http_requests if each.remote is verdict)]


def _request_row(entry: HttpRequest) -> _Row:
    return _Row(
        id=entry.id,
        command=entry.request,
        form="with any client" if entry.query is None else "with any client and such a filter",
        effect=entry.effect,
        remote=entry.remote,
        local=entry.local,
        reason=entry.reason,
        instead=entry.instead,
        loosened=tuple(one for one in book().policy.loosen if one.rule == entry.id),
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
        but_not = f" but not `{variant.excludes}`" if variant.excludes else ""
        parts.append(f"with a word that matches `{variant.words}`{but_not}")
    if variant.sql:
        parts.append(f"with SQL that {variant.sql.value}")
    if variant.majors:
        parts.append("on CLI " + " and ".join(map(str, variant.majors)))
    return ", ".join(parts)


def commands(verdict: str) -> Markup:
    """Render all commands with that verdict on production, each under a heading that search and links find."""
    return render("reference/commands.html", verdict=verdict, rows=policy_rows(Verdict(verdict)))


def command_index() -> Markup:
    """Render the contents of the command page: each command once below each verdict, linked to its first form."""
    parts = []
    for verdict, word in _VERDICTS.items():
        first: dict[str, str] = {}
        for row in policy_rows(verdict):
            first.setdefault(row.command, row.id)
        parts.append((word, sorted(first.items())))
    return render("reference/command_index.html", parts=parts)


# --- Files that hold commands ---------------------------------------------------------------------------------------


def command_files() -> Markup:
    """Render the kinds of files in which a scan finds commands, a team's own first."""
    kinds = [kind for programs in _programs() for kind in programs.command_files]
    return render("reference/command_files.html", kinds=kinds)


def task_runners() -> Markup:
    """Render the programs whose tasks are read."""
    names = {name for programs in _programs() for runner in programs.task_runners for name in runner.programs}
    return render("reference/task_runners.html", names=sorted(names))


def _programs() -> tuple[Programs, ...]:
    return book().policy.programs.all_layers[::-1]


# --- The CLI majors side by side ------------------------------------------------------------------------------------

_FAMILIES = {Family.DATABASE: "the database", Family.PROJECT: "the project"}
_LANDS = {TargetKind.PRODUCTION: "production", TargetKind.LOCAL: "the local stack", TargetKind.DRILL: "a drill"}


def majors() -> tuple[int, ...]:
    """Return the CLI majors that the book supports, newest first."""
    return tuple(sorted(book().policy.majors, reverse=True))


def production_words(major: int) -> tuple[str, ...]:
    """Return the words that name production's database on that CLI major, with REF for the project's ref."""
    words = book().policy.majors[major].target[Family.DATABASE][TargetKind.PRODUCTION]
    return fill_command(words, {"project_ref": "REF"})


def proven_versions() -> Markup:
    """Render the versions with which every command of the book was proven."""
    return render("reference/proven_versions.html", versions=[book().policy.majors[major].proven for major in majors()])


def targets() -> Markup:
    """Render the words by which each major names each target."""
    settings = [book().policy.majors[major] for major in majors()]
    rows = [
        (
            f"{where.capitalize()}, to reach {what}",
            # None: this major can't reach it. No words: it does so by itself.
            [one.target.get(family, {}).get(kind) for one in settings],
        )
        for kind, where in _LANDS.items()
        for family, what in _FAMILIES.items()
    ]
    return render("reference/targets.html", majors=majors(), rows=rows)


def without_target() -> Markup:
    """Render where each command goes if it names no target. Rows that differ come first and are marked."""
    rules = [rule for rule in book().policy.rules if rule.bare and rule.program == "supabase"]
    rules.sort(key=lambda rule: len(set(rule.bare.values())) < 2)
    rows = [
        (
            " ".join((rule.program, *rule.command)),
            [_bare(rule, major) for major in majors()],
        )
        for rule in rules
    ]
    return render("reference/without_target.html", majors=majors(), rows=rows)


def _bare(rule: Rule, major: int) -> str:
    """Return where a command goes on that major if it names no target."""
    if rule.majors is not None and major not in rule.majors:
        return "not in this CLI"
    return _LANDS[rule.bare[major]] if major in rule.bare else "asks which project"


def written_differently() -> Markup:
    """Render each command that is written differently on the two majors, and the procedures that use it."""
    used: dict[tuple[tuple[str, ...], ...], dict[str, Procedure]] = {}
    for procedure in book().procedures.values():
        page = page_context(procedure.id)
        for place in page.expansion.own:
            action = place.step.action
            # A step that names other words for one major says so itself.
            if action.words and not place.step.on_cli:
                argvs = tuple(action.argv(place.scope.values, to) for to in page.destinations.values())
                used.setdefault(argvs, {})[procedure.id] = procedure
    rows = [(argvs, procedures.values()) for argvs, procedures in sorted(used.items()) if len(set(argvs)) > 1]
    flags = [target_flags(book().policy, major) for major in majors()]
    return render("reference/written_differently.html", majors=majors(), rows=rows, flags=flags)
