"""Read the completion script that a Supabase CLI prints for fish: its whole tree of commands in one call. Pure.

The script says of every completion, in order, under which subcommands it belongs; it is the only machine-readable
description that both majors print. It knows no global flags, no hidden commands and no defaults, and does not tell
`--flag` from `--flag[=value]`: `--help` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runbook.audit.help import CliFlag

__all__ = ["Tree", "read_completions"]

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
    """Return the tree of a script. Raises ValueError if it is none, or not whole."""
    if not script.rstrip().endswith(_END):
        raise ValueError("this is no whole completion script of the Supabase CLI")
    tree: dict[tuple[str, ...], dict[str, CliFlag]] = {(): {}}
    for line in script.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        path = _path(found["where"])
        flags = tree.setdefault(path, {})
        flags.update((flag.name, flag) for flag in _flags(found))
        if found["word"] and _is_command(found):
            tree.setdefault((*path, found["word"]), {})
    return tree


def _path(where: str) -> tuple[str, ...]:
    """Return the subcommands that must have been typed: the conditions before the first `not`."""
    return tuple(_UNDER.findall(where.split("; and not", maxsplit=1)[0]))


def _is_command(found: re.Match[str]) -> bool:
    """Whether a word is a subcommand: those are offered where none of their siblings was typed, flags are not."""
    where = found["where"]
    offered = where == "__fish_use_subcommand" or "; and not __fish_seen_subcommand_from" in where
    return offered and bool(_COMMAND.fullmatch(found["word"]))


def _flags(found: re.Match[str]) -> Iterator[CliFlag]:
    takes = "value" if " -r" in found["ends"] else "maybe"
    text = re.sub(r"\\(.)", r"\1", found["text"] or "")
    if found["long"] and text != f"Disable {found['long'].removeprefix('no-')}":
        yield CliFlag(f"--{found['long']}", takes, text)
    if found["short"]:
        yield CliFlag(f"-{found['short']}", takes, text)
