"""The rules for a run's commands (policy, and the CLI's words for a target): pinned at its start, compared later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from runbook.errors import UsageError
from runbook.expansion import EveryWay, expand
from runbook.filling import Shown
from runbook.journal.events import JudgedCommand, RulesSeen
from runbook.loading.files import SHARED, shown_name
from runbook.loading.place import PACKAGED_BOOK
from runbook.model import Book, Effect, Family, Policy, Procedure, Role, Verdict
from runbook.model.templates import names_in
from runbook.policy.judgement import rule_of
from runbook.steps.destination import Destination, effect_of
from runbook.steps.scope import Place, Scope

__all__ = ["describe_book", "reaches_target", "rules_of", "weakened"]

_BY_TARGET = frozenset({"target", "project_ref", "env_file"})
"""The names that only a project gives a value to."""


def rules_of(book: Book, procedure: Procedure, destination: Destination, *, reference: str) -> RulesSeen:
    """Return the rules of a book, and how they judge every command that a procedure may run.

    `reference` is the project's ref; commands leave it out, because comparing the targets reports a changed ref.
    """
    sources = dict(_shared(book))
    whole = "\0".join(f"{name}\0{sources[name]}" for name in sorted(sources))
    scope = Scope(
        values={"project_ref": "<project_ref>"},
        secrets={each.name: each.name for each in procedure.parameters if each.secret},
    )
    places = expand(procedure, EveryWay(), scope).places
    return RulesSeen(
        book="" if Path(book.directory) == PACKAGED_BOOK else str(Path(book.directory).absolute()),
        digest=sha256(whole.encode()).hexdigest(),
        sources=sources,
        commands=dict(judged for place in places for judged in _judged(place, destination, reference)),
    )


def reaches_target(procedure: Procedure, policy: Policy) -> bool:
    """Tell whether any step may reach a database or a project, or names one. In doubt, it does."""
    steps = [place.step for place in expand(procedure, EveryWay(), Scope()).places]
    commands = [action for step in steps for _, action, _ in step.commands(tuple(policy.majors))]
    names = _BY_TARGET & {name for step in steps for use in step.uses() for name in names_in(use.text)}
    return bool(names) or any(_reaches(action.words, policy) for action in commands)


def _reaches(words: Sequence[str], policy: Policy) -> bool:
    rule = rule_of(words, policy) if words else None
    # A command of `runbook` itself reaches a target only if it names it, which its placeholder shows.
    return rule is None or rule.reaches not in {Family.NOTHING, Family.RUNBOOK}


def _shared(book: Book) -> Iterator[tuple[str, str]]:
    """Yield the texts that the policy comes from; a book of a team's own has the packaged ones as well."""
    packaged = "" if Path(book.directory) == PACKAGED_BOOK else shown_name(PACKAGED_BOOK)
    for shown, text in book.sources.items():
        place, _, name = shown.rpartition("/")
        if name in SHARED:
            yield f"packaged {name}" if place == packaged else name, text


def _judged(place: Place, to: Destination, reference: str) -> Iterator[tuple[str, JudgedCommand]]:
    """Yield each command of a step under its own name, with names in place of values."""
    seen: Counter[Role] = Counter()
    for role, action, majors in place.step.commands((to.major,)):
        if to.major not in majors:
            continue
        try:
            argv = action.argv(Shown({}), to)
        except UsageError:
            continue  # a name can't replace the value there; the command is judged before it runs
        judgement = action.judge(argv, to)
        if judgement is not None:
            effect = effect_of(judgement, action.declared, place.step.effect)
            seen[role] += 1
            number = f" {seen[role]}" if seen[role] > 1 else ""
            name = place.path if role is Role.STEP else f"{place.path} ({role.name.lower()})"
            yield name + number, JudgedCommand(_shown(argv, reference), effect.value, judgement.verdict.value)


def _shown(argv: Sequence[str], reference: str) -> str:
    text = " ".join(argv)
    return text.replace(reference, "<project_ref>") if reference else text


def weakened(before: RulesSeen, now: RulesSeen) -> list[str]:
    """Return a sentence for each command that changed, or is judged more leniently, since the run began."""
    return [
        f"step {name}: {said}"
        for name, old in before.commands.items()
        if (new := now.commands.get(name)) and (said := _weaker(old, new))
    ]


def _weaker(old: JudgedCommand, new: JudgedCommand) -> str:
    if Verdict(new.verdict).rank < Verdict(old.verdict).rank:
        return f"was {old.verdict}, is now {new.verdict}: {new.command}"
    if Effect(new.effect).rank < Effect(old.effect).rank:
        return f"was judged '{old.effect}', is now '{new.effect}': {new.command}"
    return "" if new.command == old.command else f"was {old.command}, is now {new.command}"


# --- for the first screen -----------------------------------------------------------------------------------------


def describe_book(book: Book) -> str:
    """Return what the operator must know about a book that isn't the packaged one; "" for the packaged one."""
    if Path(book.directory) == PACKAGED_BOOK:
        return ""
    place = Path(book.directory).absolute()
    named = f"{book.team.name}'s: {place}" if book.team else f"{place}, not the packaged one"
    own = [name for name in SHARED if (place / name).is_file()]
    alone = "" if book.team else " It has no rules of its own."
    verb = "add" if len(own) > 1 else "adds"
    rules = f" Its own {' and '.join(own)} {verb} to what is asked and refused." if own else alone
    loosened = ", ".join(f"{one.rule} ({one.where})" for one in book.policy.loosen)
    milder = f" It loosens: {loosened}." if loosened else ""
    return f"The book is {named}.{rules}{milder}"
