"""`runbook completion`: real shells complete verbs and procedures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.books import PROCEDURE, write_book
from support.terminals import program, terminal


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with `runbook` on PATH and a book of one procedure."""
    program(tmp_path / "bin", "runbook", f'exec {sys.executable} -m runbook "$@"')
    write_book(tmp_path / "book", {"add-thing": PROCEDURE})
    return tmp_path


def _environment(home: Path) -> dict[str, str]:
    path = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(home), "RUNBOOK_BOOK": str(home / "book"), "PS1": "$ "}


def _script(home: Path, shell: str) -> str:
    done = subprocess.run(
        ["runbook", "completion", shell], capture_output=True, text=True, env=_environment(home), check=True
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_says_where_it_goes(home: Path, shell: str) -> None:
    """The first line of the script is a comment with the line to add."""
    assert _script(home, shell).startswith("# ")


def test_bash_completes_verbs_and_procedures(home: Path) -> None:
    """The test calls the function that the script defines as bash calls it."""
    ask = """
eval "$(runbook completion bash)"
complete() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _runbook_completion "$1"; echo "${COMPREPLY[*]}"
}
complete runbook sho
complete runbook show add-
"""
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, env=_environment(home), check=True)
    assert done.stdout.splitlines() == ["show", "add-thing"]


def test_fish_completes_procedures(home: Path) -> None:
    """Fish has a command that prints what it would offer."""
    fish = shutil.which("fish")
    assert fish, "fish is needed for this test"
    ask = "runbook completion fish | source; complete --do-complete 'runbook show add'"
    done = subprocess.run([fish, "-c", ask], capture_output=True, text=True, env=_environment(home), check=True)
    assert "add-thing" in done.stdout


def test_zsh_completes_procedures_at_its_prompt(home: Path) -> None:
    """The test presses Tab at a real prompt."""
    zsh = shutil.which("zsh")
    assert zsh, "zsh is needed for this test"
    child = terminal(zsh, "-f", environment={**_environment(home), "PS1": "ready> "}, directory=home)
    child.expect("ready> ")
    child.sendline('autoload -Uz compinit; compinit -u; eval "$(runbook completion zsh)"; PS1="go> "')
    child.expect(r"\x1b\[Jgo> ")
    child.send("runbook show add-\t")
    child.expect("add-thing")
    child.close(force=True)


def test_unknown_shell_is_a_usage_error(home: Path) -> None:
    """The error lists the known shells."""
    done = subprocess.run(
        ["runbook", "completion", "tcsh"], capture_output=True, text=True, env=_environment(home), check=False
    )
    assert (done.returncode, "bash" in done.stderr) == (2, True)
