"""Reading commands at the same time, each in a pseudo terminal of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from runbook.engine.ports import Execution, ReadCommand
from runbook.errors import JournalError, Terminated
from runbook.journal.events import Outcome
from runbook.journal.liveness import birth
from runbook.policy.redaction import Redactor
from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor


def ends(
    *programs: str,
    directory: Path,
    born: Callable[[int, str], None] = lambda _pid, _since: None,
    secrets: Sequence[str] = (),
    timeout: float = 20,
) -> list[Execution]:
    """Run these Python programs and return how they ended."""
    shown: list[str] = []
    executor = PtyExecutor(Redactor, shown.append, lambda: FALLBACK_SIZE)
    ended = executor.read_in_parallel(
        [ReadCommand(argv=(sys.executable, "-c", code)) for code in programs],
        directory=str(directory),
        timeout=timeout,
        born=born,
        secrets=secrets,
    )
    assert shown == []
    return list(ended)


def test_they_run_at_the_same_time_and_come_back_in_their_order(tmp_path: Path) -> None:
    """Each writes a file and ends only once the other has written its own."""
    code = (
        "import pathlib, time\n"
        "pathlib.Path('{own}').touch()\n"
        "while not pathlib.Path('{other}').exists(): time.sleep(0.01)\n"
        "print('{own}')"
    )
    first, second = ends(
        code.format(own="a", other="b"), code.format(own="b", other="a"), directory=tmp_path, timeout=60
    )
    assert (first.output, second.output) == ("a", "b")
    assert first.passed
    assert second.passed


def test_each_has_its_own_end_and_secrets_are_removed(tmp_path: Path) -> None:
    """One that fails doesn't touch the others."""
    first, second = ends("print('the s3cret-word')", "raise SystemExit(3)", directory=tmp_path, secrets=["s3cret-word"])
    assert "s3cret-word" not in first.output
    assert (second.outcome, second.exit) == (Outcome.FAILED, 3)


def test_nobody_can_answer_a_question(tmp_path: Path) -> None:
    """A command that asks one is ended when its time is over."""
    (asked,) = ends("input('Sure? ')", directory=tmp_path, timeout=0.5)
    assert asked.outcome is Outcome.INTERRUPTED
    assert "it didn't end within 0.5 s" in asked.evidence


@pytest.mark.parametrize(
    ("number", "raised"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated), (signal.SIGHUP, Terminated)],
)
def test_a_signal_ends_them_all(tmp_path: Path, number: int, raised: type[BaseException]) -> None:
    """No process is left."""
    children: list[int] = []

    def born(pid: int, _since: str) -> None:
        children.append(pid)
        if len(children) == 2:
            threading.Timer(0.2, os.kill, (os.getpid(), number)).start()

    with pytest.raises(raised):
        ends("import time; time.sleep(60)", "import time; time.sleep(60)", directory=tmp_path, born=born, timeout=60)
    assert [birth(pid) for pid in children] == ["", ""]


def test_one_that_can_not_be_put_on_record_ends_those_before_it(tmp_path: Path) -> None:
    """Nothing runs that the journal doesn't know, and nothing is left of the survey."""
    children: list[int] = []

    def born(pid: int, _since: str) -> None:
        children.append(pid)
        if len(children) == 2:
            raise JournalError("the disk is full")

    with pytest.raises(JournalError):
        ends("import time; time.sleep(60)", "import time; time.sleep(60)", directory=tmp_path, born=born, timeout=60)
    assert [birth(pid) for pid in children] == ["", ""]


def test_a_program_that_can_not_be_loaded_has_failed_and_the_others_run(tmp_path: Path) -> None:
    """The reason is its evidence."""
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF nothing")
    broken.chmod(0o755)
    executor = PtyExecutor(Redactor, lambda _: None, lambda: FALLBACK_SIZE)
    first, second = executor.read_in_parallel(
        [ReadCommand(argv=(str(broken),)), ReadCommand(argv=(sys.executable, "-c", f"print({json.dumps('[]')})"))],
        directory=str(tmp_path),
        timeout=20,
        born=lambda _pid, _since: None,
    )
    assert (first.exit, first.passed) == (126, False)
    assert "couldn't be started" in first.evidence
    assert second.output == "[]"
