"""Every Supabase command of every procedure exists in both CLI majors, with the flags that it is given there.

The drills run most of them. This holds for the others too: the branches that no drill takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook.checks.subject import Subject
from runbook.filling import target_words
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Action, TargetKind

BOOK = read_book(PACKAGED_BOOK)
TABLE = Path(__file__).parents[1] / "policy" / "data" / "supabase-commands.tsv"
"""Written from the `--help` of each subcommand of the proven versions."""
GLOBAL = {"--workdir": True, "--output-format": True, "--local": False, "--experimental": False}
"""Flags beyond the table, and whether they take a value. CLI 3 still takes `--local` and does not list it."""
NAMES = {"project_ref": "abcdefghijklmnopqrst", "drill_url": "postgresql://postgres@127.0.0.1:5432/postgres"}
FLAGS = {
    (int(major), command): (frozenset(values.split()), frozenset(alone.split()))
    for major, command, values, alone in (
        line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]
    )
}


def commands() -> Iterator[tuple[str, Action, int]]:
    """Yield every Supabase command of the book for each major on which it runs."""
    for procedure, place in Subject(BOOK).places:
        for _, action, majors in place.step.commands((2, 3)):
            if action.words[:2] == ("npx", "supabase"):
                yield from ((f"{procedure.id}/{place.step.id}", action, major) for major in majors)


COMMANDS = list(commands())


def subcommand(words: tuple[str, ...], major: int) -> str:
    """Return the longest subcommand that the words begin with."""
    for length in (3, 2, 1):
        name = " ".join(words[:length])
        if (major, name) in FLAGS:
            return name
    return ""


@pytest.mark.parametrize(("place", "command", "major"), COMMANDS, ids=lambda value: str(value)[:60])
@pytest.mark.parametrize("kind", [TargetKind.PRODUCTION, TargetKind.DRILL])
def test_the_cli_knows_the_command_and_its_flags(place: str, command: Action, major: int, kind: TargetKind) -> None:
    """An unknown subcommand or flag would be seen in the emergency only."""
    words = tuple(
        filled
        for word in command.words[2:]
        for filled in (
            target_words(command.words, policy=BOOK.policy, major=major, kind=kind, names=NAMES)
            if word == "{{target}}"
            else (word,)
        )
    )
    name = subcommand(words, major)
    assert name, place
    values, alone = FLAGS[major, name]
    rest = iter(words[len(name.split()) :])
    for word in rest:
        flag, equals, _ = word.partition("=")
        if not flag.startswith("-"):
            continue
        assert flag in values | alone | GLOBAL.keys(), f"{place}: {name} has no {flag} on CLI {major}"
        if (flag in values or GLOBAL.get(flag)) and not equals:
            assert next(rest, None) is not None, f"{place}: {flag} needs a value"


def test_the_commands_of_the_book_are_looked_at() -> None:
    """Both majors are there, and what CLI 2 does not have is not asked of it."""
    assert len(COMMANDS) > 80
    assert {major for _, _, major in COMMANDS} == {2, 3}
    assert not [place for place, command, major in COMMANDS if major == 2 and "logs" in command.words]
