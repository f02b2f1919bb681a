"""While a drill is up, it refuses every other user of this machine: over TCP, socket, relay, stand-in and proxy."""

from __future__ import annotations

import getpass
import http.client
import json
import os
import socket
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from runbook.drill.auto_operator import AutoOperator, answer_cli
from runbook.drill.database import query
from runbook.drill.database_relay import open_relay
from runbook.drill.machine import state_directory
from runbook.drill.platform_state import PROJECT_REF, initial_state
from runbook.drill.sandbox import Sandbox, open_sandbox
from runbook.drill.scenario import play_scenario
from runbook.drill.stage import choose_drill, run_drill, set_stage
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Scenario
from runbook.policy.redaction import Redactor
from runbook.runtime.executor import PtyExecutor, SystemClock

STRANGER = 54321
"""A user ID that is neither the drill's nor the server's. Without root, tests attack as the drill's own user."""
HOME = f"/v1/projects/{PROJECT_REF}"
FORMER_TOKEN = "sbp_" + "d" * 40
"""The fixed token that earlier versions used for every drill."""


@dataclass(frozen=True, slots=True)
class Place:
    """A drill's sandbox and its ports. Any user of the machine can list the ports."""

    sandbox: Sandbox
    relay: int
    database: int
    local: int
    api: int
    proxy: int


@contextmanager
def scene() -> Iterator[Sandbox]:
    """Open a sandbox with a function, a secret and a database in it."""
    scenario = Scenario(deployed={"hello": "Deno.serve(() => new Response())"}, secrets={"KEY": "value"})
    platform = initial_state(deployed=scenario.deployed, secrets=scenario.secrets, platform={})
    with open_sandbox(platform, major=3) as sandbox, play_scenario(sandbox, scenario):
        yield sandbox


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Keep a drill's sandbox open, with a relay in front of its database and records of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        with scene() as sandbox, open_relay(sandbox.postgres.command_url) as relay:
            assert sandbox.local is not None
            yield Place(
                sandbox,
                relay=relay.port,
                database=urlsplit(sandbox.postgres.command_url).port or 0,
                local=sandbox.local.port,
                api=urlsplit(sandbox.platform.url).port or 0,
                proxy=urlsplit(sandbox.proxy.url).port or 0,
            )


def as_stranger(attempt: Callable[[], str]) -> str:
    """Make the attempt in a process of another user; return its result: `got in: …` or `refused: …`."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        told = "crashed"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(STRANGER)
                os.setuid(STRANGER)
            told = attempt()
        except (OSError, psycopg.Error, http.client.HTTPException) as error:
            told = f"refused: {type(error).__name__}: {error}"
        except BaseException:  # noqa: BLE001 - the parent shows it
            told = traceback.format_exc()
        finally:
            os.write(writing, told.encode()[:4000])
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
        told = pipe.read()
    os.waitpid(child, 0)
    return told


# --- the database ---------------------------------------------------------------------------------------------------


DATABASES = ("production", "postgres", "template1")
ROLES = ("postgres", "supabase_admin", "anon", "authenticated", "service_role", "authenticator", getpass.getuser())
PASSWORDS = ("postgres", "supabase_admin", "drill", "password", "sb_secret_", FORMER_TOKEN)


def log_in(port: int, role: str, database: str, password: str | None = None) -> str:
    """Log in over TCP and return the user that the server says this is."""
    words = {"host": "127.0.0.1", "port": port, "user": role, "dbname": database, "sslmode": "disable"}
    given = {} if password is None else {"password": password}
    with psycopg.connect(**words, **given, connect_timeout=10) as connection:  # type: ignore[arg-type]
        return f"got in: {connection.execute('select current_user').fetchone()}"


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("role", ROLES)
def test_no_role_gets_into_a_database_without_a_password(place: Place, role: str, database: str) -> None:
    """Neither directly nor through a relay, with any role and database."""
    for port in (place.database, place.relay, place.local):
        told = as_stranger(lambda port=port: log_in(port, role, database))  # type: ignore[misc]
        assert told.startswith("refused: "), told


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("role", ["postgres", "supabase_admin"])
def test_no_guessable_password_opens_a_database(place: Place, role: str, password: str) -> None:
    """One of them is the password of every local Supabase stack."""
    for port in (place.database, place.relay, place.local):
        told = as_stranger(lambda port=port: log_in(port, role, "postgres", password))  # type: ignore[misc]
        assert told.startswith("refused: "), told


def test_the_superuser_cannot_log_in_over_tcp_at_all(place: Place) -> None:
    """The server rejects it before it looks at a password, and lets nobody replicate."""
    password = place.sandbox.postgres.password
    told = as_stranger(lambda: log_in(place.database, "supabase_admin", "postgres", password))
    replication = f"host=127.0.0.1 port={place.database} user=postgres password={password} replication=true"

    assert "pg_hba.conf rejects connection" in told
    with pytest.raises(psycopg.OperationalError, match=r"max_wal_senders|pg_hba\.conf"):
        psycopg.connect(replication)


def test_every_role_that_can_log_in_has_a_password_of_its_own(place: Place) -> None:
    """No role is without a password, and no two drills share one."""
    admin = place.sandbox.postgres.admin_url
    bare = query(admin, "select rolname from pg_authid where rolcanlogin and rolpassword not like 'SCRAM-SHA-256$%'")
    with scene() as other:
        assert other.postgres.password != place.sandbox.postgres.password
        assert other.platform.keys != place.sandbox.platform.keys

    assert bare == []
    assert len(place.sandbox.postgres.password or "") >= 32 + len("sb_secret_")


@pytest.mark.parametrize("role", ["postgres", "supabase_admin"])
def test_the_socket_is_out_of_reach(place: Place, role: str) -> None:
    """Only the server's account may enter its directory."""
    directory = place.sandbox.postgres.directory
    assert directory is not None
    sockets = list(directory.glob(".s.PGSQL.*"))
    told = as_stranger(lambda: log_in_by_socket(str(directory), place.database, role))

    assert directory.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in sockets if path.is_socket()] == [0o700]
    # Without root, this test can only attack as the drill's own user.
    assert told.startswith("refused: " if os.geteuid() == 0 else "got in: "), told


