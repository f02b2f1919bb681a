"""Every journal test runs on both engines, if it asks for `engine`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from support.journal_engines import Engine, PostgresEngine, SqliteEngine, durable_postgres, empty_journal
from support.network import Network, open_network

from runbook.journal import postgres_connection
from runbook.journal.address import parse_address
from runbook.journal.heartbeat import Heartbeat
from runbook.journal.postgres_connection import connect

if TYPE_CHECKING:
    from runbook.drill.postgres import Postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """Run a PostgreSQL for all tests of this folder."""
    with durable_postgres() as postgres:
        yield postgres


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no test go on telling the server that it holds a target: the next test uses the same server."""
    began: list[Heartbeat] = []
    begin = Heartbeat.__init__

    def note(heartbeat: Heartbeat, *args: Any, **named: Any) -> None:
        begin(heartbeat, *args, **named)
        began.append(heartbeat)

    monkeypatch.setattr(Heartbeat, "__init__", note)
    yield
    for heartbeat in began:
        heartbeat.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Return an engine with an empty journal."""
    if request.param == "sqlite":
        sqlite = SqliteEngine(tmp_path / "state")
        yield sqlite
        sqlite.close()
        return
    yield from _postgres_engine(request.getfixturevalue("server"), tmp_path)


@pytest.fixture
def shared(server: Postgres, tmp_path: Path) -> Iterator[PostgresEngine]:
    """Return the engine that a team shares, with an empty journal."""
    yield from _postgres_engine(server, tmp_path)


def _postgres_engine(server: Postgres, tmp_path: Path) -> Iterator[PostgresEngine]:
    empty_journal(server)
    engine = PostgresEngine(tmp_path / "state", server.url, server.admin_url)
    yield engine
    engine.close()


@pytest.fixture
def network(server: Postgres, shared: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Return a network to the server that can break. Whoever waits for an answer gives up quickly."""
    monkeypatch.setattr(postgres_connection, "_ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(postgres_connection, "_CONNECT_SECONDS", 2)
    asked = parse_qs(urlsplit(server.url).query)
    with open_network(Path(asked["host"][0]), int(asked["port"][0])) as opened:
        yield opened


@pytest.fixture
def people(server: Postgres, shared: PostgresEngine) -> Iterator[dict[str, str]]:
    """Create a person of each kind; return their addresses."""
    made = {"ada": "runbook_operator", "grace": "runbook_operator", "eve": "runbook_reader", "mallory": ""}
    with closing(connect(parse_address(server.admin_url))) as connection:
        for name, group in made.items():
            connection.execute(f"drop role if exists {name}".encode())
            connection.execute(f"create role {name} login password '{name}-pw-7261'".encode())
            if group:
                connection.execute(f"grant {group} to {name}".encode())
    port = urlsplit(server.command_url).port
    yield {name: f"postgresql://{name}:{name}-pw-7261@127.0.0.1:{port}/{server.database}" for name in made}
    with closing(connect(parse_address(server.admin_url))) as connection:
        for name in made:
            connection.execute(f"drop role {name}".encode())
