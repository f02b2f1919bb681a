"""The throwaway PostgreSQL: up quickly, loopback only, gone after, whoever runs it and however that ends."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from runbook.drill import machine
from runbook.drill.database import execute, query
from runbook.drill.machine import Account, is_alive, process_of, server_account
from runbook.drill.postgres import named_postgres, stop_postgres, throwaway_postgres
from runbook.errors import MissingPartError, RunbookError, UsageError
from runbook.runtime import toolchain


def test_a_server_answers_and_leaves_nothing() -> None:
    """The major is the one Supabase hosts, and after the block neither process nor directory is left."""
    with throwaway_postgres() as server:
        version = query(server.url, "show server_version_num")[0][0]
        process, directory = server.process, server.directory
    assert process is not None
    assert directory is not None

    assert str(version).startswith("17")
    assert not is_alive(process)
    assert not directory.exists()


def test_the_operators_role_is_no_superuser() -> None:
    """As on the hosted service, `postgres` owns its database and is not the server's superuser."""
    with throwaway_postgres() as server:
        execute(server.url, "create table public.t (id int)")
        found = query(server.url, "select current_user, rolsuper from pg_roles where rolname = current_user")

    assert found == [("postgres", False)]


def test_the_server_listens_only_on_loopback_and_in_a_closed_directory() -> None:
    """It has no other address, and only its account may enter the directory of its socket."""
    with throwaway_postgres() as server:
        listening = query(server.admin_url, "select current_setting('listen_addresses')")[0][0]
        sockets = query(server.admin_url, "select current_setting('unix_socket_directories')")[0][0]
        assert server.directory is not None
        mode = server.directory.stat().st_mode & 0o777

    assert (listening, sockets, mode) == ("127.0.0.1", str(server.directory), 0o700)


def test_it_never_runs_as_root() -> None:
    """PostgreSQL refuses root: as root the server and its files belong to somebody harmless, else to this user."""
    with throwaway_postgres() as server:
        assert server.process is not None
        assert server.directory is not None
        owners = {path.stat().st_uid for path in (Path(f"/proc/{server.process.pid}"), server.directory / "data")}

    assert owners == {server_account().uid}
    assert owners != {0}


def test_a_plain_user_runs_it_too(tmp_path: Path) -> None:
    """Without root nothing changes user, and the cluster is made in that user's own cache."""
    code = (
        "import os\n"
        "from runbook.drill.postgres import throwaway_postgres\n"
        "from runbook.drill.database import query\n"
        "with throwaway_postgres() as server:\n"
        "    print(os.geteuid(), query(server.url, 'select 1'))\n"
    )
    # In a user namespace root is a plain user with another number, and the kernel treats it so.
    plain = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*plain, sys.executable, "-c", code],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "[(1,)]" in done.stdout
    assert not done.stdout.startswith("0 ")
    made = sorted(path.name.split("-")[0] for path in (tmp_path / ".cache" / "runbook").iterdir())
    assert made == ["cluster", "postgres"]


def test_several_servers_start_at_once_from_an_empty_cache(tmp_path: Path) -> None:
    """Two drills that fill the cache at the same moment both get a whole cluster."""
    code = "from runbook.drill.postgres import throwaway_postgres\nwith throwaway_postgres() as s: print(s.version)"
    cache = Path(subprocess.check_output(["mktemp", "-d", "/tmp/runbook-test-XXXXXX"], text=True).strip())
    cache.chmod(0o755)
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    try:
        both = [
            subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        shown = [process.communicate()[0] for process in both]
        left = sorted(path.name for path in (cache / "runbook").iterdir())
    finally:
        shutil.rmtree(cache)

    assert [process.returncode for process in both] == [0, 0]
    assert all(text.startswith("17.") for text in shown)
    assert len(left) == 2, left


def test_a_kept_terminal_signal_does_not_reach_it() -> None:
    """Ctrl-C at the terminal is for the walk: the server is in a session of its own."""
    with throwaway_postgres() as server:
        assert server.process is not None
        assert os.getsid(server.process.pid) == server.process.pid != os.getsid(0)


def test_another_server_is_used_by_url_and_left_as_it_was() -> None:
    """`--postgres URL` makes one database of its own there and drops it after, sessions or not."""
    with throwaway_postgres() as host:
        before = query(host.admin_url, "select count(*) from pg_database")
        url = host.command_url.replace("postgres@", f"postgres:{host.password}@")
        borrowed = named_postgres(url)
        execute(borrowed.url, "create table t (id int)")
        with psycopg.connect(borrowed.url):
            stop_postgres(borrowed)
        after = query(host.admin_url, "select count(*) from pg_database")

    assert borrowed.database.startswith("runbook_drill_")
    assert borrowed.process is None
    assert before == after
    assert borrowed.command_url == host.command_url.replace("/production", f"/{borrowed.database}")
    assert borrowed.password == host.password


def test_a_password_in_the_query_of_a_url_reaches_no_command_line() -> None:
    """PostgreSQL's clients read it there too. Commands get it in their environment, like one before the host."""
    with throwaway_postgres() as host:
        borrowed = named_postgres(f"{host.command_url}&password={host.password}&application_name=a%20b")
        stop_postgres(borrowed)

    assert borrowed.password == host.password
    assert borrowed.command_url.endswith(f"/{borrowed.database}?sslmode=disable&application_name=a%20b")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("postgresql://db.example.com/postgres", "must be on this machine", id="elsewhere"),
        pytest.param("postgresql://10.0.0.1/postgres", "must be on this machine", id="private-network"),
        pytest.param("https://127.0.0.1/", "not a PostgreSQL URL", id="no-postgres"),
        pytest.param("postgresql:///postgres", "not a PostgreSQL URL", id="no-host"),
        pytest.param("postgresql://127.0.0.1/x?host=db.example.com", "must be on this machine", id="host-in-query"),
        pytest.param("postgresql://127.0.0.1/x?hostaddr=10.0.0.1", "must be on this machine", id="hostaddr-in-query"),
        pytest.param("postgresql://127.0.0.1,db.example.com/x", "must be on this machine", id="two-hosts"),
    ],
)
def test_a_server_elsewhere_is_refused(url: str, message: str) -> None:
    """A drill breaks things, so its database has to be on loopback."""
    with pytest.raises(UsageError, match=message):
        named_postgres(url)


