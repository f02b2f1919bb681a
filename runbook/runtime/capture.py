"""Run a command that only answers a question: no terminal, no input, its output kept apart."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Answer", "ask"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said. `code` is 127 if the program is not there, 124 if it took too long."""

    code: int
    stdout: str
    stderr: str


def ask(argv: Sequence[str], *, directory: str, environment: Mapping[str, str], timeout: float = 60) -> Answer:
    """Run argv with closed input and return what it said. Never raises for what the command does."""
    program = shutil.which(argv[0], path=environment.get("PATH"))
    if program is None:
        return Answer(127, "", f"{argv[0]} is not on PATH")
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(124, "", f"no answer within {timeout:g} s")
    except OSError as error:
        return Answer(126, "", f"{argv[0]} could not be started: {error.strerror}")
    return Answer(done.returncode, done.stdout, done.stderr)
