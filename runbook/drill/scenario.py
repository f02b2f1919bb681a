"""Set the scene before the walk: migrations in their states, rows, functions, a session that holds a lock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from runbook.drill.database import connect, execute, query_records, read_server_log, split_statements
from runbook.drill.postgres import copy_database
from runbook.drill.proofs import Inventory, take_inventory
from runbook.drill.sandbox import BASE_MIGRATION, PLATFORM_SQL, ROWS_SQL, Sandbox, project_sql
from runbook.errors import RunbookError, UsageError
from runbook.model import Scenario, ScenarioMigration

if TYPE_CHECKING:
    import psycopg

    from runbook.drill.database import Row

__all__ = ["Scene", "play_scenario"]

# The CLI's own table, column for column (3.1.0 and 2.122.1).
_HISTORY = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
  version text not null primary key, statements text[], name text
)
"""
_RECORD = "insert into supabase_migrations.schema_migrations (version, statements, name) values (%s, %s, %s)"
_BACKUP = "backup"
"""A copy of the database from before the scenario's damage, which a restore brings back."""
_STATES = {"applied", "pending", "edited", "missing", "half"}
_EDITED = "\n-- Edited after it was pushed.\ncomment on schema public is 'edited';\n"
_NAME = re.compile(r"([0-9]+)_(.+)")
_CONFIG = "supabase/config.toml"


@dataclass(slots=True)
class Scene:
    """A scenario that is being played: what existed before the walk, and the session that holds a lock."""

    before: Inventory
    session: psycopg.Connection[Row] | None = None
    waiting: psycopg.Connection[Row] | None = None
    """The session that `session` blocks."""

    def release(self) -> None:
        """End the session that holds a lock, if it's still open. The walk may have ended it, as it should."""
        if self.session is not None:
            self.session.close()  # closed, never committed
        if self.waiting is not None:
            with suppress(Exception):  # it may have ended by itself
                self.waiting.cancel()


@contextmanager
def play_scenario(sandbox: Sandbox, scenario: Scenario) -> Iterator[Scene]:
    """Set the scene, and keep an open transaction (if there is one) open during the block."""
    # A separate commit, for procedures that go back to it.
    if scenario.earlier or scenario.earlier_files:
        _write_functions(sandbox, scenario.earlier)
        _write_files(sandbox, scenario.earlier_files)
        sandbox.commit("The functions as they were")
    for migration in scenario.migrations:
        if migration.state not in _STATES:
            raise UsageError(f"a migration can't be '{migration.state}'", hint=f"Use {', '.join(sorted(_STATES))}.")
        if migration.state != "missing":
            text = migration.sql + (_EDITED if migration.state == "edited" else "")
            file = sandbox.project / "supabase" / "migrations" / f"{migration.name}.sql"
            file.write_text(text, encoding="utf-8")
    _write_functions(sandbox, scenario.functions)
    _write_files(sandbox, scenario.files)
    _fill_database(sandbox, scenario)
    sandbox.commit("The project as it is")
    _connect_platform(sandbox, seeded=bool(scenario.seed))
    # Do this before the lock is taken: the inventory reads every table, and would wait for the lock.
    scene = Scene(take_inventory(sandbox.postgres.admin_url, sandbox.platform.state))
    try:
        if scenario.hold:
            # In the list of sessions, it looks like a psql that a colleague left open.
            scene.session = connect(sandbox.postgres.url)
            for statement in ("set application_name = 'psql'", "begin", scenario.hold):
                scene.session.execute(statement)
        if scenario.waits:
            scene.waiting = _wait_with(sandbox, scenario.waits)
        yield scene
    finally:
        scene.release()


def _wait_with(sandbox: Sandbox, statement: str) -> psycopg.Connection[Row]:
    """Make another session wait for the lock that this statement needs, and roll back once it gets the lock."""
    connection = connect(sandbox.postgres.url)
    connection.execute("set application_name = 'app'")
    connection.execute("set lock_timeout = 0")
    began = Event()

    def wait() -> None:
        # The drill's end cancels it.
        with suppress(Exception), connection, connection.transaction(force_rollback=True):
            began.set()
            connection.execute(statement)

    Thread(target=wait, daemon=True).start()
    began.wait(5)
    return connection


