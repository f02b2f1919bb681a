"""`runbook guard install AGENT` and `uninstall` edit existing settings as text, and leave no trace."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from guard_support.home import RUNBOOK, Home
from guard_support.jsonc_documents import documents
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.errors import RunbookError
from runbook.guard import agents
from runbook.guard.agent_settings import install_hook, settings_path, uninstall_hook
from runbook.guard.hook_command import Hook
from runbook.guard.jsonc import read_jsonc

AGENTS = [agent for agent in agents.AGENTS if agent != "opencode"]
"""Those with settings. OpenCode gets a file of its own."""
LISTS = {
    "claude-code": ["PreToolUse"],
    "codex": ["PreToolUse"],
    "gemini": ["BeforeTool"],
    "cursor": ["beforeShellExecution", "beforeMCPExecution"],
    "copilot": ["preToolUse"],
    "windsurf": ["pre_run_command", "pre_mcp_tool_use"],
}
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
    "windsurf": {"hooks": {"post_cascade_response": [], "pre_mcp_tool_use": [{"command": "b", "show_output": True}]}},
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a scratch home whose project has `runbook` in its virtual environment."""
    home = Home(tmp_path)
    (home.project / ".venv/bin").mkdir(parents=True)
    (home.project / ".venv/bin/runbook").symlink_to(RUNBOOK)
    return home


def hook_of(agent: str, **more: str) -> Hook:
    """Return the hook of an agent in a project."""
    return Hook(agent, settings_path(agent, user=False), **more)


