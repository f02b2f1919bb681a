"""An `edit` step at the terminal: the editor, the difference it makes, and whether that is what was meant."""

from __future__ import annotations

import difflib
from pathlib import Path

from rich.text import Text

from runbook.engine.ports import Go, Reply, Screen, Stop
from runbook.errors import MissingPartError
from runbook.runtime.editor import open_editor
from runbook.terminal.console import Look
from runbook.terminal.lines import Lines, wrap
from runbook.terminal.pager import page
from runbook.terminal.prompts import Prompt
from runbook.terminal.shared_keys import Asking

__all__ = ["edit", "edit_difference"]

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def edit(screen: Screen, typed: str, look: Look, prompt: Prompt, asking: Asking) -> Reply | None:
    """Open the editor on the draft until the operator accepts it; None: back to the step's screen."""
    answer = "e"
    while answer == "e":
        _open(screen.draft, asking)
        page(look, prompt, edit_difference(screen, look.width), stay=False)
        answer = _answer(look, prompt, asking)
    replies: dict[str, Reply | None] = {"a": Go(typed=typed, value=screen.draft), "b": None, "q": Stop()}
    return replies[answer]


def _answer(look: Look, prompt: Prompt, asking: Asking) -> str:
    look.show(["  a accept this   e edit again   b back to the step   q stop; the draft is kept"])
    while (answer := prompt.line().lower()) not in {"a", "e", "b", "q"}:
        asking.problem("Type a, e, b or q.")
    return answer


def edit_difference(screen: Screen, width: int = 80) -> Lines:
    """Return what the finished draft changes in the file that it will become."""
    name = screen.pieces.get("file", "the file")
    directory = screen.state.header.directory if screen.state.header else "."
    before, after = _text(Path(directory, name)), _text(Path(screen.draft))
    diff = list(
        difflib.unified_diff(before.splitlines(), after.splitlines(), f"{name} now", f"{name} then", lineterm="")
    )
    lines: Lines = [] if diff else [Text(f"{name} stays as it is.", style="yellow")]
    for line in diff:
        lines += wrap(line, width, style=_COLOURS.get(line[:1], ""))
    return lines


def _open(path: str, asking: Asking) -> None:
    try:
        problem = open_editor(path)
    except MissingPartError as missing:
        problem = f"{missing.message}. {missing.hint}"
    if problem:
        asking.problem(f"{problem}. You can also edit {path} in another terminal.")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
