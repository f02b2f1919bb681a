"""A PostgreSQL for `runbook migration check --against`: databases, histories and sessions as its tests need them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # imported late: these tests are found without the drill
    from runbook.drill.database import Row
    from runbook.drill.postgres import Postgres

__all__ = ["Database", "database_server", "write_migrations"]

_HISTORY = """
create schema supabase_migrations;
create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
grant usage on schema supabase_migrations to postgres;
grant select on supabase_migrations.schema_migrations to postgres;
"""


class Database:
    """The database of one server, emptied for each test. `url` isn't a superuser's, as on a hosted project."""

    def __init__(self, server: Postgres) -> None:
        self.admin = server.admin_url
        self.url = server.url

    def reset(self, sql: str = "", history: Mapping[str, str] | None = None) -> None:
        """Empty the database, run SQL as the superuser, and write the rows of the history."""
        for (gid,) in self.rows("select gid from pg_prepared_xacts"):
            self.run(f"rollback prepared '{gid}'")
        self.run(
            "do $$ declare p text; begin for p in select pubname from pg_publication loop "
            "execute format('drop publication %I', p); end loop; end $$",
            "drop schema if exists supabase_migrations cascade; drop schema public cascade; create schema public",
            *([_HISTORY] if history is not None else []),
            *([sql] if sql else []),
        )
        for name, ran in (history or {}).items():
            self.record(name, ran)

    def run(self, *statements: str) -> None:
        """Run statements as the superuser."""
        from runbook.drill.database import execute

        execute(self.admin, *statements)

    def record(self, name: str, *ran: str) -> None:
        """Add a row to the history, as a push writes it: without the semicolons. An empty statement is NULL."""
        version, _, rest = name.removesuffix(".sql").partition("_")
        statements = None if not any(ran) else list(ran)
        with self._connect() as connection:
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)",
                (version, rest, statements),
            )

    def rows(self, sql: str) -> list[Row]:
        """Return the rows of a statement, as the superuser."""
        from runbook.drill.database import query

        return query(self.admin, sql)

    @contextmanager
    def sessions(self, opened: str, waiting: str = "") -> Iterator[None]:
        """Keep a transaction open during the block, and have another session wait for it."""
        with ExitStack() as stack:
            first = stack.enter_context(self._connect())
            first.execute(opened if opened.startswith("begin") else f"begin; {opened}")
            if waiting:
                second = stack.enter_context(self._connect())
                second.execute("set lock_timeout = 0")
                waiter = Thread(target=_run, args=(second, waiting))
                waiter.start()
                # CONCURRENTLY waits for the transaction, not for a table.
                self._await(second.info.backend_pid)
            try:
                yield
            finally:
                first.execute("rollback")
                if waiting:
                    waiter.join()

    def _connect(self) -> Any:
        from runbook.drill.database import connect

        return connect(self.admin)

    def _await(self, pid: int) -> None:
        waits = f"select count(*) from pg_stat_activity where pid = {pid} and wait_event_type = 'Lock'"
        with self._connect() as connection:
            for _ in range(10_000):
                if connection.execute(waits).fetchone() == (1,):
                    return
        raise AssertionError("the session doesn't wait")


def _run(connection: Any, sql: str) -> None:
    connection.execute(sql)


@contextmanager
def database_server() -> Iterator[Database]:
    """Run a server for the tests of a module. It allows prepared transactions, which the drills' server doesn't."""
    from runbook.drill import postgres
    from runbook.drill.postgres import throwaway_postgres

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "_SETTINGS", f"{postgres._SETTINGS}max_prepared_transactions = 4\n")
        with throwaway_postgres() as server:
            yield Database(server)


def write_migrations(folder: Path, files: Mapping[str, str]) -> Path:
    """Write migration files into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, sql in files.items():
        (folder / name).write_text(sql, encoding="utf-8")
    return folder
