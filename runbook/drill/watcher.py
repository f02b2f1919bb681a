"""Clean up after a drill that dies: a separate process starts the drill's server and outlives the drill.

`watcher_process.py` is that process's program. When the drill dies, it ends the server and deletes the directory; then
`registry.sweep` does the rest: commands that still run, a database on a borrowed server, the record.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from runbook.drill.machine import Account, Process, process_of
from runbook.errors import RunbookError

__all__ = ["Watcher", "watch"]

_PATIENCE = 30
"""How many seconds a watcher has to end before it's killed."""


@dataclass(slots=True)
class Watcher:
    """A process that ends the servers it started as soon as this process dies, whatever kills it."""

    _child: subprocess.Popen[bytes] = field(repr=False)

    def start(self, argv: Sequence[str], *, log: Path, account: Account) -> Process:
        """Start a server as that account, with its output in the file `log`. Return its process.

        Raises RunbookError with the system's reason if the server can't be started.
        """
        self._tell({"start": list(argv), "log": str(log), "account": account.popen_options()})
        assert self._child.stdout is not None
        said = self._child.stdout.readline().decode().strip()
        if not said:
            raise _gone()
        if not said.isdigit():
            raise RunbookError(f"can't start {argv[0]} as {account.name}: {said}")
        return process_of(int(said))

    @property
    def pid(self) -> int:
        """The watcher's own process."""
        return self._child.pid

    def release(self) -> None:
        """Stop watching: what the watcher started outlives this process."""
        self._tell({"release": True})

    def close(self) -> None:
        """End the watcher and, unless they were released, its servers. Delete what is left of the directory."""
        with suppress(RunbookError):  # it has already ended, for example after `release`
            self._tell({"end": True})
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()
        try:
            self._child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _tell(self, order: dict[str, object]) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(order).encode() + b"\n")
            self._child.stdin.flush()
        except (OSError, ValueError) as error:
            raise _gone() from error


def _gone() -> RunbookError:
    return RunbookError(
        "the process that cleans up after this drill has died",
        hint="Start the drill again, and don't kill its watcher_process.py.",
    )


@contextmanager
def watch(directory: Path) -> Iterator[Watcher]:
    """Watch this process until the block ends.

    If this process dies inside the block, the watcher ends the servers that it started, deletes `directory`, and sweeps
    up every sandbox on record whose drill is gone. At the end of the block it deletes what is left of `directory`.
    """
    program = Path(__file__).with_name("watcher_process.py")
    # A session of its own, so that a signal to this process's terminal or group doesn't reach the watcher.
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(program), str(os.getpid()), str(directory)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
    )  # fmt: skip
    watcher = Watcher(child)
    try:
        yield watcher
    finally:
        watcher.close()
