"""An edit: from a template or from git, through an editor, into its place."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.walks import (
    FakeExecutor,
    FakeOperator,
    FakeTarget,
    Walked,
    book,
    command,
    confirm,
    ended,
    parameter,
    procedure,
    step,
)

from runbook.engine.ports import Back, Execution, Go, Reply, Screen, Skip, Stop
from runbook.errors import ExitCode
from runbook.journal.events import Outcome, StepFinished
from runbook.steps.edit import Edit, Git


@dataclass
class RealExecutor:
    """Really runs git, and nothing else."""

    def execute(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: str,
        timeout: float | None,
        born: Callable[[int, str], None],
        secrets: Sequence[str] = (),
        understands: Callable[[str], str] | None = None,
    ) -> Execution:
        """Run it and return how it ended."""
        assert argv[0] == "git"
        born(1, "born")
        done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, check=False)
        outcome = Outcome.PASSED if done.returncode == 0 else Outcome.FAILED
        return Execution(outcome=outcome, exit=done.returncode, seconds=0, output=done.stdout + done.stderr)


def writes(text: str) -> Callable[[Screen], Reply]:
    """Return an operator's answer that puts this text into the draft."""

    def answer(screen: Screen) -> Reply:
        Path(screen.draft).write_text(text)
        return Go(value=screen.draft)

    return answer


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project's directory."""
    directory = tmp_path / "project"
    directory.mkdir()
    return directory


def walk_of(project: Path, edit: Edit, *answers: object, **more: object) -> Walked:
    """Return a walk of one edit."""
    fix = procedure(step("write", edit), parameters=[parameter("name")])
    operator = FakeOperator(list(answers))  # type: ignore[arg-type]
    target = FakeTarget(directory=str(project))
    return Walked(book(fix), project.parent / "state", operator, target=target, **more)  # type: ignore[arg-type]


def evidence(walked: Walked) -> str:
    """Return the evidence of the last execution."""
    ends = [event for event in walked.journal.events(walked.run) if isinstance(event, StepFinished)]
    return ends[-1].evidence


def test_a_file_is_written_from_its_template_and_what_the_operator_made_of_it(project: Path) -> None:
    """The draft is outside of the project until it is finished; the difference is the evidence."""
    (project / "new.sql").write_text("")
    seen: list[str] = []

    def look(screen: Screen) -> Reply:
        seen.append(Path(screen.draft).read_text())
        assert not Path(screen.draft).is_relative_to(project)
        return writes("drop function f();\n")(screen)

    walked = walk_of(project, Edit(file="{{name}}.sql", template="drop {{name}};\n"), look)

    assert walked.begin(name="new") is ExitCode.DONE
    assert seen == ["drop new;\n"]
    assert (project / "new.sql").read_text() == "drop function f();\n"
    assert evidence(walked) == "--- new.sql before\n+++ new.sql after\n@@ -0,0 +1 @@\n+drop function f();"
    assert list((walked.scratch / "drafts").rglob("*.sql")) == []
    assert not (walked.scratch / "kept").exists()


def test_what_was_in_the_file_is_kept(project: Path) -> None:
    """Nothing is overwritten without a copy, and the report says where it is."""
    (project / "new.sql").write_text("precious\n")
    walked = walk_of(project, Edit(file="new.sql", template="x\n"), confirm_draft)

    walked.begin(name="n")

    kept = walked.scratch / "kept" / walked.run / "1-new.sql"
    assert kept.read_text() == "precious\n"
    assert evidence(walked).endswith(f"the old version is kept in {kept}")


def confirm_draft(screen: Screen) -> Reply:
    """Take the draft as it is."""
    return Go(value=screen.draft)


def test_a_draft_survives_a_stop(project: Path) -> None:
    """An hour's work is not lost with the terminal."""

    def work_and_stop(screen: Screen) -> Reply:
        Path(screen.draft).write_text("half of it")
        return Stop()

    walked = walk_of(project, Edit(file="new.sql", template="x\n"), work_and_stop)
    walked.begin(name="n")
    later = walked.again(confirm_draft)

    assert later.resume() is ExitCode.DONE
    assert (project / "new.sql").read_text() == "half of it"


