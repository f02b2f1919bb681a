"""Where values come from, and where they go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.walks import (
    PRODUCTION,
    FakeExecutor,
    FakeOperator,
    Walked,
    book,
    check,
    command,
    confirm,
    ended,
    parameter,
    procedure,
    step,
    tick,
)

from runbook.engine.ports import Execution, Skip, Stop
from runbook.errors import ExitCode
from runbook.model import Capture, Expectation


def test_values_come_from_flags_the_environment_the_link_and_the_operator(tmp_path: Path) -> None:
    """All of them before step 1, in that order of preference."""
    names = ("flagged", "variable", "project_ref", "asked")
    line = "look " + " ".join(f"{{{{{name}}}}}" for name in names)
    walked = Walked(
        book(procedure(step("see", line), parameters=[parameter(name) for name in names])),
        tmp_path,
        FakeOperator(values={"asked": "d"}),
        environment={"RUNBOOK_VARIABLE": "b", "RUNBOOK_FLAGGED": "not this"},
    )

    walked.begin(flagged="a")

    assert walked.executor.ran == [("look", "a", "b", PRODUCTION.name, "d")]
    assert walked.operator.log[1:3] == [("give", "asked", ""), ("decide", "see", "enter")]


def test_a_captured_value_reaches_later_steps(tmp_path: Path) -> None:
    """By a path into JSON and by a group of a pattern."""
    steps = (
        step("list", "look list", capture=(Capture("last", json="rows.-1.id"), Capture("word", pattern="(w[a-z]+)"))),
        step("use", "look {{last}} {{word}}", expect=Expectation(output="saw {{last}}")),
    )
    executor = FakeExecutor(
        {"look list": ended(output='words\n{"rows": [{"id": 1}, {"id": 7}]}'), "look 7": ended(output="saw 7")}
    )
    walked = Walked(book(procedure(*steps)), tmp_path, executor=executor)

    assert walked.begin() is ExitCode.DONE
    assert executor.ran[-1] == ("look", "7", "words")


def test_a_capture_that_finds_nothing_fails_the_step(tmp_path: Path) -> None:
    """The evidence names the variable and where it was looked for."""
    steps = step("list", "look", capture=(Capture("last", json="rows.-1.id"),))
    walked = Walked(book(procedure(steps)), tmp_path)

    walked.begin()

    assert walked.operator.log[-1] == (
        "recover",
        "list",
        "run",
        "exit 0, as expected; the output shows no value for last (rows.-1.id)",
    )


def test_what_a_skipped_step_would_have_captured_is_asked_for(tmp_path: Path) -> None:
    """Once, where it is first needed; the answer is on record and is not asked for again after a stop."""
    steps = (step("list", "look", capture=(Capture("last", json="id"),)), step("use", "look {{last}}"), tick("end"))
    walked = Walked(book(procedure(*steps)), tmp_path, FakeOperator([Skip("I know"), confirm, Stop()], {"last": "9"}))
    walked.begin()

    later = walked.again()
    assert later.resume() is ExitCode.DONE
    assert walked.executor.ran == [("look", "9")]
    assert ("ValueGiven", "list", "last") in walked.events
    assert not [entry for entry in later.operator.log if entry[0] == "give"]


def test_a_secret_is_in_no_event_and_no_argv(tmp_path: Path) -> None:
    """It goes into a 0600 file that exists while the command runs, and to the executor for redaction."""
    seen: list[tuple[int, str]] = []

    def read(argv: Sequence[str]) -> Execution:
        file = Path(argv[-1])
        seen.append((file.stat().st_mode & 0o777, file.read_text()))
        raise RuntimeError("the command's end is lost")

    setting = step("set", command("change --env-file {{env_file}}", env_file=(("{{key}}", "token"),)))
    fix = procedure(setting, parameters=[parameter("key"), parameter("token", secret=True)])
    walked = Walked(book(fix), tmp_path, FakeOperator(values={"token": "hunter2 $x"}), FakeExecutor({"change": read}))

    with pytest.raises(RuntimeError):
        walked.begin(key="API_KEY")

    assert seen == [(0o600, "API_KEY='hunter2 $x'\n")]
    assert list(tmp_path.glob("*.env")) == []
    assert walked.executor.secrets == [("hunter2 $x",)]
    assert "hunter2" not in repr((walked.journal.events(walked.run), walked.executor.ran, walked.operator.screens))


def test_the_digest_of_a_secret_is_compared_and_in_no_event(tmp_path: Path) -> None:
    """Whoever knows the digest of a short secret can find the secret."""
    digest = hashlib.sha256(b"hunter2").hexdigest()
    listed = ended(0, json.dumps({"secrets": [{"name": "KEY", "value": digest}]}))
    look = check("look at", sha256=(("secrets.name=KEY.value", "token"),))
    fix = procedure(step("set", "change it", verify=look), parameters=[parameter("token", secret=True)])
    walked = Walked(book(fix), tmp_path, FakeOperator(values={"token": "hunter2"}), FakeExecutor({"look at": listed}))

    assert walked.begin() is ExitCode.DONE
    assert "and it is" in repr(walked.journal.events(walked.run))
    assert digest not in repr(walked.journal.events(walked.run))


def test_a_secret_is_asked_for_again_on_resume(tmp_path: Path) -> None:
    """It was written nowhere."""
    setting = step("set", command("change --env-file {{env_file}}", env_file=(("KEY", "token"),)))
    fix = procedure(setting, parameters=[parameter("token", secret=True)])
    walked = Walked(book(fix), tmp_path, FakeOperator([Stop()], {"token": "one"}))
    walked.begin()

    later = walked.again(operator=FakeOperator(values={"token": "two"}))
    assert later.resume() is ExitCode.DONE
    assert later.executor.secrets == [("two",)]