def _connect_platform(sandbox: Sandbox, *, seeded: bool) -> None:
    """Give the platform's stand-in access to the database, to answer queries and to restore it."""
    postgres, state = sandbox.postgres, sandbox.platform.state
    state.query = lambda statement, reading: query_records(postgres.url, statement, reading=reading)
    # The log of a borrowed server isn't ours to read.
    if postgres.directory is not None:
        log = postgres.directory / "postgres.log"
        state.database_log = lambda: read_server_log(log, postgres.database)
    # Without a seed, there is no damage and so no backup from before it.
    if postgres.local_url is not None and seeded:
        state.restore = lambda _: copy_database(postgres, _BACKUP, postgres.database)


def _write_functions(sandbox: Sandbox, functions: Mapping[str, str]) -> None:
    _write_files(sandbox, {f"supabase/functions/{name}/index.ts": source for name, source in functions.items()})


def _write_files(sandbox: Sandbox, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        file = sandbox.project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        # Keep the project's own settings: they say where the drill's database is.
        before = _settings(file) if name == _CONFIG else ""
        file.write_text(before + text, encoding="utf-8")


def _settings(file: Path) -> str:
    """Return the project's config.toml up to its functions."""
    return file.read_text(encoding="utf-8").partition("[functions.")[0].rstrip("\n") + "\n\n"


def _fill_database(sandbox: Sandbox, scenario: Scenario) -> None:
    import psycopg

    postgres = sandbox.postgres
    execute(postgres.admin_url, project_sql(PLATFORM_SQL))
    with connect(postgres.url) as connection:
        connection.execute(_HISTORY)
        _apply(connection, ScenarioMigration(BASE_MIGRATION, project_sql(BASE_MIGRATION)))
        connection.execute(project_sql(ROWS_SQL))
        for migration in scenario.migrations:
            if migration.state == "half":
                _apply_half(connection, migration)
            elif migration.state != "pending":
                _apply(connection, migration)
    # The local stack has the schema and the rows, but nothing of what the seed does to production by hand.
    if postgres.local_url is not None:
        copy_database(postgres, postgres.database, "postgres")
        if scenario.seed:
            copy_database(postgres, postgres.database, _BACKUP)
    with connect(postgres.url) as connection:
        for statement in scenario.seed:
            try:
                connection.execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                # The platform's own role does what only it may do, for example to its schemas.
                execute(postgres.admin_url, statement)
            except psycopg.Error as error:
                raise RunbookError(f"the scenario's seed fails: {str(error).strip()}", hint=statement) from error
    # These are statements that the app runs all day. Some of them fail, which is what the drill is about.
    for statement in scenario.traffic:
        with connect(postgres.url) as connection, suppress(psycopg.Error):
            connection.execute(statement)


def _apply(connection: psycopg.Connection[Row], migration: ScenarioMigration) -> None:
    """Apply a file as `db push` does: in one transaction with the history row, except what can't run in one."""
    import psycopg

    statements = split_statements(migration.sql)
    outside = [statement for statement in statements if "concurrently" in statement.lower()]
    found = _NAME.fullmatch(migration.name)
    if found is None:
        raise UsageError(f"not a migration's name: '{migration.name}'", hint="Example: 20261101000000_add_column")
    try:
        for statement in outside:
            connection.execute(statement)
        with connection.transaction():
            for statement in statements:
                if statement not in outside:
                    connection.execute(statement)
            connection.execute(_RECORD, (found[1], list(statements), found[2]))
        connection.execute("reset all")
    except psycopg.Error as error:
        raise RunbookError(f"the scenario's migration {migration.name} fails: {str(error).strip()}") from error


def _apply_half(connection: psycopg.Connection[Row], migration: ScenarioMigration) -> None:
    """Leave the state of a push that failed outside a transaction: some statements done, no history row."""
    import psycopg

    statements = split_statements(migration.sql)
    for statement in statements[:-1] if len(statements) > 1 else statements:
        try:
            connection.execute(statement)
        except psycopg.Error:
            break
    connection.execute("reset all")
