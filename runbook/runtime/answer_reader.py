"""Read one answer that a person types at a terminal: not a paste, not a macro, not keys from before the question.

This module edits the line itself and reads no configuration: `.inputrc` and `.editrc` can bind a whole answer to a key.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fcntl import ioctl
from types import FrameType
from typing import Any

from runbook.rendering.command_text import broken
from runbook.runtime.terminal_modes import PASTE_MARKS_OFF, PASTE_MARKS_ON, knows_sequences
from runbook.runtime.typed_keys import Key, KeyDecoder, Press, came_too_fast, columns_of

__all__ = ["ANSWER_HOLD", "LONGEST", "QUIET", "SEVERAL_LINES", "TOO_FAST", "UNENDED", "AnswerReader"]

ANSWER_HOLD, ENTER_HOLD = 0.35, 0.12
"""Seconds to wait after Enter for more keys, which would mean a paste: after an answer, and after Enter alone.

An unmarked paste of several lines continues; a person waits to see what happens. A key that is held down repeats every
30 to 90 ms.
"""
QUIET = 0.4
"""Seconds of silence that end a discarded paste; keys that arrive sooner are still part of it."""
UNENDED = 1.0
"""Seconds of silence that end a paste whose end mark never came."""
LONGEST = 4096
"""The most characters in an answer of one line."""

TOO_FAST = "This arrived faster than a person types, so it was discarded. Type the answer."
SEVERAL_LINES = "More input followed the line, so all of it was discarded. Type the answer."
_PASTED = "Pasted text was discarded. Type the answer."
_AHEAD = "Keys typed before the question were discarded. Type the answer."
_TOO_LONG = "It had more than {:,} characters, so it was discarded. Give a shorter one."
_ONE_LINE_ONLY = "Several lines were pasted, but only one is allowed here, so all were discarded. Try again."
_NOT_MARKED = "Several lines arrived in a row, so all were discarded. Paste them at once, or type @ and a file's path."
_NOT_ALONE = "Several lines must be one paste, with nothing before or after it. They were discarded; paste them again."


class _DiscardedError(Exception):
    """The input isn't an answer; the message says why."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """How an answer is read."""

    is_confirmation: bool
    is_hidden: bool = False
    takes_lines: bool = False
    """A marked paste of several lines is one answer."""
    longest: int = LONGEST
    """Characters."""

    @property
    def several_lines(self) -> str:
        """What to say about lines that arrived in a row."""
        return _NOT_MARKED if self.takes_lines else SEVERAL_LINES


