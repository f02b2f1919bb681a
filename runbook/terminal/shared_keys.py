"""The questions that several screens share: why skip, who takes over, which other procedure; pages to look at."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from rich.text import Text

from runbook.engine.ports import Back, HandOver, Reply, Screen, Skip, Stop, SwitchTo, TakeBack
from runbook.rendering.json_format import readable_output
from runbook.terminal.console import Look
from runbook.terminal.error_screens import can_undo
from runbook.terminal.lines import Lines, one_line, wrap
from runbook.terminal.pager import page
from runbook.terminal.prompts import Prompt
from runbook.terminal.step_screen import other_procedures, render_details

__all__ = ["Asking", "output_lines"]


def output_lines(screen: Screen, width: int) -> Lines:
    """Return the output of every execution so far, oldest first."""
    lines: Lines = []
    for record in screen.state.steps.values():
        for attempt in record.attempts:
            end = attempt.outcome.value if attempt.outcome else "not finished"
            what = f"{attempt.started:%H:%M:%S}  {record.path}  {attempt.purpose.value}: {end}"
            lines += wrap(what, width, style="bold")
            lines += wrap(attempt.evidence, width, first="  ") if attempt.evidence else []
            for text in readable_output(attempt.output, width - 4).splitlines():
                lines += wrap(text, width, first="  ", rest="    ")
            lines.append(Text())
    return lines or [Text("Nothing has run yet.")]


class Asking:
    """Follows the keys that mean the same on every screen. `titles` are those of all procedures, by id."""

    def __init__(self, look: Look, prompt: Prompt, titles: Mapping[str, str]) -> None:
        self._look, self._prompt, self._titles = look, prompt, titles
        self.helped = 0
        """How often more was asked for about a step; a drill tells it at its end."""

    def key(self, typed: str, screen: Screen) -> tuple[bool, Reply | None]:
        """Return (was it a key, the reply it leads to); no reply: the same question comes again."""
        key = typed.lower()
        if key == "?":
            self.helped += 1
            page(self._look, self._prompt, render_details(screen, self._look.width))
            return True, None
        if key == "o":
            page(self._look, self._prompt, output_lines(screen, self._look.width), from_end=True)
            return True, None
        replies = {"s": self._skip, "h": self._hand_over, "u": self._take_back, "p": self._switch}
        if key in replies:
            return True, replies[key](screen)
        simple: dict[str, Reply] = {"b": Back(), "q": Stop()}
        return key in simple, simple.get(key)

    def problem(self, text: str) -> None:
        """Say what was wrong with an answer."""
        self._look.show(wrap(text, self._look.width, first="  ! ", style="bold yellow"))

    def _skip(self, screen: Screen) -> Reply | None:
        if screen.state.step(screen.path).status.is_settled:
            return Skip("")
        self._look.show(["Why is this step left out? It goes into the report. (Enter: don't skip)"])
        reason = self._prompt.line("why> ")
        return Skip(reason) if reason else None

    def _hand_over(self, screen: Screen) -> Reply | None:
        del screen
        self._look.show(["What must the next person know? (Enter: don't hand over)"])
        note = self._prompt.line("note> ")
        if not note:
            return None
        self._look.show(["Who takes over? (Enter: whoever resumes it)"])
        return HandOver(note, self._prompt.line("who> "))

    def _take_back(self, screen: Screen) -> Reply | None:
        if can_undo(screen):
            return TakeBack()
        undo = screen.step.undo
        self.problem(f"This step can't be taken back: {undo.reason}" if undo and undo.reason else "It has no undo.")
        return None

    def _switch(self, screen: Screen) -> Reply | None:
        offered = other_procedures(screen.procedure, screen.step)
        lines = [
            f"  {number}  {one}  {one_line(self._titles.get(one, ''))}" for number, one in enumerate(offered, start=1)
        ]
        self._look.show(["Stop here and begin which procedure? A number or a name. (Enter: stay)", *lines])
        typed = self._prompt.line("procedure> ")
        if not typed:
            return None
        if typed.isdecimal() and 0 < int(typed) <= len(offered):
            return SwitchTo(offered[int(typed) - 1])
        if typed in offered or typed in self._titles:
            return SwitchTo(typed)
        close = get_close_matches(typed, [*offered, *self._titles], n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(dict.fromkeys(close))}?" if close else ""
        self.problem(f"No procedure is called '{typed}'.{hint}")
        return None
