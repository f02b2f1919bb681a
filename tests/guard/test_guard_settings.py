"""`runbook guard install AGENT` and `uninstall` change existing settings without damaging them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from guard_support.home import RUNBOOK, Home

from runbook.errors import RunbookError
from runbook.guard import agents
from runbook.guard.agents import install_hook, settings_path, uninstall_hook

AGENTS = list(agents.AGENTS)
RESET = {"tool_name": "Bash", "tool_input": {"command": "npx supabase db reset --linked"}, "cwd": "/"}

THEIRS: dict[str, Any] = {
    "claude-code": {
        "permissions": {"allow": ["Bash(npm run test:*)"], "deny": ["Read(./.env)"]},
        "hooks": {
            "PostToolUse": [{"matcher": "Edit", "hooks": [{"type": "command", "command": "npx prettier --write"}]}],
            "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./mine.sh"}]}],
        },
        "env": {"B": "1", "A": "2"},
        "zz": None,
        "model": "opus",
    },
    "codex": {
        "hooks": {"Stop": [], "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "a"}]}]}
    },
    "gemini": {
        "theme": "ü",
        "hooks": {"BeforeTool": [{"matcher": "*", "hooks": [{"type": "command", "command": "a"}]}]},
    },
    "cursor": {
        "version": 1,
        "hooks": {"afterFileEdit": [{"command": "./f.sh"}], "beforeShellExecution": [{"command": "b"}]},
    },
    "copilot": {"version": 1, "hooks": {"preToolUse": [{"type": "command", "bash": "./a.sh"}], "sessionEnd": []}},
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a scratch home."""
    return Home(tmp_path)


def commands(settings: object) -> list[str]:
    """Return every command in settings."""
    if isinstance(settings, dict):
        own = [str(settings[name]) for name in ("command", "bash") if isinstance(settings.get(name), str)]
        return own + [each for value in settings.values() for each in commands(value)]
    return [each for value in settings for each in commands(value)] if isinstance(settings, list) else []


@pytest.mark.parametrize("agent", AGENTS)
def test_the_hook_is_written_where_nothing_was(agent: str, tmp_path: Path) -> None:
    """Installing creates a file, and uninstalling removes it."""
    path = settings_path(agent, tmp_path, user=False)

    assert install_hook(agent, path, "/opt/runbook").action == "written"
    assert commands(json.loads(path.read_text()))[0].startswith(f"/opt/runbook guard hook {agent} || ")
    assert install_hook(agent, path, "/opt/runbook").action == "unchanged"
    assert uninstall_hook(agent, path).action == "removed"
    assert not path.exists()
    assert uninstall_hook(agent, path).action == "unchanged"


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("indent", [2, 4, "\t"])
def test_settings_that_are_there_stay_as_they_are(agent: str, indent: int | str, tmp_path: Path) -> None:
    """Every key keeps its order and indentation. Removing the hook restores exactly the same file."""
    path = settings_path(agent, tmp_path, user=False)
    path.parent.mkdir(parents=True)
    before = json.dumps(THEIRS[agent], indent=indent, ensure_ascii=False) + "\n"
    path.write_text(before)
    path.chmod(0o640)

    change = install_hook(agent, path, "runbook")
    with_hook = json.loads(path.read_text())

    assert change.backup is not None
    assert change.backup.read_text() == before
    assert list(with_hook) == list(THEIRS[agent])
    assert [each for each in commands(with_hook) if "runbook" not in each] == commands(THEIRS[agent])
    assert sum("runbook guard hook" in each for each in commands(with_hook)) == 1
    assert path.stat().st_mode & 0o777 == 0o640
    install_hook(agent, path, "/another/path/runbook")
    assert sum("runbook guard hook" in each for each in commands(json.loads(path.read_text()))) == 1
    uninstall_hook(agent, path)
    assert path.read_text() == before
    assert change.backup.read_text() == before


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,}', ":1:"),
        ('{\n  // mine\n  "a": 1\n}', ":2:3"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[]", "isn't a JSON object"),
        ('{"hooks": []}', "'hooks' isn't a JSON object"),
        ("\x00", ":1:1"),
    ],
)
def test_a_file_that_is_not_understood_is_left_alone(agent: str, text: str, says: str, tmp_path: Path) -> None:
    """The error is one sentence with the place, and not a byte is changed."""
    path = settings_path(agent, tmp_path, user=False)
    path.parent.mkdir(parents=True)
    path.write_text(text)

    with pytest.raises(RunbookError, match=says) as caught:
        install_hook(agent, path, "runbook")
    with pytest.raises(RunbookError, match=says):
        uninstall_hook(agent, path)

    assert "Nothing was changed" in caught.value.hint
    assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_a_list_that_is_no_list_is_left_alone(tmp_path: Path) -> None:
    """Another format of the event isn't overwritten."""
    path = tmp_path / "settings.json"
    path.write_text('{"hooks": {"PreToolUse": {}}}')
    with pytest.raises(RunbookError, match="isn't a list"):
        install_hook("claude-code", path, "runbook")