@dataclass(slots=True)
class AnswerReader:
    """Asks at the terminal behind the descriptor `keyboard`; `write` shows text on it.

    After Ctrl-Z and `fg`, `redraw` shows what was above the question, which is then asked again.

    Every method that asks raises EOFError if the terminal is closed or gone. Ctrl-C and Ctrl-Z are the usual signals.
    """

    keyboard: int
    write: Callable[[str], object]
    redraw: Callable[[], object] = lambda: None
    _keys: deque[Key] = field(default_factory=deque)
    _decoder: KeyDecoder = field(default_factory=KeyDecoder)

    def confirmation(self, label: str) -> str:
        """Return what a person typed key by key, without spaces around it.

        Discards pasted text, text that arrived faster than a person types, and several lines in a row; then says so and
        asks again.
        """
        return self._ask(label, _Rules(is_confirmation=True))

    def value(self, label: str, *, is_hidden: bool = False) -> str:
        """Return one line, typed or pasted, that ends with a typed Enter. A hidden one keeps the spaces around it."""
        return self._ask(label, _Rules(is_confirmation=False, is_hidden=is_hidden))

    def lines(self, label: str, longest: int) -> str:
        """Return a hidden value of one line or several, typed or pasted at once, that ends with a typed Enter.

        A paste of several lines is returned as it is, its last line end included, and only its size is shown. It must
        be marked by the terminal: unmarked, its lines can't be told from answers.
        """
        return self._ask(label, _Rules(is_confirmation=False, is_hidden=True, takes_lines=True, longest=longest))

    def enter_within(self, seconds: float, tick: Callable[[float], None]) -> bool:
        """Wait that many seconds; return True as soon as Enter is typed. `tick` gets the seconds left, once a second.

        Other keys and pasted text do nothing.
        """
        with self._listen(lambda: None):
            began = time.monotonic()
            # Use the clock instead of counting, because time also passes while Ctrl-Z stops the process.
            while (left := began + seconds - time.monotonic()) > 0:
                tick(left)
                if not self._key_comes(min(1.0, left)):
                    continue
                if self._key().press is Press.ENTER and not self._follows(ENTER_HOLD):
                    return True
                self._until_quiet()
        return False

    # --- one question ---------------------------------------------------------------------------------------------

    def _ask(self, label: str, rules: _Rules) -> str:
        line = _Line(label, self.write, is_hidden=rules.is_hidden, columns=_columns(self.keyboard))

        def again() -> None:
            line.clear()
            line.show()

        with self._listen(again) as is_typed_ahead:
            if is_typed_ahead and self._bytes_come(QUIET):
                self._discard(_AHEAD)
            while True:
                line.show()
                try:
                    text = self._line(line, rules)
                    self.write("\n")
                    return text if rules.is_hidden else text.strip()
                except _DiscardedError as discarded:
                    self.write("\n")
                    self._discard(str(discarded))
                    line.clear()
                except (EOFError, KeyboardInterrupt):
                    self.write("\n")
                    raise

    def _line(self, line: _Line, rules: _Rules) -> str:
        """Read keys up to the end of a line and return its text. Raises _DiscardedError if it isn't an answer."""
        while True:
            key = self._key()
            if key.press is Press.PASTE_BEGINS:
                self._paste(line, self._pasted(rules), rules)
            elif key.press is Press.ENTER:
                if rules.is_confirmation or not line.times or not came_too_fast([line.times[-1], key.at]):
                    line.refresh()
                    self._check(line, key, rules)
                    return line.text
                line.ended_at = key.at
            elif key.press is Press.END and not line.text:
                raise EOFError
            elif key.press is Press.INTERRUPT:
                signal.raise_signal(signal.SIGINT)
            else:
                self._edit(line, key, rules)
            if len(line.text) > rules.longest:
                raise _DiscardedError(_TOO_LONG.format(rules.longest))
            if not self._keys:
                line.refresh()

    def _edit(self, line: _Line, key: Key, rules: _Rules) -> None:
        """Apply a key to the line. Raises _DiscardedError for a character that can't be part of the answer."""
        if key.press is Press.CHARACTER and line.ended_at is not None and key.at - line.ended_at < QUIET:
            raise _DiscardedError(rules.several_lines)
        if key.press is Press.CHARACTER and "\n" in line.text:
            raise _DiscardedError(_NOT_ALONE)
        line.edit(key)

    def _paste(self, line: _Line, text: str, rules: _Rules) -> None:
        """Add a marked paste to the line. Its own line end doesn't end the line; only the person's Enter does."""
        if rules.is_confirmation:
            raise _DiscardedError(_PASTED)
        if "\n" not in text.strip("\n"):
            text = text.strip("\n")
        elif not rules.takes_lines:
            raise _DiscardedError(_ONE_LINE_ONLY)
        elif line.text:
            raise _DiscardedError(_NOT_ALONE)
        if "\n" in line.text:
            raise _DiscardedError(_NOT_ALONE)
        line.text += text

    def _check(self, line: _Line, enter: Key, rules: _Rules) -> None:
        """Raise _DiscardedError unless a person typed the line and no more keys follow."""
        if rules.is_confirmation and (came_too_fast(line.times) or came_too_fast([*line.times, enter.at])):
            raise _DiscardedError(TOO_FAST)
        # If the terminal doesn't mark pasted text, Enter alone may be the first line of a paste.
        is_long = rules.is_confirmation and (bool(line.text) or not knows_sequences())
        if self._follows(ANSWER_HOLD if is_long else ENTER_HOLD):
            raise _DiscardedError(rules.several_lines)

    def _pasted(self, rules: _Rules) -> str:
        """Return the pasted text up to its end mark, cut a little beyond the longest answer."""
        text, before = "", ""
        while self._key_comes(UNENDED) and (key := self._key()).press is not Press.PASTE_ENDS:
            if len(text) <= rules.longest:
                text += _exactly(key, before) if rules.takes_lines else key.text
            before = key.source
        return text

    # --- keys -----------------------------------------------------------------------------------------------------

    def _bytes_come(self, seconds: float | None) -> bool:
        """Wait until the terminal sends something; return False if it doesn't within that many seconds."""
        return bool(select.select([self.keyboard], [], [], seconds)[0])

    def _key_comes(self, seconds: float) -> bool:
        """Wait for a whole key; return False if none comes within that many seconds."""
        until = time.monotonic() + seconds
        while not self._keys:
            # The Esc key alone, or an unfinished sequence, isn't a key yet.
            if not self._bytes_come(max(0.0, until - time.monotonic())):
                return False
            self._decode()
        return True

    def _follows(self, seconds: float) -> bool:
        """Wait for a key that types something; return False if none comes within that many seconds."""
        until = time.monotonic() + seconds
        while self._key_comes(max(0.0, until - time.monotonic())):
            if self._key().press is not Press.OTHER:
                return True
        return False

    def _key(self) -> Key:
        """Return the next key. Raises EOFError."""
        while not self._keys:
            self._bytes_come(None)
            self._decode()
        return self._keys.popleft()

    def _decode(self) -> None:
        self._keys += self._decoder.feed(self._read(), time.monotonic())

    def _read(self) -> bytes:
        try:
            data = os.read(self.keyboard, 4096)
        except OSError as error:  # the terminal hung up
            raise EOFError from error
        if not data:
            raise EOFError
        return data

    def _discard(self, why: str) -> None:
        """Discard input until the terminal is quiet, then say why."""
        self._until_quiet()
        self.write("  ! " + "\n    ".join(broken(why, _columns(self.keyboard) - 4)) + "\n")

    def _until_quiet(self) -> None:
        self._keys.clear()
        while self._bytes_come(QUIET):
            self._read()
        self._decoder = KeyDecoder()

    # --- the terminal ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _listen(self, again: Callable[[], None]) -> Iterator[bool]:
        """Read single keys during a `with` block; discard those typed before.

        Yields whether whole lines were waiting. `again` shows the question again after Ctrl-Z and `fg`. The terminal
        gets its mode back however the block ends: normally, or by an exception, SIGTERM, SIGHUP or Ctrl-Z.
        """
        try:
            before = termios.tcgetattr(self.keyboard)
            waiting = int.from_bytes(ioctl(self.keyboard, termios.FIONREAD, bytes(4)), sys.byteorder)
        except (termios.error, OSError) as error:
            raise EOFError from error
        marks = knows_sequences()

        def enter(when: int = termios.TCSAFLUSH) -> None:
            mode: list[Any] = [*before[:6], list(before[6])]
            mode[0] &= ~termios.ICRNL  # CR LF in a paste is one line end and must not become two
            mode[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
            mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self.keyboard, when, mode)
                if marks:
                    self.write(PASTE_MARKS_ON)

        def leave() -> None:
            # RuntimeError: the signal interrupted a write to the same stream.
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                if marks:
                    self.write(PASTE_MARKS_OFF)
            with contextlib.suppress(termios.error, OSError):
                # Keys that follow an answer must not reach the shell either.
                termios.tcsetattr(self.keyboard, termios.TCSAFLUSH, before)

        def resume() -> None:
            # Anything typed before or since was typed without the question in view.
            enter()
            self._keys.clear()
            self._decoder = KeyDecoder()
            self.write("\r")
            self.redraw()
            again()

        with _restoring(leave, resume):
            self._keys.clear()
            self._decoder = KeyDecoder()
            try:
                enter()
                yield waiting > 0
            finally:
                leave()


