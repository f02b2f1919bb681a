"""What a person does at a step: answer it, press a key that works on every screen, edit a file, or wait."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from rich.text import Text

from runbook.engine import ports
from runbook.engine.confirmation import is_confirmed
from runbook.engine.pick_lists import picked
from runbook.engine.ports import Confirmation, Reply, Screen
from runbook.errors import MissingPartError
from runbook.journal.events import Outcome, Purpose
from runbook.printable import lines_of, one_line
from runbook.rendering.json_format import readable_output
from runbook.runtime.subprocesses import open_editor
from runbook.steps.view import File
from runbook.terminal.dialog import Dialog
from runbook.terminal.lines import Lines, diff_lines, keys, output_line, wrap
from runbook.terminal.reasons import ask_note, ask_reason
from runbook.terminal.step_list import listed_steps, render_left_out, render_step_list, step_called, steps_left_out
from runbook.terminal.step_screen import can_undo, other_procedures, render_details

__all__ = ["KEYS", "SharedKeys", "TerminalHands", "go_for", "output_lines", "wanted"]


KEYS = frozenset({"s", "b", "o", "u", "h", "p", "q", "?", "l", "g", "m", "!"})
"""The keys that do the same at every step."""
_PURPOSES = {
    Purpose.VERIFY: "The check of ",
    Purpose.PROBE: "The check of ",
    Purpose.UNDO: "The undo of ",
    Purpose.PREPARE: "Preparing ",
    Purpose.OWN: "Your own command at ",
}
_ENDS = {Outcome.PASSED: "done", Outcome.FAILED: "FAILED", Outcome.INTERRUPTED: "INTERRUPTED"}


def go_for(screen: Screen, typed: str) -> ports.Go | str:
    """Return the go-ahead that `typed` gives, or a sentence on what is wrong with it.

    Enter alone never starts anything that writes.
    """
    if screen.action.wants_answer:
        value, problem = screen.action.read_answer(picked(screen.asks, typed) if screen.asks else typed)
        return problem or ports.Go(value=value)
    if screen.confirmation is Confirmation.ENTER:
        return (
            ports.Go(typed="")
            if not typed
            else f"'{one_line(typed)}' isn't one of the keys. Enter alone does the step."
        )
    if is_confirmed(screen.confirmation, screen.word, typed):
        return ports.Go(typed=typed)
    return wanted(screen, typed)


def wanted(screen: Screen, typed: str) -> str:
    """Say what was typed, what must be typed, and that nothing ran."""
    word = screen.word if screen.confirmation is Confirmation.NAME else "yes"
    if not typed:
        return f"Enter alone does nothing here. Type {one_line(word)} to continue."
    return f"You typed '{one_line(typed)}'. Type all of '{one_line(word)}' to confirm. Nothing ran."


def output_lines(screen: Screen, width: int) -> Lines:
    """Return the output of every execution so far, oldest first."""
    lines: Lines = []
    titles = {one.place.path: f"Step {one.number}, {one.title}" for one in listed_steps(screen)}
    for record in screen.state.steps.values():
        for attempt in record.attempts:
            end = _ENDS[attempt.outcome] if attempt.outcome else "not finished"
            what = f"{_PURPOSES.get(attempt.purpose, '')}{titles.get(record.path, record.path)}: {end}"
            lines += wrap(what, width, first=f"{attempt.started:%H:%M:%S}  ", style="bold")
            lines += wrap(attempt.evidence, width, first="  ") if attempt.evidence else []
            for text in lines_of(readable_output(attempt.output, width - 4)):
                lines += output_line(text, width, "  ")
            lines.append(Text())
    return lines or [Text("Nothing has run yet.")]


class SharedKeys:
    """Follows the keys that do the same on every screen. `titles` maps all procedures' ids to their titles."""

    def __init__(self, dialog: Dialog, titles: Mapping[str, str]) -> None:
        self._dialog, self._titles = dialog, titles
        self.helped = 0
        """How often the person asked for more about a step; a drill reports it at its end."""

    def press(self, typed: str, screen: Screen) -> tuple[bool, Reply | None]:  # noqa: C901, PLR0912 - one case for each key
        """Return (was it a key, the reply it leads to). Without a reply, the same question is asked again."""
        reply: Reply | None = None
        if typed.startswith("!") and (typed == "!" or screen.action.asks is None):
            return True, self._own_command(typed[1:].strip())
        match typed.lower():
            case "?":
                self.helped += 1
                self._dialog.page(render_details(screen, self._dialog.width))
            case "o":
                self._dialog.page(output_lines(screen, self._dialog.width), from_end=True)
            case "l":
                self._dialog.page(render_step_list(screen, self._dialog.width))
            case "g":
                reply = self._go_to(screen)
            case "m":
                reply = self._note()
            case "s":
                reply = self._skip(screen)
            case "b" if listed_steps(screen)[0].place.path == screen.path:
                self._dialog.problem("This is the first step.")
            case "b":
                reply = ports.Back()
            case "h":
                reply = self._hand_over()
            case "u":
                reply = self._take_back(screen)
            case "p":
                reply = self._switch(screen)
            case "q":
                reply = ports.Stop()
            case _:
                return False, None
        return True, reply

    def _say(self, text: str) -> None:
        self._dialog.show(wrap(text, self._dialog.width))

    def is_value(self, typed: str, screen: Screen) -> bool:
        """If a key could also be the value that this step asks for, ask which is meant."""
        asks = screen.action.asks
        if asks is None or not asks.could_be(typed) or typed.lower() not in KEYS:
            return False
        self._say(f"Is '{typed}' the value? Type yes; anything else takes it as a key.")
        return self._dialog.line().lower() == "yes"

    def _skip(self, screen: Screen) -> Reply | None:
        # Going past a step that is already done or skipped needs no reason.
        if screen.state.step(screen.path).status.is_settled:
            return ports.Skip("")
        self._say("Why do you skip this step? It goes into the report. (Enter: don't skip)")
        reason = ask_reason(self._dialog, "why> ")
        return ports.Skip(reason) if reason else None

    def _go_to(self, screen: Screen) -> Reply | None:
        self._dialog.show(
            wrap("Go to which step? Type its number; l shows the list. (Enter: stay)", self._dialog.width)
        )
        while typed := self._dialog.line("step> ").lower():
            if typed == "q":
                return None
            if typed == "l":
                self._dialog.page(render_step_list(screen, self._dialog.width))
                continue
            wanted = step_called(screen, typed)
            if wanted is None:
                self._dialog.problem(f"The list has no step {one_line(typed)}. Type a number from it, or l to see it.")
            elif wanted.place.path == screen.path:
                self._dialog.problem(f"You are at step {wanted.number}.")
            elif not steps_left_out(screen, wanted):
                return ports.GoTo(wanted.place.path)
            else:
                self._dialog.page(render_left_out(screen, wanted, self._dialog.width), stay=False)
                self._dialog.show(
                    wrap("Why do you skip them? It goes into the report. (Enter: stay)", self._dialog.width)
                )
                reason = ask_reason(self._dialog, "why> ")
                return ports.GoTo(wanted.place.path, reason) if reason else None
        return None

    def _note(self) -> Reply | None:
        self._dialog.show(
            wrap("What do you want to note? It goes into the report. (Enter: nothing)", self._dialog.width)
        )
        note = ask_note(self._dialog, "note> ")
        return ports.AddNote(note) if note else None

    def _own_command(self, line: str) -> Reply | None:
        if not line:
            self._say("Which command? It's judged like any other and recorded, and runs without a shell. (Enter: none)")
            line = self._dialog.value("command> ")
        return ports.RunOwn(line) if line else None

    def _hand_over(self) -> Reply | None:
        self._say("What does the next person need to know? (Enter: don't hand over)")
        note = ask_note(self._dialog, "note> ")
        if not note:
            return None
        self._say("Who takes over? (Enter: whoever resumes it)")
        return ports.HandOver(note, self._dialog.value("who> "))

    def _take_back(self, screen: Screen) -> Reply | None:
        if can_undo(screen):
            return ports.TakeBack()
        undo = screen.step.undo
        reason = f"This step can't be undone: {undo.reason}" if undo and undo.reason else "It has no undo."
        self._dialog.problem(reason)
        return None

    def _switch(self, screen: Screen) -> Reply | None:
        offered = other_procedures(screen)
        titled = [f"{one}  {one_line(self._titles.get(one, ''))}" for one in offered]
        lines = [f"  {number}  {one}" for number, one in enumerate(titled, start=1)]
        self._dialog.show(["Stop here and begin which procedure? Type a number or a name. (Enter: stay)", *lines])
        typed = self._dialog.value("procedure> ")
        if not typed:
            return None
        if typed.isdecimal() and 0 < int(typed) <= len(offered):
            return ports.SwitchTo(offered[int(typed) - 1])
        if typed in offered or typed in self._titles:
            return ports.SwitchTo(typed)
        close = difflib.get_close_matches(typed, [*offered, *self._titles], n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(dict.fromkeys(close))}?" if close else ""
        self._dialog.problem(f"No procedure is called '{typed}'.{hint}")
        return None


