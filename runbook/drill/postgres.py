"""Run a PostgreSQL for one drill: our own throwaway server on loopback, or a database on a server named by URL.

There are two ways into a server of our own. This process uses a socket in a directory that only the server's account
(and root) may enter, and PostgreSQL asks the kernel who connects. Commands use TCP, as on production, with a password
that they get in their environment only. The superuser can't log in over TCP at all.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from runbook.drill.database import connect, execute, query, set_passwords
from runbook.drill.machine import (
    Account,
    Binaries,
    Process,
    cache_directory,
    end_process,
    find_binaries,
    is_alive,
    put_in_place,
    server_account,
    temporary_base,
)
from runbook.drill.watcher import Watcher, watch
from runbook.errors import RunbookError, UsageError

__all__ = ["Postgres", "copy_database", "named_postgres", "start_postgres", "stop_postgres", "throwaway_postgres"]

_START_SECONDS = 30
_PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A database for a drill, with the URLs that this process and the operator's commands use."""

    url: str
    """Connects as the project's own role, for this process."""
    admin_url: str
    """Connects as the superuser, for this process. On a server that isn't ours, as the user in its URL."""
    command_url: str
    """Connects as the project's own role, for commands. It has no password: every user sees command lines."""
    password: str | None = field(repr=False)
    """For commands to log in. None on a server that isn't ours, if its URL has none."""
    maintenance_url: str
    """Another database of the same server, from which this one can be dropped and created again."""
    database: str
    version: str
    local_url: str | None = None
    """The database that plays the local stack. A server that isn't ours has none."""
    process: Process | None = None
    """The server, if it is ours."""
    directory: Path | None = None
    """Its data, log and socket, if it is ours."""


@contextmanager
def throwaway_postgres() -> Iterator[Postgres]:
    """Run a server during the block, in a directory of its own. Nothing is left of it afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="runbook-postgres-", dir=temporary_base(server_account())))
    with watch(directory) as watcher:
        yield start_postgres(directory, watcher)


def start_postgres(directory: Path, watcher: Watcher, *, born: Callable[[Process], None] = lambda _: None) -> Postgres:
    """Start a server with its data below `directory` (existing, ours) and return it when it answers.

    Calls `born` with the server's process as soon as it exists. The watcher ends the server when it ends itself.
    Raises MissingPartError if there is no PostgreSQL, and RunbookError with the end of the server's log if the server
    doesn't start.
    """
    account = server_account()
    cache = cache_directory(account)
    binaries = find_binaries(cache, account)
    directory.chmod(0o700)
    account.own(directory)
    _copy_cluster(binaries, cache, account, directory / "data")
    log = directory / "postgres.log"
    said = ""
    for _ in range(5):  # another process can take a free port before the server does
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        argv = (str(binaries.directory / "postgres"), "-D", str(directory / "data"), "-p", str(port))
        process = watcher.start((*argv, "-k", str(directory)), log=log, account=account)
        born(process)
        if _answers(process, directory, port):
            version = binaries.version.split("-")[0]
            return replace(_furnish(directory, port), version=version, process=process)
        said = log.read_text(encoding="utf-8", errors="replace")
        if "Address already in use" not in said:
            break
    raise RunbookError("the throwaway PostgreSQL did not start", hint=f"The end of its log: {said.strip()[-400:]}")


def stop_postgres(server: Postgres) -> None:
    """Stop the server, or drop the database on a server that isn't ours. Safe to call twice."""
    if server.process is not None:
        end_process(server.process, signal.SIGQUIT, signal.SIGKILL)
        return
    execute(server.maintenance_url, f'drop database if exists "{server.database}" with (force)')


def copy_database(server: Postgres, source: str, target: str) -> None:
    """Replace `target` with an exact copy of `source`. Sessions on either are ended."""
    # A template can't be copied while it has sessions, so wait for each of them to end (5,000 ms).
    others = f"from pg_stat_activity where datname = '{source}'"
    execute(
        server.maintenance_url,
        f"select pg_terminate_backend(pid, 5000) {others}",
        f'drop database if exists "{target}" with (force)',
        f'create database "{target}" template "{source}" strategy file_copy',
    )


