"""Provide a dialog with scripted answers."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO

from rich.text import Text

from runbook.terminal.dialog import Dialog

__all__ = ["ScriptedDialog"]


class ScriptedDialog(Dialog):
    """Gives answers one after the other, and keeps what was shown."""

    def __init__(self, *answers: str) -> None:
        super().__init__(StringIO())
        self.answers = list(answers)
        self.shown: list[str] = []

    def show(self, lines: Iterable[Text | str]) -> None:
        """Keep the lines."""
        self.shown += [line if isinstance(line, str) else line.plain for line in lines]

    def line(self, label: str = "> ") -> str:
        """Return the next answer."""
        return self.answers.pop(0)

    def value(self, label: str = "> ") -> str:
        """Return the next answer."""
        return self.line(label)
