"""Hold one command line against what a CLI says of itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from runbook.audit.cli_manual import Manual, Path
from runbook.policy.argv import Flag

__all__ = ["hints_of", "mistakes_of", "unlisted_flags"]

_BOOLEANS = frozenset({"true", "false", "1", "0", "yes", "no"})


def mistakes_of(arguments: tuple[str, ...], manual: Manual) -> Iterator[tuple[str, str]]:
    """Yield what that CLI would not take in a line, each with the word that is wrong."""
    line = manual.read(arguments)
    if line.unknown:
        near = _near(line.unknown, {path[-1] for path in manual.tree if path and path[:-1] == line.path})
        yield f"has no command '{' '.join((*line.path, line.unknown))}'{near}", line.unknown
        return
    for flag in line.words.flags:
        yield from ((message, flag.name) for message in _mistakes_of_flag(flag, line.path, manual))


def _mistakes_of_flag(flag: Flag, path: Path, manual: Manual) -> Iterator[str]:
    known = manual.flag(path, flag.name)
    if known is None:
        yield f"has no flag {flag.name} of '{' '.join(path)}'{_near(flag.name, manual.listed(path))}"
    elif known.takes == "value" and flag.value is None:
        yield f"needs a value for {flag.name} of '{' '.join(path)}'"
    elif known.takes == "nothing" and flag.value is not None and flag.value.lower() not in _BOOLEANS:
        yield f"takes no value for {flag.name} of '{' '.join(path)}'"


def _near(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, known, n=2, cutoff=0.7)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def hints_of(arguments: tuple[str, ...], manual: Manual) -> Iterator[tuple[str, str]]:
    """Yield what that CLI takes now and a later one will not, each with the word."""
    line = manual.read(arguments)
    for flag in line.words.flags:
        listed = manual.listed(line.path).get(flag.name)
        if listed is None and manual.flag(line.path, flag.name):
            yield f"takes {flag.name} of '{' '.join(line.path)}' and no longer lists it: it will go", flag.name
        elif listed and listed.is_deprecated:
            yield f"says of {flag.name} of '{' '.join(line.path)}': {listed.text}", flag.name


def unlisted_flags(arguments: tuple[str, ...], manual: Manual) -> tuple[Path, tuple[str, ...]]:
    """Return the command of a line and the flags in it that it does not list."""
    line = manual.read(arguments)
    listed = manual.listed(line.path)
    return line.path, tuple(dict.fromkeys(flag.name for flag in line.words.flags if flag.name not in listed))
