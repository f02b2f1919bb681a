"""The line in an agent's settings finds `runbook` on each colleague's machine, in every shell that agents use."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.terminals import program

from runbook.guard.agent_settings import settings_path
from runbook.guard.agents import AGENTS
from runbook.guard.hook_command import Hook, added_by, is_hook_line

SHELLS = ["dash", "bash", "zsh", "fish"]
PLACES = ["plain", "two words", 'it\'s $HOME "`x`" \\n ü']
ECHO = 'printf "%s:" "$0"; printf "<%s>" "$@"; cat'
"""A stand-in for `runbook` that prints its path, its words and its input."""
EVENT = '{"tool_name": "Bash"}'


@dataclass(frozen=True)
class Machine:
    """A colleague's machine: a home with a repository in it, and a PATH with only what a shell needs."""

    home: Path
    project: Path

    @property
    def path(self) -> Path:
        """Return the only directory on PATH."""
        return self.home.parent / "bin"

    def run(self, line: str, directory: Path, shell: str = "dash") -> subprocess.CompletedProcess[str]:
        """Run a line in a directory, with an event on standard input."""
        found = shutil.which(shell)
        assert found, "scripts/setup shells"
        # The line starts `sh`, which is dash on some systems and bash on others.
        for name, target in (("sh", "bash" if shell in {"bash", "zsh"} else "dash"), ("cat", "cat")):
            (self.path / name).unlink(missing_ok=True)
            (self.path / name).symlink_to(str(shutil.which(target)))
        environment = {"PATH": str(self.path), "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            [found, "-c", line],
            input=EVENT,
            capture_output=True,
            text=True,
            cwd=directory,
            env=environment,
            check=False,
        )


@pytest.fixture(params=PLACES)
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Machine:
    """Return a machine whose repository has this name."""
    project = tmp_path / "home" / str(request.param)
    (project / "apps/we b").mkdir(parents=True)
    (project / ".git").mkdir()
    (tmp_path / "bin").mkdir()
    return Machine(tmp_path / "home", project)


@pytest.fixture
def plain(tmp_path: Path) -> Machine:
    """Return a machine whose repository has a plain name."""
    (tmp_path / "home/project/apps/web").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    return Machine(tmp_path / "home", tmp_path / "home/project")


def line_of(agent: str = "claude-code", **more: str) -> str:
    """Return the line of an agent's hook in a project."""
    return Hook(agent, settings_path(agent, user=False), **more).line("hooks")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("place", [".venv", "venv"])
def test_the_projects_virtual_environment_is_found_from_any_directory_in_it(
    place: str, shell: str, machine: Machine
) -> None:
    """It gets the words and the event, whatever the directories are called."""
    ours = program(machine.project / place / "bin", "runbook", ECHO)

    for directory in (machine.project, machine.project / "apps", machine.project / "apps/we b"):
        ran = machine.run(line_of(), directory, shell)
        assert (ran.stdout, ran.returncode) == (f"{ours}:<guard><hook><claude-code>{EVENT}", 0), ran.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_without_one_the_runbook_on_path_runs(shell: str, machine: Machine) -> None:
    """A colleague may have it from pipx."""
    ours = program(machine.path, "runbook", ECHO)
    ran = machine.run(line_of("gemini"), machine.project / "apps", shell)
    assert ran.stdout == f"{ours}:<guard><hook><gemini>{EVENT}"


def test_the_nearest_virtual_environment_comes_before_path(plain: Machine) -> None:
    """In a repository of several packages, the package's own counts."""
    program(plain.path, "runbook", "echo path")
    program(plain.project / ".venv/bin", "runbook", "echo root")
    program(plain.project / "apps/.venv/bin", "runbook", "echo apps")

    assert plain.run(line_of(), plain.project / "apps/web").stdout == "apps\n"
    assert plain.run(line_of(), plain.project).stdout == "root\n"


def test_nothing_outside_the_repository_or_the_home_is_started(plain: Machine) -> None:
    """A virtual environment above isn't the project's."""
    program(plain.home.parent / ".venv/bin", "runbook", "echo above the home")
    assert plain.run(line_of(), plain.project).returncode == 2

    program(plain.home / ".venv/bin", "runbook", "echo home")
    assert plain.run(line_of(), plain.project).stdout == "home\n"
    # In a worktree, .git is a file.
    (plain.project / ".git").write_text("gitdir: elsewhere")
    assert plain.run(line_of(), plain.project / "apps").returncode == 2


def test_a_file_that_cannot_run_is_not_the_program(plain: Machine) -> None:
    """Neither is a directory of that name."""
    program(plain.path, "runbook", "echo path")
    program(plain.project / "apps/.venv/bin", "runbook", "echo no").chmod(0o644)
    (plain.project / ".venv/bin/runbook").mkdir(parents=True)

    assert plain.run(line_of(), plain.project / "apps").stdout == "path\n"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("agent", AGENTS)
