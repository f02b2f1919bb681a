"""A sandbox lets nothing in and nothing out, and is gone after, even when its drill was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from drill_support.drills import migration, scene
from support.terminals import ROOT, press, terminal

from runbook.drill.database import query
from runbook.drill.isolation import harmless_environment
from runbook.drill.machine import Account, Process, is_alive, process_of, state_directory
from runbook.drill.registry import SandboxRecord, records, sweep, write
from runbook.drill.sandbox import Sandbox
from runbook.drill.watcher import watch
from runbook.errors import MissingPartError, RunbookError
from runbook.model import Scenario


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the record of sandboxes apart from that of other tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module", params=[3, 2])
def pending(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Open one sandbox for each major of the CLI, with a file that no test pushes."""
    scenario = Scenario(migrations=(migration("note", "select 1", "pending"),))
    with scene(scenario, major=request.param) as sandbox:
        yield sandbox


def test_npx_supabase_is_the_pinned_cli(pending: Sandbox) -> None:
    """In the project `npx supabase` is the real CLI of the wanted major, without asking a registry."""
    done = subprocess.run(
        ["npx", "supabase", "--version"],
        cwd=pending.project, env=dict(pending.environment), capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stdout.strip() == pending.cli.version
    assert done.stdout.startswith(f"{pending.cli.major}.")


def test_a_command_that_leaves_is_caught(pending: Sandbox) -> None:
    """A child that asks for another host gets a refusal, and the attempt is on record."""
    subprocess.run(
        ["npx", "supabase", "projects", "list"],
        cwd=pending.project,
        env={**pending.environment, "SUPABASE_PROFILE": "supabase"},
        capture_output=True,
        check=False,
    )

    assert any("api.supabase.com" in attempt for attempt in pending.proxy.attempts)


def test_nothing_is_left_after() -> None:
    """Directory, server and record are gone when the block ends, also when it ends with an error."""
    opened: list[Sandbox] = []

    def fail() -> None:
        with scene() as sandbox:
            opened.append(sandbox)
            assert [record.directory for record in records()] == [str(sandbox.directory)]
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        fail()
    directory, process = opened[0].directory, opened[0].postgres.process

    assert process is not None
    assert not directory.exists()
    assert not is_alive(process)
    assert records() == ()


def test_the_next_drill_clears_up_if_the_watcher_was_killed_too() -> None:
    """Kill -9 of a drill and its watcher leaves the server and the directory; the next sandbox removes them."""
    code = (
        "import os, signal\nfrom drill_support.drills import scene\n"
        "with scene() as sandbox:\n"
        "    os.kill(sandbox.watcher.pid, signal.SIGKILL)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    left = records()
    server, directory = left[0].servers[0], Path(left[0].directory)
    alive_before = is_alive(server) and directory.exists()
    with scene():
        pass

    assert killed.returncode == -signal.SIGKILL
    assert alive_before
    assert not is_alive(server)
    assert not directory.exists()
    assert records() == ()


def test_a_half_written_record_goes_with_its_sandbox(tmp_path: Path) -> None:
    """A drill killed while it writes leaves a draft, which may hold the password of a borrowed server."""
    write(SandboxRecord(id="x", owner=Process(0, ""), directory=str(tmp_path / "gone")))
    (state_directory() / "x.draft").write_text('{"borrowed": ["postgresql://u:p', encoding="utf-8")

    assert [record.id for record in sweep()] == ["x"]
    assert list(state_directory().iterdir()) == []


def test_a_server_that_can_not_be_started_names_the_reason(tmp_path: Path) -> None:
    """The watcher starts it, and passes on what the system says."""
    account = Account("me", os.getuid(), os.getgid(), switch=False)
    with watch(tmp_path / "sandbox") as watcher:
        with pytest.raises(RunbookError, match=r"can't start /nowhere/postgres as me: .*No such file"):
            watcher.start(["/nowhere/postgres"], log=tmp_path / "log", account=account)
        assert is_alive(process_of(watcher.pid))


def test_a_running_drill_is_not_cleared_up() -> None:
    """Another drill's sandbox is left alone while that drill lives."""
    with scene() as sandbox:
        assert sweep() == ()
        assert sandbox.directory.exists()
        assert is_alive(sandbox.postgres.process or Process(0, ""))


def test_a_broken_record_is_not_in_the_way(tmp_path: Path) -> None:
    """A record that can't be read neither stops a drill nor makes it delete anything."""
    place = tmp_path / "state" / "runbook" / "sandboxes"
    place.mkdir(parents=True)
    (place / "half.json").write_text('{"id": "half", "owner"', encoding="utf-8")
    (place / "odd.json").write_text(json.dumps({"id": "odd", "directory": str(tmp_path)}), encoding="utf-8")

    assert sweep() == ()
    assert tmp_path.exists()


def test_what_names_a_target_is_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens, project refs, database settings and agents' marks stay outside; the terminal's settings come along."""
    for name in ("SUPABASE_ACCESS_TOKEN", "SUPABASE_PROJECT_ID", "PGHOST", "CLAUDECODE", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("NO_COLOR", "1")
    before = dict(os.environ)
    with harmless_environment():
        inside = dict(os.environ)

    assert not {"SUPABASE_ACCESS_TOKEN", "SUPABASE_PROJECT_ID", "PGHOST", "CLAUDECODE", "HTTPS_PROXY"} & set(inside)
    assert inside["NO_COLOR"] == "1"
    assert dict(os.environ) == before


def test_without_node_the_missing_part_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Node.js gets one sentence and what to install; nothing stays behind."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match=r"Node\.js isn't on PATH"), scene():
        pass

    assert records() == ()


def push_command(sandbox: Sandbox) -> list[str]:
    """Return the push that a person types in that project."""
    url = sandbox.postgres.command_url
    return ["npx", "supabase", "db", "push", *([f"--remote={url}"] if sandbox.cli.major == 3 else ["--db-url", url])]


def pushed(sandbox: Sandbox) -> list[tuple[object, ...]]:
    """Return how many versions the history has."""
    return query(sandbox.postgres.url, "select count(*) from supabase_migrations.schema_migrations")


def test_the_clis_own_question_is_asked(pending: Sandbox) -> None:
    """The sandbox's production counts as hosted: before it writes the CLI asks, as it does on a real project."""
    program, *words = push_command(pending)
    child = pexpect.spawn(
        program, words,
        cwd=str(pending.project), env={**pending.environment, "TERM": "xterm"}, timeout=60, encoding="utf-8",
    )  # fmt: skip
    child.expect("Yes.*?No")
    child.send("n")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 1
    assert pushed(pending) == [(1,)]


def test_the_clis_own_question_is_not_answered_by_keys_typed_ahead(pending: Sandbox) -> None:
    """A `y` typed before the question, or pasted at it, pushes nothing; the `n` that the person types counts."""
    wanted = {"argv": push_command(pending), "environment": dict(pending.environment)}
    paths = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    child = terminal(
        sys.executable, "-m", "support.executing", json.dumps(wanted),
        environment={**pending.environment, **paths}, directory=pending.project, timeout=60,
    )  # fmt: skip
    child.expect("BORN")
    press(child, "yyy")
    child.expect("typed before the question appeared were discarded")
    child.expect("Yes.*?No")
    press(child, "")
    child.send("\x1b[200~y\r\x1b[201~")
    child.expect("Pasted text was discarded")
    time.sleep(0.5)
    press(child, "n")
    child.expect('"exit": 1')
    child.close()

    assert pushed(pending) == [(1,)]
