"""Servers of a drill, and the relay to its database: a side that goes away ends the connection and nothing else."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from runbook.drill.database_relay import Break, DatabaseRelay, open_relay
from runbook.drill.isolation import open_blocking_proxy
from runbook.drill.loopback import watch_threads
from runbook.drill.platform import Platform, serve
from runbook.drill.platform_state import PROJECT_REF, Fault, PlatformState
from runbook.errors import RunbookError
from runbook.linear_regex import linear_regex

LET_IN = b"R\x00\x00\x00\x08\x00\x00\x00\x00"
"""What PostgreSQL sends a client that it lets in."""
MIGRATION = b"insert into supabase_migrations.schema_migrations (version) values ('1')"


@contextmanager
def relayed() -> Iterator[tuple[DatabaseRelay, socket.socket, socket.socket]]:
    """Yield a relay with both ends of one connection through it: the command's and the database's."""
    with (
        socket.create_server(("127.0.0.1", 0)) as database,
        open_relay(f"postgresql://127.0.0.1:{database.getsockname()[1]}/postgres") as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=10) as command,
        database.accept()[0] as server,
    ):
        server.settimeout(10)
        command.sendall(b"hello")
        assert server.recv(10) == b"hello"  # only then is the relay's side of it complete
        server.sendall(LET_IN)
        assert command.recv(10) == LET_IN
        yield relay, command, server


def reset(end: socket.socket) -> None:
    """Close as a process does that dies with data unread: the other side is told by a reset."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


def send_until_cut(end: socket.socket) -> None:
    """Send until the other side has closed."""
    with suppress(OSError):
        while True:
            end.sendall(b"x" * 1000)


def test_a_database_that_goes_away_ends_the_connection() -> None:
    """The command is told, and what it still sends hurts nobody."""
    with relayed() as (_, command, server):
        reset(server)
        assert command.recv(10) == b""
        send_until_cut(command)


def test_a_command_that_goes_away_ends_the_connection() -> None:
    """The database sees the end of its client, and what it still sends hurts nobody."""
    with relayed() as (_, command, server):
        reset(command)
        assert server.recv(10) == b""
        server.sendall(b"x" * 100_000)


@pytest.mark.parametrize("when", list(Break))
def test_a_break_cuts_the_command_off_even_where_the_database_has_gone(when: Break) -> None:
    """The connection breaks as armed, whoever is still there, and what follows the break is done."""
    followed: list[str] = []
    with relayed() as (relay, command, server):
        relay.arm(when, lambda: followed.append("killed"))
        reset(server)
        assert command.recv(10) == b""
        command.sendall(MIGRATION)
        send_until_cut(command)

    assert (relay.breaks, followed) == (1, ["killed"])


def test_a_database_that_is_down_looks_down() -> None:
    """A command whose database does not listen is cut off at once."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"postgresql://127.0.0.1:{gone.getsockname()[1]}/postgres"
    with open_relay(url) as relay, socket.create_connection(("127.0.0.1", relay.port), timeout=10) as command:
        assert command.recv(10) == b""


def test_connections_end_with_the_relay() -> None:
    """Nothing keeps a connection alive, nor its threads, once the block has ended."""
    before = threading.active_count()
    with relayed() as (relay, command, server):
        relay.close()
        assert (command.recv(10), server.recv(10)) == (b"", b"")

    assert threading.active_count() == before


def test_a_listener_that_another_process_shares_outlives_the_relay() -> None:
    """A kept sandbox's process goes on with a copy of the listener, whatever this one does to its own."""
    with open_relay("postgresql://127.0.0.1:1/postgres") as relay:
        shared = relay.listener.dup()
        port = relay.port
    with shared, socket.create_connection(("127.0.0.1", port), timeout=10):
        shared.settimeout(10)
        shared.accept()[0].close()


def fail() -> None:
    """Stand for a fault in a thread."""
    raise ZeroDivisionError("in the thread")


