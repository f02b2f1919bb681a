"""The process behind `runbook.drill.watcher`: it starts a drill's server and clears up when the drill dies.

It runs as a file of its own, without the package, so that a drill doesn't wait for imports. Its input is a pipe whose
other end only the drill has. However the drill ends, the kernel closes that end, and this process reads to its end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

_PATIENCE = 5
"""Seconds that a server gets for each way to end it."""
_LINGERING = 30
"""Seconds after its server's end in which a session of it may still write: each finds out by itself that it is over."""
_SWEEP = "from runbook.drill.registry import sweep; sweep()"


def main(owner: int, directory: str) -> None:
    """Obey the drill until it lets go. If it dies instead, end its server and remove its directory and its record."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # A handler, and not SIG_IGN: the server would inherit that.
        signal.signal(number, lambda *_: None)
    servers: list[subprocess.Popen[bytes]] = []
    for line in sys.stdin.buffer:
        order = json.loads(line) if line.endswith(b"\n") else {}  # half a line: the drill died as it wrote
        if "start" in order:
            servers.append(_start(order))
            _answer(servers[-1].pid)
        elif "release" in order:
            servers.clear()
            return
        elif "end" in order:
            _end(servers)
            return
    _end(servers)
    # The drill is on record as alive until the kernel has taken all of it away.
    while os.getppid() == owner:
        time.sleep(0.01)
    remove_directory(directory)
    os.execv(sys.executable, [sys.executable, "-P", "-c", _SWEEP])  # noqa: S606 - this very Python


def remove_directory(directory: str) -> None:
    """Delete a sandbox's directory. A session of its server may still write a file there, so more than once."""
    import shutil  # here: every drill starts this process, and few are killed

    until = time.monotonic() + _LINGERING
    shutil.rmtree(directory, ignore_errors=True)
    while os.path.exists(directory) and time.monotonic() < until:  # noqa: PTH110 - see `_start`
        time.sleep(0.05)
        shutil.rmtree(directory, ignore_errors=True)


def _start(order: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start a server as the order says: its argv, its log, and what `Popen` wants for another account."""
    with open(order["log"], "wb") as log:  # noqa: PTH123 - pathlib takes as long to import as all else here
        # A session of its own: Ctrl-C at the terminal is for the walk, not for the server.
        return subprocess.Popen(
            order["start"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            env={"LC_ALL": "C", "PATH": os.defpath}, **order["account"],
        )  # fmt: skip


def _answer(pid: int) -> None:
    with suppress(OSError):  # the drill has died: the end of the input says so next
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _end(servers: list[subprocess.Popen[bytes]]) -> None:
    for server in servers:
        # PostgreSQL's immediate shutdown: it waits for no session, and nobody wants the data.
        for number in (signal.SIGQUIT, signal.SIGKILL):
            with suppress(subprocess.TimeoutExpired):
                server.send_signal(number)
                server.wait(_PATIENCE)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
