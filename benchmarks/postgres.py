"""A PostgreSQL of our own with an empty journal, which waits for its disk as one that a team uses."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runbook.drill.machine import Process, cache_directory, find_binaries, is_alive, server_account, temporary_base
from runbook.drill.watcher import watch
from runbook.errors import JournalUnreachableError
from runbook.journal.address import parse_address
from runbook.journal.postgres_connection import connect
from runbook.journal.postgres_schema import install

__all__ = ["journal_server"]

SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
fsync = on
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
"""


@contextmanager
def journal_server() -> Iterator[str]:
    """Run it on a unix socket during the block, with its data in a temporary directory; yield its URL.

    Its table `public.bare` has one text column and an identity as its key. Set TMPDIR to measure another disk. If this
    process is killed, the server ends, too.
    """
    account = server_account()
    binaries = find_binaries(cache_directory(account), account).directory
    directory = Path(tempfile.mkdtemp(prefix="runbook-bench-", dir=temporary_base(account)))
    with watch(directory) as watcher:
        account.own(directory)
        data = directory / "data"
        user: Any = account.popen_options()
        words = ("--auth-local=trust", "--auth-host=reject", "--username=postgres", "--encoding=UTF8", "--locale=C")
        subprocess.run(
            [binaries / "initdb", f"--pgdata={data}", *words], check=True, capture_output=True, cwd="/", **user
        )
        with (data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(SETTINGS)
        argv = (str(binaries / "postgres"), "-D", str(data), "-k", str(directory), "-p", "5432")
        process = watcher.start(argv, log=directory / "log", account=account)
        url = f"postgresql://postgres@/postgres?host={quote(str(directory), safe='')}&port=5432"
        _wait_for(url, process)
        with closing(connect(parse_address(url))) as connection:
            install(connection)
            connection.execute("create table bare (id bigint generated always as identity primary key, body text)")
        yield url


def _wait_for(url: str, process: Process) -> None:
    for _ in range(1000):
        try:
            connect(parse_address(url)).close()
        except JournalUnreachableError:
            if not is_alive(process):
                raise
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("the server for the journal did not start")