def break_with_a_fault() -> None:
    """Break a connection, with a fault in what follows the break."""
    with relayed() as (relay, command, _):
        relay.arm(Break.BEFORE, fail)
        command.sendall(MIGRATION)
        send_until_cut(command)


def fail_twice() -> None:
    """Fail in a thread, then in the block."""
    with watch_threads("the server") as threads:
        threads.start(fail).join()
        raise KeyError("in the block")


def head(platform: Platform, line: str, *, token: str = "", more: str = "") -> bytes:
    """Return a request without a body, with the drill's own token (unless given another) and key."""
    own = "".join(f"{name}: {value}\r\n" for name, value in platform.keys.call_headers.items())
    host = platform.url.removeprefix("http://")
    return (
        f"{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token or platform.keys.token}\r\n{own}{more}\r\n"
    ).encode()


def ask_what_can_not_be_read() -> None:
    """Send the platform a request whose body is not JSON."""
    with serve(PlatformState()) as platform:
        line = f"POST /v1/projects/{PROJECT_REF}/secrets"
        more = "Content-Length: 1\r\nConnection: close\r\n"
        talk(platform.server.server_address[1], head(platform, line, more=more) + b"x")


def test_a_client_that_is_not_let_in_breaks_nothing() -> None:
    """Anybody on this machine can connect, but an armed relay breaks only for a client that the database let in."""
    with (
        socket.create_server(("127.0.0.1", 0)) as database,
        open_relay(f"postgresql://127.0.0.1:{database.getsockname()[1]}/postgres") as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=10) as stranger,
        database.accept()[0] as server,
    ):
        server.settimeout(10)
        relay.arm(Break.BEFORE)
        stranger.sendall(MIGRATION)
        assert server.recv(1000) == MIGRATION

    assert relay.breaks == 0


def test_an_error_in_a_thread_of_the_relay_is_raised_at_its_end() -> None:
    """What follows a break may fail; the drill then fails with that error, and does not pass for nothing."""
    with pytest.raises(RunbookError, match=r"relay to the database failed.*in the thread"):
        break_with_a_fault()


def test_an_error_of_the_block_goes_before_that_of_a_thread() -> None:
    """The block's own error is raised as it is, with a note on the thread's."""
    with pytest.raises(KeyError) as caught:
        fail_twice()

    assert "in the thread" in caught.value.__notes__[0]


def test_a_crash_of_the_platform_is_raised_at_its_end(capfd: pytest.CaptureFixture[str]) -> None:
    """A request that the stand-in can't take fails the drill with the reason; nothing is printed over the walk."""
    with pytest.raises(RunbookError, match=r"stand-in failed.*Expecting value"):
        ask_what_can_not_be_read()

    assert capfd.readouterr().err == ""


def test_a_caller_who_leaves_is_no_crash(capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever hangs up before the answer, on the platform or the proxy, breaks nothing and is not mentioned."""
    with serve(PlatformState()) as platform, open_blocking_proxy() as outside:
        for port in (platform.server.server_address[1], int(outside.url.rpartition(":")[2])):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"GET / HTTP/1.1\r\n")
                reset(client)

    assert capfd.readouterr().err == ""


def test_an_answer_that_is_still_to_come_ends_with_its_server() -> None:
    """A caller who waits for a slow answer is left without one when the drill is over, and no thread waits on."""
    before = set(threading.enumerate())
    fault = Fault(request=linear_regex("GET /functions/v1/slow"), delay=3600)
    with serve(PlatformState(faults=[fault])) as platform:
        client = socket.create_connection(("127.0.0.1", platform.server.server_address[1]), timeout=10)
        client.sendall(head(platform, "GET /"))
        assert client.recv(1000)  # the server has a thread for this connection now
        client.sendall(head(platform, "GET /functions/v1/slow"))
    left = set(threading.enumerate()) - before
    client.close()
    for thread in left:
        thread.join(10)

    assert [thread for thread in left if thread.is_alive()] == []


def talk(port: int, request: bytes) -> bytes:
    """Send a request and return all that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(1000), b""))
