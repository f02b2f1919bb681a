"""A value that came as RUNBOOK_<NAME> stays with the walk: nothing that it starts inherits it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.terminals import program
from support.walks import book, policy

from runbook.cli.run_options import walk_settings
from runbook.engine.session import Settings
from runbook.journal.sqlite import SqliteJournal
from runbook.model import TargetKind
from runbook.runtime.cli_target import CliTarget
from runbook.runtime.environment import child_environment
from runbook.runtime.executor import PtyExecutor
from runbook.runtime.subprocesses import Answer, ask, open_editor
from runbook.variables import OWN_VARIABLES, take_values

SECRET = "hunter2-zebra"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Begin a walk as `runbook run` does, with a secret in the environment."""
    for name in ("RUNBOOK_SECRET_VALUE", "RUNBOOK_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("RUNBOOK_ASCII", "1")
    program(tmp_path, "tell", f"env >> '{tmp_path}/told'")
    with walk_settings(SqliteJournal(tmp_path / "state"), book()) as settings:
        yield settings


def _run_command(directory: Path) -> None:
    PtyExecutor.here(unattended=True).execute(
        [str(directory / "tell")], environment={}, directory=str(directory), timeout=20, born=lambda *_: None
    )


def _commit_with_a_hook(directory: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(directory / "repository")], check=True)
    hook = directory / "repository" / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.symlink_to(directory / "tell")
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    PtyExecutor.here(unattended=True).execute(
        ["git", *who, "commit", "--allow-empty", "--message=x"],
        environment={},
        directory=str(directory / "repository"),
        timeout=20,
        born=lambda *_: None,
    )


def _open_editor(directory: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISUAL", str(directory / "tell"))
        assert open_editor("draft.sql") == ""


def _ask(directory: Path) -> None:
    ask([str(directory / "tell")], directory=str(directory), environment=child_environment(os.environ, {}))


def _prove_target(directory: Path) -> None:
    def run(argv: list[str], *, directory: str, environment: dict[str, str]) -> Answer:
        del argv
        return ask([str(Path(directory) / "tell")], directory=directory, environment=environment)

    CliTarget(directory, TargetKind.PRODUCTION, policy(), run=run)._ask(["npx", "supabase", "--version"])  # type: ignore[arg-type]


@pytest.mark.parametrize("start", [_run_command, _commit_with_a_hook, _open_editor, _ask, _prove_target])
def test_what_a_walk_starts_inherits_no_value(
    start: Callable[[Path], None], settings: Settings, tmp_path: Path
) -> None:
    """A command, a hook of git, the editor, a question to the CLI. The walk itself has the value."""
    start(tmp_path)
    told = (tmp_path / "told").read_text(encoding="utf-8")
    assert "PATH=" in told
    assert "RUNBOOK_SECRET_VALUE" not in told
    assert SECRET not in told
    assert settings.environment["RUNBOOK_SECRET_VALUE"] == SECRET


def test_the_programs_own_settings_stay(settings: Settings) -> None:
    """They are no values of parameters, and drills need them. Only the journal's address may have a password."""
    assert os.environ["RUNBOOK_ASCII"] == "1"
    given = {**dict.fromkeys(OWN_VARIABLES, "x"), "RUNBOOK_TOKEN": SECRET, "HOME": "/"}
    left = dict(given)
    assert take_values(left) == given
    assert left == {**dict.fromkeys(OWN_VARIABLES.keys() - {"RUNBOOK_JOURNAL"}, "x"), "HOME": "/"}
