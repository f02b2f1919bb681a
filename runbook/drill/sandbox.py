"""The throwaway world of one drill: database, project, platform, home. It is up within a second, or cleared up."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runbook.drill.account import server_account
from runbook.drill.blocking_proxy import Outside, watch_outside
from runbook.drill.database import load_driver
from runbook.drill.directories import temporary_base
from runbook.drill.environment import write_entrance
from runbook.drill.platform import Platform, PlatformState, environment, serve, write_link, write_profile
from runbook.drill.postgres import Postgres, named_postgres, start_postgres, stop_postgres
from runbook.drill.registry import SandboxRecord, begin, destroy, is_kept, sweep, write
from runbook.drill.scratch import commit_all, make_project
from runbook.drill.wire import Wire, string_wire
from runbook.runtime.environment import isolated_environment
from runbook.runtime.toolchain import CliPackage, cli_package, node_directory

__all__ = ["Sandbox", "open_sandbox"]

_CLOSED = 9
"""The port (discard) is closed everywhere: on a server that is not ours there is no local stack."""


@dataclass(slots=True, kw_only=True)
class Sandbox:
    """Everything a drill stands on."""

    directory: Path
    project: Path
    home: Path
    state: Path
    """For the drill's own journal."""
    cli: CliPackage
    postgres: Postgres
    local: Wire | None
    """The way to the local stack; there is none on a server that is not ours."""
    platform: Platform
    outside: Outside
    environment: Mapping[str, str]
    enter: Path
    """A script that runs a command, or a shell, in the project with the drill's environment."""

    def commit(self, message: str) -> None:
        """Commit everything in the project."""
        commit_all(self.project, message, self.environment)


@contextmanager
def open_sandbox(platform: PlatformState, *, major: int, postgres_url: str | None = None) -> Iterator[Sandbox]:
    """Set up a sandbox for the block and remove it after (unless it was kept), with those of drills that died.

    Raises MissingPartError where Node.js, the CLI, PostgreSQL, psycopg or git is missing.
    """
    cli = cli_package(major)
    node_directory()  # what is missing is said before anything is made
    account = server_account()
    identity = secrets.token_hex(4)
    directory = temporary_base(account) / f"runbook-drill-{identity}"
    record = begin(identity, directory)
    try:
        directory.mkdir(mode=0o711 if account.switch else 0o700)
        with serve(platform) as running, watch_outside() as outside, ThreadPoolExecutor(2) as pool:
            pool.submit(load_driver)
            old = pool.submit(sweep)
            with _database(record, directory, postgres_url) as postgres, _local_stack(postgres) as local:
                sandbox = _furnish(directory, cli, (running, outside, postgres, local))
                old.result()
                yield sandbox
    finally:
        if not is_kept(record.id):
            destroy(record)


def _furnish(directory: Path, cli: CliPackage, running: tuple[Platform, Outside, Postgres, Wire | None]) -> Sandbox:
    platform, outside, postgres, local = running
    home, project, state = (directory / name for name in ("home", "project", "state"))
    for path in (home, project, state):
        path.mkdir(mode=0o700)
    make_project(project, cli=cli, local_port=local.port if local else _CLOSED)
    write_profile(home / "profile.yaml", platform.url)
    write_link(project)
    settings = {**isolated_environment(home, proxy=outside.url), **environment(home / "profile.yaml")}
    return Sandbox(
        directory=directory,
        project=project,
        home=home,
        state=state,
        cli=cli,
        postgres=postgres,
        local=local,
        platform=platform,
        outside=outside,
        environment=settings,
        enter=write_entrance(directory / "enter", project, settings),
    )


@contextmanager
def _local_stack(postgres: Postgres) -> Iterator[Wire | None]:
    """Give the local stack's database a port of its own.

    A URL with the port of the local stack counts as local for CLI 3, and then it does not ask before it writes.
    """
    if postgres.local_url is None:
        yield None
        return
    with string_wire(postgres.local_url) as wire:
        yield wire


@contextmanager
def _database(record: SandboxRecord, directory: Path, url: str | None) -> Iterator[Postgres]:
    """Start or borrow a server; its process or its database is on record before anything uses it."""
    if url is not None:
        postgres = named_postgres(url)
        write(replace(record, borrowed=(postgres.maintenance_url, postgres.database)))
    else:
        place = directory / "postgres"
        place.mkdir(mode=0o711)
        postgres = start_postgres(place, born=lambda process: write(record.with_server(process)))
    try:
        yield postgres
    finally:
        if not is_kept(record.id):
            stop_postgres(postgres)
