"""A PostgreSQL that waits for its disk, can be killed like a process that the kernel ends, and starts again."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from runbook.errors import JournalUnreachableError
from runbook.journal.address import parse_address
from runbook.journal.postgres_connection import connect
from support.journal_engines import durable_settings
from support.throwaway import (
    Account,
    Postgres,
    Process,
    Watcher,
    process_of,
    server_account,
    start_postgres,
    temporary_base,
    watch,
)

__all__ = ["CrashingServer", "crashing_postgres"]

_START_SECONDS = 30
_QUICK = ("-c", "recovery_init_sync_method=syncfs")
"""Otherwise a server that was killed writes each of its thousand files to disk, one by one, before it starts."""


@dataclass
class _Starter:
    """Starts the server as a child of this process, which must see its end before it may start again."""

    argv: Sequence[str] = ()
    log: Path = Path()
    account: Account | None = None
    child: subprocess.Popen[bytes] | None = None

    def start(self, argv: Sequence[str], *, log: Path, account: Account) -> Process:
        """Start it as `Watcher.start` does."""
        self.argv, self.log, self.account = argv, log, account
        with log.open("ab") as output:
            self.child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                **account.popen_options(),
            )
        return process_of(self.child.pid)

    def again(self) -> None:
        """Start it as it was started."""
        assert self.account is not None
        argv = self.argv if _QUICK[-1] in self.argv or sys.platform != "linux" else (*self.argv, *_QUICK)
        self.start(argv, log=self.log, account=self.account)


@dataclass
class CrashingServer:
    """A running server, at the same address after each restart."""

    postgres: Postgres
    _starter: _Starter = field(repr=False)
    crashes: int = 0

    def is_up(self) -> bool:
        """Tell whether its process lives."""
        return self._starter.child is not None and self._starter.child.poll() is None

    def crash(self) -> None:
        """Kill it with SIGKILL; its sessions notice and end. Nothing answers any more until `restart`."""
        assert self._starter.child is not None
        self._starter.child.send_signal(signal.SIGKILL)
        self._starter.child.wait()
        self.crashes += 1

    def restart(self) -> None:
        """Start it, and return once it answers. It must wait until the last session of the killed one is gone."""
        until = time.monotonic() + _START_SECONDS
        if self.is_up():
            return
        while time.monotonic() < until:
            self._starter.again()
            while self.is_up() and time.monotonic() < until:
                with suppress(JournalUnreachableError), closing(connect(parse_address(self.postgres.admin_url))):
                    return
                time.sleep(0.01)  # it tells nobody when it's ready
        raise AssertionError(f"the server did not start again:\n{self._starter.log.read_text()[-1000:]}")


@contextmanager
def crashing_postgres() -> Iterator[CrashingServer]:
    """Run such a server. If this process dies, the watcher removes its directory, and without that the server ends."""
    directory = Path(tempfile.mkdtemp(prefix="runbook-postgres-", dir=temporary_base(server_account())))
    starter = _Starter()
    with watch(directory):
        with durable_settings():
            server = CrashingServer(start_postgres(directory, cast("Watcher", starter)), starter)
        try:
            yield server
        finally:
            assert starter.child is not None
            starter.child.send_signal(signal.SIGQUIT)
            starter.child.wait(30)
