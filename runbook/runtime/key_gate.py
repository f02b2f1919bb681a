"""Which of the operator's keys reach a command: those that answer what it asks, typed once its question is shown.

A terminal keeps keys for whoever reads next. A `y` that is typed while a command still works would answer the question
that it asks later, and the lines of a paste would answer one question after the other.
"""

from __future__ import annotations

import re
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from runbook.runtime.answer_reader import ANSWER_HOLD, LONGEST, QUIET, UNENDED
from runbook.runtime.typed_keys import Key, KeyDecoder, Press, came_too_fast

__all__ = ["KeyGate", "Passed"]

_READING = 0.15
"""Seconds that a question stands there, and the keyboard is quiet, before a key can answer it. Nobody reacts sooner."""

_YES_NO = re.compile(r"\by(?:es)?\b[\W_]{1,8}\bno?\b|\(y\)|\b(?:yes|no)\b[^\n]*\?", re.IGNORECASE)
_ASKS_IN_WHOLE_LINE = re.compile(r"\?\s*\Z|\b(?:press|hit)\b.*\b(?:enter|return|any key)\b", re.IGNORECASE)
_PROGRESS = re.compile(r"(?:\.\.\.|\u2026|\d%)\W*\Z|[\u2800-\u28ff\u25d0-\u25d3]|^\s*[-|/\\]\s*\Z")
"""A line that isn't finished because it is redrawn while work goes on: an ellipsis, a percentage, a spinner."""
_DRAWN = re.compile(r"[\u25c6\u25cf\u25cb\u25c9\u25ef\u276f]")
"""The marks of a choice that is drawn, to be made with arrow keys: the Supabase CLI leaves the cursor below it."""
_NEAR = 3
"""How many lines above the cursor belong to the question."""
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_REPLY = re.compile(r"\x1b(?:\[[?>]?[\d;]*[Rcn]|[\]P].*)\Z", re.DOTALL)
"""What a terminal answers when a program asks where the cursor is, what it can do, which colours it has."""

_AHEAD = "Keys typed before the question appeared were discarded."
_PASTED = "Pasted text was discarded. Type the answer to a Yes/No question."
_TOO_FAST = "Faster than a person types, so it was discarded. Type the answer."
_LINES = "Several lines in a row, so all were discarded. Type the answer."


@dataclass(frozen=True, slots=True)
class Passed:
    """What to send to the command, and what to say to the operator."""

    keys: bytes = b""
    note: str = ""


@dataclass(slots=True)
class KeyGate:
    """Follows what a command shows and what the operator types.

    `mode` returns the local modes of the command's terminal, `screen` the last lines that it shows, as far as the
    cursor. Times are seconds of the monotonic clock.
    """

    mode: Callable[[], int]
    screen: Callable[[], list[str]]
    _decoder: KeyDecoder = field(default_factory=KeyDecoder)
    _shown_at: float = 0.0
    _is_answered: bool = False
    """The question that is shown has its answer; the next one is still to come."""
    _is_open: bool = False
    """A key has passed, so what the command shows in the same line is its echo."""
    _typed: list[float] = field(default_factory=list)
    """When the keys of the line came that the command has got so far."""
    _line_ended_at: float | None = None
    """When a line end came that was part of a paste."""
    _held: bytes = b""
    _held_until: float = 0.0
    _deaf_for: float = QUIET
    _deaf_until: float = 0.0
    _pasted: str | None = None
    _pasted_at: float = 0.0
    _has_told: bool = False

    def shown(self, text: str, now: float) -> None:
        """Take note of what the command has shown."""
        if self._is_open and "\n" not in text:
            return
        self._is_open = False
        # The line end that Enter leaves on the screen is no new question.
        self._is_answered = self._is_answered and not _ESCAPE.sub("", text).strip()
        self._shown_at = now
        # An answer that was held back was meant for what stood there before.
        self._held, self._line_ended_at = b"", None
        self._typed.clear()

    def typed(self, data: bytes, now: float) -> Iterator[Passed]:
        """Take what the operator's terminal sent; yield what passes and what must be said."""
        if self._pasted is not None and now - self._pasted_at > UNENDED:
            self._pasted = None
        for key in self._decoder.feed(data, now):
            passed = self._take(key)
            if passed is not None:
                yield passed

    def due(self, now: float) -> bytes:
        """Return the answer that was held back and that nothing has followed."""
        if not self._held or now < self._held_until:
            return b""
        keys, self._held = self._held, b""
        self._is_answered, self._is_open = True, False
        return keys

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
        self._has_told = False
        follows_paste = self._line_ended_at is not None and key.at - self._line_ended_at < QUIET
        if follows_paste and key.press not in {Press.OTHER, Press.ENTER}:
            return self._discard(_LINES, key.at)
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
        # The paste's own line end doesn't end the line: that is for the person to do.
        line = pasted.strip("\n")
        if "\n" in line or len(line) > LONGEST:
            return self._discard(_LINES, now)
        self._is_open = True
        return Passed(line.encode())

    def _enter(self, key: Key) -> Passed | None:
        times, decides = [*self._typed, key.at], self._decides()
        if decides and (came_too_fast(self._typed) or came_too_fast(times)):
            return self._discard(_TOO_FAST, key.at)
        if not decides and came_too_fast(times[-2:]):
            self._line_ended_at = key.at
            return None
        self._typed.clear()
        if decides:
            self._hold(key)
            return None
        # In raw mode Enter may be one key among many: what a pager shows next says whether it asks again.
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
        return self._discard(_TOO_FAST if came_too_fast([*self._typed, key.at]) else _LINES, key.at)

    def _ahead(self, now: float) -> Passed | None:
        # A key that is held down must not become the answer when the question comes.
        self._deaf_for, self._deaf_until = _READING, now + _READING
        if self._has_told:
            return None
        self._has_told = True
        return Passed(note=_AHEAD)

    def _discard(self, why: str, now: float) -> Passed:
        """Drop what is held, take back what the command's terminal has of the line, and be deaf to the rest."""
        self._held, self._line_ended_at = b"", None
        self._deaf_for, self._deaf_until = QUIET, now + QUIET
        self._typed.clear()
        # Ctrl-U, which the terminal itself acts on: the line has not reached the command yet.
        is_line = bool(self.mode() & termios.ICANON)
        return Passed(b"\x15" if is_line else b"", why)

    # --- what is on the screen --------------------------------------------------------------------------------------

    def _is_asking(self, now: float) -> bool:
        """Tell whether the command waits for an answer to something that the operator can have read."""
        if self._is_answered or (not self._is_open and now - self._shown_at < _READING):
            return False
        lines, mode = self.screen(), self.mode()
        last = lines[-1] if lines else ""
        # What stands there once a key has passed is the key's echo: a pager's `/` looks like a spinner.
        if not self._is_open and _PROGRESS.search(last):
            return False
        # Raw mode alone asks nothing: a command may be in it all the time that it works.
        is_password = bool(mode & termios.ICANON) and not mode & termios.ECHO
        if last.strip() or is_password:
            return True
        written = [line for line in lines if line.strip()][-_NEAR:]
        if not mode & termios.ICANON and any(_DRAWN.search(line) or _YES_NO.search(line) for line in written):
            return True
        return bool(written) and bool(_ASKS_IN_WHOLE_LINE.search(written[-1]))

    def _decides(self) -> bool:
        """Tell whether the question is one for yes or no: there a single key is the whole answer."""
        return bool(self.mode() & termios.ECHO or not self.mode() & termios.ICANON) and bool(
            _YES_NO.search("\n".join([line for line in self.screen() if line.strip()][-_NEAR:]))
        )
