"""Real pseudo terminals for tests, and stand-in programs to put on PATH."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect

__all__ = ["PlainRedactor", "found", "hang_up", "pid_of", "program", "python_program", "recorded", "terminal"]


class PlainRedactor:
    """Replaces secrets in each piece; enough where no secret is split."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        self._secrets = secrets

    def feed(self, text: str) -> str:
        """Return the piece without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text

    def flush(self) -> str:
        """Return nothing: nothing is held back."""
        return ""


def terminal(
    *argv: str,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    columns: int = 80,
    rows: int = 24,
    timeout: float = 20,
) -> pexpect.spawn[str]:
    """Start a program in a pseudo terminal of that size; the caller closes it."""
    return pexpect.spawn(
        argv[0],
        list(argv[1:]),
        env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
        cwd=None if directory is None else str(directory),
        dimensions=(rows, columns),
        encoding="utf-8",
        timeout=timeout,
    )


def hang_up(child: pexpect.spawn[str]) -> None:
    """Take the terminal away, as a lost connection does; the program is left to itself."""
    process: Any = vars(child)["ptyproc"]
    process.fileobj.close()
    process.closed = child.closed = True


def pid_of(child: pexpect.spawn[str]) -> int:
    """Return the program's process id."""
    assert child.pid is not None
    return child.pid


def found(child: pexpect.spawn[str], pattern: str) -> str:
    """Wait for a pattern on the terminal and return its first group."""
    child.expect(pattern)
    assert isinstance(child.match, re.Match)
    return str(child.match[1])


def program(directory: Path, name: str, body: str) -> Path:
    """Write an executable shell script."""
    return _executable(directory / name, f"#!/bin/sh\n{body}\n")


def python_program(directory: Path, name: str, body: str) -> Path:
    """Write an executable Python script, run by this interpreter."""
    return _executable(directory / name, f"#!{sys.executable}\n{body}\n")


def recorded(path: Path) -> list[list[str]]:
    """Return the argvs that a program recorded, one JSON list per line."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