def log_in_by_socket(directory: str, port: int, role: str) -> str:
    """Log in through the socket."""
    with psycopg.connect(host=directory, port=port, user=role, dbname="postgres") as connection:
        return f"got in: {connection.execute('select current_user').fetchone()}"


# --- with the credentials of the CLI --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to program 'touch /tmp/owned'",
        "create temp table t (x text); copy t from program 'id'",
        "create temp table t (x text); copy t from '/etc/passwd'",
        "copy (select 1) to '/tmp/owned'",
        "select pg_read_file('/etc/passwd')",
        "select pg_read_binary_file('/etc/passwd')",
        "select pg_ls_dir('/')",
        "select pg_stat_file('/etc/passwd')",
        "select lo_export(lo_from_bytea(0, 'x'), '/tmp/owned')",
        "select lo_import('/etc/passwd')",
        "set role supabase_admin",
        "set session authorization supabase_admin",
        "alter role postgres superuser",
        "create role owner superuser login",
        "alter role supabase_admin password 'x'",
        "grant supabase_admin to postgres",
        "grant pg_execute_server_program to postgres",
        "grant pg_read_server_files to postgres",
        "grant pg_write_server_files to postgres",
        "create role helper; grant pg_execute_server_program to helper",
        "create extension dblink",
        "create extension file_fdw",
        "create extension postgres_fdw",
        "create extension adminpack",
        "create extension plpython3u",
        "create extension plperlu",
        "create function f() returns int language c as '/tmp/x.so', 'f'",
        "create function f() returns int language internal as 'int4pl'",
        "update pg_language set lanpltrusted = true",
        "update pg_authid set rolsuper = true where rolname = 'postgres'",
        "alter system set listen_addresses = '*'",
        "alter system set archive_command = 'touch /tmp/owned'",
        "set session_preload_libraries = 'x'",
        "load '/tmp/x.so'",
        "select pg_reload_conf()",
        "select pg_rotate_logfile()",
        "select * from pg_hba_file_rules",
        "select * from pg_file_settings",
        "create subscription s connection 'host=127.0.0.1' publication p",
        "create event trigger e on ddl_command_start execute function pg_catalog.pg_notify()",
    ],
)
def test_the_role_of_commands_can_do_no_more_than_on_the_hosted_service(place: Place, statement: str) -> None:
    """It can't run programs, read or write the server's files, or make itself or anybody a superuser."""
    words = {"host": "127.0.0.1", "port": place.database, "user": "postgres", "dbname": "production"}
    password = place.sandbox.postgres.password
    with (
        closing(psycopg.connect(**words, password=password, autocommit=True)) as connection,  # type: ignore[arg-type]
        pytest.raises(psycopg.Error) as caught,
    ):
        connection.execute(statement)

    assert isinstance(
        caught.value,
        psycopg.errors.InsufficientPrivilege
        | psycopg.errors.FeatureNotSupported  # an extension that this PostgreSQL doesn't have
        | psycopg.errors.UndefinedObject,
    ), caught.value


