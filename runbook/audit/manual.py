"""What a Supabase CLI says about itself: its commands, their flags, and where each lands. Pure.

This comes from its help texts, and from the completion script that it prints for fish: its whole tree of commands in
one call. For every completion, in order, the script says which subcommands it belongs under; it is the only
machine-readable description that both majors print. It has no global flags, hidden commands or defaults, and doesn't
distinguish `--flag` from `--flag[=value]`; `--help` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from runbook.model import TargetKind
from runbook.policy.argv import Words, read_words

__all__ = ["CliFlag", "CommandPath", "Help", "Manual", "Tree", "read_completions", "read_help"]


# --- help texts ------------------------------------------------------------------------------------------------------


_HEADING = re.compile(r"[A-Z][A-Z ]+")
_FLAG = re.compile(
    r"  (?P<names>-[\w-]+(?:, -[\w-]+)*)(?P<inline>\[=[^\]]*\])?(?: (?P<value>\S.*?))?(?:\s{2,}(?P<text>.*))?"
)
_USAGE = re.compile(r"  supabase ?(?P<words>[^\[<]*)")
_LOCAL, _REMOTE = TargetKind.LOCAL, TargetKind.PRODUCTION
_DEFAULTS = (
    (r"TARGET\n  Local by default\b", _LOCAL),
    (r"TARGET\n  Local only\b", _LOCAL),
    (r"TARGET\n  Remote (?:only|by default)\b", _REMOTE),
    # CLI 2 has no such section, but says when it needs a token.
    (r"PERMISSIONS\n  Not needed with (?:.* )?--local\b", _REMOTE),
    (r"PERMISSIONS\n  Only needed with (?:.* )?--linked\b", _LOCAL),
)


@dataclass(frozen=True, slots=True)
class CliFlag:
    """A flag as a CLI lists it. `takes` is `nothing`, `maybe` (as `--flag=value`, or unclear) or `value`."""

    name: str
    takes: str
    text: str

    @property
    def is_deprecated(self) -> bool:
        """Whether its own description says that it will be removed."""
        return "deprecated" in self.text.lower()


@dataclass(frozen=True, slots=True)
class Help:
    """One help text. `command` is what the help is for: for a command that doesn't exist, its group.

    `default` is where the command lands if no target is named; None if the text doesn't say.
    """

    command: tuple[str, ...]
    flags: Mapping[str, CliFlag] = field(default_factory=dict)
    default: TargetKind | None = None


def read_help(text: str) -> Help:
    """Return what a help text says; global flags count as the command's, unless it has its own flag of that name."""
    sections = _sections(text)
    usage = _USAGE.match(next(iter(sections.get("USAGE", ())), ""))
    # A command's own flag comes later and replaces a global one of that name.
    lines = [*sections.get("GLOBAL FLAGS", ()), *sections.get("FLAGS", ())]
    flags = (flag for line in lines for flag in _flags_in_help(line))
    return Help(
        tuple(usage["words"].split()) if usage else (),
        {flag.name: flag for flag in flags},
        next((kind for pattern, kind in _DEFAULTS if re.search(rf"^{pattern}", text, re.MULTILINE)), None),
    )


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if _HEADING.fullmatch(line):
            lines = sections.setdefault(line, [])
        elif line.strip():
            lines.append(line)
    return sections


def _flags_in_help(line: str) -> Iterator[CliFlag]:
    found = _FLAG.fullmatch(line)
    if found:
        takes = "maybe" if found["inline"] else "value" if found["value"] else "nothing"
        yield from (CliFlag(name, takes, found["text"] or "") for name in found["names"].split(", "))


# --- completion scripts ----------------------------------------------------------------------------------------------


Tree = Mapping[tuple[str, ...], Mapping[str, CliFlag]]
"""Every command, group or not, with its own flags; the empty path is the program."""

_LINE = re.compile(
    r"complete -c \S+ -n '(?P<where>[^']*)'"
    r"(?: -l (?P<long>[\w-]+))?(?: -s (?P<short>\w))?(?P<plain> -f)?(?: -a '(?P<word>(?:[^'\\]|\\.)*)')?"
    r"(?: -d '(?P<text>(?:[^'\\]|\\.)*)')?(?P<ends>.*)"
)
_END = "###-end-supabase-completions-###"
_UNDER = re.compile(r"__fish_seen_subcommand_from (\S+)(?:;|$)")
_COMMAND = re.compile(r"\w[\w-]*")