def file_of(agent: str, base: Path) -> Path:
    """Return the settings file of an agent in a directory, after its parents were created."""
    path = base / settings_path(agent, user=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def commands(settings: object) -> list[str]:
    """Return every command in settings."""
    if isinstance(settings, dict):
        own = [str(settings[name]) for name in ("command", "bash") if isinstance(settings.get(name), str)]
        return own + [each for value in settings.values() for each in commands(value)]
    return [each for value in settings for each in commands(value)] if isinstance(settings, list) else []


def value_of(path: Path) -> Any:
    """Return the value in a settings file."""
    root = read_jsonc(path.read_bytes().decode()).root
    assert root is not None
    return root.value


@pytest.mark.parametrize("agent", AGENTS)
def test_the_hook_is_written_where_nothing_was(agent: str, tmp_path: Path) -> None:
    """Installing creates a file in its directories, and uninstalling removes them."""
    path = tmp_path / settings_path(agent, user=False)

    assert install_hook(hook_of(agent), path).action == "written"
    assert f"guard hook {agent}" in commands(json.loads(path.read_text()))[0]
    assert install_hook(hook_of(agent), path).action == "unchanged"
    assert uninstall_hook(agent, path).action == "removed"
    assert list(tmp_path.iterdir()) == []
    assert uninstall_hook(agent, path).action == "unchanged"


def test_directories_that_were_there_or_are_used_now_stay(tmp_path: Path) -> None:
    """Only empty directories that installing created are removed."""
    path = file_of("claude-code", tmp_path)
    install_hook(hook_of("claude-code"), path)
    uninstall_hook("claude-code", path)
    assert path.parent.is_dir()

    other = tmp_path / settings_path("copilot", user=False)
    install_hook(hook_of("copilot"), other)
    (tmp_path / ".github/workflows").mkdir()
    uninstall_hook("copilot", other)
    assert [each.name for each in (tmp_path / ".github").iterdir()] == ["workflows"]


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("indent", [2, 4, "\t", None])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_settings_that_are_there_stay_as_they_are(
    agent: str, indent: int | str | None, newline: str, tmp_path: Path
) -> None:
    """Every line of them is still there. Removing the hook restores every byte, and no copy is left."""
    path = file_of(agent, tmp_path)
    before = (json.dumps(THEIRS[agent], indent=indent, ensure_ascii=False) + "\n").replace("\n", newline).encode()
    path.write_bytes(before)
    path.chmod(0o640)

    install_hook(hook_of(agent), path)
    with_hook = json.loads(path.read_text())

    assert list(with_hook) == list(THEIRS[agent])
    assert [each for each in commands(with_hook) if "runbook" not in each] == commands(THEIRS[agent])
    assert sum("guard hook" in each for each in commands(with_hook)) == len(LISTS[agent])
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(newline.encode())
    assert path.stat().st_mode & 0o777 == 0o640
    install_hook(hook_of(agent, book="ours"), path)
    assert sum("guard hook" in each for each in commands(json.loads(path.read_text()))) == len(LISTS[agent])
    uninstall_hook(agent, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@st.composite
def settings_of(draw: st.DrawFn, agent: str) -> dict[str, Any]:
    """Return settings with or without hooks, and with or without hooks for the guard's events."""
    others = st.dictionaries(
        st.sampled_from(["a", "version", "//", "b c"]), st.integers() | st.lists(st.none()), max_size=2
    )
    entries = st.lists(st.just({"matcher": "*"}) | st.just({"command": "./mine.sh"}), max_size=2)
    settings: dict[str, Any] = {**draw(others)}
    if draw(st.booleans()):
        hooks = draw(st.dictionaries(st.sampled_from(["Stop", "after"]), entries, max_size=1))
        for event in LISTS[agent]:
            if draw(st.booleans()):
                hooks[event] = draw(entries)
        settings["hooks"] = hooks
    return dict(draw(st.permutations(list(settings.items()))))


@st.composite
def settings_files(draw: st.DrawFn) -> tuple[str, str, Any]:
    """Return an agent, the text of a settings file, and its value."""
    agent = draw(st.sampled_from(AGENTS))
    return agent, *draw(documents(settings_of(agent)))


@settings(deadline=None)  # it writes files
@given(settings_files())
def test_uninstalling_restores_any_settings_byte_for_byte(file: tuple[str, str, Any]) -> None:
    """With the hook, each event has one more entry, whatever the layout and wherever comments are."""
    agent, text, value = file
    with tempfile.TemporaryDirectory() as directory:
        path = file_of(agent, Path(directory))
        path.write_bytes(text.encode())

        install_hook(hook_of(agent), path)
        with_hook = value_of(path)

        hooks = {**value.get("hooks", {})}
        for event in LISTS[agent]:
            entry = with_hook["hooks"][event].pop()
            assert [f"guard hook {agent}" in each for each in commands(entry)] == [True]
            hooks.setdefault(event, [])
        version = {"version": 1} if agent in {"cursor", "copilot"} else {}
        assert with_hook == {**version, **value, "hooks": hooks}
        assert install_hook(hook_of(agent), path).action == "unchanged"
        uninstall_hook(agent, path)
        assert path.read_bytes() == text.encode()


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(
    "text", ["", "\n", "\ufeff", "\r\n", "// later\n", "/* a */", "{}", "{ }\n", "{\n}\n", "{ // a\n}"]
)
def test_a_file_without_settings_gets_them_and_loses_them(agent: str, text: str, tmp_path: Path) -> None:
    """A file that was empty is empty again, and one with only a comment has only the comment."""
    path = file_of(agent, tmp_path)
    path.write_bytes(text.encode())

    install_hook(hook_of(agent), path)
    assert f"guard hook {agent}" in commands(value_of(path))[0]
    uninstall_hook(agent, path)

    assert path.read_bytes() == text.encode()


WITH_COMMENTS = """\
{
  // The team's settings.
  "theme": "dark", /* not light */
  "hooks": {
    "BeforeTool": [
      // Ours come first.
      {"matcher": "*", "hooks": [{"type": "command", "command": "./mine.sh",}]}, // mine
    ],
  },
}
"""


def test_comments_and_trailing_commas_stay(tmp_path: Path) -> None:
    """The hook goes below the comments and gets a comma like the entry above."""
    path = file_of("gemini", tmp_path)
    path.write_text(WITH_COMMENTS)

    install_hook(hook_of("gemini"), path)
    lines = path.read_text().splitlines()

    assert [line for line in WITH_COMMENTS.splitlines() if line not in lines] == []
    assert lines[7] == "      {"
    assert lines[7 + 10] == "      },"
    uninstall_hook("gemini", path)
    assert path.read_text() == WITH_COMMENTS


def test_what_people_change_after_installing_stays(tmp_path: Path) -> None:
    """Only the hook's own text goes, and what it leaves empty if nobody else has put anything there."""
    path = file_of("claude-code", tmp_path)
    install_hook(hook_of("claude-code"), path)
    text = path.read_text()
    # Another hook beside ours, one in the same entry, a comment, a key.
    path.write_text(
        text.replace('"hooks": {', '"hooks": {\n    "Stop": [],', 1)
        .replace('"PreToolUse": [', '"PreToolUse": [ // before\n      {"command": "./mine.sh"},')
        .replace('"onFailure": "block"\n          }', '"onFailure": "block"\n          }, {"command": "./too.sh"}')
        .replace("{", '{ "model": "opus",', 1)
    )
    assert len(commands(value_of(path))) == 3

    assert uninstall_hook("claude-code", path).action == "written"

    assert commands(value_of(path)) == ["./mine.sh", "./too.sh"]
    assert path.read_text() == (
        '{ "model": "opus",\n  "hooks": {\n    "Stop": [],\n    "PreToolUse": [ // before\n'
        '      {"command": "./mine.sh"},\n      {\n        "matcher": "Bash|PowerShell|Monitor|mcp__.*",\n'
        '        "hooks": [ {"command": "./too.sh"}\n        ]\n      }\n    ]\n  }\n}\n'
    )


def test_a_comment_in_the_list_that_was_added_keeps_the_list(tmp_path: Path) -> None:
    """Somebody wrote it, so it isn't the guard's to remove."""
    path = file_of("cursor", tmp_path)
    install_hook(hook_of("cursor"), path)
    path.write_text(path.read_text().replace("[", "[\n      // Add yours here.", 1))

    assert uninstall_hook("cursor", path).action == "written"

    assert "// Add yours here." in path.read_text()
    assert value_of(path) == {"hooks": {"beforeShellExecution": []}}


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(
    "program", ["runbook", "/opt/venv/bin/runbook", "'/home/me/our project/.venv/bin/runbook' --book /b"]
)
def test_the_hook_of_an_earlier_version_is_recognized(agent: str, program: str, tmp_path: Path) -> None:
    """Installing updates its line in place, and uninstalling removes it with what it leaves empty."""
    path = file_of(agent, tmp_path)
    install_hook(hook_of(agent), path)
    settings = path.read_text()
    # Earlier versions knew one event for each agent.
    value = json.loads(settings)
    for event in LISTS[agent][1:]:
        del value["hooks"][event]
    line = commands(value)[0]
    end = line[line.rindex(" || ") :]
    earlier = json.dumps(value, indent=2) + "\n"
    earlier = earlier.replace(json.dumps(line)[1:-1], json.dumps(f"{program} guard hook {agent}{end}")[1:-1])
    path.write_text(earlier)

    assert install_hook(hook_of(agent), path).action == "written"
    assert commands(value_of(path))[0].startswith("sh -c ")
    assert len(commands(value_of(path))) == len(LISTS[agent])
    assert uninstall_hook(agent, path).action == "removed"

    path.write_text(earlier)
    assert uninstall_hook(agent, path).action == "removed"
    assert not path.exists()


def test_the_copy_of_an_earlier_version_is_put_back(tmp_path: Path) -> None:
    """That version rendered the file again. Its copy has the layout, and is needed only if nothing else changed."""
    path = file_of("claude-code", tmp_path)
    copy = path.with_name("settings.json.before-runbook")
    hook = {"matcher": "Bash", "hooks": [{"type": "command", "command": "runbook guard hook claude-code || exit 2"}]}
    for model, is_same in (("opus", True), ("sonnet", False)):
        path.write_text(json.dumps({"model": model, "hooks": {"PreToolUse": [hook]}}))
        copy.write_text('{"model":   "opus"}')

        uninstall_hook("claude-code", path)

        assert path.read_text() == ('{"model":   "opus"}' if is_same else '{"model": "sonnet"}')
        assert copy.exists() is not is_same


def test_a_hook_that_was_merged_twice_stays_once(tmp_path: Path) -> None:
    """Installing removes the second one, and uninstalling removes both."""
    path = file_of("cursor", tmp_path)
    path.write_text('{"version": 1, "hooks": {"beforeShellExecution": [{"command": "a"}]}}')
    install_hook(hook_of("cursor"), path)
    settings = json.loads(path.read_text())
    settings["hooks"]["beforeShellExecution"] *= 2
    twice = json.dumps(settings)

    path.write_text(twice)
    install_hook(hook_of("cursor", book="ours"), path)
    assert ["guard hook" in each for each in commands(value_of(path))] == [False, True, False, True]

    path.write_text(twice)
    uninstall_hook("cursor", path)
    assert commands(value_of(path)) == ["a", "a"]


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,,}', ":1:9: expected a key"),
        ('{\n  # mine\n  "a": 1\n}', ":2:3: expected a key"),
        ('{"a": 1, "a": 2}', ":1:10: the key 'a' appears twice"),
        ("[]", ":1:1: the file isn't a JSON object"),
        ('{"hooks": []}', ":1:11: 'hooks' isn't a JSON object"),
        ("\x00", ":1:1: expected a value"),
    ],
)
def test_a_file_that_is_not_understood_is_left_alone(agent: str, text: str, says: str, tmp_path: Path) -> None:
    """The error is one sentence with the place, and not a byte is changed."""
    path = file_of(agent, tmp_path)
    path.write_text(text)

    with pytest.raises(RunbookError, match=says) as caught:
        install_hook(hook_of(agent), path)
    with pytest.raises(RunbookError, match=says):
        uninstall_hook(agent, path)

    assert "Nothing was changed" in caught.value.hint
    assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_a_list_that_is_no_list_is_left_alone(tmp_path: Path) -> None:
    """Another format of the event isn't overwritten."""
    path = file_of("claude-code", tmp_path)
    path.write_text('{"hooks": {"PreToolUse": {}}}')
    with pytest.raises(RunbookError, match=r"'hooks\.PreToolUse' isn't a list"):
        install_hook(hook_of("claude-code"), path)


