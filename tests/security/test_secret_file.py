"""The file with secrets for one command: in memory where there is such a thing, and never left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from support.terminals import found, pid_of, terminal

from runbook.cli import main
from runbook.secret_file import SecretFile, directory_below, sweep

ROOT = Path(__file__).parents[2]
LINE = "TOKEN=hunter2-zebra\n"

HOLDER = """
import os, sys, time
from pathlib import Path
from runbook.secret_file import SecretFile, directory_below
if sys.argv[2] == "disk":
    del os.memfd_create
file = SecretFile(directory_below(Path(sys.argv[1])), "run")
with file.holding(["TOKEN=hunter2-zebra\\n"]):
    print("PATH", file.path, "END", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state directory."""
    return tmp_path / "state" / "runbook"


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take files in memory away, as on macOS."""
    monkeypatch.delattr(os, "memfd_create", raising=False)


def killed_holder(state: Path, where: str) -> str:
    """Start a process that holds the file, kill it as `kill -9` does, and return the file's path."""
    child = terminal(sys.executable, "-c", HOLDER, str(state), where, environment={"PYTHONPATH": str(ROOT)})
    path = found(child, r"PATH (\S+) END")
    assert Path(path).read_text(encoding="utf-8") == LINE
    assert Path(path).stat().st_mode & 0o777 == 0o600
    os.kill(pid_of(child), signal.SIGKILL)
    child.wait()
    child.close()
    return path


def test_in_memory_it_is_gone_with_its_process(state: Path) -> None:
    """Nothing is on disk at any time, where the system has files in memory."""
    path = killed_holder(state, "memory")
    assert Path(path).exists() == state.exists() == (not hasattr(os, "memfd_create"))


COMMANDS = ["--version", "--help", "list", "status", "history", "show emergency-rollback", "guard --line ls", "check",
            "guard hook claude", "guard -- true", "nonsense", "completion bash", "doctor"]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_the_next_command_removes_what_a_killed_one_left(state: Path, command: str) -> None:
    """Whichever it is, the guard's quick ways and a mistyped one included."""
    path = Path(killed_holder(state, "disk"))
    assert path.read_text(encoding="utf-8") == LINE
    subprocess.run(
        [sys.executable, "-m", "runbook", *command.split()],
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state.parent), "HOME": str(state.parent)},
        stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=state.parent, timeout=120,
    )  # fmt: skip
    assert not path.exists()


def test_a_sweep_leaves_a_living_command_its_file(state: Path, on_disk: None) -> None:
    """It is locked by its owner, whatever its name or its age."""
    file = SecretFile(directory_below(state), "run")
    with file.holding([LINE]):
        done = subprocess.run(
            [sys.executable, "-c", f"from runbook.secret_file import sweep; sweep({str(state)!r})"],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
        )  # fmt: skip
        assert done.returncode == 0
        assert Path(file.path).read_text(encoding="utf-8") == LINE
    assert not Path(file.path).exists()


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_it_holds_something_only_for_the_length_of_a_command(
    state: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends it, and again for the next one, with no rest of the first."""
    if where == "disk":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    file = SecretFile(directory_below(state), "run")
    seen: list[str] = []
    with suppress(RuntimeError), file.holding([LINE, LINE]):
        seen.append(Path(file.path).read_text(encoding="utf-8"))
        raise RuntimeError("it broke")
    assert not Path(file.path).exists() or Path(file.path).read_bytes() == b""
    with file.holding([LINE]):
        seen.append(Path(file.path).read_text(encoding="utf-8"))
    with file.holding([]):
        assert not Path(file.path).exists() or Path(file.path).read_bytes() == b""
    path = file.path
    file.close()
    assert seen == [LINE + LINE, LINE]
    assert not re.search("zebra", "".join(one.read_text() for one in state.rglob("*.env")))
    assert not Path(path).exists() or where == "memory"


def test_a_sweep_follows_no_link_and_removes_nothing_else(state: Path, tmp_path: Path) -> None:
    """What stands elsewhere stays."""
    other = tmp_path / "other"
    other.write_text("mine", encoding="utf-8")
    directory = directory_below(state)
    directory.mkdir(parents=True)
    (directory / "run.env").symlink_to(other)
    (directory / "below").mkdir()
    sweep(str(state))
    assert other.read_text(encoding="utf-8") == "mine"
    assert (directory / "below").is_dir()


def test_without_a_home_every_command_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to sweep, and that is no error."""
    monkeypatch.setattr("runbook.cli.state_directory", _no_home)
    assert main(["--version"]) == 0


def _no_home() -> Path:
    from runbook.errors import RunbookError

    raise RunbookError("this user has no home directory")
