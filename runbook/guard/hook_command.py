"""Write the shell line that an agent's settings run: it finds `runbook` on whatever machine it runs.

A project's settings are shared, so their line has no path of a machine. A line that doesn't find `runbook` blocks the
agent's command and says how to install it, because agents take a missing hook for consent.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ADDED_KEYS", "Hook", "added_by", "is_hook_line"]

# POSIX. There is no apostrophe and no backslash in it, so that every shell, fish too, reads the quoted text the same.
_LOOK_AROUND = (
    'd=$PWD; r=; b=; while :; do for p in "$d/.venv/bin/runbook" "$d/venv/bin/runbook"; do'
    ' if [ -z "$r" ] && [ -f "$p" ] && [ -x "$p" ]; then r=$p; fi; done;{book}'
    ' if [ -e "$d/.git" ] || [ "$d" = "$HOME" ]; then break; fi;'
    " case $d in /*) d=${{d%/*}};; *) break;; esac; done;"
)
_LOOK_FOR_BOOK = ' if [ -z "$b" ] && [ -e "$d/{settings}" ] && [ -d "$d/$2" ]; then b=$d/$2; fi;'
_LOOK_ON_PATH = ' [ -n "$r" ] || r=$(command -v runbook) || stop;'
_CHECK_BOOK = ' if [ -z "$b" ]; then echo "runbook guard: there is no book $2 beside {settings}." >&2; exit 2; fi;'
_END = "c=$?; case $c in 126|127) stop;; esac; exit $c"
"""Shells exit with these two codes if a program doesn't start, as in a virtual environment that was moved."""

_NAME = "runbook-guard"
"""The name of the small shell program in messages."""

ADDED_KEYS = "added="
"""The word of the line before what `install` added to the file besides the hook itself."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook of one agent, and how its line finds `runbook` and the book.

    `settings` is the settings file as seen from the directory that it configures. `program` is the path of `runbook`
    for a person's own settings, None for a project's: then the line looks for a virtual environment in the directory
    of the agent and those above it, up to the root of the repository. A person's own settings apply in projects that
    they don't know, so their line starts no program that a project brings. `book` is relative to the directory that
    the settings configure, or absolute.
    """

    agent: str
    settings: str
    program: str | None = None
    book: str | None = None

    def line(self, added: str) -> str:
        """Return the shell line. `added` says what `install` added to the file, for `uninstall`."""
        # The program gets the event on standard input. Without `exec`, because that can't say why it didn't start.
        start = f'{self._search()} "$r" {self._book_option()}guard hook {self.agent}; {_END}'
        words = ["sh", "-c", start, _NAME, ADDED_KEYS + added, *([self.book] if self.book else [])]
        return f"{shlex.join(words)} || {self._otherwise()}"

    def is_found(self, directory: Path) -> bool:
        """Whether the line finds `runbook` and the book from a directory."""
        words = ["sh", "-c", self._search(), _NAME, ADDED_KEYS, *([self.book] if self.book else [])]
        try:
            return subprocess.run(words, cwd=directory, stderr=subprocess.DEVNULL, check=False).returncode == 0
        except OSError:
            return False

    def _search(self) -> str:
        """Return the shell text that sets `r` to the path of `runbook`, and `b` to the book's."""
        if self.program is None:
            book = _LOOK_FOR_BOOK.format(settings=self.settings) if self._is_beside() else ""
            search = _LOOK_AROUND.format(book=book)
        else:
            search = f'r={shlex.quote(self.program)}; [ -f "$r" ] && [ -x "$r" ] || r=;'
        check = _CHECK_BOOK.format(settings=self.settings) if self._is_beside() else ""
        return f'stop() {{ echo "{self._missing()}" >&2; exit 2; }}; {search}{_LOOK_ON_PATH}{check}'

    def _book_option(self) -> str:
        if self.book is None:
            return ""
        return '--book "$b" ' if self._is_beside() else '--book "$2" '

    def _is_beside(self) -> bool:
        """Whether the book is named as seen from the settings' directory."""
        return self.book is not None and not Path(self.book).is_absolute()

    def _missing(self) -> str:
        return f"runbook guard: this hook needs runbook, which was not found or does not start. {self._next()}"

    def _next(self) -> str:
        user = " --user" if self.program is not None else ""
        removal = f"runbook guard uninstall {self.agent}{user}, or delete it from {self.settings}"
        return f"Install it: pipx install migration-runbook. To remove the hook: {removal}."

    def _otherwise(self) -> str:
        """Return the shell text for a hook that fails: most agents block on exit code 2 alone."""
        if self.agent != "copilot":
            return "exit 2"
        # No exit code blocks here: the answer alone does.
        reason = f"runbook guard did not answer. Is runbook missing? {self._next()}"
        answer = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        return f"echo {shlex.quote(json.dumps(answer))}"


def is_hook_line(line: str, agent: str) -> bool:
    """Whether a shell line is the hook, as this or an earlier version wrote it, or as somebody changed it."""
    return re.search(rf"\bguard hook {re.escape(agent)}(?![\w-])", line) is not None


def added_by(line: str) -> str | None:
    """Return what a line says that `install` added, or None if an earlier version wrote it."""
    found = re.search(rf"(?<!\S){ADDED_KEYS}([\w,=-]*)", line)
    return found[1] if found else None