@contextlib.contextmanager
def _restoring(leave: Callable[[], None], resume: Callable[[], None]) -> Iterator[None]:
    """Call `leave` before a signal ends or stops this process, and `resume` when it continues."""

    def end(number: int, _frame: FrameType | None) -> None:
        leave()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    def stop(number: int, _frame: FrameType | None) -> None:
        leave()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
        signal.signal(number, stop)
        if signal.SIGCONT not in installed:
            resume()

    handlers: dict[int, Callable[[int, FrameType | None], None]] = {
        signal.SIGTERM: end,
        signal.SIGHUP: end,
        signal.SIGTSTP: stop,
        signal.SIGCONT: lambda _number, _frame: resume(),
    }
    installed: list[int] = []
    # ValueError: not the main thread. A handler that the program has already installed raises, which also leaves.
    with contextlib.suppress(ValueError):
        for number, handler in handlers.items():
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, handler)
                installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            signal.signal(number, signal.SIG_DFL)


def _exactly(key: Key, before: str) -> str:
    """Return a pasted character as it was sent, or U+FFFD if it can't be used; CR LF is one line end."""
    if key.source in {"\r", "\n"}:
        return "" if (before, key.source) == ("\r", "\n") else "\n"
    return key.source if len(key.source) == 1 and (key.source == "\t" or ord(key.source) >= ord(" ")) else "\ufffd"


