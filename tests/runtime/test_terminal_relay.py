"""What a command prints reaches the screen whole, and as quickly as its lines allow."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runbook.policy.redaction import Redactor
from runbook.printable import is_plain_lines
from runbook.runtime import output_filter
from runbook.runtime.child import PtyChild
from runbook.runtime.keyboard import Keyboard, SignalNotes
from runbook.runtime.output_filter import OutputFilter
from runbook.runtime.terminal_relay import TerminalRelay, Wiring

LINES = "".join(f"row {number}, and what is in it\r\n" for number in range(3000))


def relayed(*pieces: str) -> list[str]:
    """Return what is shown at a time of an output that arrives in pieces."""
    shown: list[str] = []
    wiring = Wiring(
        keyboard=Keyboard(None), show=shown.append, size=lambda: (80, 24), redactor=lambda: Redactor(["Tr0ub4dor&3"]),
        signals=SignalNotes(),
    )  # fmt: skip
    relay = TerminalRelay(PtyChild(pid=0, terminal=-1, document=None), wiring)
    for piece in pieces:
        relay._print(piece)
    relay._end_screen()
    return [each for each in shown if each]


@pytest.mark.parametrize("cut", [40, LINES.index("\n") * 7, LINES.index("\n", 9000)], ids=["line", "text", "return"])
def test_lines_are_shown_at_once_wherever_they_are_cut(cut: int) -> None:
    """A carriage return at the end of a piece ends a line, or begins one that is printed over: the next piece tells."""
    shown = relayed(LINES[:cut], LINES[cut:], LINES)
    assert "".join(shown) == f"{LINES}{LINES}\x1b[0m"
    assert len(shown) == 4


def test_only_lines_that_are_printed_over_are_looked_at_one_by_one() -> None:
    """What comes before and after such a line is shown at once."""
    shown = relayed(f"{LINES}10%\r20%", f"\r30%\r\n{LINES}", LINES)
    assert "".join(shown) == f"{LINES}10%\r20%\r30%\r\n{LINES}{LINES}\x1b[0m"
    assert len(shown) < 10


def test_a_last_carriage_return_is_shown() -> None:
    """Nothing follows that would tell what it means."""
    assert "".join(relayed("done\r")) == "done\r\x1b[0m\r\n"


# --- the quick way through the filter ---------------------------------------------------------------------------------

PIECES = st.lists(
    st.text(st.sampled_from("ab \n\r\t\x1b[mK1\x08é\u0301\u043e\u202e"), max_size=12) | st.just("\r\n"), max_size=6
)


@given(PIECES)
@example(["\u043e", "ab", "\u0301"])
@example(["ab\r\n", "\u0301"])
@example(["x\r", "\x1b[K"])
def test_the_quick_way_shows_what_the_careful_one_shows(pieces: list[str]) -> None:
    """In any mixture of pieces, and it also knows whether a line is begun."""
    quick, careful = OutputFilter(), OutputFilter()
    with pytest.MonkeyPatch.context() as patch:
        for piece in pieces:
            patch.undo()
            at_once = quick.feed(piece)
            patch.setattr(output_filter, "is_plain_lines", lambda _: False)
            assert careful.feed(piece) == at_once
            assert careful.line_begun == quick.line_begun
        assert careful.flush() == quick.flush()


@given(st.text(st.sampled_from("ab\n\r\t\x7f\x1b~ é"), max_size=8))
def test_plain_lines_are_printable_ascii_in_lines(text: str) -> None:
    """A carriage return is only allowed before a line feed."""
    assert is_plain_lines(text) is (re.fullmatch(r"(?:[ -~\n]|\r\n)*", text) is not None)
