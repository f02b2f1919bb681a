"""The program of the process behind `runbook.drill.watcher`: start a drill's server, clean up when the drill dies.

It runs as a file, without the package, so that a drill doesn't wait for imports. Its input is a pipe whose other end
only the drill has. However the drill dies, the kernel closes that end, and this process sees the end of its input.
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
"""How many seconds a server has after each attempt to end it."""
_LINGERING = 30
"""How many seconds a server's sessions may still write after it has ended: each one notices the end by itself."""
_SWEEP = "from runbook.drill.registry import sweep; sweep()"


def main(owner: int, directory: str) -> None:
    """Follow the drill's orders, one per line. When it dies, end its servers and remove its directory and record."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # A handler instead of SIG_IGN, which the server would inherit.
        signal.signal(number, lambda *_: None)
    servers: list[subprocess.Popen[bytes]] = []
    for line in sys.stdin.buffer:
        order = json.loads(line) if line.endswith(b"\n") else {}  # half a line: the drill died while writing
        if "start" in order:
            try:
                servers.append(_start(order))
            except OSError as error:
                _answer(str(error))
            else:
                _answer(str(servers[-1].pid))
        elif "release" in order:
            return
        elif "end" in order:
            _end(servers)
            # An interrupted clean-up can leave files. The drill waits for this process, so it can't wait for the drill.
            if os.path.exists(directory):  # noqa: PTH110 - see `_start`
                remove_directory(directory)
            return
    _end(servers)
    # A drill that is still dying counts as alive, and `sweep` would leave its sandbox.
    while os.getppid() == owner:
        time.sleep(0.01)
    remove_directory(directory)
    os.execv(sys.executable, [sys.executable, "-P", "-c", _SWEEP])  # noqa: S606 - this very Python


def remove_directory(directory: str) -> None:
    """Delete a sandbox's directory. Its server's sessions may still write files there, so try until it is gone."""
    import shutil  # imported here to keep the start fast: few drills are killed

    until = time.monotonic() + _LINGERING
    shutil.rmtree(directory, ignore_errors=True)
    while os.path.exists(directory) and time.monotonic() < until:  # noqa: PTH110 - see `_start`
        time.sleep(0.05)
        shutil.rmtree(directory, ignore_errors=True)


def _start(order: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start a server as ordered: its argv, its log, and `Popen`'s arguments for another account."""
    with open(order["log"], "wb") as log:  # noqa: PTH123 - pathlib takes as long to import as all the rest
        # A session of its own, because Ctrl-C at the terminal is for the walk, not for the server.
        return subprocess.Popen(
            order["start"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            env={"LC_ALL": "C", "PATH": os.defpath}, **order["account"],
        )  # fmt: skip


def _answer(text: str) -> None:
    with suppress(OSError):  # the drill has died, and the input ends next
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _end(servers: list[subprocess.Popen[bytes]]) -> None:
    for server in servers:
        # SIGQUIT is PostgreSQL's immediate shutdown: it doesn't wait for sessions, and the data is thrown away anyway.
        for number in (signal.SIGQUIT, signal.SIGKILL):
            with suppress(subprocess.TimeoutExpired):
                server.send_signal(number)
                server.wait(_PATIENCE)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
