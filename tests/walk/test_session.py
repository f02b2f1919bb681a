"""A walk with fakes: what is asked, what runs, what is written down, in which order."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.walks import (
    Walked,
    book,
    check,
    procedure,
    step,
    tick,
)

from runbook.errors import ExitCode


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Return a private directory."""
    return tmp_path / "scratch"


def test_a_linear_procedure_is_walked_to_its_end(scratch: Path) -> None:
    """Each step is asked for once, runs once, and is in the journal before and after."""
    steps = (step("see", "look --remote"), step("push", "change {{target}}", verify=check("look again")), tick("tell"))
    walked = Walked(book(procedure(*steps)), scratch)

    assert walked.begin() is ExitCode.DONE

    assert walked.executor.ran == [("look", "--remote"), ("change", "--remote"), ("look", "again")]
    assert walked.operator.log == [
        ("introduce", "fix", "qwertyuiopasdfghjklz"),
        ("decide", "see", "enter"),
        ("decide", "push", "yes"),
        ("decide", "tell", "enter"),
    ]
    assert walked.events == [
        ("RunStarted",),
        ("StepStarted", "see", "run"),
        ("ChildStarted", "see"),
        ("StepFinished", "see", "run", "passed"),
        ("StepStarted", "push", "run"),
        ("ChildStarted", "push"),
        ("StepFinished", "push", "run", "passed"),
        ("StepStarted", "push", "verify"),
        ("ChildStarted", "push"),
        ("StepFinished", "push", "verify", "passed"),
        ("StepStarted", "tell", "run"),
        ("StepFinished", "tell", "run", "passed"),
        ("RunFinished",),
    ]
    assert walked.finished == [walked.run] == ["20261123-0120-fix"]
    assert walked.journal.holders() == ()
