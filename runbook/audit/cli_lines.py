"""Every Supabase CLI command line in a book: in steps, in the policy's tests, in its prose. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from runbook.checks.subject import Subject
from runbook.filling import TARGET
from runbook.loading.source_text import SourceText
from runbook.model import Book, Family, Position, Rule
from runbook.policy.argv import invocation_of
from runbook.policy.judgement import rule_of

__all__ = ["CliLine", "cli_lines", "majors_of", "source_named"]

_INLINE = re.compile(r"`((?:npx )?supabase\s[^`]+)`")
# Prose is folded, and in a comment each line begins with `#`.
_FOLD = re.compile(r"\s*\n\s*(?:#\s*)?")


@dataclass(frozen=True, slots=True)
class CliLine:
    """One line: the words after the program. It must be valid `on` all of these majors, or with `any_of`, on one."""

    arguments: tuple[str, ...]
    on: tuple[int, ...]
    at: Position
    any_of: bool = False
    token: str = ""
    """What to point at, at or after `at`."""


def majors_of(rule: Rule | None, book: Book) -> tuple[int, ...]:
    """Return the majors that have a rule's command."""
    return tuple(book.policy.majors) if rule is None or rule.majors is None else rule.majors


def cli_lines(book: Book) -> tuple[CliLine, ...]:
    """Return all lines of a book, each once per place."""
    found = [*_of_steps(book), *_of_tests(book), *_of_prose(book)]
    return tuple(dict.fromkeys(found))


def _of_steps(book: Book) -> Iterator[CliLine]:
    """Yield each command of each step, as it would run on each major, and its target's words for every target."""
    for step in Subject(book).steps:
        for judged in step.commands:
            for major, judgement in judged.judgements.items():
                for argv in judgement.commands:
                    arguments = _arguments(argv)
                    if arguments:
                        yield CliLine(arguments, (major,), judged.action.place(step.place.step.at))
                if judgement.commands:  # a request has none
                    words = judged.action.words or book.policy.majors[major].query_read
                    yield from _on_each_target(book, words, judgement.family, major)


def _on_each_target(book: Book, words: Sequence[str], family: Family, major: int) -> Iterator[CliLine]:
    """Yield a command with the words of every kind of target, as supabase.yaml has them."""
    rule = rule_of([word for word in words if word != TARGET], book.policy) if TARGET in words else None
    if rule and rule.program == "supabase":
        at = Position(source_named(book, "supabase.yaml"), 1, 1)
        for target in book.policy.majors[major].target.get(family, {}).values():
            yield CliLine((*rule.command, *target), (major,), at, token=target[0] if target else "")


def _of_tests(book: Book) -> Iterator[CliLine]:
    for rule in book.policy.rules:
        for test in rule.tests:
            argv = _split(test.line)
            arguments = _arguments(argv)
            on = majors_of(rule_of(argv, book.policy), book) if argv else ()
            if arguments and on:
                yield CliLine(arguments, on, test.at, any_of=True)


def _of_prose(book: Book) -> Iterator[CliLine]:
    """Yield everything between backticks anywhere in the files."""
    for name, source in book.sources.items():
        text = SourceText(name, source)
        for found in _INLINE.finditer(source):
            argv = _split(_FOLD.sub(" ", found[1]))
            arguments = _arguments([word for word in argv if word != TARGET])
            on = majors_of(rule_of(argv, book.policy), book) if argv else ()
            if arguments and on:
                yield CliLine(arguments, on, text.position(found.start()), any_of=True)


def _split(line: str) -> list[str]:
    with suppress(ValueError):  # a quote that is never closed: prose isn't always a whole line
        return shlex.split(line)
    return line.split()


def _arguments(argv: Sequence[str]) -> tuple[str, ...]:
    """Return what an argv passes to the Supabase CLI; nothing if it starts another program."""
    invocation = invocation_of(argv)
    return invocation.arguments if invocation.program == "supabase" else ()


def source_named(book: Book, name: str) -> str:
    """Return the book's file of that name, with its path."""
    return next((each for each in book.sources if each.endswith(name)), name)
