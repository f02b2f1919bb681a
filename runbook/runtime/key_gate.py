"""Let only those keys of the operator reach a command that answer a question it has shown.

A terminal keeps keys for whoever reads next. A `y` typed while a command is still working would answer a question that
it asks later, and the lines of a paste would answer one question after another.
"""

from __future__ import annotations

import re
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from runbook.runtime.answer_reader import ANSWER_HOLD, LONGEST, QUIET, SEVERAL_LINES, TOO_FAST, UNENDED
from runbook.runtime.prompts import is_progress, is_question, is_yes_no
from runbook.runtime.typed_keys import Key, KeyDecoder, Press, came_too_fast

__all__ = ["KeyGate", "Passed"]

_READING = 0.15
"""Seconds that a question must be shown, with no keys pressed, before a key can answer it. Nobody reacts sooner."""

_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_REPLY = re.compile(r"\x1b(?:\[[?>]?[\d;]*[Rcn]|[\]P].*)\Z", re.DOTALL)
"""A terminal's reply to a program that asks for the cursor's position, its capabilities or its colours."""

_AHEAD = "Keys typed before the question appeared were discarded."
_PASTED = "Pasted text was discarded. Type the answer to a Yes/No question."


@dataclass(frozen=True, slots=True)
class Passed:
    """Keys to send to the command, and a note to show to the operator."""

    keys: bytes = b""
    note: str = ""


