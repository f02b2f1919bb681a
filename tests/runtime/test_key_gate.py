"""Which keys reach a command that asks, second by second: no clock, no terminal."""

from __future__ import annotations

import pytest

from runbook.runtime.key_gate import KeyGate, Passed

QUESTION = "Push these migrations? [y/N] "
RAW = 0
"""Local modes without ICANON: the command reads single keys."""


class _Command:
    """A command's terminal: what it shows, and what reaches it."""

    def __init__(self) -> None:
        self.lines = ["working", ""]  # the cursor is on a line of its own
        self.gate = KeyGate(mode=lambda: RAW, screen=lambda: self.lines)
        self.passed: list[Passed] = []

    def shows(self, text: str, now: float) -> None:
        self.lines = [text]
        self.gate.shown(text, now)

    def gets(self, key: str, now: float) -> None:
        self.passed += [*self.gate.due(now), *self.gate.typed(key.encode(), now)]

    def received(self, now: float) -> bytes:
        self.passed += self.gate.due(now)
        return b"".join(each.keys for each in self.passed)


@pytest.mark.parametrize("rate", [0.03, 0.05, 0.09])
def test_a_key_held_down_while_the_question_appears_does_not_answer_it(rate: float) -> None:
    """However long it is held. Once the keyboard has been quiet, a key answers."""
    command = _Command()
    for number in range(int(3 / rate)):
        now = 10 + number * rate
        if number == int(1 / rate):
            command.shows(QUESTION, now)
        command.gets("y", now)
    assert command.received(13.1) == b""
    assert [each.note for each in command.passed if each.note] == [
        "Keys typed before the question appeared were discarded."
    ]

    command.gets("n", 14.0)

    assert command.received(15.0) == b"n"


def test_a_key_right_after_the_question_comes_too_early_to_answer_it() -> None:
    """Nobody reads a question in a tenth of a second."""
    command = _Command()
    command.shows(QUESTION, 10.0)
    command.gets("y", 10.1)
    assert command.received(12.0) == b""
    command.gets("n", 12.5)
    assert command.received(14.0) == b"n"