def read_completions(script: str) -> Tree:
    """Return the tree of a script. Raises ValueError if it isn't a complete script."""
    # CLI 2 may exit before it has printed everything, and a truncated script is still valid fish.
    if not script.rstrip().endswith(_END):
        raise ValueError("expected a whole completion script of the Supabase CLI")
    tree: dict[tuple[str, ...], dict[str, CliFlag]] = {(): {}}
    for line in script.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        # The subcommands that must have been typed are the conditions before the first `not`.
        path = tuple(_UNDER.findall(found["where"].split("; and not", maxsplit=1)[0]))
        flags = tree.setdefault(path, {})
        flags.update((flag.name, flag) for flag in _flags_completed(found))
        if found["word"] and _is_command(found):
            tree.setdefault((*path, found["word"]), {})
    return tree


def _is_command(found: re.Match[str]) -> bool:
    """Tell whether a word is a subcommand: those, unlike flags, are offered if no sibling of theirs was typed."""
    where = found["where"]
    offered = where == "__fish_use_subcommand" or "; and not __fish_seen_subcommand_from" in where
    return offered and bool(_COMMAND.fullmatch(found["word"]))


def _flags_completed(found: re.Match[str]) -> Iterator[CliFlag]:
    takes = "value" if " -r" in found["ends"] else "maybe"  # fish's -r: the flag requires an argument
    text = re.sub(r"\\(.)", r"\1", found["text"] or "")
    # A script offers `--no-NAME` beside a boolean flag, with this description.
    if found["long"] and text != f"Disable {found['long'].removeprefix('no-')}":
        yield CliFlag(f"--{found['long']}", takes, text)
    if found["short"]:
        yield CliFlag(f"-{found['short']}", takes, text)


# --- one CLI's manual ------------------------------------------------------------------------------------------------


CommandPath = tuple[str, ...]
"""The words of a command, without the program."""


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """A command line as a CLI reads it: the command, its words and flags, and a word that should be a command."""

    path: CommandPath
    words: Words
    unknown: str = ""


@dataclass(frozen=True)
class Manual:
    """Everything that one CLI answered. `hidden` holds flags that a command takes but doesn't list."""

    major: int
    version: str
    tree: Tree
    common: Mapping[str, CliFlag]
    helps: Mapping[CommandPath, Help] = field(default_factory=dict)
    hidden: Mapping[CommandPath, Mapping[str, CliFlag]] = field(default_factory=dict)

    def has(self, path: CommandPath) -> bool:
        """Tell whether there is such a command or group, listed or not."""
        return path in self.tree or (path in self.helps and self.helps[path].command == path)

    def listed(self, path: CommandPath) -> Mapping[str, CliFlag]:
        """Return the flags that a command lists, with those of every command."""
        asked = self.helps[path].flags if path in self.helps and self.helps[path].command == path else {}
        # Help comes last: it alone tells `--flag` from `--flag[=value]`.
        return {**self.common, **self.tree.get(path, {}), **asked}

    def flag(self, path: CommandPath, name: str) -> CliFlag | None:
        """Return a flag that a command takes, listed or not."""
        return self.listed(path).get(name) or self.hidden.get(path, {}).get(name)

    def default(self, path: CommandPath) -> TargetKind | None:
        """Return where a command lands if no target is named; None if its help wasn't read or doesn't say."""
        return self.helps[path].default if path in self.helps and self.has(path) else None

    def leaves(self, path: CommandPath) -> Iterator[CommandPath]:
        """Yield the commands of a group, and the group if it is a command too; a command is its own only leaf."""
        inner = [each for each in self.tree if each and each[:-1] == path]
        # A group with its own flags is assumed to run without a subcommand.
        if self.has(path) and (not inner or self.tree.get(path)):
            yield path
        for each in inner:
            yield from self.leaves(each)

    def read(self, arguments: Sequence[str]) -> ParsedLine:
        """Find the command in the words after the program, and separate its words from its flags."""
        positionals = _before_dashes(read_words(arguments, self._value_flags))
        path = max(
            (positionals[:size] for size in range(len(positionals) + 1) if self.has(positionals[:size])), key=len
        )
        # Read again, because which flags take the next word depends on the command.
        known = {**self.hidden.get(path, {}), **self.listed(path)}
        takers = {name for name, flag in known.items() if flag.takes == "value"}
        words = read_words(arguments, takers)
        rest = _before_dashes(words)[len(path) :]
        is_group = list(self.leaves(path)) != [path]
        return ParsedLine(path, words, rest[0] if rest and is_group else "")

    @cached_property
    def _value_flags(self) -> frozenset[str]:
        """Flags that take a value in any command: enough to find the command."""
        found = [self.common, *self.tree.values(), *self.hidden.values()]
        return frozenset(name for flags in found for name, flag in flags.items() if flag.takes == "value")


def _before_dashes(words: Words) -> CommandPath:
    return words.positionals[: len(words.positionals) - len(words.after)]
