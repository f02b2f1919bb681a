"""What an answer means: whether it does the step, and where the keys lead that are the same on every screen."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from rich.text import Text

from runbook.engine.confirmation import is_confirmed
from runbook.engine.ports import (
    Back,
    Confirmation,
    Go,
    HandOver,
    Reply,
    Screen,
    Skip,
    Stop,
    SwitchTo,
    TakeBack,
)
from runbook.rendering.json_format import readable_output
from runbook.terminal.dialog import Dialog
from runbook.terminal.lines import Lines, one_line, wrap
from runbook.terminal.step_screen import can_undo, other_procedures, render_details

__all__ = ["SharedKeys", "go_for", "output_lines", "wanted"]


def go_for(screen: Screen, typed: str) -> Go | str:
    """Return the go-ahead that `typed` gives, or what is wrong with it in a sentence.

    Enter alone never does anything that writes.
    """
    if screen.action.wants_answer:
        value, problem = screen.action.read_answer(typed)
        return problem or Go(value=value)
    if screen.confirmation is Confirmation.ENTER:
        return Go(typed="") if not typed else f"'{one_line(typed)}' is none of the keys. Enter alone does the step."
    if is_confirmed(screen.confirmation, screen.word, typed):
        return Go(typed=typed)
    return wanted(screen, typed)


def wanted(screen: Screen, typed: str) -> str:
    """Say what was typed, what is wanted, and that nothing ran."""
    word = screen.word if screen.confirmation is Confirmation.NAME else "yes"
    if not typed:
        return f"Enter alone does nothing here. Type {one_line(word)} to go on."
    return f"You typed '{one_line(typed)}'; it takes '{one_line(word)}', all of it. Nothing ran."


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


class SharedKeys:
    """Follows the keys that mean the same on every screen. `titles` are those of all procedures, by id."""

    def __init__(self, dialog: Dialog, titles: Mapping[str, str]) -> None:
        self._dialog, self._titles = dialog, titles
        self.helped = 0
        """How often more was asked for about a step; a drill tells it at its end."""

    def press(self, typed: str, screen: Screen) -> tuple[bool, Reply | None]:
        """Return (was it a key, the reply it leads to); no reply: the same question comes again."""
        key = typed.lower()
        if key == "?":
            self.helped += 1
            self._dialog.page(render_details(screen, self._dialog.width))
            return True, None
        if key == "o":
            self._dialog.page(output_lines(screen, self._dialog.width), from_end=True)
            return True, None
        replies = {"s": self._skip, "h": self._hand_over, "u": self._take_back, "p": self._switch}
        if key in replies:
            return True, replies[key](screen)
        simple: dict[str, Reply] = {"b": Back(), "q": Stop()}
        return key in simple, simple.get(key)

    def is_value(self, typed: str, screen: Screen) -> bool:
        """Ask what is meant where a key is also a value that this step asks for."""
        asks = screen.action.asks
        if asks is None or not asks.could_be(typed) or typed.lower() not in {"s", "b", "o", "u", "h", "p", "q", "?"}:
            return False
        self._dialog.show([f"Is '{typed}' the value? Type yes; anything else takes it as a key."])
        return self._dialog.line().lower() == "yes"

    def _skip(self, screen: Screen) -> Reply | None:
        if screen.state.step(screen.path).status.is_settled:
            return Skip("")
        self._dialog.show(["Why is this step left out? It goes into the report. (Enter: don't skip)"])
        reason = self._dialog.line("why> ")
        return Skip(reason) if reason else None

    def _hand_over(self, screen: Screen) -> Reply | None:
        del screen
        self._dialog.show(["What must the next person know? (Enter: don't hand over)"])
        note = self._dialog.line("note> ")
        if not note:
            return None
        self._dialog.show(["Who takes over? (Enter: whoever resumes it)"])
        return HandOver(note, self._dialog.line("who> "))

    def _take_back(self, screen: Screen) -> Reply | None:
        if can_undo(screen):
            return TakeBack()
        undo = screen.step.undo
        reason = f"This step can't be taken back: {undo.reason}" if undo and undo.reason else "It has no undo."
        self._dialog.problem(reason)
        return None

    def _switch(self, screen: Screen) -> Reply | None:
        offered = other_procedures(screen.procedure, screen.step)
        lines = [
            f"  {number}  {one}  {one_line(self._titles.get(one, ''))}" for number, one in enumerate(offered, start=1)
        ]
        self._dialog.show(["Stop here and begin which procedure? A number or a name. (Enter: stay)", *lines])
        typed = self._dialog.line("procedure> ")
        if not typed:
            return None
        if typed.isdecimal() and 0 < int(typed) <= len(offered):
            return SwitchTo(offered[int(typed) - 1])
        if typed in offered or typed in self._titles:
            return SwitchTo(typed)
        close = get_close_matches(typed, [*offered, *self._titles], n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(dict.fromkeys(close))}?" if close else ""
        self._dialog.problem(f"No procedure is called '{typed}'.{hint}")
        return None
