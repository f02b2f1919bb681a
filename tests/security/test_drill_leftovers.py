"""A drill that dies, at whatever moment and of whatever cause, leaves no process, port or file behind."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runbook.drill.machine import is_alive, process_of

ROOT = Path(__file__).parents[2]
DEADLINE = 60
"""Seconds until everything must be gone. It takes a second or two, or longer on a busy machine."""

# A drill in a process of its own. It writes down its ports and kills itself at the given moment: when it calls a
# function, or when that returns.
DRILL = """
import fcntl, importlib, json, os, signal, subprocess, sys, termios, time
from pathlib import Path

where, name, when, how = sys.argv[1:5]
closed = []
if how == "terminal":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

def die(*_, **__):
    if how == "process":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "group":
        os.killpg(0, signal.SIGKILL)
    elif how == "error":
        raise ZeroDivisionError
    elif not closed:
        closed.append(True)  # during a command the signal is only noted, and this is called again
        print("READY", flush=True)  # the test closes its end of the terminal now
        time.sleep(3)  # not `pause`: the signal may have come already

def trap(place, name):
    old = getattr(place, name)
    def trapped(*words, **more):
        if when == "before":
            die()
        result = old(*words, **more)
        die()
        return result
    setattr(place, name, trapped)

if name != "-":
    place = importlib.import_module(where.partition(":")[0])
    for part in filter(None, where.partition(":")[2].split(".")):
        place = getattr(place, part)
    trap(place, name)

from runbook.drill.auto_operator import AutoOperator, answer_cli
from runbook.drill import registry
from runbook.drill.stage import choose_drill, run_drill, set_stage
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.policy.redaction import Redactor
from runbook.runtime.executor import PtyExecutor, SystemClock

book = read_book(PACKAGED_BOOK)
os.environ["XDG_STATE_HOME"] = os.environ["TMPDIR"] + "/state"  # not before: the key of the book's cache is there
if how == "terminal":
    procedure = book.procedure("emergency-rollback")  # it has a second command, for when the terminal is gone
else:
    procedure = book.procedure("backup-before-migration" if name == "-" else "call-edge-function")
drill = choose_drill(procedure, None)
with set_stage(book, procedure, drill) as stage:
    sandbox = stage.sandbox
    ports = [sandbox.local.port, *(int(url.split(":")[-1].split("/")[0]) for url in (
        sandbox.postgres.command_url, sandbox.platform.url, sandbox.proxy.url))]
    Path(os.environ["TMPDIR"], "ports.json").write_text(json.dumps(ports))
    if where == "stubborn":
        stubborn = "trap '' HUP TERM INT; echo started; sleep 600"
        child = subprocess.Popen(["sh", "-c", stubborn], cwd=sandbox.project, env=dict(sandbox.environment),
                                 stdout=subprocess.PIPE, start_new_session=True)
        child.stdout.readline()
        die()
    if where == "kept":
        trap(registry, "write")
        registry.keep(sandbox, "x")
    run_drill(stage, operator=AutoOperator(drill.answers, drill.reactions), clock=SystemClock(),
              executor=PtyExecutor(Redactor, lambda text: text.strip() and name == "-" and die(), lambda: (80, 24),
                                   answerer=answer_cli))
"""

MOMENTS = {
    "before the record is written": ("runbook.drill.sandbox", "write", "before"),
    "as the record is written": ("runbook.drill.sandbox", "write", "after"),
    "before the sandbox has a directory": ("runbook.drill.sandbox", "_make_directory", "before"),
    "before initdb": ("runbook.drill.postgres", "_copy_cluster", "before"),
    "with the cluster copied": ("runbook.drill.postgres", "_copy_cluster", "after"),
    "before the server is started": ("runbook.drill.watcher:Watcher", "start", "before"),
    "as the server is started": ("runbook.drill.watcher:Watcher", "start", "after"),
    "before its process is on record": ("runbook.drill.watcher", "process_of", "before"),
    "before the server answers": ("runbook.drill.postgres", "_answers", "before"),
    "before it has roles": ("runbook.drill.postgres", "_furnish", "before"),
    "as the scenario is played": ("runbook.drill.scenario", "_fill_database", "before"),
    "before the first step": ("runbook.drill.stage", "_walk", "before"),
    "as a command is started": ("runbook.drill.director:Director", "tell", "after"),
    "as a command runs": ("runbook.drill.stage", "-", "-"),
    "with a command that ignores signals": ("stubborn", "-", "-"),
    "as the proofs are checked": ("runbook.drill.stage", "_prove", "before"),
    "as the server is stopped": ("runbook.drill.sandbox", "stop_postgres", "before"),
    "as everything is removed": ("runbook.drill.sandbox", "destroy", "before"),
    "as it is to be kept": ("kept", "-", "before"),
}


@pytest.fixture
def base() -> Iterator[Path]:
    """Make a temporary directory for one drill. Each of the drill's processes names it or works in it."""
    place = Path(tempfile.mkdtemp(prefix="rb-left-", dir="/tmp"))  # a socket's path must be short
    place.chmod(0o755)
    yield place
    for pid in inside(place):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(place, ignore_errors=True)