def test_the_role_of_commands_has_the_attributes_of_the_hosted_one(place: Place) -> None:
    """It may create databases and roles, replicate and bypass row security, and has three predefined roles. No more."""
    url = place.sandbox.postgres.url
    own = query(
        url,
        "select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls from pg_roles "
        "where rolname = 'postgres'",
    )
    members = "select roleid::regrole::text from pg_auth_members where member = 'postgres'::regrole order by 1"
    given = query(url, members)

    assert own == [(False, True, True, True, True)]
    assert given == [("pg_monitor",), ("pg_read_all_data",), ("pg_signal_backend",)]


# --- the stand-in ---------------------------------------------------------------------------------------------------


ROUTES = [
    ("GET", f"{HOME}/functions"),
    ("PUT", f"{HOME}/functions"),
    ("POST", f"{HOME}/functions/deploy?slug=hello"),
    ("GET", f"{HOME}/functions/hello"),
    ("DELETE", f"{HOME}/functions/hello"),
    ("GET", f"{HOME}/functions/hello/body"),
    ("GET", f"{HOME}/secrets"),
    ("POST", f"{HOME}/secrets"),
    ("DELETE", f"{HOME}/secrets"),
    ("GET", f"{HOME}/database/backups"),
    ("POST", f"{HOME}/database/backups/restore-pitr"),
    ("POST", f"{HOME}/database/query"),
    ("POST", f"{HOME}/database/query/read-only"),
    ("POST", f"{HOME}/cli/login-role"),
    ("GET", f"{HOME}/analytics/endpoints/logs"),
    ("GET", "/v1/projects"),
    ("GET", "/v1/organizations"),
    ("GET", HOME),
    ("GET", f"{HOME}/api-keys"),
    ("GET", f"{HOME}/config/database/pooler"),
    ("GET", f"{HOME}/postgrest"),
    ("GET", "/no/such/route"),
    ("POST", "/functions/v1/hello"),
    ("GET", "/functions/v1/hello"),
    ("OPTIONS", "/functions/v1/hello"),
    ("HEAD", "/functions/v1/nothing"),
]
HEADERS: Mapping[str, Mapping[str, str]] = {
    "nothing": {},
    "the former token": {"authorization": f"Bearer {FORMER_TOKEN}"},
    "an empty token": {"authorization": "Bearer "},
    "another scheme": {"authorization": "Basic c2JwXzp4"},
    "a key of the app": {"apikey": "drill.service_role", "authorization": "Bearer drill.service_role"},
    "an empty key": {"x-drill-key": ""},
    "letters beyond ASCII": {"authorization": "Bearer \xe9", "x-drill-key": "\xe9"},
    "a page in a browser": {"origin": "https://example.com", "access-control-request-method": "POST"},
}


def ask(port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b'{"query": "select 1"}') -> str:
    """Send a request and return the status, with the CORS headers of the answer if there are any."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        allowed = [name for name in response.headers if name.lower().startswith("access-control")]
        return f"{response.status} {allowed or ''}".strip()


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_the_stand_in_refuses_every_request_without_this_drills_keys(place: Place, route: tuple[str, str]) -> None:
    """Each route answers 401 to each wrong key, and keeps nothing of the request."""
    state = place.sandbox.platform.state
    before = (list(state.requests), len(state.logs), dict(state.functions), dict(state.secrets))

    def attempt() -> str:
        return json.dumps({shown: ask(place.api, *route, headers) for shown, headers in HEADERS.items()})

    told = as_stranger(attempt)
    assert told == json.dumps(dict.fromkeys(HEADERS, "401"))
    assert (list(state.requests), len(state.logs), dict(state.functions), dict(state.secrets)) == before


def raw(port: int, request: bytes) -> str:
    """Send bytes and return the status of the answer, or `nothing` if there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        with suppress(OSError):
            client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        answer = client.makefile("rb").read().decode("latin-1")
        # HTTP/0.9 has no status line: the answer is the text alone.
        bare = {"only on 127.0.0.1": "421", "Error code: 400": "400"}
        told = [status for text, status in bare.items() if text in answer]
        return answer.split(" ")[1] if answer.startswith("HTTP/") else "".join(told) or answer or "nothing"


