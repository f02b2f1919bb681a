"""Record a drill as a person at a terminal would see it: each screen, and what is typed at it.

The screens are drawn by the terminal's own operator. What is typed is what the book says a person answers, so a drill
can be recorded again, unattended, whenever its screens change.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from runbook.drill.auto_operator import AutoOperator, StuckError, answer_cli
from runbook.drill.stage import run_drill
from runbook.engine.ports import Execution, Go, Reply, Screen, Skip
from runbook.errors import UsageError
from runbook.model import Parameter, Procedure
from runbook.policy.redaction import Redactor
from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor, SystemClock
from runbook.steps.view import Options
from runbook.terminal import TerminalOperator
from runbook.terminal.dialog import Dialog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runbook.drill.stage import DrillReport, Stage
    from runbook.journal.events import TargetSeen

__all__ = ["record", "write_recording"]

_MOST_IN_A_ROW = 12
"""How many prompts one step may show before the recording gives up. Otherwise a wrong answer would repeat forever."""
_ENTER = "Enter"
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")


def record(
    stage: Stage, *, before: Callable[[], None], after: Callable[[DrillReport], None]
) -> tuple[DrillReport, list[dict[str, str]]]:
    """Run a drill unattended. Return its report, and each screen with what is typed at it.

    `before` and `after` print what a drill says around the walk. Raises StuckError if the book's answers don't fit the
    terminal's questions.
    """
    tape = _Tape(hidden=(str(stage.sandbox.project), str(stage.sandbox.state)))
    tape.write(_printed(before))
    tape.type_in(_ENTER)
    dialog = _RecordedDialog(tape)
    titles = {name: procedure.title for name, procedure in stage.book.procedures.items()}
    operator = _RecordedOperator(AutoOperator(stage.drill.answers, stage.drill.reactions), titles, dialog)

    def answer(printed: str) -> bytes | None:
        typed = answer_cli(printed)
        if typed is not None:
            tape.type_in(typed.decode().strip() or _ENTER)
        return typed

    executor = PtyExecutor(Redactor, tape.add, lambda: FALLBACK_SIZE, answerer=answer)
    with _no_editor():
        report = run_drill(stage, operator=operator, executor=executor, clock=SystemClock())
    tape.write(_printed(lambda: after(report)))
    tape.type_in("")
    return report, tape.frames


def _printed(say: Callable[[], None]) -> str:
    with redirect_stdout(io.StringIO()) as printed:
        say()
    return printed.getvalue()


def write_recording(file: str, stage: Stage, report: DrillReport, frames: list[dict[str, str]], screens: str) -> None:
    """Write the recording that the site plays. `screens` identifies the screens it was made with. Raises UsageError."""
    recording = {
        "procedure": stage.procedure.id,
        "scenario": stage.drill.name,
        "cli": report.cli,
        "recorded": f"{datetime.now(UTC):%Y-%m-%d}",
        "screens": screens,
        "frames": frames,
    }
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't write the recording to {file}: {error.strerror}") from error


class _Tape(io.StringIO):
    """A terminal that only remembers what was shown before each answer. `hidden` are directories of this machine."""

    def __init__(self, hidden: Sequence[str]) -> None:
        super().__init__()
        self._hidden = hidden
        self.frames: list[dict[str, str]] = []

    def add(self, text: str) -> None:
        """Show a text."""
        self.write(text)

    def last_lines(self) -> str:
        """Return the end of what is on the screen, without its styles."""
        return _STYLE.sub("", self.getvalue()[-600:])

    def type_in(self, keys: str) -> None:
        """End the screen with what is typed at it."""
        text = self.getvalue()
        for directory in self._hidden:
            text = text.replace(directory, "~/project")
        lines = (_settled(line) for line in text.replace("\r\n", "\n").split("\n"))
        self.frames.append({"screen": "\n".join(lines).strip("\n"), "keys": keys})
        self.seek(0)
        self.truncate()


def _settled(line: str) -> str:
    """Return what is left of a line after a program went back to its start and wrote over it."""
    plain = _SEQUENCE.sub(lambda found: found[0] if _STYLE.fullmatch(found[0]) else "", line)
    return next((part for part in reversed(plain.split("\r")) if _STYLE.sub("", part).strip()), "").rstrip()


class _RecordedDialog(Dialog):
    """Shows lines on the tape. At a prompt, it types the answer that is due, or Enter if none is."""

    __slots__ = ("due", "tape", "turns")

    def __init__(self, tape: _Tape) -> None:
        super().__init__(stream=tape)
        self._console = Console(
            file=tape,
            force_terminal=True,
            color_system="standard",
            width=200,
            highlight=False,
            emoji=False,
            markup=False,
        )
        self._terminal = tape
        self._ascii_only = False
        self.tape = tape
        self.due: deque[str] = deque()
        self.turns = 0

    def expect(self, answers: Iterable[str]) -> None:
        """Set the answers to the next prompts."""
        self.due = deque(filter(None, answers))
        self.turns = 0

    def _size(self) -> tuple[int, int]:
        return FALLBACK_SIZE

    def _reader(self) -> Any:
        return self

    def confirmation(self, label: str = "> ") -> str:
        """Answer as a person would. A screen that only needs to be read takes Enter, whatever comes after it."""
        return self._answer(label, is_due="Press Enter" not in self.tape.last_lines())

    def value(self, label: str = "> ") -> str:
        """Answer with the value that is due. The prompts of the pager take Enter."""
        return self._answer(label, is_due=not label.startswith("--"))

    def _answer(self, label: str, *, is_due: bool) -> str:
        self.turns += 1
        if self.turns > _MOST_IN_A_ROW:
            raise StuckError("the recorded drill keeps asking the same question", hint=self.tape.last_lines()[-300:])
        typed = self.due.popleft() if is_due and self.due else ""
        self.tape.write(f"{label}{typed}\n")
        self.tape.type_in(f"{typed} {_ENTER}".strip())
        return typed

    def enter_within(self, seconds: float, tick: Callable[[float], None]) -> bool:
        """End every pause at once, with Enter."""
        tick(seconds)
        self.tape.type_in(_ENTER)
        return True


class _RecordedOperator(TerminalOperator):
    """The person at the terminal, with answers from the book."""

    def __init__(self, auto: AutoOperator, titles: dict[str, str], dialog: _RecordedDialog) -> None:
        super().__init__(titles=titles, dialog=dialog)
        self._auto, self._recorded = auto, dialog

    def introduce(self, procedure: Procedure, target: Callable[[], TargetSeen]) -> bool:
        """Begin."""
        self._recorded.expect(())
        return super().introduce(procedure, target)

    def give(self, parameter: Parameter, *, problem: str = "") -> str:
        """Type the drill's value."""
        self._recorded.expect((self._auto.give(parameter, problem=problem),))
        return super().give(parameter, problem=problem)

    def decide(self, screen: Screen) -> Reply:
        """Type the keys for the drill's decision."""
        self._recorded.expect(_typed(self._auto.decide(screen), screen))
        return super().decide(screen)

    def recover(self, screen: Screen, execution: Execution) -> Reply:
        """Type the keys for the drill's reaction to a failure."""
        reply = self._auto.recover(screen, execution)
        if not isinstance(reply, Go):
            raise StuckError(f"the recorded drill fails at '{screen.path}'", hint=execution.output[-300:])
        self._recorded.expect(("r", reply.typed))
        return super().recover(screen, execution)


def _typed(reply: Reply, screen: Screen) -> tuple[str, ...]:
    """Return what a person types to give that reply."""
    match reply:
        case Skip(reason):
            return ("s", reason)
        case Go(typed=typed, value=value):
            options = [block for block in screen.blocks if isinstance(block, Options)]
            if options:
                texts = [answer.text for answer in options[0].answers]
                return (str(texts.index(str(value)) + 1),)
            if screen.action.asks is not None:
                return (str(value or ""),)
            # A draft is accepted with `a` after the editor has closed.
            return (typed, "a") if value and value == screen.draft else (typed,)
        case _:
            raise StuckError(f"this drill can't be recorded: {type(reply).__name__} at '{screen.path}'")


@contextmanager
def _no_editor() -> Iterator[None]:
    """Make the editor close at once: the drill has already written the draft."""
    before = os.environ.get("EDITOR"), os.environ.get("VISUAL")
    os.environ["EDITOR"] = os.environ["VISUAL"] = "true"
    try:
        yield
    finally:
        for name, value in zip(("EDITOR", "VISUAL"), before, strict=True):
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
