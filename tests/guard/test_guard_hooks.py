"""Hooks of coding agents: each documented event gets the agent's own form of answer, and failures block in time."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from guard_support.home import RUNBOOK, Home

from runbook.guard import agents, fast_path

AGENTS = list(agents.AGENTS)
RESET = "npx supabase db reset --linked"
LOCAL = "npx supabase db reset"
PUSH = "npx supabase db push --linked"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a scratch home."""
    return Home(tmp_path)


def event(agent: str, command: object, directory: str = "/") -> dict[str, Any]:
    """Return what an agent sends before it runs a shell command, as its reference documents it."""
    common = {"session_id": "abc123", "transcript_path": "/t.jsonl", "cwd": directory, "hook_event_name": "PreToolUse"}
    if agent == "claude-code":
        tool = {"command": command, "description": "Reset it", "timeout": 120000, "run_in_background": False}
        return {**common, "permission_mode": "default", "tool_name": "Bash", "tool_input": tool, "tool_use_id": "t1"}
    if agent == "codex":
        return {**common, "turn_id": "t", "tool_name": "Bash", "tool_use_id": "c1", "tool_input": {"command": command}}
    if agent == "gemini":
        tool = {"command": command, "description": "Reset it", "dir_path": directory}
        stamp = {"hook_event_name": "BeforeTool", "timestamp": "2026-11-23T01:20:00Z"}
        return {**common, **stamp, "tool_name": "run_shell_command", "tool_input": tool}
    if agent == "cursor":
        ids = {"conversation_id": "c", "generation_id": "g", "workspace_roots": [directory], "cursor_version": "2.0.77"}
        return {**ids, "hook_event_name": "beforeShellExecution", "command": command, "cwd": directory}
    arguments = json.dumps({"command": command, "description": "Reset it"})
    return {"timestamp": 1704614400000, "cwd": directory, "toolName": "bash", "toolArgs": arguments}


def decision(agent: str, answer: str) -> str:
    """Return what an agent reads from an answer: allow (no opinion), ask or deny."""
    found = json.loads(answer)
    if found == {}:
        return "allow"
    if agent in {"claude-code", "codex"}:
        inner = found["hookSpecificOutput"]
        assert inner["hookEventName"] == "PreToolUse"
        assert inner["permissionDecisionReason"]
        return str(inner["permissionDecision"])
    if agent == "gemini":
        assert found["reason"]
        return str(found["decision"])
    if agent == "cursor":
        assert found["agent_message"]
        assert found["user_message"]
        return str(found["permission"])
    assert found["permissionDecisionReason"]
    return str(found["permissionDecision"])


def blocks(agent: str, ran: subprocess.CompletedProcess[str]) -> bool:
    """Whether an agent would block the command, by the answer and, if the agent reads it, by the exit code."""
    denied = decision(agent, ran.stdout) == "deny" and bool(ran.stderr)
    return denied and ran.returncode == (0 if agent == "copilot" else 2)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_refused_command_is_denied(agent: str, home: Home) -> None:
    """The answer says what would have happened and what to do instead."""
    ran = home.guard("hook", agent, stdin=json.dumps(event(agent, RESET)).encode())

    assert blocks(agent, ran)
    assert "db push" in ran.stdout
    assert "DESTROYS DATA" in ran.stdout


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("command", [PUSH, "ls -la", f"git commit -m 'never run {RESET}'"])
def test_an_allowed_command_gets_no_opinion(agent: str, command: str, home: Home) -> None:
    """The guard never says "allow": that would skip the agent's own permissions."""
    ran = home.guard("hook", agent, stdin=json.dumps(event(agent, command)).encode())
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "{}", "")


@pytest.mark.parametrize("agent", AGENTS)
def test_what_needs_a_person_is_asked_or_denied(agent: str, home: Home) -> None:
    """Agents that can ask do so. The others would treat a question as consent, so the command is denied."""
    ran = home.guard("hook", agent, stdin=json.dumps(event(agent, LOCAL)).encode())

    if agent in {"claude-code", "cursor"}:
        assert (decision(agent, ran.stdout), ran.returncode) == ("ask", 0)
    else:
        assert blocks(agent, ran)
        assert "A person can run it in a terminal." in ran.stdout


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"[]",
        b"null",
        b"{}",
        b'{"tool_name": "Bash"}',
        b'{"tool_name": "Bash", "tool_input": {}}',
        b'{"tool_name": "Bash", "tool_input": {"command": ""}}',
        b'{"tool_name": "Bash", "tool_input": {"command": "  \\n"}}',
        b'{"tool_name": "Bash", "tool_input": {"command": 7}}',
        b'{"tool_name": "Bash", "tool_input": {"command": []}}',
        b'{"tool_name": "Bash", "tool_input": "nonsense"}',
        b'{"toolName": "bash", "toolArgs": "{"}',
        b'{"toolName": "bash", "toolArgs": "[]"}',
        b'{"command": null}',
        b'{"command": "ls", "tool_input',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
    ids=lambda data: data[:50].decode(errors="replace"),
)
def test_an_event_that_cannot_be_read_blocks(agent: str, data: bytes) -> None:
    """Whether it's empty, garbage, cut off or without a command, no agent takes the answer for consent."""
    given = agents.answer_event(agent, data, book=None)
    assert blocks(agent, subprocess.CompletedProcess([], given.code, given.stdout, given.stderr))


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("command", ["x" * 1024 * 1024, "echo " + "a " * 200_000], ids=["one word", "many"])
def test_a_megabyte_is_not_allowed(agent: str, command: str, home: Home) -> None:
    """An event that is too long to read doesn't count as harmless."""
    ran = home.guard("hook", agent, stdin=json.dumps(event(agent, command)).encode())
    assert decision(agent, ran.stdout) in {"deny", "ask"}