def test_private_settings_stay_private(tmp_path: Path) -> None:
    """Settings may contain tokens, and so may their backup."""
    path = tmp_path / "settings.json"
    path.write_text('{"env": {"TOKEN": "x"}}')
    path.chmod(0o600)
    made = install_hook("claude-code", path, "runbook")

    assert made.backup is not None
    assert {each.stat().st_mode & 0o777 for each in (path, made.backup)} == {0o600}


def test_a_link_to_settings_elsewhere_stays_a_link(tmp_path: Path) -> None:
    """Some people keep their settings in a repository of their own."""
    real = tmp_path / "dotfiles/settings.json"
    real.parent.mkdir()
    real.write_text("{}\n")
    path = tmp_path / "settings.json"
    path.symlink_to(real)

    install_hook("claude-code", path, "runbook")

    assert path.is_symlink()
    assert "guard hook" in real.read_text()


@pytest.mark.parametrize("agent", AGENTS)
def test_the_command_that_is_written_really_blocks(agent: str, home: Home) -> None:
    """The test runs it as the agent does: in a shell, with the event on standard input."""
    assert home.guard("install", agent).returncode == 0
    path = settings_path(agent, home.project, user=False)
    line = commands(json.loads(path.read_text()))[0]
    data = json.dumps({**RESET, "toolName": "bash", "toolArgs": '{"command": "npx supabase db reset --linked"}'})

    ran = home.run("sh", "-c", line, stdin=data.encode())
    harmless = home.run("sh", "-c", line, stdin=data.replace("db reset --linked", "db push --linked").encode())

    assert "deny" in ran.stdout
    assert ran.returncode == (0 if agent == "copilot" else 2)
    assert (harmless.returncode, harmless.stdout) == (0, "{}")


@pytest.mark.parametrize("agent", AGENTS)
def test_a_guard_that_is_gone_blocks(agent: str, tmp_path: Path) -> None:
    """If `runbook` is missing or dies, the command ends as a refusal."""
    for program in ("/nowhere/runbook", "/bin/false"):
        path = settings_path(agent, tmp_path, user=True)
        install_hook(agent, path, program)
        line = commands(json.loads(path.read_text()))[0]

        ran = subprocess.run(["sh", "-c", line], input=b"{}", capture_output=True, check=False)

        if agent == "copilot":
            assert json.loads(ran.stdout)["permissionDecision"] == "deny"
        else:
            assert ran.returncode == 2


def test_the_book_that_is_meant_goes_into_the_hook(home: Home) -> None:
    """What is written for agents, shells and shims names the team's own book."""
    book = home.root / "our book"
    book.mkdir()
    (book / "policy.yaml").write_text(
        "global_value_flags: {}\nremote_flags: [--linked]\nrules:\n  - {id: no-ls, program: ls, command: '',"
        " reaches: nothing, effect: reads, remote: refuse, local: refuse, reason: Because.}\n"
    )

    home.run(str(RUNBOOK), "--book", str(book), "guard", "install", "claude-code")
    line = commands(json.loads((home.project / ".claude/settings.json").read_text()))[0]
    init = home.run(str(RUNBOOK), "--book", str(book), "guard", "shell-init", "bash").stdout
    home.run(str(RUNBOOK), "--book", str(book), "guard", "install", "shims", "--dir", str(home.root / "shims"))

    assert "--book" in init
    assert "--book" in (home.root / "shims/npx").read_text()
    assert home.run("sh", "-c", line, stdin=b'{"tool_name": "Bash", "tool_input": {"command": "ls"}}').returncode == 2
    assert home.run("sh", "-c", line, stdin=b'{"tool_name": "Bash", "tool_input": {"command": "pwd"}}').returncode == 0


def test_the_users_own_settings_can_be_meant(home: Home) -> None:
    """`--user` writes to the home directory, with the full path of `runbook`."""
    ran = home.guard("install", "claude-code", "--user")

    assert ran.returncode == 0
    assert "/runbook guard hook claude-code" in (home.root / ".claude/settings.json").read_text()
    assert not (home.project / ".claude").exists()
    assert "real fences" in ran.stderr
    assert home.guard("uninstall", "claude-code", "--user").returncode == 0
    assert not (home.root / ".claude/settings.json").exists()