LONG = "a" * 70_000
TRICKS = {
    "no host": b"GET /v1/projects HTTP/1.1\r\n{auth}\r\n",
    "another host": b"GET /v1/projects HTTP/1.1\r\nHost: example.com\r\n{auth}\r\n",
    "another host with the port": b"GET /v1/projects HTTP/1.1\r\nHost: example.com:{port}\r\n{auth}\r\n",
    "a name that begins alike": b"GET /v1/projects HTTP/1.1\r\nHost: 127.0.0.1:{port}.example.com\r\n{auth}\r\n",
    "two hosts": b"GET /v1/projects HTTP/1.1\r\nHost: {host}\r\nHost: example.com\r\n{auth}\r\n",
    "the host without its port": b"GET /v1/projects HTTP/1.1\r\nHost: 127.0.0.1\r\n{auth}\r\n",
    "a call from a page": b"POST /functions/v1/hello HTTP/1.1\r\nHost: evil.example:{port}\r\n{auth}\r\n",
    "an old protocol": b"GET /v1/projects HTTP/1.0\r\n\r\n",
    "an older protocol": b"GET /v1/projects\r\n\r\n",
    "an address that can't be read": b"GET http://[ HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a whole address": b"GET http://127.0.0.1/v1/projects HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "out of the calls": b"GET /functions/v1/../../v1/projects HTTP/1.1\r\nHost: {host}\r\nx-drill-key: x\r\n\r\n",
    "out of the calls, encoded": b"GET /functions/v1/%2e%2e/%2e%2e/v1/projects HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "two slashes": b"GET //v1/projects HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "capital letters": b"GET /V1/PROJECTS HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a method of its own": b"BREW /v1/projects HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a body without an end": b"POST /v1/projects HTTP/1.1\r\nHost: {host}\r\nContent-Length: 999999999999\r\n\r\nx",
    "a body in pieces": b"POST /v1/projects HTTP/1.1\r\nHost: {host}\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\nx",
    "a length that isn't a number": b"POST /v1/projects HTTP/1.1\r\nHost: {host}\r\nContent-Length: x\r\n\r\n",
    "permission to send": b"POST /v1/projects HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\n"
    b"Content-Length: 9\r\n\r\n",
    "a long address": b"GET /{long} HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: {host}\r\nX: {long}\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: {host}\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "nothing at all": b"",
}
REFUSALS = {"400", "401", "411", "413", "414", "421", "431", "501", "505", "nothing"}


