"""Show a long text page by page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from runbook.terminal.console import Look
from runbook.terminal.prompts import Prompt

__all__ = ["page"]


def page(look: Look, prompt: Prompt, lines: Sequence[Text | str], *, from_end: bool = False, stay: bool = True) -> None:
    """Show the lines; more than fit come in pages. `from_end` begins with the last page, where the newest is.

    A single page stays until Enter is pressed, unless a question follows anyway (`stay` is False).
    """
    room = look.height - 2
    if len(lines) <= room:
        look.show(["", *lines])
        if stay:
            prompt.line("-- Enter goes back: ")
        return
    starts = list(range(0, len(lines), room))
    at = len(starts) - 1 if from_end else 0
    while True:
        look.show(lines[starts[at] : starts[at] + room])
        last = at == len(starts) - 1
        go_on = "Enter closes" if last else "Enter next page"
        answer = prompt.line(f"-- page {at + 1} of {len(starts)} -- {go_on}, b back, q close: ").lower()
        if answer == "b":
            at = max(0, at - 1)
        elif answer == "q" or last:
            return
        else:
            at += 1