class TerminalHands:
    """The hands of the person at one screen of the terminal; implements `runbook.steps.performing.Hands`."""

    def __init__(self, screen: Screen, dialog: Dialog) -> None:
        self._screen, self._dialog = screen, dialog
        self.left_for: Reply | None = None
        """What the person wants instead of continuing; None: the same screen again."""

    def edit(self) -> str | None:
        """Open the editor until the person accepts the draft; return its path, or None if the person leaves it."""
        answer, draft = "e", self._screen.draft
        while answer == "e":
            try:
                problem = open_editor(draft)
            except MissingPartError as missing:
                problem = f"{missing.message}. {missing.hint}"
            if problem:
                self._dialog.problem(f"{problem}. You can also edit {draft} in another terminal.")
            self._dialog.page(_edit_difference(self._screen, self._dialog.width), stay=False)
            ways = ["a accept this", "e edit again", "b back to the step", "q stop; the draft is kept"]
            self._dialog.show(keys("", ways, self._dialog.width))
            while (answer := self._dialog.line().lower()) not in {"a", "e", "b", "q"}:
                self._dialog.problem("Type a, e, b or q.")
        self.left_for = ports.Stop() if answer == "q" else None
        return draft if answer == "a" else None


def _edit_difference(screen: Screen, width: int) -> Lines:
    """Return what the finished draft changes in the file that it will replace."""
    name = next((block.path for block in screen.blocks if isinstance(block, File)), "the file")
    directory = screen.state.header.directory if screen.state.header else "."
    before, after = (_lines_of(file) for file in (Path(directory, name), Path(screen.draft)))
    changes = difflib.unified_diff(before, after, f"{name} before", f"{name} after", lineterm="")
    return diff_lines(changes, width) or [Text(f"{name} stays as it is.", style="yellow")]


def _lines_of(file: Path) -> list[str]:
    try:
        return lines_of(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:  # a file that the step creates doesn't exist yet
        return []