def test_a_server_that_does_not_answer_is_named() -> None:
    """A closed port is an error in a sentence, not a traceback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(RunbookError, match="can't connect"):
        named_postgres(f"postgresql://postgres@127.0.0.1:{port}/postgres")


def test_without_any_postgres_the_command_that_adds_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the package nor the machine has one: the error says how to get it."""
    monkeypatch.setattr(machine, "postgres_package", lambda: None)
    monkeypatch.setattr(machine, "system_postgres", lambda: None)

    with pytest.raises(MissingPartError) as caught:
        machine.find_binaries(tmp_path, server_account())

    assert "`scripts/setup tools`" in caught.value.hint
    assert "--postgres URL" in caught.value.hint


def test_a_postgres_whose_roles_can_grant_themselves_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to 15, a role that may create roles may also run programs. The hosted role can't, so the drill's must not."""
    old = tmp_path / "postgres"
    old.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.8 (Debian 15.8-1)'\n", encoding="utf-8")
    old.chmod(0o755)
    monkeypatch.setattr(machine, "postgres_package", lambda: None)
    monkeypatch.setattr(machine, "system_postgres", lambda: tmp_path)

    with pytest.raises(MissingPartError, match=r"PostgreSQL 15\.8 is too old: a drill needs 16"):
        machine.find_binaries(tmp_path, Account("me", os.getuid(), os.getgid(), switch=False))


def test_tools_that_are_not_there_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A RUNBOOK_TOOLS that names nothing is an error, and one without the CLI says what to install."""
    monkeypatch.setenv("RUNBOOK_TOOLS", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="RUNBOOK_TOOLS"):
        toolchain.tool_places()
    monkeypatch.setenv("RUNBOOK_TOOLS", str(tmp_path))
    with pytest.raises(MissingPartError, match="Supabase CLI 3"):
        toolchain.cli_package(3)


def test_a_cache_that_the_server_cannot_enter_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the usual cache is closed to the server's account, one that it can enter is used."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(closed))
    other = Account("other", 54321, 54321, switch=True)

    assert machine.cache_directory(other).is_relative_to("/tmp")
    assert machine.cache_directory(Account("me", os.getuid(), os.getgid(), switch=False)) == closed / "runbook"


def test_a_cache_that_somebody_else_planted_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that others may write could hold another program in PostgreSQL's place."""
    planted = tmp_path / "planted"
    (planted / "runbook").mkdir(parents=True)
    (planted / "runbook").chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(planted))

    assert machine.cache_directory(Account("me", os.getuid(), os.getgid(), switch=False)) != planted / "runbook"


def test_without_a_second_user_root_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root on a machine without `postgres` and `nobody` gets a sentence and two ways out."""

    def unknown(name: str) -> object:
        raise KeyError(name)

    monkeypatch.setattr("runbook.drill.machine.os.geteuid", lambda: 0)
    monkeypatch.setattr("runbook.drill.machine.pwd.getpwnam", unknown)

    with pytest.raises(RunbookError, match="refuses to run as root"):
        server_account()


def test_a_user_without_a_name_gets_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL compares names, and a container can run with a user ID that has none."""

    def unknown(number: int) -> object:
        raise KeyError(number)

    monkeypatch.setattr("runbook.drill.postgres.pwd.getpwuid", unknown)

    with pytest.raises(RunbookError, match="has no name on this machine"), throwaway_postgres():
        pass


def test_a_server_that_is_stopped_is_gone_when_that_returns() -> None:
    """Ending is by signal and the kernel's notice; ending it twice does no harm."""
    with throwaway_postgres() as server:
        assert server.process is not None
        assert is_alive(server.process)
        stop_postgres(server)
        assert not is_alive(server.process)
        stop_postgres(server)


def test_a_reused_pid_is_not_taken_for_the_server() -> None:
    """A process is its pid and its start time: another start time is another process."""
    own = process_of(os.getpid())

    assert is_alive(own)
    assert not is_alive(type(own)(own.pid, "1"))
