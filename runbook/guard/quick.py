"""Allow a line at once if it can do no harm anywhere: `ls -la src`, `git add docs`, and harmless lines of before.

The guard is asked before every line that somebody types, and most lines are like these. Nothing of the guard is loaded
for them, only what was found out about the policy and the lines before: the names of the quiet commands, which are
allowed whatever their words are, and the harmless lines of late.
"""

from __future__ import annotations

from runbook.cache import find_text, keep_text
from runbook.quick_answers import entry_of_book

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["answer", "is_known", "note"]

_LONGEST = 200
_MOST_LINES = 300
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./:,@%+=")
"""Characters that mean nothing to a shell inside a word. Every other one is left to those who know the grammar."""
_LINE = "= "
"""Before a whole line, to tell it from the name of a command."""

_entry: str | None = None
_known: list[str] = []


def answer(words: Sequence[str]) -> int | None:
    """Answer `guard --line TEXT` with 0 if the line is known to be harmless, with None if not."""
    global _entry, _known  # noqa: PLW0603 - one process answers one command line
    if len(words) != 3 or words[1] != "--line":
        return None
    _entry = entry_of_book(use="harmless lines")
    kept = find_text(_entry)
    _known = kept.decode().split("\n") if kept else []
    return 0 if is_known(words[2], _known) else None


def is_known(line: str, known: Iterable[str]) -> bool:
    """Tell whether a line is one plain command that is known whole, or by its first word, or by its first two."""
    if not _is_plain(line):
        return False
    first, second = [*line.split(), "", ""][:2]
    return not {f"{_LINE}{line}", first, f"{first} {second}"}.isdisjoint(known)


def note(line: str, *, is_harmless: Callable[[], bool], names: Callable[[], Iterable[str]]) -> None:
    """Know a line from now on, if it is plain and harmless. `names` returns those of the quiet commands."""
    if _entry is None or not _is_plain(line):
        return
    lines = [f"{_LINE}{line}"] if is_harmless() else []
    if lines or not _known:
        known = _known or sorted(names())
        lines = [*(each for each in known if each.startswith(_LINE)), *lines][-_MOST_LINES:]
        keep_text(_entry, "\n".join([*(each for each in known if not each.startswith(_LINE)), *lines]).encode())


def _is_plain(line: str) -> bool:
    return 0 < len(line) <= _LONGEST and _PLAIN.issuperset(line) and not line.isspace()
