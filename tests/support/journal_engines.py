"""The two engines of the journal, each with a new, empty journal for every test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runbook.journal.address import parse_address
from runbook.journal.interface import StoredJournal
from runbook.journal.postgres import PostgresJournal
from runbook.journal.postgres_connection import connect
from runbook.journal.postgres_schema import install
from runbook.journal.sqlite import SqliteJournal

if TYPE_CHECKING:
    from runbook.drill.postgres import Postgres

__all__ = ["Engine", "PostgresEngine", "SqliteEngine", "durable_postgres", "durable_settings", "empty_journal"]

_DURABLE = {f"{name} = off": f"{name} = on" for name in ("fsync", "synchronous_commit", "full_page_writes")}


class Engine(Protocol):
    """A journal that several processes can open."""

    state: Path
    """The state directory of this user."""

    def open(self) -> StoredJournal:
        """Open it, as another process would."""

    @property
    def source(self) -> str:
        """Python that opens it in another process, under the name `journal`."""

    def tamper(self, statement: str) -> None:
        """Run SQL on its tables as somebody does who may do anything."""


@dataclass
class SqliteEngine:
    """The journal in a file."""

    state: Path
    _opened: list[SqliteJournal] = field(default_factory=list)

    def open(self) -> StoredJournal:
        """Open the file."""
        self._opened.append(SqliteJournal(self.state))
        return self._opened[-1]

    @property
    def source(self) -> str:
        """Python that opens the file."""
        return (
            "from pathlib import Path\nfrom runbook.journal.sqlite import SqliteJournal\n"
            f"journal = SqliteJournal(Path({str(self.state)!r}))\n"
        )

    def tamper(self, statement: str) -> None:
        """Change the file without the triggers that make it append-only."""
        from support.journal_files import tampered

        with tampered(self.state / "journal.sqlite3") as database:
            database.execute(statement)

    def close(self) -> None:
        """Close what was opened."""
        for journal in self._opened:
            journal.close()


@dataclass
class PostgresEngine:
    """The journal in a database."""

    state: Path
    url: str
    admin_url: str
    _opened: list[PostgresJournal] = field(default_factory=list)

    def open(self) -> StoredJournal:
        """Connect to it."""
        self._opened.append(PostgresJournal(parse_address(self.url), self.state))
        return self._opened[-1]

    @property
    def source(self) -> str:
        """Python that connects to it."""
        return (
            "from pathlib import Path\nfrom runbook.journal.address import parse_address\n"
            "from runbook.journal.postgres import PostgresJournal\n"
            f"journal = PostgresJournal(parse_address({self.url!r}), Path({str(self.state)!r}))\n"
        )

    def tamper(self, statement: str) -> None:
        """Change the tables as a superuser, without the triggers that make them append-only."""
        with closing(connect(parse_address(self.admin_url))) as connection:
            connection.execute("set search_path = runbook_journal; set session_replication_role = replica")
            connection.execute(statement.encode())

    def close(self) -> None:
        """Close what was opened."""
        for journal in self._opened:
            journal.close()


@contextmanager
def durable_settings() -> Iterator[None]:
    """Let a server that is started in the block wait for its disk, as one that a team uses."""
    import pytest

    from runbook.drill import postgres

    settings = postgres._SETTINGS
    for before, after in _DURABLE.items():
        assert before in settings or after in settings  # another block may be around this one
        settings = settings.replace(before, after)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres, "_SETTINGS", settings)
        yield


@contextmanager
def durable_postgres() -> Iterator[Postgres]:
    """Run a server that waits for its disk. A copy of the project without drills skips what needs it."""
    import pytest

    pytest.importorskip("runbook.drill", reason="it takes the PostgreSQL of the drills")
    from runbook.drill.postgres import throwaway_postgres

    with ExitStack() as stack:
        with durable_settings():
            server = stack.enter_context(throwaway_postgres())
        yield server


def empty_journal(server: Postgres) -> None:
    """Replace the journal in the server's database by an empty one."""
    with closing(connect(parse_address(server.admin_url))) as connection:
        connection.execute("drop schema if exists runbook_journal cascade")
    with closing(connect(parse_address(server.url))) as connection:
        install(connection)