@dataclass(slots=True)
class _Line:
    """The line that is being typed, drawn in one row of the terminal without escape sequences."""

    label: str
    write: Callable[[str], object]
    is_hidden: bool
    columns: int
    text: str = ""
    times: list[float] = field(default_factory=list)
    """When the typed keys that are still part of the text arrived."""
    ended_at: float | None = None
    """When a line end that belongs to a paste arrived."""
    _shown: str = ""

    def show(self) -> None:
        """Show the label, and the text after it."""
        self._shown = self._visible
        self.write(self.label + self._shown)

    def refresh(self) -> None:
        """Show what has changed since it was last shown."""
        before, self._shown = self._shown, self._visible
        if self._shown.startswith(before):
            self.write(self._shown[len(before) :])
        elif before.startswith(self._shown):
            gone = columns_of(before) - columns_of(self._shown)
            self.write("\b" * gone + " " * gone + "\b" * gone)
        else:
            blank = columns_of(self.label) % self.columns + columns_of(before)
            self.write(f"\r{' ' * blank}\r{self.label}{self._shown}")

    def clear(self) -> None:
        """Start over with an empty line."""
        self.text, self.ended_at = "", None
        self.times.clear()

    def edit(self, key: Key) -> None:
        """Apply a key to the text."""
        if key.press is Press.CHARACTER:
            # An input method commits several characters at once.
            if key.text.isascii() or not self.text or self.text[-1].isascii():
                self.times.append(key.at)
            self.text += key.text
        elif key.press is Press.ERASE:
            self._keep(len(self.text) - 1)
        elif key.press is Press.ERASE_WORD:
            self._keep(self.text.rstrip().rfind(" ") + 1)
        elif key.press is Press.ERASE_LINE:
            self._keep(0)

    def _keep(self, count: int) -> None:
        self.text = self.text[: max(count, 0)]
        del self.times[len(self.text) :]

    @property
    def _visible(self) -> str:
        """The end of the text, as much as fits after the label."""
        room = max(self.columns - columns_of(self.label) % self.columns - 1, 8)
        text = self._size if self.is_hidden else self.text
        if columns_of(text) <= room:
            return text
        kept = text[-room:]
        while columns_of(kept) >= room:
            kept = kept[1:]
        return f"<{kept}"

    @property
    def _size(self) -> str:
        """How much was pasted, if it has several lines; otherwise nothing, to hide the length of a password."""
        count = len(self.text.splitlines())
        return f"({count:,} lines, {len(self.text):,} characters)" if "\n" in self.text else ""


def _columns(descriptor: int) -> int:
    with contextlib.suppress(OSError):
        return os.get_terminal_size(descriptor).columns or 80
    return 80
