"""What one Supabase CLI says of itself: its commands, their flags, and where each lands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from runbook.audit.completions import Tree
from runbook.audit.help import CliFlag, Help
from runbook.model import TargetKind
from runbook.policy.argv import Words, read_words

__all__ = ["Line", "Manual", "Path"]

Path = tuple[str, ...]
"""The words of a command, without the program."""


@dataclass(frozen=True, slots=True)
class Line:
    """A command line as a CLI reads it: the command, its words and flags, and a word that should have been one."""

    path: Path
    words: Words
    unknown: str = ""


@dataclass(frozen=True)
class Manual:
    """All that was asked of one CLI. `hidden` holds flags that a command takes and does not list."""

    major: int
    version: str
    tree: Tree
    common: Mapping[str, CliFlag]
    helps: Mapping[Path, Help] = field(default_factory=dict)
    hidden: Mapping[Path, Mapping[str, CliFlag]] = field(default_factory=dict)

    def has(self, path: Path) -> bool:
        """Whether there is such a command or group, listed or not."""
        return path in self.tree or (path in self.helps and self.helps[path].command == path)

    def listed(self, path: Path) -> Mapping[str, CliFlag]:
        """Return the flags that a command lists, with those of every command."""
        asked = self.helps[path].flags if path in self.helps and self.helps[path].command == path else {}
        return {**self.common, **self.tree.get(path, {}), **asked}

    def flag(self, path: Path, name: str) -> CliFlag | None:
        """Return a flag that a command takes, listed or not."""
        return self.listed(path).get(name) or self.hidden.get(path, {}).get(name)

    def default(self, path: Path) -> TargetKind | None:
        """Return where a command lands when no target is named, None where its help was not asked or is silent."""
        return self.helps[path].default if path in self.helps and self.has(path) else None

    def leaves(self, path: Path) -> Iterator[Path]:
        """Yield the commands of a group, and the group where it is a command too; a command is its own only leaf."""
        inner = [each for each in self.tree if each and each[:-1] == path]
        if self.has(path) and (not inner or self.tree.get(path)):
            yield path
        for each in inner:
            yield from self.leaves(each)

    def read(self, arguments: Sequence[str]) -> Line:
        """Find the command in what follows the program, and tell its words from its flags."""
        positionals = _before_dashes(read_words(arguments, self._value_flags))
        path = max(
            (positionals[:size] for size in range(len(positionals) + 1) if self.has(positionals[:size])), key=len
        )
        takers = {name for name, flag in self._all_flags(path).items() if flag.takes == "value"}
        words = read_words(arguments, takers)
        rest = _before_dashes(words)[len(path) :]
        is_group = list(self.leaves(path)) != [path]
        return Line(path, words, rest[0] if rest and is_group else "")

    def _all_flags(self, path: Path) -> Mapping[str, CliFlag]:
        return {**self.hidden.get(path, {}), **self.listed(path)}

    @cached_property
    def _value_flags(self) -> frozenset[str]:
        """Flags that take a value in any command: enough to find the command."""
        found = [self.common, *self.tree.values(), *self.hidden.values()]
        return frozenset(name for flags in found for name, flag in flags.items() if flag.takes == "value")


def _before_dashes(words: Words) -> Path:
    return words.positionals[: len(words.positionals) - len(words.after)]
