"""What a person does at a step beyond an answer in one line: work on a file in the editor, sit out a wait."""

from __future__ import annotations

import difflib
import math
import time
from pathlib import Path

from rich.text import Text

from runbook.engine.ports import Reply, Screen, Stop
from runbook.errors import MissingPartError
from runbook.runtime.subprocesses import open_editor
from runbook.steps.view import File
from runbook.terminal.dialog import Dialog
from runbook.terminal.lines import Lines, diff_lines

__all__ = ["TerminalHands", "edit_difference"]


class TerminalHands:
    """The hands of the person at the terminal, as `runbook.steps.performing.Hands` wants them, at one screen."""

    def __init__(self, screen: Screen, dialog: Dialog) -> None:
        self._screen, self._dialog = screen, dialog
        self.left_for: Reply | None = None
        """What the person wants instead of going on; None: the same screen again."""

    def edit(self) -> str | None:
        """Open the editor on the draft until it is accepted; return its path, or None if the person leaves it."""
        answer = "e"
        while answer == "e":
            self._open(self._screen.draft)
            self._dialog.page(edit_difference(self._screen, self._dialog.width), stay=False)
            self._dialog.show(["  a accept this   e edit again   b back to the step   q stop; the draft is kept"])
            while (answer := self._dialog.line().lower()) not in {"a", "e", "b", "q"}:
                self._dialog.problem("Type a, e, b or q.")
        self.left_for = Stop() if answer == "q" else None
        return self._screen.draft if answer == "a" else None

    def count_down(self, seconds: float) -> float:
        """Wait that many seconds, less if Enter is pressed; return how many it were. Raises EOFError."""
        self._dialog.flush()
        began = time.monotonic()
        left = seconds
        while left > 0:
            self._dialog.rewrite(f"  {math.ceil(left)} s left (Enter ends the wait) ")
            if self._dialog.enter_within(min(1.0, left)):
                break
            left = began + seconds - time.monotonic()
        self._dialog.rewrite("")
        return min(seconds, time.monotonic() - began)

    def _open(self, path: str) -> None:
        try:
            problem = open_editor(path)
        except MissingPartError as missing:
            problem = f"{missing.message}. {missing.hint}"
        if problem:
            self._dialog.problem(f"{problem}. You can also edit {path} in another terminal.")


def edit_difference(screen: Screen, width: int = 80) -> Lines:
    """Return what the finished draft changes in the file that it will become."""
    name = next((block.path for block in screen.blocks if isinstance(block, File)), "the file")
    directory = screen.state.header.directory if screen.state.header else "."
    before, after = _text(Path(directory, name)), _text(Path(screen.draft))
    changes = difflib.unified_diff(before.splitlines(), after.splitlines(), f"{name} now", f"{name} then", lineterm="")
    return diff_lines(changes, width) or [Text(f"{name} stays as it is.", style="yellow")]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