@dataclass(slots=True)
class KeyGate:
    """Follows what a command shows and what the operator types.

    `mode` returns the local modes of the command's terminal, `screen` its last lines, down to the cursor. Times are
    seconds on the monotonic clock.
    """

    mode: Callable[[], int]
    screen: Callable[[], list[str]]
    _decoder: KeyDecoder = field(default_factory=KeyDecoder)
    _shown_at: float = 0.0
    _is_answered: bool = False
    """Whether the question on the screen has been answered, and the next one hasn't appeared yet."""
    _is_open: bool = False
    """Whether a key has passed, so that whatever the command adds to the same line is its echo."""
    _typed: list[float] = field(default_factory=list)
    """When the keys of the current line that the command has received arrived."""
    _line_ended_at: float | None = None
    """When a line end that belongs to a paste arrived."""
    _held: bytes = b""
    """An answer that is held in case more keys follow, which would mean a paste."""
    _held_until: float = 0.0
    _deaf_for: float = QUIET
    _deaf_until: float = 0.0
    """Keys before this moment are dropped, and each of them moves it back by `_deaf_for`."""
    _pasted: str | None = None
    _pasted_at: float = 0.0
    has_early_keys: bool = False
    """Whether keys arrived while nothing was asked."""
    _is_ahead_noted: bool = False
    """Whether the operator knows that keys were discarded; one note is enough until the next question."""

    def shown(self, text: str, now: float) -> None:
        """Take note of new output."""
        if self._is_open and "\n" not in text:
            return
        self._is_open = False
        # The line end that Enter leaves on the screen isn't a new question.
        self._is_answered = self._is_answered and not _ESCAPE.sub("", text).strip()
        self._shown_at = now
        # An answer that was held back was meant for the output before this.
        self._held, self._line_ended_at = b"", None
        self._typed.clear()

    def typed(self, data: bytes, now: float) -> Iterator[Passed]:
        """Take bytes from the operator's terminal; yield the keys that pass and the notes to show."""
        if self._pasted is not None and now - self._pasted_at > UNENDED:
            self._pasted = None
        for key in self._decoder.feed(data, now):
            passed = self._take(key)
            if passed is not None:
                yield passed

    def due(self, now: float) -> Iterator[Passed]:
        """Yield what was held for more keys that never came: an answer, or the Esc key alone."""
        if self._held and now >= self._held_until:
            keys, self._held = self._held, b""
            self._is_answered, self._is_open = True, False
            yield Passed(keys)
        escape = self._decoder.lone_escape(now)
        passed = self._take(escape) if escape else None
        if passed is not None:
            yield passed

    def wait(self, now: float) -> float | None:
        """Return the seconds until an answer is due, None if none is held back."""
        return max(0.0, self._held_until - now) if self._held else None

    # --- one key --------------------------------------------------------------------------------------------------

    def _take(self, key: Key) -> Passed | None:
        if self._pasted is not None:
            return self._in_paste(self._pasted, key)
        if key.press is Press.PASTE_BEGINS:
            self._pasted, self._pasted_at = "", key.at
            return None
        if key.press is Press.INTERRUPT:
            self._held = b""
            return Passed(b"\x03")
        if _REPLY.match(key.source):
            return Passed(key.source.encode())
        return self._take_answer(key)

    def _take_answer(self, key: Key) -> Passed | None:
        if key.at < self._deaf_until:
            self._deaf_until = key.at + self._deaf_for
            return None
        if self._held:
            return self._behind_answer(key)
        if not self._is_asking(key.at):
            return self._ahead(key.at)
        self._is_ahead_noted = False
        follows_paste = self._line_ended_at is not None and key.at - self._line_ended_at < QUIET
        if follows_paste and key.press not in {Press.OTHER, Press.ENTER}:
            return self._discard(SEVERAL_LINES, key.at)
        return self._enter(key) if key.press is Press.ENTER else self._letter(key)

    def _in_paste(self, pasted: str, key: Key) -> Passed | None:
        self._pasted_at = key.at
        if key.press is Press.PASTE_ENDS:
            self._pasted = None
            return self._paste(pasted, key.at)
        if len(pasted) <= LONGEST:
            self._pasted = pasted + key.text
        return None

    def _paste(self, pasted: str, now: float) -> Passed | None:
        if not self._held and not self._is_asking(now):
            return self._ahead(now)
        if self._held or self._decides():
            return self._discard(_PASTED, now)
        # The paste's own line end doesn't end the line; only the person's Enter does.
        line = pasted.strip("\n")
        if "\n" in line or len(line) > LONGEST:
            return self._discard(SEVERAL_LINES, now)
        self._is_open = True
        return Passed(line.encode())

    def _enter(self, key: Key) -> Passed | None:
        times, decides = [*self._typed, key.at], self._decides()
        if decides and (came_too_fast(self._typed) or came_too_fast(times)):
            return self._discard(TOO_FAST, key.at)
        if not decides and came_too_fast(times[-2:]):
            self._line_ended_at = key.at
            return None
        self._typed.clear()
        if decides:
            self._hold(key)
            return None
        # In raw mode, Enter may be one key among many; the next output shows whether the command asks again.
        self._is_answered = bool(self.mode() & termios.ICANON)
        self._is_open = not self._is_answered
        return Passed(key.source.encode())

    def _letter(self, key: Key) -> Passed | None:
        self._is_open = True
        if key.press is Press.CHARACTER and self._decides() and not self.mode() & termios.ICANON:
            self._typed = [key.at]
            self._hold(key)
            return None
        if key.press is Press.CHARACTER:
            self._typed.append(key.at)
        elif key.press in {Press.ERASE, Press.ERASE_LINE, Press.ERASE_WORD}:
            self._typed.clear()
        return Passed(key.source.encode())

    def _hold(self, key: Key) -> None:
        self._held, self._held_until = key.source.encode(), key.at + ANSWER_HOLD

    def _behind_answer(self, key: Key) -> Passed | None:
        """Discard an answer that more keys follow, unless it is a letter and the Enter that people add to it."""
        if key.press is Press.ENTER and self._typed and not came_too_fast([*self._typed, key.at]):
            self._typed.clear()
            self._held_until = key.at + ANSWER_HOLD
            return None
        return self._discard(TOO_FAST if came_too_fast([*self._typed, key.at]) else SEVERAL_LINES, key.at)

    def _ahead(self, now: float) -> Passed | None:
        # A key that is held down must not become the answer when the question appears.
        self.has_early_keys = True
        self._deaf_for, self._deaf_until = _READING, now + _READING
        if self._is_ahead_noted:
            return None
        self._is_ahead_noted = True
        return Passed(note=_AHEAD)

    def _discard(self, why: str, now: float) -> Passed:
        """Drop the held answer, erase the line in the command's terminal, and drop the keys that follow."""
        self._held, self._line_ended_at = b"", None
        self._deaf_for, self._deaf_until = QUIET, now + QUIET
        self._typed.clear()
        # Ctrl-U: the terminal itself erases the line, which hasn't reached the command yet.
        is_line = bool(self.mode() & termios.ICANON)
        return Passed(b"\x15" if is_line else b"", why)

    # --- what is on the screen --------------------------------------------------------------------------------------

    def _is_asking(self, now: float) -> bool:
        """Return True if the command waits for an answer to a question that the operator has had time to read."""
        if self._is_answered or (not self._is_open and now - self._shown_at < _READING):
            return False
        lines = self.screen()
        # Once a key has passed, the line shows its echo: a pager's `/` looks like a spinner.
        return (self._is_open or not is_progress(lines)) and is_question(lines, self.mode())

    def _decides(self) -> bool:
        return is_yes_no(self.screen(), self.mode())