def test_a_file_that_is_not_text_is_left_alone(tmp_path: Path) -> None:
    """A settings file in UTF-16 isn't read as something else."""
    path = file_of("codex", tmp_path)
    path.write_bytes("{}".encode("utf-16"))
    with pytest.raises(RunbookError, match="can't read"):
        install_hook(hook_of("codex"), path)


def test_private_settings_stay_private(tmp_path: Path) -> None:
    """Settings may contain tokens."""
    path = file_of("claude-code", tmp_path)
    path.write_text('{"env": {"TOKEN": "x"}}')
    path.chmod(0o600)

    install_hook(hook_of("claude-code"), path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_replaced_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says so, and no draft is left."""

    def fail(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    path = file_of("claude-code", tmp_path)
    path.write_text("{}")
    monkeypatch.setattr(Path, "replace", fail)

    with pytest.raises(RunbookError, match=r"can't write .*No space left on device"):
        install_hook(hook_of("claude-code"), path)

    assert path.read_text() == "{}"
    assert list(path.parent.iterdir()) == [path]


def test_a_link_to_settings_elsewhere_stays_a_link(tmp_path: Path) -> None:
    """Some people keep their settings in a repository of their own."""
    real = tmp_path / "dotfiles/settings.json"
    real.parent.mkdir()
    real.write_text("{}\n")
    path = tmp_path / "settings.json"
    path.symlink_to(real)

    install_hook(hook_of("claude-code"), path)

    assert path.is_symlink()
    assert "guard hook" in real.read_text()
    uninstall_hook("claude-code", path)
    assert path.is_symlink()
    assert real.read_text() == "{}\n"


@pytest.mark.parametrize("agent", AGENTS)
def test_the_command_that_is_written_really_blocks(agent: str, home: Home) -> None:
    """The test runs it as the agent does, for each event: in a shell, with the event on standard input."""
    assert home.guard("install", agent).returncode == 0
    lines = commands(value_of(home.project / settings_path(agent, user=False)))
    data = json.dumps({**RESET, "toolName": "bash", "toolArgs": '{"command": "npx supabase db reset --linked"}'})

    for line in lines:
        ran = home.run("sh", "-c", line, stdin=data.encode())
        harmless = home.run("sh", "-c", line, stdin=data.replace("db reset --linked", "db push --linked").encode())

        assert "refused" in ran.stderr
        assert ran.returncode == (0 if agent == "copilot" else 2)
        assert (harmless.returncode, harmless.stderr) == (0, "")


@pytest.mark.parametrize(
    ("agent", "earlier", "tools"),
    [
        ("claude-code", "Bash", ["Bash", "PowerShell", "Monitor", "mcp__supabase__execute_sql"]),
        ("codex", "Bash", ["Bash", "exec", "functions.exec", "write_stdin", "mcp__supabase__execute_sql"]),
        ("gemini", "run_shell_command", ["run_shell_command", "mcp_supabase_execute_sql", "execute_sql", "s__query"]),
    ],
)
def test_installing_over_an_earlier_hook_updates_its_matcher(
    agent: str, earlier: str, tools: list[str], tmp_path: Path
) -> None:
    """Otherwise the events of other shells and of MCP tools would never arrive."""
    path = file_of(agent, tmp_path)
    install_hook(hook_of(agent), path)
    [matcher] = [entry["matcher"] for entry in value_of(path)["hooks"][LISTS[agent][0]]]
    assert [tool for tool in tools if re.search(matcher, tool) is None] == []
    own = {"claude-code": ["Write", "Edit", "Read"], "codex": ["apply_patch"], "gemini": ["read_file", "replace"]}
    assert [tool for tool in own[agent] if re.search(matcher, tool)] == []
    text = path.read_text()
    path.write_text(text.replace(json.dumps(matcher), json.dumps(earlier)))

    assert install_hook(hook_of(agent), path).action == "written"

    assert path.read_text() == text


def test_a_matcher_that_somebody_wrote_stays(tmp_path: Path) -> None:
    """They may want the guard to see more."""
    path = file_of("claude-code", tmp_path)
    install_hook(hook_of("claude-code"), path)
    path.write_text(path.read_text().replace("Bash|PowerShell|Monitor|mcp__.*", ".*"))
    assert install_hook(hook_of("claude-code"), path).action == "unchanged"


def test_the_matcher_of_other_peoples_hooks_stays(tmp_path: Path) -> None:
    """If they put theirs beside the guard's, theirs still runs for Bash alone."""
    path = file_of("claude-code", tmp_path)
    ours = {"type": "command", "command": "runbook guard hook claude-code || exit 2"}
    entry = {"matcher": "Bash", "hooks": [{"type": "command", "command": "./theirs.sh"}, ours]}
    path.write_text(json.dumps({"hooks": {"PreToolUse": [entry]}}, indent=2))

    install_hook(hook_of("claude-code"), path)

    theirs, guard = value_of(path)["hooks"]["PreToolUse"]
    assert theirs == {"matcher": "Bash", "hooks": [{"type": "command", "command": "./theirs.sh"}]}
    assert "mcp__" in guard["matcher"]
    uninstall_hook("claude-code", path)
    assert value_of(path)["hooks"]["PreToolUse"] == [theirs]


def test_shared_settings_have_no_path_of_this_machine(home: Home) -> None:
    """Colleagues get them with their next pull."""
    for agent in AGENTS:
        home.guard("install", agent)
        text = (home.project / settings_path(agent, user=False)).read_text()
        assert not [path for path in (str(home.root), str(RUNBOOK.parent)) if path in text]


def test_installing_says_if_the_hook_finds_no_runbook_here(home: Home) -> None:
    """Otherwise the agent's next command would be blocked without a warning."""
    path = os.pathsep.join(
        each for each in os.environ["PATH"].split(os.pathsep) if not (Path(each) / "runbook").exists()
    )
    assert "doesn't find runbook" not in home.guard("install", "codex", PATH=path).stderr
    (home.project / ".venv/bin/runbook").unlink()
    ran = home.guard("install", "codex", PATH=path)
    assert ran.returncode == 0
    assert "pipx install migration-runbook" in ran.stderr


@pytest.mark.parametrize("place", ["project/our book", "else where"])
def test_the_book_that_is_meant_goes_into_the_hook(place: str, home: Home) -> None:
    """What is written for agents, shells and shims names the team's own book, in a project without its path."""
    book = home.root / place
    book.mkdir()
    (book / "policy.yaml").write_text(
        "global_value_flags: {}\nremote_flags: [--linked]\nrules:\n  - {id: no-ls, program: ls, command: '',"
        " reaches: nothing, effect: reads, remote: refuse, local: refuse, reason: Because.}\n"
    )

    installed = home.run(str(RUNBOOK), "--book", str(book), "guard", "install", "claude-code")
    line = commands(value_of(home.project / ".claude/settings.json"))[0]
    init = home.run(str(RUNBOOK), "--book", str(book), "guard", "shell-init", "bash").stdout
    home.run(str(RUNBOOK), "--book", str(book), "guard", "install", "shims", "--dir", str(home.root / "shims"))

    assert ("outside this project" in installed.stderr) == (place == "else where")
    assert (str(home.root) in line) == (place == "else where")
    assert "--book" in init
    assert "--book" in (home.root / "shims/npx").read_text()
    assert home.run("sh", "-c", line, stdin=b'{"tool_name": "Bash", "tool_input": {"command": "ls"}}').returncode == 2
    assert home.run("sh", "-c", line, stdin=b'{"tool_name": "Bash", "tool_input": {"command": "pwd"}}').returncode == 0


def test_the_users_own_settings_can_be_meant(home: Home) -> None:
    """`--user` writes to the home directory, with the full path of `runbook`."""
    ran = home.guard("install", "claude-code", "--user")

    assert ran.returncode == 0
    assert f"r={RUNBOOK};" in (home.root / ".claude/settings.json").read_text()
    assert not (home.project / ".claude").exists()
    assert "real fences" in ran.stderr
    assert home.guard("uninstall", "claude-code", "--user").returncode == 0
    assert not (home.root / ".claude").exists()
