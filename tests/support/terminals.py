"""Real pseudo terminals for tests, and stand-in programs to put on PATH."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import pexpect

__all__ = ["KEYS", "PlainRedactor", "program", "python_program", "recorded", "terminal"]

KEYS = {"ctrl-c": "\x03", "ctrl-z": "\x1a", "ctrl-d": "\x04", "enter": "\r"}


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
        env={**os.environ, "TERM": "xterm-256color", **(environment or {})},  # type: ignore[arg-type]  # the stub wants os._Environ
        cwd=None if directory is None else str(directory),
        dimensions=(rows, columns),
        encoding="utf-8",
        timeout=timeout,
    )


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
