"""Run reading commands at the same time, each in a terminal of its own that nobody can type into."""

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
from runbook.runtime.terminal_modes import reset_modes
from runbook.runtime.terminal_relay import StreamRedactor, TerminalRelay, Wiring

__all__ = ["look"]

_TICK = 0.1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CTRL_C = b"\x03"


@dataclass(slots=True)
class _Look:
    """One command: its relay runs in a thread, its process is started and ended by the main one."""

    child: PtyChild
    relay: TerminalRelay
    code: int = 0
    seconds: float = 0
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        began = time.monotonic()
        self.code = self.relay.run()
        self.seconds = time.monotonic() - began


def look(  # noqa: PLR0913 - all but the first are keywords
    launches: Sequence[Launch],
    *,
    timeout: float,
    born: Callable[[int, str], None],
    redactor: Callable[[], StreamRedactor],
    keyboard: int | None,
    show: Callable[[str], None],
    ended: Callable[[TerminalRelay, int, float], Execution],
) -> list[Execution]:
    """Run the commands and return how each ended, in their order; `ended` makes that of a finished relay.

    Nothing of their output is shown, only how many have ended and how long it takes. One that can't be loaded has
    failed; the others run. Ctrl-C at the `keyboard` (a descriptor) ends them all and raises KeyboardInterrupt; SIGTERM
    and SIGHUP end them and raise Terminated.
    """
    looks: list[_Look | Execution] = []
    told: signal.Signals | None = None
    with note_signals() as signals, Keyboard(keyboard) as keys:
        # The operator's keys and signals are for all of them, so each relay gets ones that never come.
        wiring = Wiring(
            keyboard=Keyboard(None), show=lambda _: None, size=lambda: launches[0].size,
            redactor=redactor, signals=SignalNotes(), answerer=lambda _: None, timeout=timeout,
        )  # fmt: skip
        try:
            # All processes before the first thread: a forked copy of a process with threads can't do much.
            children = [_started(launch, born) for launch in launches]
            looks = [
                child if isinstance(child, Execution) else _Look(child, TerminalRelay(child, wiring))
                for child in children
            ]
            told = _wait(looks, keys, signals, show if keyboard is not None else lambda _: None)
        finally:
            for one in looks:
                if isinstance(one, _Look):
                    one.child.end(0)
                    one.thread.join()
                    one.child.close()
            if keyboard is not None:
                reset_modes(sys.stdout)
    if told is signal.SIGINT:
        raise KeyboardInterrupt
    if told is not None:
        raise Terminated(f"told to end ({told.name}) during a look")
    return [one if isinstance(one, Execution) else ended(one.relay, one.code, one.seconds) for one in looks]


def _started(launch: Launch, born: Callable[[int, str], None]) -> PtyChild | Execution:
    try:
        return spawn(launch, born)
    except NotLoadedError as error:
        said = f"{launch.argv[0]} could not be started: {error}. Nothing ran."
        return Execution(outcome=Outcome.FAILED, exit=126, seconds=0, output="", evidence=said)


def _wait(
    looks: Sequence[_Look | Execution], keys: Keyboard, signals: SignalNotes, show: Callable[[str], None]
) -> signal.Signals | None:
    """Return when all have ended: what the operator or the system ended them by, None if nothing did."""
    began, told = time.monotonic(), None
    while running := [one for one in looks if isinstance(one, _Look) and one.thread.is_alive()]:
        running[0].thread.join(_TICK)
        show(f"\r  {len(looks) - len(running)} of {len(looks)} looks done, {time.monotonic() - began:.0f} s ")
        came = [number for number in _ENDING if signals.take(number)]
        if _CTRL_C in keys.waiting():
            came.append(signal.SIGINT)
        if came:
            told = came[0]
            for one in running:
                one.child.end(0)
    show("\r" + " " * 40 + "\r")
    return told