def inside(base: Path) -> list[int]:
    """Return the processes that name the directory in their command line or environment, or work in it."""
    words, found = os.fsencode(base), []
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["/bin/ps", "-axEww", "-o", "pid=,command="], capture_output=True, check=True).stdout
        return [int(line.split()[0]) for line in listed.splitlines() if words in line]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                shown = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                is_inside = words in shown or str((entry / "cwd").readlink()).startswith(str(base))
                if is_inside and is_alive(process_of(int(entry.name))):
                    found.append(int(entry.name))
    return found


def wait_until_gone(base: Path) -> list[int]:
    """Wait until no process belongs to the directory; return those that still run at the deadline."""
    until = time.monotonic() + DEADLINE
    while (left := inside(base)) and time.monotonic() < until:
        try:
            ends = [os.pidfd_open(pid) for pid in left[:1]]
        except (ProcessLookupError, AttributeError):
            time.sleep(0.05)
            continue
        select.select(ends, [], [], max(0, until - time.monotonic()))
        for end in ends:
            os.close(end)
    return left


def command(*words: str) -> list[str]:
    """Return the argv of a drill that dies: where, which function, when, how."""
    return [sys.executable, "-P", "-c", DRILL, *words]


def environment(base: Path) -> dict[str, str]:
    """Return the environment of a drill whose temporary directory is `base`. It keeps its records below that."""
    return {**os.environ, "TMPDIR": str(base), "PYTHONPATH": str(ROOT)}


def left_behind(base: Path) -> list[str]:
    """Return the sandboxes and records that still exist."""
    records = (base / "state" / "runbook" / "sandboxes").glob("*.json")
    return [path.name for path in (*base.glob("runbook-drill-*"), *records)]


def open_ports(base: Path) -> list[int]:
    """Return the drill's ports that still answer."""
    ports = base / "ports.json"
    found = []
    for port in map(int, ports.read_text().strip("[]").split(",")) if ports.exists() else ():
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            found.append(port)
    return found


@pytest.mark.parametrize(
    ("moment", "how"),
    [
        *((moment, "process") for moment in MOMENTS),
        ("as a command runs", "group"),
    ],
)
def test_a_killed_drill_is_cleared_away(base: Path, moment: str, how: str) -> None:
    """Kill -9 hits the drill alone or its whole group, at any moment from the first file to the last."""
    killed = subprocess.run(
        command(*MOMENTS[moment], how), env=environment(base), start_new_session=True, cwd=ROOT, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert wait_until_gone(base) == []
    assert open_ports(base) == []
    assert left_behind(base) == []


def test_a_drill_whose_terminal_is_closed_is_cleared_away(base: Path) -> None:
    """Closing the terminal ends the drill and everything it started."""
    ours, theirs = pty.openpty()
    words = command(*MOMENTS["as a command runs"], "terminal")
    drill = subprocess.Popen(
        words, env=environment(base), cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    while b"READY" not in shown:
        shown += os.read(ours, 1000)
    os.close(ours)
    drill.wait(DEADLINE)

    assert wait_until_gone(base) == []
    assert open_ports(base) == []
    assert left_behind(base) == []


def test_a_drill_that_ends_leaves_no_watcher(base: Path) -> None:
    """The watcher ends with the drill, even if an error ended the drill."""
    ended = subprocess.run(
        command("runbook.drill.stage", "_walk", "before", "error"), env=environment(base), cwd=ROOT, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip

    assert "ZeroDivisionError" in ended.stderr
    assert inside(base) == []
    assert left_behind(base) == []


def test_an_interrupted_clean_up_leaves_no_sandbox(base: Path) -> None:
    """A second Ctrl-C can hit the clean-up after the first: the watcher deletes the rest, the next drill the record."""
    ended = subprocess.run(
        command("runbook.drill.sandbox", "destroy", "before", "error"), env=environment(base), cwd=ROOT, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip

    assert "ZeroDivisionError" in ended.stderr
    assert inside(base) == []
    assert list(base.glob("runbook-drill-*")) == []
