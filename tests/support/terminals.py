"""Provide real pseudo terminals for tests, and stand-in programs to put on PATH."""

from __future__ import annotations

import gc
import json
import os
import re
import select
import stat
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pexpect

__all__ = [
    "READING",
    "ROOT",
    "PlainRedactor",
    "answer",
    "forked",
    "found",
    "hang_up",
    "pid_of",
    "press",
    "program",
    "python_program",
    "recorded",
    "send_keys",
    "settle_in",
    "terminal",
    "type_keys",
    "wait_for_key",
    "walk_ending",
    "walk_terminal",
]

ROOT = Path(__file__).parents[2]

KEY_PAUSE = 0.015
"""Seconds from one key to the next: two fingers that roll over two keys, about the fastest that a person types."""
UNSEEN_PAUSE = 0.05
"""The same without an echo to wait for."""
DELIVERY = 0.001
"""Seconds until the kernel has handed over a key, so that the program can read it."""
READING = 0.2
"""Seconds before even the quickest person reacts to what a terminal shows."""


class PlainRedactor:
    """Replaces secrets in each piece; enough where no secret is split."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        self._secrets = secrets

    def feed(self, text: str) -> str:
        """Return the piece without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text

    def redact(self, text: str) -> str:
        """Return the text unchanged."""
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
    timeout: float = 60,
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


def forked(
    run: Callable[..., int | None],
    *words: str,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    columns: int = 80,
    rows: int = 24,
) -> pexpect.spawn[str]:
    """Run a function in a pseudo terminal of that size, in a fork of this process, which has imported everything."""
    variables = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
    return pexpect.spawn(
        sys.executable,
        preexec_fn=partial(_run_in_fork, run, words, variables),
        cwd=None if directory is None else str(directory),
        dimensions=(rows, columns),
        encoding="utf-8",
        timeout=60,
    )


def _run_in_fork(run: Callable[..., int | None], words: tuple[str, ...], environment: Mapping[str, str]) -> NoReturn:
    code = 99
    try:
        os.closerange(3, 64)  # one of them would tell pexpect of a program that can't be started
        gc.freeze()
        settle_in(environment)
        code = run(*words) or 0
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def settle_in(environment: Mapping[str, str]) -> None:
    """Give a fork its environment, and the streams of its own descriptors: the test runner has put other ones there."""
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", buffering=1, closefd=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", encoding="utf-8", buffering=1, closefd=False)  # type: ignore[misc]


def type_keys(child: pexpect.spawn[str], text: str, *, end: str = "\r", pause: float = KEY_PAUSE) -> None:
    """Type a line as a person does: each key after the one before has been echoed, and a moment later Enter.

    Enter alone comes after the time it takes to read, because one right after the prompt counts as typed before it.
    """
    child.delaybeforesend = None
    if not text:
        time.sleep(READING)
    for key in text:
        _pass_over_screen(child)
        child.send(key)
        child.expect_exact(key)
        time.sleep(pause)
    child.send(end)


def _pass_over_screen(child: pexpect.spawn[str]) -> None:
    """Pass over what has been printed by now: a letter of it must not count as a key's echo."""
    while child.expect([".+", pexpect.TIMEOUT, pexpect.EOF], timeout=0) == 0:
        pass


def answer(child: pexpect.spawn[str], text: str) -> None:
    """Type a line as `type_keys` does, after the time it takes to read a command's question."""
    time.sleep(READING)
    type_keys(child, text)


def press(child: pexpect.spawn[str], keys: str) -> None:
    """Press keys that a program reads without echo, after the time it takes to read its output."""
    time.sleep(READING)
    send_keys(child, [(UNSEEN_PAUSE, key) for key in keys])


def send_keys(child: pexpect.spawn[str], keys: Iterable[tuple[float, str]]) -> None:
    """Send keys, each so many seconds after the one before was read: a busy program must not get two at once."""
    child.delaybeforesend = None
    for seconds, key in keys:
        time.sleep(seconds)
        child.send(key)
        time.sleep(DELIVERY)
        until = time.monotonic() + 20
        while _is_unread(child):
            assert time.monotonic() < until, f"nobody reads {key!r}"
            time.sleep(DELIVERY)


def _is_unread(child: pexpect.spawn[str]) -> bool:
    """Tell whether keys wait at the program's side. An unfinished line doesn't, nor does anything if it has ended."""
    try:
        side = _side(child)
    except OSError:
        return False
    try:
        return bool(select.select([side], [], [], 0)[0])
    finally:
        os.close(side)


def _side(child: pexpect.spawn[str]) -> int:
    """Open the program's side of the terminal."""
    return os.open(f"/proc/{pid_of(child)}/fd/0", os.O_RDONLY | os.O_NOCTTY)


def walk_terminal(
    name: str, directory: Path, size: tuple[int, int] = (80, 24), /, **environment: str
) -> pexpect.spawn[str]:
    """Start one of the procedures of `support.walking` in a terminal of so many columns and rows."""
    columns, rows = size
    from support.walking import main

    return forked(
        *(main, name, str(directory)),
        environment={"NO_COLOR": "1", **environment}, directory=directory, columns=columns, rows=rows,
    )  # fmt: skip


def walk_ending(child: pexpect.spawn[str]) -> tuple[int, list[list[str]]]:
    """Wait for a walk to end; return its exit code and the commands that it ran."""
    code = int(found(child, r"ENDED (\d+)"))
    ran: list[list[str]] = json.loads(found(child, r"RAN (\[.*\])"))
    child.expect(pexpect.EOF)
    child.wait()
    _close(child)
    return code, ran


def _close(child: pexpect.spawn[str]) -> None:
    """Close the terminal of a program that has ended, without the time that pexpect gives others to end."""
    vars(child)["ptyproc"].delayafterclose = 0
    child.close()


def hang_up(child: pexpect.spawn[str]) -> None:
    """Take the terminal away, as a lost connection does; the program is left to itself."""
    process: Any = vars(child)["ptyproc"]
    process.fileobj.close()
    process.closed = child.closed = True


def pid_of(child: pexpect.spawn[str]) -> int:
    """Return the program's process id."""
    assert child.pid is not None
    return child.pid


def wait_for_key(child: pexpect.spawn[str]) -> None:
    """Wait until a key that was sent can be read at the program's side: the kernel hands it over in its own time."""
    side = _side(child)
    try:
        assert select.select([side], [], [], 20)[0]
    finally:
        os.close(side)


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
