"""What clears up after a drill that was killed: a watcher that starts its server and outlives it."""

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


@dataclass(slots=True)
class Watcher:
    """A process that ends what it started as soon as this process is gone, whatever killed it."""

    _child: subprocess.Popen[bytes] = field(repr=False)

    def start(self, argv: Sequence[str], *, log: Path, account: Account) -> Process:
        """Start a server as that account, its output in the file `log`; return its process. Raises RunbookError."""
        self._tell({"start": list(argv), "log": str(log), "account": account.popen_options()})
        assert self._child.stdout is not None
        pid = self._child.stdout.readline()
        if not pid:
            raise RunbookError(
                f"the watcher could not start {argv[0]}", hint="Start the drill again. A watcher must not be killed."
            )
        return process_of(int(pid))

    @property
    def pid(self) -> int:
        """The watcher's own process."""
        return self._child.pid

    def release(self) -> None:
        """Let everything live on that it started: nobody watches it any more."""
        self._tell({"release": True})

    def close(self) -> None:
        """End what still runs, unless it was released, and the watcher itself."""
        with suppress(RunbookError):  # it has ended already, as after `release`
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
            raise RunbookError(
                "the drill's watcher has ended, so nothing would clear up after a kill",
                hint="Start the drill again. A watcher must not be killed.",
            ) from error


@contextmanager
def watch(directory: Path) -> Iterator[Watcher]:
    """Watch over this process until the block ends.

    If this process dies inside the block, what the watcher started is ended at once, `directory` is removed, and so is
    every sandbox on record whose drill is gone.
    """
    program = Path(__file__).with_name("watcher_process.py")
    # A session of its own: whatever ends this process's terminal or group must not end its watcher.
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(program), str(os.getpid()), str(directory)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
    )  # fmt: skip
    watcher = Watcher(child)
    try:
        yield watcher
    finally:
        watcher.close()