def named_postgres(url: str) -> Postgres:
    """Create a database of our own on a running server. Raises UsageError unless the server is on loopback."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.hostname:
        raise UsageError(f"not a PostgreSQL URL: {url}", hint="Example: postgresql://postgres@127.0.0.1:5432/postgres")
    # In libpq, hosts in a URL's query take precedence over the one before the slash.
    pairs = [(key.lower(), value) for key, value in parse_qsl(parts.query, keep_blank_values=True)]
    named = {host for key, value in pairs if key in {"host", "hostaddr", "service"} for host in value.split(",")}
    elsewhere = {parts.hostname, *named} - {"127.0.0.1", "localhost", "::1"}
    if elsewhere:
        raise UsageError(
            f"a drill's database must be on this machine, and {', '.join(sorted(elsewhere))} isn't",
            hint="Use 127.0.0.1. A drill breaks things on purpose.",
        )
    database = f"runbook_drill_{secrets.token_hex(4)}"
    execute(url, f'create database "{database}"')
    version = str(query(url, "show server_version")[0][0])
    own = parts._replace(path=f"/{database}", query=parts.query or "sslmode=disable")
    user, host = parts.netloc.rpartition("@")[::2]
    # libpq also takes the password from the query, which takes precedence.
    password = None if parts.password is None else unquote(parts.password)
    words = parse_qsl(own.query, keep_blank_values=True)
    bare = urlencode([pair for pair in words if pair[0] != "password"], quote_via=quote)
    return Postgres(
        url=urlunsplit(own),
        admin_url=urlunsplit(own),
        command_url=urlunsplit(own._replace(netloc="@".join(filter(None, (user.partition(":")[0], host))), query=bare)),
        password=dict(words).get("password", password),
        maintenance_url=url,
        database=database,
        version=version,
    )


def _furnish(directory: Path, port: int) -> Postgres:
    """Create the role and the database of a hosted project, where `postgres` may do a lot but isn't a superuser."""
    maintenance = _by_socket(_SUPERUSER, directory, port, "template1")
    # It looks like a hosted project's secret key, so the redaction masks it everywhere.
    password = f"sb_secret_{secrets.token_urlsafe(24)}"
    execute(
        maintenance,
        "create role postgres login createdb createrole replication bypassrls",
        "grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres",
        f"create database {_PRODUCTION} owner postgres",
    )
    # The superuser gets a password that nobody knows. It logs in through the socket, without a password.
    set_passwords(maintenance, {"postgres": password, _SUPERUSER: secrets.token_urlsafe(24)})
    return Postgres(
        url=_by_socket("postgres", directory, port, _PRODUCTION),
        admin_url=_by_socket(_SUPERUSER, directory, port, _PRODUCTION),
        # The server has no TLS, and CLI 2 requires it by default.
        command_url=f"postgresql://postgres@127.0.0.1:{port}/{_PRODUCTION}?sslmode=disable",
        password=password,
        maintenance_url=maintenance,
        database=_PRODUCTION,
        version="",
        local_url=_by_socket("postgres", directory, port, "postgres"),
        directory=directory,
    )


def _by_socket(user: str, directory: Path, port: int, database: str) -> str:
    return f"postgresql://{user}@/{database}?host={quote(str(directory), safe='')}&port={port}"


def _answers(server: Process, directory: Path, port: int) -> bool:
    """Try to connect until the server lets us in. Return False if it has ended, or after the deadline."""
    deadline = time.monotonic() + _START_SECONDS
    while is_alive(server) and time.monotonic() < deadline:
        with suppress(RunbookError), connect(_by_socket(_SUPERUSER, directory, port, "postgres")):
            return True
        time.sleep(0.02)
    end_process(server, signal.SIGQUIT, signal.SIGKILL)
    return False


# --- data directories -----------------------------------------------------------------------------------------------


_SUPERUSER = "supabase_admin"
"""The name of the hosted service's superuser. As there, `postgres` is a lesser role."""

# The smallest possible WAL segments (1 MB), because the cluster is copied for every drill.
_INITDB = ("--auth=reject", "--locale=C", "--encoding=UTF8", "--no-sync", "--wal-segsize=1", f"--username={_SUPERUSER}")
# The first matching line counts. None of them allows replication: `all` doesn't include it.
_HBA = f"""
local all {_SUPERUSER},postgres peer map=drill
host all {_SUPERUSER} all reject
host all all 127.0.0.1/32 scram-sha-256
"""
# Durability is for data that matters.
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
authentication_timeout = 10s
max_connections = 50
max_wal_senders = 0
wal_level = minimal
max_wal_size = 64MB
shared_buffers = 16MB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
log_line_prefix = '%m [%p] %d '
timezone = 'UTC'
log_timezone = 'UTC'
"""


def _copy_cluster(binaries: Binaries, cache: Path, account: Account, data: Path) -> None:
    """Fill `data` (which must not exist) with a fresh cluster owned by the account. Raises RunbookError.

    The account itself copies, so it must own the parent directory.
    """
    # Only the user who runs the drill may log in through the socket.
    identities = "".join(f'drill "{_user_name()}" {role}\n' for role in (_SUPERUSER, "postgres"))
    recipe = hashlib.sha256("".join([*_INITDB, _HBA, identities, _SETTINGS, account.name]).encode()).hexdigest()[:8]

    def initialize(path: Path) -> None:
        path.parent.chmod(0o755)
        path.mkdir(mode=0o700)
        account.own(path)
        done = subprocess.run(
            [str(binaries.directory / "initdb"), f"--pgdata={path}", *_INITDB],
            capture_output=True, text=True, check=False, timeout=120, cwd="/", **account.popen_options(),
        )  # fmt: skip
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-500:]
            raise RunbookError(f"initdb failed: {said}", hint=f"It is {binaries.directory}/initdb.")
        (path / "pg_hba.conf").write_text(_HBA, encoding="utf-8")
        (path / "pg_ident.conf").write_text(identities, encoding="utf-8")
        with (path / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(_SETTINGS)

    # The name contains a digest of the settings, because other settings need another cluster.
    template = put_in_place(cache / f"cluster-{binaries.version}-{recipe}", initialize)
    # There are a thousand small files, and `cp` takes a tenth of Python's time.
    done = subprocess.run(
        ["/bin/cp", "-Rp", str(template), str(data)],
        capture_output=True, text=True, check=False, timeout=120, cwd="/", **account.popen_options(),
    )  # fmt: skip
    if done.returncode != 0:
        raise RunbookError(f"can't copy the database cluster to {data}: {done.stderr.strip()[-300:]}")


def _user_name() -> str:
    """Return this user's name, escaped for quotes in `pg_ident.conf`. Raises RunbookError if the user has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name.replace('"', '""')
    except KeyError as error:
        raise RunbookError(
            f"user {os.geteuid()} has no name on this machine, and the drill's PostgreSQL identifies users by name",
            hint="Run the drill as a user that has a name, or use --postgres URL.",
        ) from error
