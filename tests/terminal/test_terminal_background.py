"""A call in the background: whatever ends it reaches the one who waits."""

from __future__ import annotations

import pytest
from support.walks import PRODUCTION

from runbook.journal.events import TargetSeen
from runbook.terminal.intro import Background


def test_what_the_call_returns_is_what_you_get() -> None:
    """The result is there once the call has ended, as often as it is asked for."""
    background = Background(lambda: PRODUCTION)

    assert [background.result(), background.result()] == [PRODUCTION, PRODUCTION]


@pytest.mark.parametrize("kind", [ValueError, SystemExit])
def test_whatever_ends_the_call_is_raised(kind: type[BaseException]) -> None:
    """No error is lost in the thread, not even one that Python lets threads end with in silence."""

    def fail() -> TargetSeen:
        raise kind("no answer")

    with pytest.raises(kind, match="no answer"):
        Background(fail).result()
