"""A mark that something runs: after half a second, rewritten in place, gone before anything else is printed."""

from __future__ import annotations

import pytest

from runbook.runtime import running_mark
from runbook.runtime.running_mark import RunningMark


class Clock:
    """A clock that a test sets."""

    seconds = 100.0

    def monotonic(self) -> float:
        """Return the time that was set."""
        return self.seconds


def drawn(monkeypatch: pytest.MonkeyPatch, *, term: str, columns: int = 80) -> list[str]:
    """Return what a mark writes, asked after 0.4, 1, 1.05 and 3 seconds, and then cleared twice."""
    monkeypatch.setenv("TERM", term)
    clock, written = Clock(), list[str]()
    monkeypatch.setattr(running_mark, "time", clock)
    mark = RunningMark(written.append, lambda: columns)
    for seconds in (0.4, 1, 1.05, 3):
        clock.seconds = 100 + seconds
        mark.show("proving the target")
    mark.clear()
    mark.clear()
    return written


def test_it_is_drawn_in_place_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing for a short wait, a line at most five times a second, an empty line at the end."""
    assert drawn(monkeypatch, term="xterm") == [
        "\r\x1b[K  / proving the target, 1 s",
        "\r\x1b[K  - proving the target, 3 s",
        "\r\x1b[K",
    ]


def test_it_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapped line couldn't be rewritten."""
    assert all(len(line.removeprefix("\r\x1b[K")) < 20 for line in drawn(monkeypatch, term="xterm", columns=20))


def test_a_terminal_without_sequences_gets_one_plain_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """TERM=dumb: nothing is rewritten."""
    assert drawn(monkeypatch, term="dumb") == ["  proving the target ...\r\n"]
