"""Run a step's command in a real pseudo terminal; show, record and redact what the operator would see in a shell.

A command with `--output-format json` gets a pipe as its stdout, while its stdin and stderr stay on the terminal. Its
JSON therefore arrives whole and unmixed: CLI 2.122 and 3.1 print the same document as on a terminal, text for people
and questions go to stderr, and CLI 3 refuses to make a change with JSON output either way.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TextIO

from runbook.engine.ports import Execution, ReadCommand
from runbook.errors import UsageError
from runbook.journal.events import Outcome
from runbook.rendering.json_format import readable
from runbook.runtime.child import Launch, NotLoadedError, Size, spawn
from runbook.runtime.environment import child_environment
from runbook.runtime.keyboard import Keyboard, note_signals
from runbook.runtime.parallel_reads import not_loaded, run_in_parallel
from runbook.runtime.programs import Programs, needs_login
from runbook.runtime.running_mark import RunningMark
from runbook.runtime.terminal_modes import reset_modes
from runbook.runtime.terminal_relay import Answerer, StreamRedactor, TerminalRelay, Wiring
from runbook.runtime.transcript import Bounded
from runbook.streams import terminal_of

__all__ = ["FALLBACK_SIZE", "PtyExecutor", "SystemClock", "screen_writer"]

FALLBACK_SIZE: Size = (80, 24)
"""The size of a child's terminal if there is no terminal on our side."""

_SIGNALLED = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)}
"""Exit codes with which a shell, npx and the CLI report that a signal ended the command."""

_PATIENCE = 120.0
"""Seconds that an unattended command may take if its step sets no limit: it may ask something unexpected."""


class SystemClock:
    """The system's time; implements `runbook.engine.ports.Clock`."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds since some moment in the past."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait that many seconds."""
        time.sleep(max(0.0, seconds))


