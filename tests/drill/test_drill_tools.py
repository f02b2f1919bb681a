"""What a drill does without its tools: it names the command, and at a terminal offers to run it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest
from support.terminals import ROOT
from support.tool_registry import Npm

from runbook.cli import main
from runbook.drill import machine
from runbook.drill.machine import Account


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Npm:
    """Return a machine without tools, whose npm is a stand-in."""
    return Npm(tmp_path, monkeypatch)


def test_a_drill_without_tools_names_the_command(npm: Npm, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is there to be asked, so nothing is installed."""
    assert main(["drill", "emergency-rollback", "--auto"]) == 1

    told = capsys.readouterr().err
    assert "the Supabase CLI 3 that drills use isn't installed" in told
    assert "runbook setup" in told
    assert npm.calls == []


_DRILL = """
import sys
from runbook import installation
from runbook.runtime import toolchain
installation.checkout = toolchain.checkout = lambda: None
import runbook.drill.tools as tools
tools.provide_tools((3,), url=None)
print("provided")
"""


def _start() -> pexpect.spawn[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    return pexpect.spawn(
        sys.executable, ["-c", _DRILL], env=environment, encoding="utf-8", timeout=60, dimensions=(24, 100)
    )


def test_at_a_terminal_a_drill_offers_to_install_them(npm: Npm) -> None:
    """Enter accepts: it only writes to the person's own cache."""
    child = _start()
    child.expect(r"Install both majors and PostgreSQL now .*\[Y/n\]")
    child.sendline("")
    child.expect("provided")
    child.expect(pexpect.EOF)
    assert len(npm.calls) == 1


def test_the_offer_can_be_declined(npm: Npm) -> None:
    """The drill then ends with what is missing."""
    child = _start()
    child.expect(r"\[Y/n\]")
    child.sendline("n")
    child.expect("MissingPartError")
    child.expect(pexpect.EOF)
    assert npm.calls == []


# --- macOS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("temporary", "is_used"),
    [
        ("/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T", True),
        ("/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/a-longer-one", False),
    ],
)
def test_the_servers_socket_fits_into_104_bytes(temporary: str, is_used: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is all that macOS has for a socket's path, with the zero at its end. A longer directory isn't used."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: temporary)
    base = machine.temporary_base(Account("me", os.getuid(), os.getgid(), switch=False))

    assert (str(base) == temporary) == is_used
    assert len(f"{base}/runbook-drill-12345678/postgres/.s.PGSQL.65535") < 104
