"""Compare a whole book with installed CLIs: ask what is needed, compare, and report what is or will be wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from runbook.audit import mistakes
from runbook.audit.cli_lines import CliLine, cli_lines, source_named
from runbook.audit.installed_clis import Asker, Progress, open_asker
from runbook.audit.manual import CommandPath, Manual
from runbook.audit.mistakes import Manuals
from runbook.checks.findings import Notes
from runbook.errors import Finding
from runbook.loading.source_text import TooManyError
from runbook.model import Book, Family, Position
from runbook.runtime.toolchain import CliPackage

__all__ = ["Survey", "survey"]


@dataclass(frozen=True, slots=True)
class Survey:
    """The result. `problems` are wrong now; `changes` are right for now but won't be later, or with a newer CLI."""

    problems: tuple[Finding, ...]
    changes: tuple[Finding, ...]
    lines: int
    """How many command lines of the book were checked."""
    versions: tuple[str, ...]
    calls: int


def survey(
    book: Book, packages: Sequence[CliPackage], *, newer: CliPackage | None = None, progress: Progress
) -> Survey:
    """Ask the CLIs, one of each major of the book, and compare. Raises RunbookError if one doesn't answer.

    `newer` is a CLI that the book isn't proven with; it is compared as the same major, or as the newest.
    """
    lines = cli_lines(book)
    with open_asker(progress) as asker:
        everyone = [*packages, *([newer] if newer else [])]
        manuals = _learn(asker, book, lines, everyone)
    # The newer one, if any, is the last; it is compared separately.
    pinned = {manual.major: manual for manual in manuals[: len(packages)]}
    problems, changes = _compare(book, lines, pinned)
    changes += _versions(book, pinned)
    if newer:
        later = sum(_compare(book, lines, {**pinned, manuals[-1].major: manuals[-1]}), ())
        told = {_without_version(each) for each in (*problems, *changes)}  # a minor version alone isn't a change
        changes += tuple(each for each in later if _without_version(each) not in told)
    return Survey(problems, changes, len(lines), tuple(manual.version for manual in manuals), asker.answered)


def _without_version(finding: Finding) -> Finding:
    return replace(finding, message=re.sub(r"CLI \d+\.\S+", "CLI", finding.message))


# --- asking -----------------------------------------------------------------------------------------------------


def _learn(asker: Asker, book: Book, lines: Sequence[CliLine], packages: Sequence[CliPackage]) -> list[Manual]:
    """Ask in three rounds: all commands; help where a list isn't enough; unlisted flags.

    If the book doesn't know a CLI's major, the CLI is compared with what the book says about the newest one.
    """
    trees = asker.trees(packages)
    roots = asker.helps([(package, ()) for package in packages])
    manuals = [
        Manual(
            package.major if package.major in book.policy.majors else max(book.policy.majors),
            package.version,
            tree,
            root.flags,
        )
        for package, tree, root in zip(packages, trees, roots, strict=True)
    ]
    questions = [(at, path) for at, manual in enumerate(manuals) for path in _worth_asking(book, lines, manual)]
    helps = asker.helps([(packages[at], path) for at, path in questions])
    for at, manual in enumerate(manuals):
        own = {path: found for (of, path), found in zip(questions, helps, strict=True) if of == at}
        manuals[at] = replace(manual, helps=own)
    # Only the help shows which flags are listed nowhere.
    wanted = [_unlisted(lines, manual, manuals) for manual in manuals]
    flags = [(at, path, tuple(names)) for at, each in enumerate(wanted) for path, names in each.items()]
    answers = asker.hidden([(packages[at], path, names) for at, path, names in flags])
    hidden = [
        {path: found for (of, path, _), found in zip(flags, answers, strict=True) if of == at}
        for at in range(len(manuals))
    ]
    return [replace(manual, hidden=own) for manual, own in zip(manuals, hidden, strict=True)]


def _worth_asking(book: Book, lines: Sequence[CliLine], manual: Manual) -> tuple[CommandPath, ...]:
    """Return the commands whose help is needed, to learn where they land and whether they exist unlisted."""
    found: dict[CommandPath, None] = {}
    for rule in mistakes.supabase_rules(book):
        found.update((form, None) for form in mistakes.forms_of(rule) if not manual.has(form))
        listed = next(mistakes.leaves_of(rule, book, manual), None)
        if listed and (rule.bare or rule.reaches is Family.DATABASE):
            found[listed] = None  # other spellings and other commands of a group land in the same place
    for line in lines:
        read = manual.read(line.arguments)
        if not line.any_of and manual.major in line.on:
            found[(*read.path, read.unknown) if read.unknown else read.path] = None
    return tuple(path for path in found if path)


def _unlisted(
    lines: Sequence[CliLine], manual: Manual, manuals: Sequence[Manual]
) -> Mapping[CommandPath, dict[str, None]]:
    """Return by command the flags to ask about: a line for any major is only asked about if no major lists it."""
    found: dict[CommandPath, dict[str, None]] = {}
    for line in lines:
        applies = [each for each in manuals if each.major in line.on]
        listed_elsewhere = line.any_of and any(not list(mistakes.mistakes_of(line.arguments, each)) for each in applies)
        if manual not in applies or listed_elsewhere:
            continue
        path, names = mistakes.unlisted_flags(line.arguments, manual)
        if names:
            found.setdefault(path, {}).update(dict.fromkeys(names))
    return found


# --- comparing --------------------------------------------------------------------------------------------------


def _compare(book: Book, lines: Sequence[CliLine], manuals: Manuals) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    problems, changes = Notes(book), Notes(book)
    with suppress(TooManyError):  # nobody reads more
        _note_all(book, lines, manuals, problems, changes)
    return problems.findings, changes.findings


def _note_all(book: Book, lines: Sequence[CliLine], manuals: Manuals, problems: Notes, changes: Notes) -> None:
    for line in lines:
        for message, token in _of_line(line, manuals):
            problems.add(line.at, message, line.token or token)
        for major in line.on:
            if not line.any_of and major in manuals:
                for message, token in mistakes.hints_of(line.arguments, manuals[major]):
                    changes.add(line.at, f"CLI {manuals[major].version} {message}", line.token or token)
    for rule in mistakes.supabase_rules(book):
        for message, token in mistakes.mistakes_of_rule(rule, book, manuals):
            problems.add(rule.at, message, token)
    policy = Position(source_named(book, "policy.yaml"), 1, 1)
    for message in mistakes.check_globals(book, manuals):
        problems.add(policy, message, "global_value_flags:", "supabase:")
    for message in mistakes.check_coverage(book, manuals):
        problems.add(policy, message, "rules:")


def _of_line(line: CliLine, manuals: Manuals) -> list[tuple[str, str]]:
    """Return what is wrong with a line on each major, or, if one is enough, on the one that comes closest."""
    found = [
        [
            (f"CLI {manuals[major].version} {message}", token)
            for message, token in mistakes.mistakes_of(line.arguments, manuals[major])
        ]
        for major in line.on
        if major in manuals
    ]
    if line.any_of:
        # A line of prose or of a test doesn't say which major it means, so the best match counts.
        return min(found, key=len, default=[])
    return [mistake for of_major in found for mistake in of_major]


def _versions(book: Book, manuals: Manuals) -> tuple[Finding, ...]:
    notes = Notes(book)
    for major, manual in manuals.items():
        proven = book.policy.majors[major].proven
        if manual.version != proven:
            place = Position(source_named(book, "supabase.yaml"), 1, 1)
            notes.add(place, f"proven with CLI {proven}, but this is {manual.version}", f"{major}:", "proven:")
    return notes.findings
