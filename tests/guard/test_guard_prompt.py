"""Only a person who has seen the guard's question can answer it. The next line of a paste can't."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.terminals import READING, program, terminal, type_keys

RUNBOOK = Path(sys.executable).with_name("runbook")
ASKS = "anything else to stop: "
PUSH = "npx supabase config push --remote"

WAYS: Mapping[str, list[tuple[float, str]]] = {
    "a marked line": [(0, "\x1b[200~yes\r\x1b[201~")],
    "a line": [(0, "yes\r")],
    "lines 60 ms apart": [(0, "yes\r"), (0.06, "yes\r")],
    "lines 300 ms apart": [(0, "yes\r"), (0.3, "yes\r")],
    "slow lines 300 ms apart": [*((0.02, key) for key in "yes\r"), (0.3, "y"), (0.02, "es\r")],
}


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """Return an environment in which `npx` is a stand-in that leaves a mark."""
    stub = program(tmp_path / "bin", "npx", f"echo it ran; echo ran >> {tmp_path / 'mark'}")
    paths = {"PATH": f"{stub.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    return {**paths, "TERM": "xterm-256color", "PS1": "go> ", "ZDOTDIR": str(tmp_path)}


@pytest.mark.parametrize("way", [*WAYS])
def test_nothing_pasted_answers_the_guard(way: str, environment: Mapping[str, str], tmp_path: Path) -> None:
    """The guard discards pasted text, says so and asks again. A `yes` that a person types still counts."""
    child = terminal(str(RUNBOOK), "guard", "--", *PUSH.split(), environment=environment, directory=tmp_path)
    child.expect(ASKS)
    child.delaybeforesend = None
    for wait, text in WAYS[way]:
        time.sleep(wait)
        child.send(text)
    child.expect("discarded")
    child.expect(ASKS)
    assert not (tmp_path / "mark").exists()
    type_keys(child, "yes")
    child.expect("it ran")


@pytest.mark.parametrize(("shell", "words"), [("bash", ("--norc", "-i")), ("zsh", ("-f", "-i"))])
@pytest.mark.parametrize("gap", [0, 0.06, 0.3])
def test_yes_below_a_pasted_command_runs_nothing(
    shell: str, words: tuple[str, ...], gap: float, environment: Mapping[str, str], tmp_path: Path
) -> None:
    """The shell runs the first line. The second line arrives before or at the guard's question."""
    child = terminal(shell, *words, environment={**environment, "PROMPT": "go> "}, directory=tmp_path)
    child.expect("go> ")
    child.delaybeforesend = None
    child.send(f"{shlex.join([str(RUNBOOK), 'guard', '--'])} {PUSH}\r")
    time.sleep(gap)
    child.send("yes\ryes\r")
    child.expect(ASKS)
    time.sleep(READING)
    # By now, the guard has discarded the rest of the paste.
    child.send("n")
    time.sleep(READING)
    os.write(child.child_fd, b"o\r")
    child.expect("didn't run|discarded")
    assert not (tmp_path / "mark").exists()
    child.close()