def test_a_failed_check_leads_back_to_the_same_draft(project: Path) -> None:
    """The text is gone on with, not begun anew."""
    executor = FakeExecutor({"look at": [ended(1, "line 1: no"), ended(0)]})
    edit = Edit(file="new.sql", template="x\n", check=command("look at new.sql"))
    seen: list[str] = []

    def correct(screen: Screen) -> Reply:
        seen.append(Path(screen.draft).read_text())
        return writes("right\n")(screen)

    walked = walk_of(project, edit, writes("wrong\n"), Go(), correct, executor=executor)

    assert walked.begin(name="n") is ExitCode.DONE
    assert seen == ["wrong\n"]
    assert [entry[0] for entry in walked.operator.log[1:]] == ["decide", "recover", "decide"]
    assert executor.ran == [("look", "at", "new.sql")] * 2
    assert (project / "new.sql").read_text() == "right\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("  \n", "the finished file is empty", id="empty"),
        pytest.param(None, "can't read the finished file", id="gone"),
    ],
)
def test_an_edit_without_a_text_fails_and_changes_nothing(project: Path, text: str | None, why: str) -> None:
    """The file stays as it was."""
    (project / "new.sql").write_text("as it was\n")

    def spoil(screen: Screen) -> Reply:
        if text is None:
            Path(screen.draft).unlink()
        else:
            Path(screen.draft).write_text(text)
        return Go(value=screen.draft)

    walked = walk_of(project, Edit(file="new.sql", template="x\n"), spoil)
    walked.begin(name="n")

    assert why in evidence(walked)
    assert (project / "new.sql").read_text() == "as it was\n"


def test_a_file_outside_of_the_project_is_not_written(project: Path) -> None:
    """Whatever the value says; the step can be gone past."""
    walked = walk_of(project, Edit(file="{{name}}", template="x\n"), Skip("not there"))

    assert walked.begin(name="../outside.sql") is ExitCode.DONE
    assert "is outside the project" in str(walked.operator.log[1])
    assert not (project.parent / "outside.sql").exists()


def test_a_file_that_has_left_the_project_is_found_out_before_the_step_starts(project: Path, tmp_path: Path) -> None:
    """A draft is there already, and its file has become a link to elsewhere: the step is not left half begun."""
    walked = walk_of(project, Edit(file="new.sql", template="x\n"), lambda _screen: Stop())
    walked.begin(name="n")
    (project / "new.sql").symlink_to(tmp_path / "elsewhere.sql")
    later = walked.again(confirm_draft, Skip("not there"))

    assert later.resume() is ExitCode.DONE
    assert "is outside the project" in str(later.operator.log)
    assert not (tmp_path / "elsewhere.sql").exists()
    assert not later.executor.ran


def test_a_draft_that_can_not_be_written_is_asked_about(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk does not end the walk."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("runbook.steps.edit._write", full)
    walked = walk_of(project, Edit(file="new.sql", template="x\n"), Skip("no room"))

    assert walked.begin(name="n") is ExitCode.DONE
    said = str(walked.operator.log[1])
    assert "can't write the draft" in said
    assert "No space left on device" in said


def git(project: Path, *words: str) -> None:
    """Run git quietly."""
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *identity, *words], cwd=project, check=True, capture_output=True)


def test_an_old_version_comes_from_git_byte_by_byte(project: Path) -> None:
    """Umlauts, trailing spaces and missing line ends included; the working tree is not touched before the end."""
    old = "select 'ä';  \r\n-- no end"
    (project / "fn.sql").write_bytes(old.encode())
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "-m", "old")
    (project / "fn.sql").write_text("new\n")

    walked = walk_of(
        project,
        Edit(file="back.sql", git=Git("{{name}}", "fn.sql")),
        confirm_draft,
        executor=RealExecutor(),
    )

    assert walked.begin(name="HEAD") is ExitCode.DONE
    assert (project / "back.sql").read_bytes() == old.encode()
    assert ("StepStarted", "write", "prepare") in walked.events


@pytest.mark.parametrize("revision", ["--output=x", "nothing", "a b"])
def test_a_revision_that_is_none_gives_an_empty_draft_and_says_why(project: Path, revision: str) -> None:
    """The operator can still write the file by hand."""
    git(project, "init")
    edit = Edit(file="back.sql", git=Git("{{name}}", "fn.sql"))
    walked = walk_of(project, edit, writes("by hand\n"), executor=RealExecutor())

    assert walked.begin(name=revision) is ExitCode.DONE
    warning = walked.operator.screens[0].blocks[0].text  # type: ignore[union-attr]
    assert "isn't a git revision" in warning or "git has no fn.sql at" in warning
    assert (project / "back.sql").read_text() == "by hand\n"


def test_going_back_to_an_edit_shows_the_file_as_it_is(project: Path) -> None:
    """Not the template again."""
    seen: list[str] = []

    def look(screen: Screen) -> Reply:
        seen.append(Path(screen.draft).read_text())
        return Go(value=screen.draft)

    fix = procedure(step("write", Edit(file="a.sql", template="x\n")), step("see", "look"))
    operator = FakeOperator([writes("mine\n"), Back(), look, confirm])
    walked = Walked(book(fix), project.parent / "state", operator, target=FakeTarget(directory=str(project)))

    assert walked.begin() is ExitCode.DONE
    assert seen == ["mine\n"]
