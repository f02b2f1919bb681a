"""OpenCode's plugin is a file of its own: it blocks tools as OpenCode calls it, and never replaces another file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from guard_support.home import RUNBOOK, Home

from runbook.errors import RunbookError
from runbook.guard.agent_settings import install_hook, settings_path, uninstall_hook
from runbook.guard.hook_command import Hook

SETTINGS = settings_path("opencode", user=False)
CALL = """\
import { RunbookGuard } from "./plugin.mjs"

const [tool, args] = JSON.parse(process.argv[2])
const hooks = await RunbookGuard({ directory: process.cwd() })
try {
  await hooks["tool.execute.before"]({ tool, sessionID: "s", callID: "c" }, { args })
  console.log("runs")
} catch (error) {
  console.log("stopped: " + error.message)
}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a scratch home whose project has `runbook` in its virtual environment."""
    home = Home(tmp_path)
    (home.project / ".venv/bin").mkdir(parents=True)
    (home.project / ".venv/bin/runbook").symlink_to(RUNBOOK)
    return home


def called(home: Home, tool: str, environment: Mapping[str, str] | None = None, /, **arguments: object) -> str:
    """Return what happens when OpenCode is about to call a tool."""
    node = shutil.which("node")
    assert node, "scripts/setup installs node"
    (home.project / "plugin.mjs").write_text((home.project / SETTINGS).read_text())
    (home.project / "call.mjs").write_text(CALL)
    ran = home.run(node, "call.mjs", json.dumps([tool, arguments]), stdin=b"", timeout=60, **(environment or {}))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_plugin_stops_what_the_guard_refuses(home: Home) -> None:
    """The error has the reason, and everything else runs."""
    assert home.guard("install", "opencode").returncode == 0

    assert "DESTROYS DATA" in called(home, "bash", command="npx supabase db reset --linked")
    assert "The line: npx supabase db reset" in called(home, "bash", command="npx supabase db reset")
    assert "stopped: " in called(home, "supabase_execute_sql", query="drop table users")
    assert called(home, "bash", command="ls") == "runs\n"
    assert called(home, "read", filePath="README.md") == "runs\n"


def test_a_plugin_that_finds_no_runbook_stops_the_tool(home: Home) -> None:
    """The reason says how to install it."""
    home.guard("install", "opencode")
    (home.project / ".venv/bin/runbook").unlink()
    places = os.environ["PATH"].split(os.pathsep)
    path = os.pathsep.join(place for place in places if not (Path(place) / "runbook").exists())

    answer = called(home, "bash", {"PATH": path}, command="ls")

    assert answer.startswith("stopped: ")
    assert "pipx install migration-runbook" in answer


def test_the_plugin_is_written_once_and_removed_without_a_trace(tmp_path: Path) -> None:
    """The directories that were created for it go, too."""
    path = tmp_path / SETTINGS
    hook = Hook("opencode", SETTINGS)

    assert install_hook(hook, path).action == "written"
    assert install_hook(hook, path).action == "unchanged"
    assert install_hook(Hook("opencode", SETTINGS, book="ours"), path).action == "written"
    assert "ours" in path.read_text()
    assert uninstall_hook("opencode", path).action == "removed"
    assert list(tmp_path.iterdir()) == []
    assert uninstall_hook("opencode", path).action == "unchanged"


def test_other_plugins_stay(tmp_path: Path) -> None:
    """Their directory stays with them."""
    path = tmp_path / SETTINGS
    install_hook(Hook("opencode", SETTINGS), path)
    (path.parent / "theirs.js").write_text("export const Theirs = async () => ({})\n")
    uninstall_hook("opencode", path)
    assert [each.name for each in path.parent.iterdir()] == ["theirs.js"]


@pytest.mark.parametrize("change", ["another file", "changed"])
def test_a_file_that_is_not_the_guards_is_left_alone(change: str, tmp_path: Path) -> None:
    """Neither installing nor uninstalling touches it, and the error says what to do."""
    path = tmp_path / SETTINGS
    install_hook(Hook("opencode", SETTINGS), path)
    text = "export const Mine = 1\n" if change == "another file" else path.read_text() + "// mine\n"
    path.write_text(text)

    with pytest.raises(RunbookError, match="exists, and it isn't as") as installing:
        install_hook(Hook("opencode", SETTINGS), path)
    with pytest.raises(RunbookError, match="isn't as") as uninstalling:
        uninstall_hook("opencode", path)

    assert "Nothing was changed" in installing.value.hint
    assert "Nothing was changed" in uninstalling.value.hint
    assert path.read_text() == text


def test_line_breaks_that_git_changed_are_no_change(tmp_path: Path) -> None:
    """On Windows, a checkout may have other ones."""
    path = tmp_path / SETTINGS
    install_hook(Hook("opencode", SETTINGS), path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert uninstall_hook("opencode", path).action == "removed"


def test_the_plugin_is_javascript_without_a_path_of_this_machine(tmp_path: Path) -> None:
    """Colleagues get it with their next pull."""
    path = tmp_path / SETTINGS
    install_hook(Hook("opencode", SETTINGS), path)
    module = tmp_path / "plugin.mjs"
    module.write_text(path.read_text())
    checked = subprocess.run(["node", "--check", str(module)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert str(tmp_path) not in path.read_text()