@pytest.mark.parametrize("agent", AGENTS)
def test_an_event_that_never_ends_blocks(agent: str, home: Home) -> None:
    """The guard's own alarm answers while the agent is still writing, so no agent gives up and runs the command."""
    child = subprocess.Popen(
        [str(RUNBOOK), "guard", "hook", agent],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=home.environment(),
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdin.write('{"tool_name": "Bash", ')
    child.stdin.flush()
    ran = subprocess.CompletedProcess([], child.wait(timeout=60), child.stdout.read(), child.stderr.read())
    for stream in (child.stdin, child.stdout, child.stderr):
        stream.close()
    assert blocks(agent, ran)


class _Bomb(Exception):
    """A bug in the guard."""


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("bomb", [_Bomb("boom"), RecursionError(), MemoryError(), KeyboardInterrupt(), SystemExit(0)])
def test_a_crash_blocks(
    agent: str, bomb: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If anything goes wrong inside, even an exit with code 0, the answer is a refusal."""

    def explode(*_args: object, **_options: object) -> None:
        raise bomb

    monkeypatch.setattr(agents, "answer_event", explode)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(event(agent, "ls")).encode())))

    code = fast_path.answer_hook(agent, None)

    printed = capsys.readouterr()
    assert blocks(agent, subprocess.CompletedProcess([], code, printed.out, printed.err))


@pytest.mark.parametrize("agent", AGENTS)
def test_a_broken_module_blocks(
    agent: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blocking works even without the module that knows the agents."""
    monkeypatch.setitem(__import__("sys").modules, "runbook.guard.agents", None)

    code = fast_path.answer_hook(agent, None)

    printed = capsys.readouterr()
    if agent == "copilot":
        assert decision(agent, printed.out) == "deny"
    else:
        assert (code, bool(printed.err)) == (2, True)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_broken_book_blocks(agent: str, home: Home) -> None:
    """If the policy can't be read, every command is blocked."""
    data = json.dumps(event(agent, "ls")).encode()
    assert blocks(agent, home.guard("hook", agent, stdin=data, RUNBOOK_BOOK=str(home.root / "nowhere")))


def test_an_agent_that_nobody_knows_is_an_error(home: Home) -> None:
    """A typo in a configuration blocks and says so."""
    ran = home.guard("hook", "claude", stdin=json.dumps(event("claude-code", "ls")).encode())
    assert ran.returncode == 2
    assert "no agent 'claude'" in ran.stderr


@pytest.mark.parametrize("agent", ["claude-code", "codex", "gemini", "copilot"])
def test_tools_that_run_no_command_are_left_alone(agent: str, home: Home) -> None:
    """Reading, editing and searching aren't the guard's business, whatever text they contain."""
    if agent == "copilot":
        edit: dict[str, Any] = {"toolName": "edit", "toolArgs": json.dumps({"path": "README.md", "text": RESET})}
    else:
        edit = {"tool_name": "Write", "tool_input": {"file_path": "/x/README.md", "content": RESET}, "cwd": "/"}
    ran = home.guard("hook", agent, stdin=json.dumps(edit).encode())
    assert (ran.returncode, ran.stdout) == (0, "{}")


def test_other_shapes_of_the_same_events_are_read() -> None:
    """Some agents send a list of words, an object instead of text, or other names for the shell tool."""
    shapes: list[dict[str, Any]] = [
        {"tool_name": "shell", "tool_input": {"command": ["bash", "-lc", RESET]}},
        {"tool_name": "exec_command", "tool_input": {"cmd": RESET}},
        {"toolName": "powershell", "toolArgs": {"command": RESET}},
        {"tool_name": "mcp__x__terminal", "tool_input": {"command": RESET}},
        {"hook_event_name": "preToolUse", "tool_name": "Shell", "tool_input": {"command": RESET, "cwd": "/"}},
    ]
    for shape in shapes:
        assert agents.answer_event("codex", json.dumps(shape).encode(), book=None).code == 2


def test_the_directory_of_the_event_counts(home: Home, tmp_path: Path) -> None:
    """The scripts of the project that the agent works in are read."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "package.json").write_text('{"scripts": {"fresh": "supabase db reset --linked"}}')
    for agent in AGENTS:
        data = json.dumps(event(agent, "npm run fresh", str(other))).encode()
        assert blocks(agent, home.guard("hook", agent, stdin=data))


def test_what_an_agent_was_denied_is_in_the_log(home: Home) -> None:
    """The entry has the agent's name."""
    home.guard("hook", "gemini", stdin=json.dumps(event("gemini", RESET)).encode())
    assert json.loads(home.log.read_text())["face"] == "gemini"