@pytest.mark.parametrize("name", TRICKS)
def test_no_odd_address_host_or_body_gets_past_the_keys(place: Place, name: str) -> None:
    """A wrong Host is refused even with the right keys, which stops DNS rebinding."""
    keys = place.sandbox.platform.keys
    own = f"Authorization: Bearer {keys.token}\r\nx-drill-key: {keys.call}\r\n".encode()
    values = {b"{auth}": own, b"{host}": f"127.0.0.1:{place.api}".encode(), b"{port}": str(place.api).encode()}
    request = TRICKS[name].replace(b"{long}", LONG.encode())
    for mark, value in values.items():
        request = request.replace(mark, value)
    kept = list(place.sandbox.platform.state.requests)

    assert as_stranger(lambda: raw(place.api, request)) in REFUSALS
    assert place.sandbox.platform.state.requests == kept


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"content-length": str(65 * 1024 * 1024)}, "413", id="large"),
        pytest.param({"content-length": "9" * 5000}, "413", id="a number of 5,000 digits"),
        pytest.param({"content-length": "-1"}, "411", id="negative"),
        pytest.param({"transfer-encoding": "chunked"}, "411", id="in pieces"),
    ],
)
def test_the_drills_own_requests_are_bounded_too(place: Place, headers: Mapping[str, str], status: str) -> None:
    """A body that is too large, or has no length, isn't read into memory."""
    token = place.sandbox.platform.keys.token
    lines = {"host": f"127.0.0.1:{place.api}", "authorization": f"Bearer {token}", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    assert raw(place.api, f"POST {HOME}/secrets HTTP/1.1\r\n{head}\r\n".encode()) == status


@pytest.mark.parametrize(
    "request_",
    [
        b"CONNECT api.supabase.com:443 HTTP/1.1\r\n\r\n",
        b"GET http://example.com/\x1b[2J HTTP/1.1\r\nProxy-Authorization: Basic ZHJpbGw6ZHJpbGw=\r\n\r\n",
        b"GET http://example.com/ HTTP/1.1\r\nAuthorization: Basic ZHJpbGw6ZHJpbGw=\r\n\r\n",
        b"\r\n\r\n",
        b"",
    ],
)
def test_the_proxy_lets_nobody_out_and_believes_no_stranger(place: Place, request_: bytes) -> None:
    """A stranger's request can't fail the proof that no command tried to leave, or reach the drill's screen."""
    assert as_stranger(lambda: raw(place.proxy, request_)) == "407"
    assert place.sandbox.proxy.attempts == []


# --- files and processes --------------------------------------------------------------------------------------------


FILES = (
    "", "enter", "home", "home/profile.yaml", "project", "project/supabase/config.toml", "state", "postgres",
    "postgres/postgres.log", "postgres/data", "postgres/data/pg_hba.conf", "postgres/data/postmaster.pid",
)  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_no_file_of_a_sandbox_can_be_read_or_listed(place: Place, name: str) -> None:
    """Only this user may use its directory; the server's account may pass through to its data."""
    path = place.sandbox.directory / name
    assert path.exists()
    told = as_stranger(lambda: f"got in: {list(path.iterdir()) if path.is_dir() else path.read_text()}")

    assert place.sandbox.directory.stat().st_mode & 0o007 == 0
    # Without root, this test can only attack as the drill's own user.
    assert told.startswith("refused: " if os.geteuid() == 0 else "got in: "), told


def test_the_record_of_sandboxes_is_the_drills_own(place: Place) -> None:
    """It may hold the password of a server named with --postgres."""
    del place
    records = list(state_directory().iterdir())

    assert state_directory().stat().st_mode & 0o077 == 0
    assert records
    assert [path.name for path in records if path.stat().st_mode & 0o077] == []


def command_lines() -> str:
    """Return the command lines of all processes. Every user can see them."""
    if not Path("/proc/self/cmdline").exists():
        return subprocess.check_output(["/bin/ps", "-axww", "-o", "command="], text=True)
    shown = b""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                shown += (entry / "cmdline").read_bytes() + b"\n"
    return shown.decode("utf-8", "replace")


def test_a_whole_drill_shows_its_secrets_nowhere() -> None:
    """They aren't on a command line, on the screen, in the journal, the project or the server's log."""
    book = read_book(PACKAGED_BOOK)
    procedure = book.procedure("call-edge-function")
    drill = choose_drill(procedure, None)
    printed: list[str] = []
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            seen.append(command_lines())

    watching = threading.Thread(target=look)
    watching.start()
    try:
        with set_stage(book, procedure, drill) as stage:
            executor = PtyExecutor(Redactor, printed.append, lambda: (80, 24), answerer=answer_cli)
            operator = AutoOperator(drill.answers, drill.reactions, say=printed.append)
            report = run_drill(stage, operator=operator, executor=executor, clock=SystemClock())
            sandbox = stage.sandbox
            subprocess.run(
                ["npx", "supabase", "migration", "list", f"--remote={sandbox.postgres.command_url}"],
                cwd=sandbox.project, env=dict(sandbox.environment), capture_output=True, check=True,
            )  # fmt: skip
            keys = sandbox.platform.keys
            secrets = [sandbox.postgres.password or "?", keys.token, keys.call, sandbox.proxy.url.split("@", 1)[0]]
            holding = sorted(
                str(path.relative_to(sandbox.directory))
                for path in sandbox.directory.rglob("*")
                if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets)
            )
            holding_mode = (sandbox.directory / "enter").stat().st_mode & 0o777
    finally:
        over.set()
        watching.join()
    everything = "\n".join([*seen, *printed, json.dumps([repr(event) for event in report.events])])

    assert report.passed, report.trouble
    assert "supabase" in everything
    assert "migration" in everything
    assert [secret for secret in secrets if secret in everything] == []
    assert (holding, holding_mode) == (["enter"], 0o700)
