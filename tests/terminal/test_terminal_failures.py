"""The screen of a failed push in a real terminal of 80 by 24: why it failed is on it, however long its output is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pyte
import pytest
from support.terminals import type_keys, walk_terminal

SIZE = (80, 24)


class Seen:
    """What a person sees of a walk in a terminal."""

    def __init__(self, child: pexpect.spawn[str]) -> None:
        self.child = child
        self._screen = pyte.Screen(*SIZE)
        self._stream = pyte.Stream(self._screen)

    def until(self, text: str, *, then: str = "> ") -> list[str]:
        """Return the rows of the terminal once the text and a prompt behind it have come."""
        for wanted in (text, then):
            self.child.expect(re.escape(wanted))
            self._stream.feed(f"{self.child.before}{self.child.after}")
        return [row.rstrip() for row in self._screen.display]

    def type(self, text: str) -> None:
        """Type a line."""
        type_keys(self.child, text)


@pytest.fixture
def failed(tmp_path: Path) -> Iterator[Seen]:
    """Push a function with more than 200 lines; it has just failed."""
    seen = Seen(walk_terminal("push", tmp_path))
    seen.until("Press Enter to begin")
    seen.type("")
    seen.until("Type yes")
    seen.type("yes")
    yield seen
    seen.child.close(force=True)


def test_error_is_on_the_screen_however_long_the_statement_is(failed: Seen) -> None:
    """The CLI prints the whole statement behind its error; the error, its meaning and what to do are on one screen."""
    rows = failed.until("FAILED", then="q stop")
    text = " ".join(" ".join(rows).split())
    said = 'It said: ERROR: syntax error at or near "en" (SQLSTATE 42601)'
    assert [part for part in (said, "The SQL has a mistake", "1. Look for a missing comma") if part not in text] == []
    # The step's own advice is for its own failures, and comes behind.
    own, command = text.index("For this step: The table has other columns."), text.index("$ npx supabase db push")
    assert text.index(said) < own < command


def test_after_a_no_the_advice_for_a_failed_push_is_not_shown(failed: Seen) -> None:
    """After a No to the CLI's own question, the step's advice for failures isn't shown."""
    failed.until("FAILED", then="q stop")
    failed.type("r")
    failed.until("run it again")
    failed.type("yes")
    text = " ".join(" ".join(failed.until("FAILED", then="q stop")).split())
    assert "The answer to the CLI's question was No" in text
    assert "other columns" not in text