def test_without_any_runbook_the_command_is_blocked_and_the_reason_says_how_to_install_it(
    agent: str, shell: str, machine: Machine
) -> None:
    """Exit code 2 blocks for most agents, and the answer for Copilot."""
    ran = machine.run(line_of(agent), machine.project / "apps", shell)

    reason = ran.stderr
    if agent == "copilot":
        answer = json.loads(ran.stdout)
        assert answer["permissionDecision"] == "deny"
        reason = answer["permissionDecisionReason"]
    else:
        assert (ran.returncode, ran.stdout) == (2, "")
    assert "pipx install migration-runbook" in reason
    assert f"runbook guard uninstall {agent}" in reason
    assert settings_path(agent, user=False) in reason


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("body", ["exit 1", "exit 127", "kill -9 $$"])
def test_a_runbook_that_dies_blocks(agent: str, body: str, plain: Machine) -> None:
    """Agents take other exit codes for consent."""
    program(plain.project / ".venv/bin", "runbook", body)
    ran = plain.run(line_of(agent), plain.project)
    if agent == "copilot":
        assert json.loads(ran.stdout)["permissionDecision"] == "deny"
    else:
        assert ran.returncode == 2


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("agent", AGENTS)
def test_a_runbook_whose_python_is_gone_blocks_with_the_same_reason(agent: str, shell: str, plain: Machine) -> None:
    """A virtual environment that was moved names an interpreter that isn't there."""
    ours = program(plain.project / ".venv/bin", "runbook", "")
    ours.write_text("#!/nowhere/python\n")
    ran = plain.run(line_of(agent), plain.project, shell)
    if agent == "copilot":
        assert json.loads(ran.stdout)["permissionDecision"] == "deny"
    else:
        assert ran.returncode == 2
    assert str(ours) in ran.stderr
    assert "pipx install migration-runbook" in ran.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_a_book_of_the_project_is_found_beside_the_settings(shell: str, machine: Machine) -> None:
    """The line names it without a path of this machine."""
    program(machine.project / ".venv/bin", "runbook", ECHO)
    (machine.project / ".claude").mkdir()
    (machine.project / ".claude/settings.json").write_text("{}")
    line = line_of(book="our 'book'")

    missing = machine.run(line, machine.project / "apps", shell)
    (machine.project / "our 'book'").mkdir()
    found = machine.run(line, machine.project / "apps", shell)

    assert missing.returncode == 2
    assert "no book our 'book' beside .claude/settings.json" in missing.stderr
    assert found.stdout.endswith(f":<--book><{machine.project}/our 'book'><guard><hook><claude-code>{EVENT}")


def test_a_book_elsewhere_is_named_by_its_path(plain: Machine) -> None:
    """It's the same for every directory."""
    program(plain.project / ".venv/bin", "runbook", ECHO)
    ran = plain.run(line_of(book="/srv/a book"), plain.project / "apps")
    assert "<--book></srv/a book><guard><hook><claude-code>" in ran.stdout


def test_a_persons_own_hook_starts_nothing_that_a_project_brings(machine: Machine) -> None:
    """It applies in every project, also in one that was just cloned: its own program counts, then the one on PATH."""
    program(machine.project / ".venv/bin", "runbook", "echo the project's")
    own = program(machine.home / "it's my tool", "runbook", "echo own")
    line = line_of(program=str(own))

    assert machine.run(line, machine.project).stdout == "own\n"
    own.unlink()
    missing = machine.run(line, machine.project)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "runbook guard uninstall claude-code --user" in missing.stderr
    program(machine.path, "runbook", "echo path")
    assert machine.run(line, machine.project).stdout == "path\n"


def test_a_directory_that_is_gone_blocks_or_asks_path(plain: Machine) -> None:
    """The search ends, wherever it starts."""
    line = f"rmdir {plain.project}/apps/web; {line_of()}".replace("rmdir", str(shutil.which("rmdir")))
    assert plain.run(line, plain.project / "apps/web").returncode == 2
    assert plain.run(line_of(), Path("/")).returncode == 2


def test_lines_of_every_version_are_recognized() -> None:
    """But not those of another agent, or of somebody else."""
    for line in ("runbook guard hook codex || exit 2", "'/a b/runbook' --book /c guard hook codex || exit 2"):
        assert is_hook_line(line, "codex")
        assert added_by(line) is None
    assert is_hook_line(line_of("codex"), "codex")
    assert added_by(line_of("codex")) == "hooks"
    for line in ("./guard hook-codex", "runbook guard hook codex-2", "runbook guard hook gemini", "myguard hook codex"):
        assert not is_hook_line(line, "codex")
