"""Allow at once what can do no harm anywhere: `ls -la src`, `git add docs`, and harmless lines of before.

The guard is asked before every line that somebody types and every command that an agent runs, and most are like these.
Nothing of the guard is loaded for them, only what was found out about the policy and the lines before: the names of the
quiet commands, which are allowed whatever their words are, and the harmless lines of late.
"""

from __future__ import annotations

import os
import select
import sys
import time

from runbook.cache import find_text, keep_text
from runbook.quick_answers import entry_of_book

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["READING_SECONDS", "answer", "call_in", "is_known", "note", "read_so_far"]

_LONGEST = 200
_MOST_LINES = 300
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./:,@%+=")
"""Characters that mean nothing to a shell inside a word. Every other one is left to those who know the grammar."""
_LINE = "= "
"""Before a whole line, to tell it from the name of a command."""

_AGENTS = frozenset({"claude-code", "codex"})
"""The agents whose events are read here. Both call their shell the same, and take `{}` for no opinion."""
_OTHER_ARGUMENTS = frozenset({"description", "run_in_background", "timeout"})
"""The arguments of a shell that change nothing in what it runs, or where."""
_LARGEST_EVENT = 65536
"""Bytes. A longer event is left to those who limit it."""
READING_SECONDS = 0.6
"""How long an agent's event may take to arrive: agents wait for their hook."""

_entry: str | None = None
_known: list[str] = []
_data = b""


def answer(words: Sequence[str]) -> int | None:
    """Answer `guard --line TEXT` or `guard hook AGENT` with 0 if the line is known to be harmless, with None if not."""
    if len(words) != 3:
        return None
    if words[1] == "--line":
        return 0 if _is_known_in(None, words[2]) else None
    return _answer_event() if words[1] == "hook" and words[2] in _AGENTS else None


def read_so_far() -> bytes:
    """Return the beginning of the agent's event, which was read from standard input already."""
    return _data


def _is_known_in(directory: str | None, line: str) -> bool:
    global _entry, _known  # noqa: PLW0603 - one process answers one command line
    _entry = entry_of_book(use="harmless lines", start=directory)
    kept = find_text(_entry)
    _known = kept.decode().split("\n") if kept else []
    return is_known(line, _known)


def _answer_event() -> int | None:
    try:
        if not _read():
            return None
        line, directory = call_in(_data)
        if not _is_plain(line) or not _is_known_in(directory, line):
            return None
        sys.stdout.write("{}")
        sys.stdout.flush()
    except Exception:  # noqa: BLE001 - a hook that dies lets the command through; those who judge it say what is wrong
        return None
    return 0


def _read() -> bool:
    """Read what arrives on standard input, in time and up to the largest event; return whether that was all of it."""
    global _data  # noqa: PLW0603 - one process answers one event
    until = time.monotonic() + READING_SECONDS
    while len(_data) < _LARGEST_EVENT and select.select([0], [], [], max(0.0, until - time.monotonic()))[0]:
        piece = os.read(0, _LARGEST_EVENT - len(_data))
        if not piece:
            return True
        _data += piece
    return False


def call_in(data: bytes) -> tuple[str, str | None]:
    """Return the line that an event would run in a shell, and the agent's directory; "" if it may say anything else.

    Raises what reading JSON raises.
    """
    import json  # no other quick answer needs it

    event = json.loads(data)
    arguments = event.get("tool_input")
    is_call = event.get("hook_event_name") == "PreToolUse" and event.get("tool_name") == "Bash"
    if not is_call or not isinstance(arguments, dict) or "workdir" in event:
        return "", None
    line, directory = arguments.pop("command", ""), event.get("cwd")
    if not isinstance(line, str) or not isinstance(directory, str) or not os.path.isabs(directory):
        return "", None
    return (line, directory) if _OTHER_ARGUMENTS.issuperset(arguments) else ("", None)


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
