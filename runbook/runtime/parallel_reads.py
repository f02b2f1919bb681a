"""Run reading commands in parallel, each in its own terminal that nobody can type into."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from runbook.engine.ports import Execution
from runbook.errors import Terminated
from runbook.journal.events import Outcome
from runbook.runtime.child import Launch, NotLoadedError, PtyChild, spawn
from runbook.runtime.keyboard import Keyboard, SignalNotes, note_signals
from runbook.runtime.running_mark import RunningMark
from runbook.runtime.terminal_modes import reset_modes
from runbook.runtime.terminal_relay import StreamRedactor, TerminalRelay, Wiring

__all__ = ["not_loaded", "run_in_parallel"]

_TICK = 0.1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CTRL_C, _ESCAPE = b"\x03", b"\x1b"


@dataclass(slots=True)
class _Running:
    """One command: its relay runs in a thread, but the main thread starts and ends its process."""

    child: PtyChild
    relay: TerminalRelay
    code: int = 1
    """Failed, unless its relay completes."""
    seconds: float = 0
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        began = time.monotonic()
        self.code = self.relay.run()
        self.seconds = time.monotonic() - began


def run_in_parallel(  # noqa: PLR0913 - all but the first are keywords
    launches: Sequence[Launch],
    *,
    timeout: float,
    born: Callable[[int, str], None],
    redactor: Callable[[], StreamRedactor],
    keyboard: int | None,
    show: Callable[[str], None],
    early: Callable[[], None],
    ended: Callable[[TerminalRelay, int, float], Execution],
) -> list[Execution]:
    """Run the commands and return how each ended, in order; `ended` makes that from a finished relay.

    The screen shows how many have ended and how long they take, but not their output. A command that can't be loaded
    counts as failed, and the others run. Ctrl-C at the `keyboard` (a descriptor) ends them all and raises
    KeyboardInterrupt; SIGTERM and SIGHUP end them and raise Terminated. `early` is called if any other key is pressed.
    """
    children: list[PtyChild | Execution] = []
    running: list[_Running | Execution] = []
    told: signal.Signals | None = None
    with note_signals() as signals, Keyboard(keyboard) as keys:
        # The operator's keys and signals are for all of them, so each relay gets a source that never sends any.
        wiring = Wiring(
            keyboard=Keyboard(None), show=lambda _: None, size=lambda: launches[0].size,
            redactor=redactor, signals=SignalNotes(), answerer=lambda _: None, timeout=timeout,
        )  # fmt: skip
        try:
            # Start all processes before the first thread: a forked copy of a process with threads can't do much. If
            # one can't be started, `extend` has kept those before it.
            children.extend(_started(launch, born) for launch in launches)
            running.extend(
                child if isinstance(child, Execution) else _Running(child, TerminalRelay(child, wiring))
                for child in children
            )
            mark = RunningMark(show, lambda: launches[0].size[0]) if keyboard is not None else None
            told = _wait(running, keys, signals, mark, early)
        finally:
            _end(children, running)
            if keyboard is not None:
                reset_modes(sys.stdout)
    if told is signal.SIGINT:
        raise KeyboardInterrupt
    if told is not None:
        raise Terminated(f"told to end ({told.name})")
    return [one if isinstance(one, Execution) else ended(one.relay, one.code, one.seconds) for one in running]


def _started(launch: Launch, born: Callable[[int, str], None]) -> PtyChild | Execution:
    try:
        return spawn(launch, born)
    except NotLoadedError as error:
        return not_loaded(launch, error)


def not_loaded(launch: Launch, error: NotLoadedError) -> Execution:
    """Return the result of a command that the kernel couldn't load although its start was recorded: nothing ran."""
    evidence = error.sentence(launch.argv[0])
    return Execution(outcome=Outcome.FAILED, exit=126, seconds=0, output="", evidence=evidence)


def _end(children: Sequence[PtyChild | Execution], running: Sequence[_Running | Execution]) -> None:
    """End every process, even one without a relay because a later one couldn't be recorded."""
    for child in children:
        if isinstance(child, PtyChild):
            # Not `end`, which waits for the process: the relay's thread already does, and only one of them can.
            child.signal(signal.SIGKILL)
    for one in running:
        if isinstance(one, _Running):
            one.thread.join()
    for child in children:
        if isinstance(child, PtyChild):
            child.close()


def _wait(
    commands: Sequence[_Running | Execution],
    keys: Keyboard,
    signals: SignalNotes,
    mark: RunningMark | None,
    early: Callable[[], None],
) -> signal.Signals | None:
    """Wait for all to end; return the signal with which the operator or the system ended them, or None."""
    told = None
    if keys.has_early_keys:
        early()
    while running := [one for one in commands if isinstance(one, _Running) and one.thread.is_alive()]:
        running[0].thread.join(_TICK)
        if mark is not None:
            mark.show(f"{len(commands) - len(running)} of {len(commands)} commands done")
        came = [number for number in _ENDING if signals.take(number)]
        pressed = keys.waiting()
        if _CTRL_C in pressed:
            came.append(signal.SIGINT)
        elif pressed and not pressed.startswith(_ESCAPE):  # a terminal's own reports begin with it
            early()
        if came:
            told = came[0]
            for one in running:
                one.child.signal(signal.SIGKILL)
    if mark is not None:
        mark.clear()
    return told