class PtyExecutor:
    """Starts commands in a pseudo terminal; implements `runbook.engine.ports.Executor`.

    `redactor` makes a redactor for given secrets; `show` prints on the operator's screen; `size` returns its columns
    and rows; `keyboard` is the descriptor of the operator's terminal, or None; `answerer` types for the operator (in an
    unattended drill). `programs` holds the programs that were looked up already.
    """

    def __init__(
        self,
        redactor: Callable[[Sequence[str]], StreamRedactor],
        show: Callable[[str], None],
        size: Callable[[], Size],
        *,
        keyboard: int | None = None,
        answerer: Answerer | None = None,
        programs: Programs | None = None,
    ) -> None:
        self._redactor = redactor
        self._show = show
        self._size = size
        self._keyboard = keyboard
        self._answerer = answerer
        self._programs = programs or Programs()
        self._early_keys = False

    def take_early_keys(self) -> bool:
        """Tell whether the operator pressed keys while a command asked nothing, and reset that."""
        early, self._early_keys = self._early_keys, False
        return early

    def _note_early_keys(self) -> None:
        self._early_keys = True

    @classmethod
    def here(
        cls, *, answerer: Answerer | None = None, unattended: bool = False, programs: Programs | None = None
    ) -> PtyExecutor:
        """Return one on this process's terminal; if `unattended` or without a terminal, on a screen of fixed size."""
        from runbook.policy.redaction import Redactor

        has_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not unattended
        return cls(
            Redactor,
            screen_writer(sys.stdout),
            _terminal_size if has_terminal else lambda: FALLBACK_SIZE,
            keyboard=sys.stdin.fileno() if has_terminal else None,
            answerer=answerer,
            programs=programs,
        )

    def execute(  # noqa: PLR0913 - as the protocol has it
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: str,
        timeout: float | None,
        born: Callable[[int, str], None],
        secrets: Sequence[str] = (),
        understands: Callable[[str], str] | None = None,
    ) -> Execution:
        """Run argv and wait for its end; see `runbook.engine.ports.Executor`.

        `timeout` (seconds) doesn't count the time in which the command evidently waits for an answer. If an `answerer`
        types for the operator, a command without a timeout has 120 s.
        """
        launch = self._launch(argv, environment, directory)
        try:
            return self._converse(launch, timeout, born, secrets, understands)
        except NotLoadedError as error:
            return not_loaded(launch, error)

    def _launch(self, argv: Sequence[str], environment: Mapping[str, str], directory: str) -> Launch:
        whole = child_environment(os.environ, environment, is_cli=needs_login(argv))
        program = self._programs.find(argv, directory=directory, path=whole["PATH"])
        started = program.argv(argv)
        return Launch(
            program=started[0],
            argv=started,
            files=program.files,
            environment=whole,
            directory=directory,
            size=self._size(),
            separate_stdout=_prints_json(argv),
        )

    def _converse(
        self,
        launch: Launch,
        timeout: float | None,
        born: Callable[[int, str], None],
        secrets: Sequence[str],
        understands: Callable[[str], str] | None,
    ) -> Execution:
        began = time.monotonic()
        # Signals come first: none may end this process while its terminal is raw.
        with note_signals() as signals, Keyboard(self._keyboard) as keyboard:
            child = spawn(launch, born)
            wiring = Wiring(
                keyboard=keyboard,
                show=self._show,
                size=self._size,
                redactor=lambda: self._redactor(secrets),
                signals=signals,
                answerer=self._answerer,
                timeout=_PATIENCE if timeout is None and self._answerer is not None else timeout,
                mark=None if self._keyboard is None else RunningMark(self._show, lambda: self._size()[0]),
            )
            try:
                relay = TerminalRelay(child, wiring)
                code = relay.run()
                self._early_keys = self._early_keys or relay.has_early_keys or keyboard.has_early_keys
            finally:
                child.close()
                if self._keyboard is not None:
                    reset_modes(sys.stdout)
        ended = self._ended(relay, code, time.monotonic() - began, secrets, understands)
        # The operator has seen everything except the document, which went through a pipe.
        if ended.document:
            with suppress(OSError):  # the terminal is gone, but how the command ended is still recorded
                self._show(self._redacted(readable(ended.document, self._size()[0]), secrets))
        return ended

    def read_in_parallel(
        self,
        commands: Sequence[ReadCommand],
        *,
        directory: str,
        timeout: float,
        born: Callable[[int, str], None],
        secrets: Sequence[str] = (),
    ) -> Sequence[Execution]:
        """Run reading commands in parallel; see `runbook.engine.ports.Executor`. Ctrl-C interrupts them all."""
        launches = [self._launch(one.argv, one.environment, directory) for one in commands]
        return run_in_parallel(
            launches,
            timeout=timeout,
            born=born,
            redactor=lambda: self._redactor(secrets),
            keyboard=self._keyboard,
            show=self._show,
            early=self._note_early_keys,
            ended=lambda relay, code, seconds: self._ended(relay, code, seconds, secrets),
        )

    def _ended(
        self,
        relay: TerminalRelay,
        code: int,
        seconds: float,
        secrets: Sequence[str],
        understands: Callable[[str], str] | None = None,
    ) -> Execution:
        document = self._redacted(relay.document.text(), secrets)
        outcome, evidence = _outcome(code, relay.reason), _evidence(code, relay.reason)
        if understands is not None and outcome is Outcome.PASSED:
            try:
                document = understands(document)
            except UsageError as error:
                outcome, document = Outcome.FAILED, ""
                evidence = ". ".join(part for part in (error.message, error.hint) if part)
        # Redrawn lines may spell out a secret that only shows in the finished transcript.
        transcript = self._redacted(relay.transcript.text(), secrets)
        short = Bounded()
        short.add(document.rstrip("\n"))
        return Execution(
            outcome=outcome,
            exit=code if code >= 0 else None,
            seconds=seconds,
            output="\n".join(part for part in (transcript.rstrip("\n"), short.text()) if part),
            document=document,
            evidence=evidence,
        )

    def _redacted(self, text: str, secrets: Sequence[str]) -> str:
        return self._redactor(secrets).redact(text)


def screen_writer(stream: TextIO) -> Callable[[str], None]:
    """Return a function that writes text to that stream at once, unfiltered, because the relay filters the output."""
    terminal = terminal_of(stream)

    def write(text: str) -> None:
        terminal.write(text)
        terminal.flush()

    return write


def _terminal_size() -> Size:
    try:
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        return FALLBACK_SIZE
    # A serial line or a bare pty has a size of 0 by 0 until somebody sets it.
    return (columns or FALLBACK_SIZE[0], rows or FALLBACK_SIZE[1])


def _prints_json(argv: Sequence[str]) -> bool:
    pairs = zip(argv, [*argv[1:], ""], strict=True)
    asked = ("--output-format=json", "--output-format=stream-json")
    return any(f"{word}={after}".startswith(asked) or word.startswith(asked) for word, after in pairs)


def _outcome(code: int, reason: str) -> Outcome:
    if code < 0 or code in _SIGNALLED or (reason and code != 0):
        return Outcome.INTERRUPTED
    return Outcome.PASSED if code == 0 else Outcome.FAILED


def _evidence(code: int, reason: str) -> str:
    names = {number.value: number.name for number in signal.Signals}
    end = f"ended by {names.get(-code, f'signal {-code}')}" if code < 0 else f"exit code {code}"
    if reason:
        return f"{end}; {reason}"
    # The step's expectation judges the exit code itself, and puts it into words.
    return end if code < 0 or code in _SIGNALLED else ""
