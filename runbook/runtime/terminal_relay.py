"""Relay bytes between the operator's terminal and a child's, until the child ends."""

from __future__ import annotations

import codecs
import os
import re
import select
import signal
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from runbook.errors import RunbookError
from runbook.printable import counted, is_plain_lines, printable
from runbook.rendering.command_text import broken
from runbook.runtime.child import PtyChild, Size
from runbook.runtime.key_gate import KeyGate, Passed
from runbook.runtime.keyboard import Keyboard, SignalNotes
from runbook.runtime.output_filter import OutputFilter
from runbook.runtime.prompts import is_question
from runbook.runtime.running_mark import RunningMark
from runbook.runtime.terminal_modes import PASTE_MARKS_OFF, PASTE_MARKS_ON, knows_sequences
from runbook.runtime.transcript import Bounded, Transcript

__all__ = ["Answerer", "StreamRedactor", "TerminalRelay", "Wiring"]

Answerer = Callable[[str], bytes | None]
"""Gets what the child printed since the last answer, once it is quiet; returns keys to type, or None."""

_TICK = 0.1
_QUIET = 0.15
"""Seconds without output after which a prompt counts as complete."""
_SILENT = 2.0
"""Seconds without output after which a mark shows that a command that has printed something is still running."""
_ASKING = 2.0
"""Seconds without output after which an unfinished line counts as a question to the operator."""
_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
_LEFTOVERS = 1.0
"""Seconds to wait for output after the child's end, from processes that it left behind."""
_CTRL_C, _CTRL_Z = b"\x03", b"\x1a"
_DOCUMENT_LIMIT = 16 * 1024 * 1024
_AT_ONCE = 1024 * 1024
_STEP_BACK = re.compile(r"\x08|\r(?!\n)|\x1b\[[0-9;]*[DG]")
"""Sequences with which a command overprints its earlier output."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class StreamRedactor(Protocol):
    """Removes secrets from a text that arrives in pieces."""

    def feed(self, text: str) -> str:
        """Take a piece; return what is safe to show of it and of what was held back before."""

    def flush(self) -> str:
        """Return what was held back."""

    def redact(self, text: str) -> str:
        """Return a whole text without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What a relay is connected to. `redactor` makes one per stream; `size` returns the operator's terminal's size."""

    keyboard: Keyboard
    show: Callable[[str], None]
    size: Callable[[], Size]
    redactor: Callable[[], StreamRedactor]
    signals: SignalNotes
    answerer: Answerer | None = None
    timeout: float | None = None
    mark: RunningMark | None = None
    """Shown while the command prints nothing."""


class TerminalRelay:
    """One child's conversation. `run` returns at its end; then `transcript`, `document` and `reason` describe it."""

    def __init__(self, child: PtyChild, wiring: Wiring) -> None:
        columns = wiring.size()[0]
        self.transcript = Transcript(columns)
        self.document = Bounded(_DOCUMENT_LIMIT, 0)
        self.reason = ""
        """Why the child was interrupted; empty if it was left alone."""
        self._child, self._wiring = child, wiring
        self._screen, self._pipe = _Channel(wiring.redactor()), _Channel(wiring.redactor())
        self._recent = Transcript(columns)
        self._filter = OutputFilter()
        self._has_printed = False
        self._return = ""
        """A carriage return at the end of what was printed so far."""
        self._is_overprinted = False
        """Whether part of the line at the cursor was printed over."""
        self._redrawn_rows = 0
        """Rows of the line at the cursor if it is shown redacted: the child's cursor is somewhere else in it."""
        self._unsent = b""
        self._gate = KeyGate(self._mode, self.transcript.last_lines)
        self._asked = True
        self._keyboard_there = wiring.keyboard.descriptor is not None
        self._lost = False
        self._presses = 0
        self._last_output = self._last_tick = time.monotonic()
        self._used = 0.0
        self._began = time.monotonic()
        self._told_late = False
        self._ending_since: float | None = None
        self._open = [end for end in (child.terminal, child.document) if end is not None]

    @property
    def has_early_keys(self) -> bool:
        """Tell whether the operator pressed keys while the command asked nothing."""
        return self._gate.has_early_keys

    def run(self) -> int:
        """Relay until the child has ended and its output is read; return its exit code (negative: a signal).

        Raises RunbookError if this process is told to end during that; it ends the child first.
        """
        for end in self._open:
            os.set_blocking(end, False)
        self._mark_pastes(PASTE_MARKS_ON)
        try:
            return self._relay()
        finally:
            self._mark_pastes(PASTE_MARKS_OFF)

    def _relay(self) -> int:
        ended_at: float | None = None
        while self._open or self._child.poll() is None:
            self._turn()
            if self._child.poll() is not None:
                # Processes that it left behind may keep its terminal open for hours.
                ended_at = ended_at or time.monotonic()
                if time.monotonic() - ended_at > _LEFTOVERS:
                    break
        self._print(self._screen.rest())
        self._end_screen()
        self.document.add(self._pipe.rest())
        code = self._child.poll()
        return -signal.SIGKILL if code is None else code

    def _turn(self) -> None:
        keys = self._wiring.keyboard.descriptor if self._keyboard_there else None
        readers = self._open if keys is None else [*self._open, keys]
        writers = [self._child.terminal] if self._unsent and self._child.terminal in self._open else []
        # The tick is for the clock: a child that prints nothing can still run out of time.
        due = self._gate.wait(time.monotonic())
        readable, writable, _ = select.select(readers, writers, [], _TICK if due is None else min(due, _TICK))
        for end in readable:
            if end == keys:
                self._take_keys(self._wiring.keyboard.read())
            else:
                self._take_output(end)
        for passed in self._gate.due(time.monotonic()):
            self._deliver(passed)
        if writable:
            self._send()
        self._heed_signals()
        self._answer()
        self._watch_clock()
        self._mark_silence()

    # --- child to operator --------------------------------------------------------------------------------------

    def _take_output(self, end: int) -> None:
        data, is_open = _read_ready(end)
        if data:
            self._last_output = time.monotonic()
        if end == self._child.terminal:
            self._print(self._screen.take(data))
        else:
            self.document.add(self._pipe.take(data))
        if not is_open:
            self._open.remove(end)

    def _print(self, text: str) -> None:
        # What follows a carriage return decides whether the line is printed over or ends.
        text = self._return + text
        self._return = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r")
        if not text:
            return
        self._has_printed = True
        for part, is_overprinted in self._parts(text):
            self.transcript.feed(part)
            self._show(self._redrawn(part) if is_overprinted else self._filter.feed(part))
        self._gate.shown(text, time.monotonic())
        if self._wiring.answerer is not None:
            self._recent.feed(text)
            self._asked = False

    def _parts(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield the text in parts, each with whether it is of a line that is printed over."""
        if not self._is_overprinted and (is_plain_lines(text) or _STEP_BACK.search(text) is None):
            yield text, False
            return
        plain = ""
        for line in _LINE.findall(text):
            if not self._is_overprinted and _STEP_BACK.search(line) is None:
                plain += line
                continue
            if plain:
                yield plain, False
                plain = ""
            yield from ((part, True) for part in (line.removesuffix("\n"), "\n" if line.endswith("\n") else "") if part)
        if plain:
            yield plain, False

    def _redrawn(self, part: str) -> str:
        """Return what to show for part of an overprinted line: all of it, redacted, if it spelled out a secret."""
        shown = self._filter.feed(part)
        self._is_overprinted = part != "\n"
        if not self._is_overprinted:
            begin, self._redrawn_rows = "\r" if self._redrawn_rows else "", 0
            return begin + shown
        rows = self.transcript.last_rows()
        line = "".join(rows)
        hidden = self._screen.redacted(line)
        if hidden == line and not self._redrawn_rows:
            return shown
        erased = "\r\x1b[2K" + "\x1b[A\x1b[2K" * ((self._redrawn_rows or len(rows)) - 1)
        self._redrawn_rows = max(1, -(-len(hidden) // self._wiring.size()[0]))
        return erased + printable(hidden)

    def _end_screen(self) -> None:
        self._show(self._filter.feed(self._return) + self._filter.flush())
        # The next screen must begin on its own line, without the child's colours.
        self._show("\x1b[0m\r\n" if self._filter.line_begun else "\x1b[0m")
        if self._filter.left_out:
            self._show(f"[runbook] Left out {counted(self._filter.left_out, 'cursor move')} above.\r\n")

    def _show(self, text: str) -> None:
        try:
            if self._wiring.mark is not None:
                self._wiring.mark.clear()
            self._wiring.show(text)
        except OSError:  # a lost terminal must not end the child, which is still being recorded
            self._lose_terminal()

    def _note(self, text: str) -> None:
        lines = broken(f"[runbook] {text}", max(self._wiring.size()[0], 40))
        self._show("\x1b[0m\r\n" + "\r\n".join(lines) + "\r\n")

    # --- operator to child --------------------------------------------------------------------------------------

    def _take_keys(self, keys: bytes) -> None:
        if not keys:
            self._lose_terminal()
            return
        cooked = self._mode() & termios.ISIG
        # A program in raw mode (an editor, a pager) gets the key itself, and the key doesn't stop it.
        if _CTRL_Z in keys and cooked:
            keys = keys.replace(_CTRL_Z, b"")
            self._note("Ctrl-Z is off: a stopped command would keep its locks. Ctrl-C interrupts.")
        for passed in self._gate.typed(keys, time.monotonic()):
            if passed.keys == _CTRL_C:
                self._count_interrupt()
            self._deliver(passed)

    def _deliver(self, passed: Passed) -> None:
        if passed.keys:
            # The time limit starts again with each answer, because more work begins.
            self._used = 0.0
            self._unsent += passed.keys
            self._send()
        if passed.note:
            self._note(passed.note)
            # The question stays in view below the note.
            self._show(printable(self._screen.redacted("".join(self.transcript.last_rows()))))

    def _mark_pastes(self, switch: str) -> None:
        if self._keyboard_there and knows_sequences():
            self._show(switch)

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._child.terminal, self._unsent) :] if self._unsent else b""
        except BlockingIOError:
            return
        except OSError:  # the child is gone
            self._unsent = b""

    def _count_interrupt(self) -> None:
        self.reason = self.reason or "Ctrl-C was pressed while it ran"
        self._presses += 1
        if self._presses == 2:
            self._note("Press Ctrl-C again to kill it.")
        elif self._presses > 2:
            self._end(signal.SIGTERM)

    def _answer(self) -> None:
        if self._wiring.answerer is None or self._asked or time.monotonic() - self._last_output < _QUIET:
            return
        self._asked = True
        keys = self._wiring.answerer(self._recent.text())
        if keys:
            # What is left of the question on the screen must not be answered again.
            self._recent = Transcript(self._wiring.size()[0])
            self._unsent += keys
            self._send()

    # --- time, signals, the end ---------------------------------------------------------------------------------

    def _heed_signals(self) -> None:
        signals = self._wiring.signals
        if signals.take(signal.SIGWINCH):
            self._child.resize(self._wiring.size())
            self.transcript.resize(self._wiring.size()[0])
        if signals.take(signal.SIGCONT):
            self._wiring.keyboard.again()
            self._mark_pastes(PASTE_MARKS_ON)
        if signals.take(signal.SIGINT):
            # Sent to this process alone (`kill -INT`), because a raw keyboard sends no signals: pass it on as the key.
            self._count_interrupt()
            self._unsent += _CTRL_C
            self._send()
        if signals.take(signal.SIGHUP):
            self._lose_terminal()
        if signals.take(signal.SIGTERM):
            self._child.end()
            raise RunbookError(
                "told to end (SIGTERM) while a command ran; the command was ended too",
                hint="It may already have done its work. `runbook resume` helps you find out.",
            )

    def _mark_silence(self) -> None:
        """Show on a separate line that the command is running, never right after its output or below its question."""
        mark, now = self._wiring.mark, time.monotonic()
        is_quiet = now - self._last_output > (_SILENT if self._has_printed else 0)
        if mark is None or not self._keyboard_there or not is_quiet or self._filter.line_begun:
            return
        if not self._mode() & termios.ICANON or is_question(self.transcript.last_lines(), self._mode()):
            return
        with suppress(OSError):  # a lost terminal is noticed where it matters
            mark.show("running")

    def _watch_clock(self) -> None:
        now = time.monotonic()
        passed, self._last_tick = now - self._last_tick, now
        if self._ending_since is not None:
            if now - self._ending_since > _GRACE:
                self._child.signal(signal.SIGKILL)
            return
        if not self._is_asking(now):
            self._used += passed
        elif self._lost:
            self.reason = "the terminal was lost while it asked something"
            self._end(signal.SIGHUP)
        timeout = self._wiring.timeout
        if timeout is None:
            return
        if self._used > timeout:
            self.reason = f"it didn't end within {timeout:g} s"
            self._note(f"It didn't end within {timeout:g} s, so it is being stopped. The server may continue.")
            self._end(signal.SIGTERM)
        elif now - self._began > timeout and not self._told_late and self._is_asking(now):
            self._told_late = True
            self._note(f"It has taken over {timeout:g} s. Answer its question, or press Ctrl-C if it hangs.")

    def _is_asking(self, now: float) -> bool:
        """Guess whether the child waits for the operator, whose thinking time must not count as the child's.

        It does if it has been quiet for a while, after an unfinished line or with its terminal in raw mode. Without
        anyone to answer, nothing counts as a question unless the terminal was lost.
        """
        if not (self._keyboard_there or self._lost) or now - self._last_output < _ASKING:
            return False
        return bool(self.transcript.last_line().strip()) or not self._mode() & termios.ICANON

    def _mode(self) -> int:
        try:
            return int(termios.tcgetattr(self._child.terminal)[3])
        except (termios.error, OSError):
            return termios.ISIG | termios.ICANON

    def _lose_terminal(self) -> None:
        """Continue without an operator: a command that asks nothing may still succeed, and then its end is known."""
        self._keyboard_there, self._lost = False, True

    def _end(self, number: signal.Signals) -> None:
        self._ending_since = self._ending_since or time.monotonic()
        self._child.signal(number)


class _Channel:
    """One stream of output: bytes in, readable and redacted text out."""

    def __init__(self, redactor: StreamRedactor) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._redactor = redactor

    def take(self, data: bytes) -> str:
        """Return the text of these bytes, as far as it's known by now."""
        return self._redactor.feed(self._decoder.decode(data))

    def redacted(self, text: str) -> str:
        """Return a whole text without secrets."""
        return self._redactor.redact(text)

    def rest(self) -> str:
        """Return what was held back, at the stream's end."""
        return self._redactor.feed(self._decoder.decode(b"", final=True)) + self._redactor.flush()


def _read_ready(end: int) -> tuple[bytes, bool]:
    """Return what can be read without waiting, up to a limit, and whether more may follow.

    A terminal returns 4 KiB at a time; redacting and recording many of those at once is faster.
    """
    parts: list[bytes] = []
    size = 0
    while size < _AT_ONCE:
        try:
            part = os.read(end, 65536)
        except BlockingIOError:
            return b"".join(parts), True
        except OSError:  # EIO means on Linux that nobody has the other side open
            part = b""
        if not part:
            return b"".join(parts), False
        parts.append(part)
        size += len(part)
    return b"".join(parts), True
