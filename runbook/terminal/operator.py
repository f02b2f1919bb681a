"""The person at the terminal, as the walk's operator."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from rich.text import Text

from runbook.engine.pace import Finding
from runbook.engine.ports import Back, Confirmation, Execution, Go, Reply, Resolve, Screen, Stop, Undecided
from runbook.engine.state import RunState, apply
from runbook.errors import RunbookError
from runbook.journal.events import Event, Outcome, Purpose, StepFinished, TargetSeen
from runbook.journal.interface import Holder
from runbook.model import Mode, Parameter, Procedure
from runbook.terminal.answers import SharedKeys, TerminalHands, go_for, wanted
from runbook.terminal.dialog import Dialog
from runbook.terminal.error_screens import (
    can_check,
    known_lines,
    render_difference,
    render_disconnected,
    render_failure,
    render_holder,
    render_unknown,
)
from runbook.terminal.event_lines import render_event, render_phase_end
from runbook.terminal.finding_lines import render_finding, render_last_finding
from runbook.terminal.intro import (
    Background,
    how_to_begin,
    render_begin,
    render_book,
    render_intro,
    render_notes,
    render_question,
)
from runbook.terminal.lines import Lines
from runbook.terminal.pick_list import offered_lines
from runbook.terminal.reasons import ask_reason, is_meant_as_success
from runbook.terminal.return_screen import render_return
from runbook.terminal.screen_head import is_dry
from runbook.terminal.step_screen import is_finding_cut, render_by_itself, render_details, render_own, render_step

__all__ = ["TerminalOperator"]

_GONE = Stop("the terminal's input ended")


class TerminalOperator:
    """Shows screens and reads answers; implements `runbook.engine.ports.Operator`.

    `titles` maps all procedures' ids to their titles; `notes` returns what was found around the target once it's proven
    (such as environment variables that were left out); `book` names a book that isn't the packaged one; `protected`
    returns the name to type before a run on a target begins, "" if Enter is enough; `early_keys`
    tells whether keys were pressed while a command ran that asked nothing; `dry` means that nothing is written;
    `practice` says how to try something in a drill, for the steps where that is needed. `opening` is the introduction
    that is on the screen already, as it was written; `remember` is called with what is written for the first one.
    """

    def __init__(  # noqa: PLR0913 - each by its name
        self,
        *,
        titles: Mapping[str, str] | None = None,
        notes: Callable[[], Sequence[str]] = tuple,
        dialog: Dialog | None = None,
        book: str = "",
        protected: Callable[[TargetSeen], str] = lambda _: "",
        early_keys: Callable[[], bool] = lambda: False,
        dry: bool = False,
        practice: Sequence[str] = (),
        opening: str = "",
        remember: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._dialog = dialog or Dialog()
        self._keys = SharedKeys(self._dialog, titles or {})
        self._notes = notes
        self._book = book
        self._protected = protected
        self._state = RunState()
        self._procedure: Procedure | None = None
        self._phase = (0, 0, "")
        self._early_keys = early_keys
        self._dry = dry
        self._practice = practice
        self._opening = opening
        self._remember = remember
        self._judged: Finding | None = None
        """What the step before left to judge, once all of it was shown."""
        self._arrived = 0.0
        """When the engine sent the current screen."""

    @property
    def helped(self) -> int:
        """How often the person asked for more about a step."""
        return self._keys.helped

    # --- before the walk ------------------------------------------------------------------------------------------

    def introduce(self, procedure: Procedure, target: Callable[[], TargetSeen]) -> bool:
        """Show the introduction while the target is being proven, then the target, and ask whether to begin."""
        proof = Background(target)
        self._open([Text(), *render_intro(procedure, self._dialog.width, self._rows())])
        return self._enter(procedure, proof)

    def come_back(self, procedure: Procedure, state: RunState, target: Callable[[], TargetSeen]) -> bool:
        """Show how far a resumed run got, then its target, and ask whether to continue."""
        proof = Background(target)
        self._show(render_return(procedure, state, datetime.now(UTC), self._dialog.width, self._rows()))
        return self._enter(procedure, proof, back=True)

    def _rows(self) -> int:
        return self._dialog.height - len(render_book(self._book, self._dialog.width))

    def _open(self, lines: Lines) -> None:
        """Show the introduction, unless it's what stands on the screen from the start on."""
        text = self._dialog.show_unless(self._opening, lines)
        self._remember(text)
        # A walk may lead to another procedure, or back to this one.
        self._opening, self._remember = "", lambda _: None

    def _enter(self, procedure: Procedure, proof: Background, *, back: bool = False) -> bool:
        self._procedure = procedure
        width = self._dialog.width
        with self._dialog.running("Finding out where commands will land"):
            seen = proof.result()
        name = "" if self._dry else self._protected(seen)
        while True:
            self._show(render_begin(seen, self._notes(), width, book=self._book, name=name, dry=self._dry, back=back))
            try:
                answer = self._dialog.line().lower()
            except EOFError:
                return False
            if answer in {name, "q"}:
                return answer == name
            if answer == "?":
                self._dialog.page([*render_intro(procedure, width, whole=True), *render_notes(self._notes(), width)])
            else:
                self._dialog.problem(f"{how_to_begin(name, back=back)}, or type ? or q.")

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Return the value for a parameter. Raises RunbookError if the answer is `q` or the input ends."""
        self._show(render_question(parameter, problem, self._dialog.width, self._dialog.height))
        try:
            typed = self._value_of(parameter)
        except EOFError as end:
            raise RunbookError(f"no value for {parameter.name}: the input ended") from end
        if typed == "q":
            # No secret is a single letter.
            hint = "" if parameter.secret else f"If the value is the letter q, give it with --set {parameter.name}=q."
            raise RunbookError(f"no value for {parameter.name}: you stopped with q", hint=hint)
        return typed

    def _value_of(self, parameter: Parameter) -> str:
        if parameter.takes_lines:
            return self._dialog.secret_lines("value> ", parameter.longest)
        if parameter.secret:
            return self._dialog.secret("value> ")
        return self._pick(parameter) if parameter.offered else self._dialog.value("value> ")

    def _pick(self, parameter: Parameter) -> str:
        """Return a value, or numbers from the list; `?` shows the whole list."""
        while (typed := self._dialog.value("value> ")) == "?":
            self._dialog.page(offered_lines(parameter, self._dialog.width))
        return typed

    # --- at a step --------------------------------------------------------------------------------------------------

    def decide(self, screen: Screen) -> Reply:
        """Ask what to do at a step that is next."""
        self._arrived = time.monotonic()
        try:
            return self._between_phases(screen) or self._decide(screen)
        except EOFError:
            return _GONE

    def conclude(self, screen: Screen) -> Reply | None:
        """Before the end, show what the last step left to judge, and have a do-confirm phase confirmed."""
        width, height = self._dialog.width, self._dialog.height
        if screen.procedure.mode is Mode.DO_CONFIRM and self._phase[0]:
            self._show(render_phase_end(screen, self._phase, width, height))
        elif screen.finding is not None:
            self._show(render_last_finding(screen, width, height))
        else:
            return None
        try:
            return self._looked(screen)
        except EOFError:
            return _GONE

    def advise(self, text: str) -> None:
        """Say why the person's own command didn't run."""
        self._dialog.problem(text)
        self._dialog.value("-- Enter goes back to the step: ")

    def reconnect(self, why: str, unsent: str) -> bool:
        """Say that nothing runs until the shared journal answers, and ask whether to try again."""
        self._show(render_disconnected(why, unsent, self._dialog.width))
        try:
            while (typed := self._dialog.line().lower()) not in {"", "q"}:
                self._dialog.problem(f"'{typed}' isn't one of the keys. Press Enter, or type q.")
        except EOFError:
            return False
        return not typed

    def _decide_own(self, screen: Screen) -> Reply:
        """Ask once whether to run the person's own command, which writes; anything but the word cancels it."""
        self._show(render_own(screen, self._dialog.width, self._dialog.height))
        go = go_for(screen, self._dialog.line())
        if isinstance(go, Go):
            return go
        self._dialog.problem(f"{go} The command was left.".replace("Nothing ran. ", ""))
        return Back()

    def _decide(self, screen: Screen) -> Reply:
        if screen.purpose is Purpose.OWN:
            return self._decide_own(screen)
        early = self._has_early_keys()
        if screen.starts_by_itself and not early:
            self._dialog.show(render_by_itself(screen, self._dialog.width))
            return Go()
        self._show_finding(screen)
        again = True
        while True:
            # After a mistyped answer, the screen is still right above.
            if again:
                stopped = screen.starts_by_itself and early
                width, height = self._dialog.width, self._dialog.height
                shown = render_step(self._timed(screen), width, height, stopped=stopped, practice=self._practice)
                self._show(shown)
            # A value seen elsewhere may be pasted, but not an answer that starts something or marks it as done.
            ask = self._dialog.line if screen.action.asks is None else self._dialog.value
            reply, again = self._reply(screen, ask())
            if reply is not None:
                return reply

    def _show_finding(self, screen: Screen) -> None:
        """Show all of what must be judged first, page by page, if the step's screen has no room for it."""
        found, width, height = screen.finding, self._dialog.width, self._dialog.height
        if found is not None and found != self._judged and is_finding_cut(screen, width, height):
            self._dialog.page(render_finding(found, width), leave="continues")
        self._judged = found

    def _has_early_keys(self) -> bool:
        """Tell whether somebody pressed a key since the last question, to look before the walk goes on."""
        pressed = self._early_keys()
        return self._dialog.has_early_keys() or pressed

    def _timed(self, screen: Screen) -> Screen:
        """Return the screen with the current time: somebody may have looked at the output for minutes."""
        return replace(screen, seconds_so_far=screen.seconds_so_far + time.monotonic() - self._arrived)

    def _reply(self, screen: Screen, typed: str) -> tuple[Reply | None, bool]:
        """Return the reply to what was typed, and whether the screen must be shown again without one."""
        # A project may be called `q`, so the word that is asked for takes precedence over any key.
        is_word = screen.confirmation is Confirmation.NAME and typed == screen.word
        if not is_word and not self._keys.is_value(typed, screen):
            is_key, reply = self._keys.press(typed, screen)
            if is_key:
                return reply, True
        go = go_for(screen, typed)
        if isinstance(go, str):
            self._dialog.problem(go)
            return None, False
        asks = screen.action.asks
        is_told = asks is not None and not asks.pick and not asks.choices
        if is_told and not is_meant_as_success(self._dialog, go.value):
            return None, True
        if screen.action.wants_answer or is_dry(screen.state):
            return go, True
        hands = TerminalHands(screen, self._dialog)
        value = screen.action.attend(hands)
        return (hands.left_for if value is None else replace(go, value=value)), True

    def pause(self, seconds: float) -> float:
        """Wait that many seconds, or until Enter is pressed, showing the time left; return how many seconds passed."""
        began = time.monotonic()
        with suppress(EOFError):  # the next prompt finds out
            self._dialog.enter_within(
                seconds, lambda left: self._dialog.rewrite(f"  {math.ceil(left)} s left (Enter ends the wait) ")
            )
        self._dialog.rewrite("")
        return min(seconds, time.monotonic() - began)

    def recover(self, screen: Screen, execution: Execution) -> Reply:
        """Ask what to do after a step failed. `Go` retries it."""
        self._arrived = time.monotonic()
        reply = None
        try:
            while reply is None:
                self._show(render_failure(self._timed(screen), execution, self._dialog.width, self._dialog.height))
                reply = self._recover(screen, execution)
        except EOFError:
            return _GONE
        return reply

    def _recover(self, screen: Screen, execution: Execution) -> Reply | None:
        while True:
            typed = self._dialog.line()
            if typed.lower() == "r":
                return self._retry(screen, execution)
            if typed.lower() == "x" and execution.purpose is Purpose.VERIFY:
                return Resolve(Undecided.REDO, "its check failed")
            if typed.lower() == "c" and can_check(screen, execution):
                return Resolve(Undecided.PROBE)
            is_key, reply = self._keys.press(typed, screen)
            if is_key:
                return reply
            self._dialog.problem(f"'{typed}' isn't one of the keys." if typed else "Enter alone does nothing here.")

    def _retry(self, screen: Screen, execution: Execution) -> Reply | None:
        """Confirm the step again if it writes. A check only reads, and an undo or an editor asks by itself."""
        asks_itself = execution.purpose is not Purpose.RUN or screen.action.asks_again_on_retry
        if asks_itself or screen.confirmation is Confirmation.ENTER:
            return Go()
        word = screen.word if screen.confirmation is Confirmation.NAME else "yes"
        self._dialog.show([f"Type {word} to run it again. (Enter: don't)"])
        typed = self._dialog.line()
        go = go_for(screen, typed)
        if isinstance(go, str):
            self._dialog.problem(wanted(screen, typed))
            return None
        return go

    def resolve(self, screen: Screen, known: Sequence[str], *, probe: Execution | None) -> Reply:
        """Ask what became of a step whose end is unknown."""
        self._arrived = time.monotonic()
        reply = None
        try:
            while reply is None:
                self._show(render_unknown(self._timed(screen), known, probe, self._dialog.width, self._dialog.height))
                reply = self._resolve(screen, known, probe)
        except EOFError:
            return _GONE
        return reply

    def _resolve(self, screen: Screen, known: Sequence[str], probe: Execution | None) -> Reply | None:
        words = {"check": Undecided.PROBE, "done": Undecided.DONE, "redo": Undecided.REDO}
        while (line := self._dialog.line()).lower() not in words:
            # Not every key: a step that may have been done can't be skipped or left by stepping back.
            if line == "?":
                width = self._dialog.width
                self._dialog.page([*known_lines(known, width), Text(), *render_details(screen, width)])
                return None
            is_allowed = line[:1] == "!" or line.lower() in {"o", "l", "m", "h", "q", "u"}
            is_key, reply = self._keys.press(line, screen) if is_allowed else (False, None)
            if is_key:
                return reply
            self._dialog.problem("Type one of the words or letters above, the whole word.")
        decision = words[line.lower()]
        if decision is Undecided.PROBE:
            return Resolve(Undecided.PROBE)
        # The check supports one decision. Whoever decides otherwise must say why.
        speaks_for = {Outcome.PASSED: Undecided.DONE, Outcome.FAILED: Undecided.REDO}
        said = {Undecided.DONE: "the check passed", Undecided.REDO: "the check failed"}
        found = speaks_for.get(probe.outcome) if probe else None
        usual = said[decision] if found is decision else ""
        ask = "What tells you so?" if found in {None, decision} else f"But {said[found]}. What tells you otherwise?"
        self._dialog.show([f"{ask} It goes into the report.", f"(Enter: {usual or 'go back'})"])
        note = ask_reason(self._dialog, "why> ", usual=usual)
        return Resolve(decision, note) if note else None

    # --- around it --------------------------------------------------------------------------------------------------

    def accept(self, what: str, diff: str) -> bool:
        """Show what changed since the run stopped, and ask whether to continue."""
        try:
            self._dialog.page(render_difference(what, diff, self._dialog.width), stay=False)
            self._dialog.show([f"Type yes to continue with the {what} as it is now. (anything else stops)"])
            return self._dialog.line().lower() == "yes"
        except EOFError:
            return False

    def take_over(self, holder: Holder) -> str | None:
        """Say who holds the target; return the reason for taking over, or None to leave it."""
        self._show(render_holder(holder, datetime.now(UTC), self._dialog.width))
        self._dialog.show(["", "To take over, type the reason; it goes into both reports. (Enter: leave it)"])
        try:
            return ask_reason(self._dialog, "reason> ") or None
        except EOFError:
            return None

    def during(self, what: str) -> AbstractContextManager[None]:
        """Show what the walk is waiting for, and for how long, until the `with` block ends."""
        return self._dialog.running(what)

    def tell(self, event: Event, screen: Screen | None) -> None:
        """Print an event that is already in the journal."""
        self._state = screen.state if screen is not None else apply(self._state, event)
        lines = render_event(event, self._state, self._procedure, self._dialog.width, self._dialog.height)
        if lines:
            self._dialog.show(lines)
        if isinstance(event, StepFinished) and event.purpose is Purpose.OWN:
            with suppress(EOFError):  # the next prompt finds out
                while self._dialog.value("-- Enter goes back to the step, o output: ").lower() == "o" and screen:
                    self._keys.press("o", screen)

    def _looked(self, screen: Screen) -> Reply | None:
        while True:
            typed = self._dialog.line().lower()
            if not typed:
                return None
            # No key may answer for the next step, which isn't on the screen yet.
            if typed not in {"b", "o", "q", "l", "g", "m", "?"}:
                self._dialog.problem("Press Enter, or type b, o or q.")
                continue
            reply = self._keys.press(typed, screen)[1]
            if reply is not None:
                return reply

    def _between_phases(self, screen: Screen) -> Reply | None:
        """At the first step after a phase, say that the phase is over; a do-confirm phase must be confirmed."""
        before, self._phase = self._phase, screen.phase
        if not 0 < before[0] < screen.phase[0]:
            return None
        self._show(render_phase_end(screen, before, self._dialog.width, self._dialog.height))
        return self._looked(screen) if screen.procedure.mode is Mode.DO_CONFIRM else None

    def _show(self, lines: Lines) -> None:
        """Print a screen, with a blank line above it."""
        self._dialog.show([Text(), *lines])
