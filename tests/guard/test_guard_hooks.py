"""Hooks of coding agents: each documented event gets the agent's own form of answer, and failures block in time."""

from __future__ import annotations

import io
import json
import signal
import subprocess
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from guard_support.answers import decision_of
from guard_support.home import RUNBOOK, Home
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbook.guard import agents, fast_path

pytest_plugins = ["guard_support.warm_home"]

AGENTS = list(agents.AGENTS)
RESET = "npx supabase db reset --linked"
LOCAL = "npx supabase db reset"
PUSH = "npx supabase db push --linked"


def event(agent: str, command: object, directory: str = "/") -> dict[str, Any]:
    """Return what an agent sends before it runs a shell command, as its reference documents it."""
    time = "2026-11-23T01:20:00Z"
    said = {"command": command, "description": "Reset it"}
    common = {"session_id": "abc123", "transcript_path": "/t.jsonl", "cwd": directory, "hook_event_name": "PreToolUse"}
    cursor = {"conversation_id": "c", "generation_id": "g", "workspace_roots": [directory], "cursor_version": "2.0.77"}
    windsurf = {"trajectory_id": "t", "execution_id": "e", "timestamp": time}
    events: dict[str, dict[str, Any]] = {
        "claude-code": {
            **common,
            "permission_mode": "default",
            "tool_name": "Bash",
            "tool_input": {**said, "timeout": 120000, "run_in_background": False},
            "tool_use_id": "t1",
        },
        "codex": {**common, "turn_id": "t", "tool_name": "Bash", "tool_use_id": "c1", "tool_input": said},
        "gemini": {
            **common,
            "hook_event_name": "BeforeTool",
            "timestamp": time,
            "tool_name": "run_shell_command",
            "tool_input": {**said, "dir_path": directory},
        },
        "cursor": {**cursor, "hook_event_name": "beforeShellExecution", "command": command, "cwd": directory},
        "copilot": {"timestamp": 1704614400000, "cwd": directory, "toolName": "bash", "toolArgs": json.dumps(said)},
        "windsurf": {
            **windsurf,
            "agent_action_name": "pre_run_command",
            "tool_info": {"command_line": command, "cwd": directory},
        },
        "opencode": {"hook_event_name": "tool.execute.before", "tool": "bash", "args": said, "cwd": directory},
    }
    return events[agent]


def answered(agent: str, data: object) -> subprocess.CompletedProcess[str]:
    """Return the answer to an event."""
    given = agents.answer_event(agent, json.dumps(data).encode(), book=None)
    return subprocess.CompletedProcess([], given.code, given.stdout, given.stderr)


def decision(agent: str, ran: subprocess.CompletedProcess[str]) -> str:
    """Return what an agent understands: allow (no opinion), ask or deny."""
    return decision_of(agent, ran.stdout, ran.stderr, ran.returncode)


def blocks(agent: str, ran: subprocess.CompletedProcess[str]) -> bool:
    """Whether an agent would block the command, and knows why."""
    return decision(agent, ran) == "deny" and bool(ran.stderr)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_refused_command_is_denied(agent: str, home: Home) -> None:
    """The answer says what would have happened and what to do instead."""
    ran = home.guard("hook", agent, stdin=json.dumps(event(agent, RESET)).encode())

    assert blocks(agent, ran)
    assert "db push" in ran.stderr
    assert "DESTROYS DATA" in ran.stderr


@pytest.mark.parametrize(
    ("agent", "command"), [*zip(AGENTS, cycle([PUSH, "ls -la", f"git commit -m 'never run {RESET}'"]), strict=False)]
)
def test_an_allowed_command_gets_no_opinion(agent: str, command: str, home: Home) -> None:
    """The guard never says "allow": that would skip the agent's own permissions."""
    ran = home.guard("hook", agent, stdin=json.dumps(event(agent, command)).encode())
    assert (decision(agent, ran), ran.stderr) == ("allow", "")


@pytest.mark.parametrize("agent", AGENTS)
def test_what_needs_a_person_is_asked_or_denied(agent: str, home: Home) -> None:
    """Claude Code can ask. The others would treat a question as consent, so the command is denied."""
    ran = home.guard("hook", agent, stdin=json.dumps(event(agent, LOCAL)).encode())

    if agent == "claude-code":
        assert (decision(agent, ran), ran.returncode) == ("ask", 0)
    else:
        assert blocks(agent, ran)
        assert f"A person can run it in a terminal. The line: {LOCAL}" in ran.stderr


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        ("default", "ask"),
        ("plan", "ask"),
        ("acceptEdits", "ask"),
        ("auto", "deny"),
        ("dontAsk", "deny"),
        ("bypassPermissions", "deny"),
        ("a mode of next year", "deny"),
        (None, "deny"),
    ],
)
def test_in_a_mode_that_asks_nobody_the_command_is_denied(mode: str | None, answer: str) -> None:
    """The answer says how a person can run it, because the agent can't."""
    ran = answered("claude-code", {**event("claude-code", LOCAL), "permission_mode": mode})

    assert decision("claude-code", ran) == answer
    assert (f"The line: {LOCAL}" in ran.stderr) == (answer == "deny")


def test_the_line_for_a_person_has_no_secret() -> None:
    """It ends up in the agent's transcript."""
    token = "sbp_" + "0123456789abcdef" * 2 + "01234567"
    ran = answered("codex", event("codex", f"SUPABASE_ACCESS_TOKEN={token} npx supabase branches delete x"))
    assert blocks("codex", ran)
    assert token not in ran.stderr + ran.stdout
    assert "npx supabase branches delete x" in ran.stderr


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


@pytest.mark.parametrize(("agent", "word"), [*zip(AGENTS, cycle(["x" * 1024, "echo " + "a " * 200]), strict=False)])
def test_a_megabyte_is_not_allowed(agent: str, word: str, home: Home) -> None:
    """An event that is too long to read doesn't count as harmless."""
    ran = home.guard("hook", agent, stdin=json.dumps(event(agent, word * 1024)).encode())
    assert decision(agent, ran) in {"deny", "ask"}


def test_an_event_that_never_ends_blocks(home: Home) -> None:
    """The guard's own alarm answers while the agent is still writing, so no agent gives up and runs the command."""
    children = {
        agent: subprocess.Popen(
            [str(RUNBOOK), "guard", "hook", agent],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=home.environment(),
            text=True,
        )
        for agent in AGENTS
    }
    for child in children.values():
        assert child.stdin is not None
        child.stdin.write('{"tool_name": "Bash", ')
        child.stdin.flush()
    for agent, child in children.items():
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        ran = subprocess.CompletedProcess([], child.wait(timeout=60), child.stdout.read(), child.stderr.read())
        for stream in (child.stdin, child.stdout, child.stderr):
            stream.close()
        assert blocks(agent, ran), agent


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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_alarm_that_is_lost_rings_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Python drops an exception in a finalizer. Judging that goes on for ever ends all the same."""
    rung = []

    class Finalized:
        def __del__(self) -> None:
            try:
                signal.pause()
            except TimeoutError:
                rung.append("lost")
                raise

    def judge_for_ever(*_args: object, **_options: object) -> None:
        Finalized()
        while True:
            signal.pause()

    monkeypatch.setattr(agents, "answer_event", judge_for_ever)
    monkeypatch.setattr(fast_path, "_WAITING_SECONDS", 0.05)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(event("codex", "ls")).encode())))

    code = fast_path.answer_hook("codex", None)

    printed = capsys.readouterr()
    assert rung == ["lost"]
    assert blocks("codex", subprocess.CompletedProcess([], code, printed.out, printed.err))


@pytest.mark.parametrize("agent", AGENTS)
def test_a_broken_module_blocks(
    agent: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blocking works even without the module that knows the agents."""
    monkeypatch.setitem(__import__("sys").modules, "runbook.guard.agents", None)

    code = fast_path.answer_hook(agent, None)

    printed = capsys.readouterr()
    if agent == "copilot":
        assert json.loads(printed.out)["permissionDecision"] == "deny"
    else:
        assert (code, bool(printed.err)) == (2, True)


BROKEN = (">/dev/full", ">&-", "2>/dev/full", "2>&-", ">&- 2>&-")


@pytest.mark.parametrize(
    ("agent", "broken"),
    [
        *((agent, broken) for agent in ("claude-code", "copilot") for broken in BROKEN),
        *zip([agent for agent in AGENTS if agent not in {"claude-code", "copilot"}], BROKEN, strict=True),
    ],
)
def test_an_answer_that_cannot_be_written_blocks(agent: str, broken: str, home: Home) -> None:
    """If an agent's pipe is full or closed, the exit code blocks alone."""
    ran = subprocess.run(
        ["sh", "-c", f'"$0" guard hook "$1" {broken}', str(RUNBOOK), agent],
        input=json.dumps(event(agent, RESET)).encode(),
        capture_output=True,
        env=home.environment(),
        check=False,
    )
    if agent == "copilot" and ran.stdout:  # it reads standard output alone, and got all of it
        assert json.loads(ran.stdout)["permissionDecision"] == "deny"
    else:
        assert ran.returncode == 2


@pytest.mark.parametrize("agent", AGENTS)
def test_without_a_standard_input_the_answer_blocks(agent: str, home: Home) -> None:
    """It says why, because an agent that closes it has a fault of its own."""
    ran = subprocess.run(
        ["sh", "-c", '"$0" guard hook "$1" <&-', str(RUNBOOK), agent],
        capture_output=True,
        text=True,
        env=home.environment(),
        check=False,
    )
    assert blocks(agent, ran)
    assert "standard input is closed" in ran.stdout + ran.stderr


@pytest.mark.parametrize("agent", AGENTS)
def test_a_broken_book_blocks(agent: str, home: Home) -> None:
    """If the policy can't be read, every command is blocked."""
    data = json.dumps(event(agent, "ls")).encode()
    assert blocks(agent, home.guard("hook", agent, stdin=data, RUNBOOK_BOOK=str(home.root / "nowhere")))


@pytest.mark.parametrize("form", AGENTS)
def test_an_agent_that_nobody_knows_gets_an_answer_that_holds(form: str, home: Home) -> None:
    """Whatever form its events have, a command is judged, and exit code 2 blocks it."""
    ran = home.guard("hook", "claude", stdin=json.dumps(event(form, RESET)).encode())
    assert (ran.returncode, json.loads(ran.stdout)["decision"]) == (2, "deny")
    assert "DESTROYS DATA" in ran.stderr

    ran = home.guard("hook", "claude", stdin=json.dumps(event(form, "ls")).encode())
    assert (ran.returncode, ran.stdout) == (0, "")
    assert "no agent 'claude'" in ran.stderr


@pytest.mark.parametrize(
    "data",
    [
        {"action": {"kind": "run", "shell": {"cmd": RESET}}},
        {"steps": [{"name": "list", "command": "ls"}, {"name": "reset", "command": RESET}]},
        {"run": f"cd /tmp && {RESET}"},
    ],
)
def test_a_command_in_an_event_that_nobody_knows_is_found(data: dict[str, Any]) -> None:
    """A field that looks like one is judged, and without any, a text that names a dangerous command."""
    assert answered("next-years-agent", data).returncode == 2


@pytest.mark.parametrize(
    "data",
    [
        {"tool": "Edit", "input": {"a": [{"command": RESET}]}},
        {"tool_name": "act", "tool_input": {"a": {"b": {"cmd": RESET}}}},
        {"tool_name": "act", "arguments": json.dumps({"a": {"command": RESET}})},
        {"event": "before", "tool": "act", "more": {"script": RESET}},
    ],
)
def test_a_command_at_any_depth_of_an_unknown_agents_event_is_judged(data: dict[str, Any]) -> None:
    """Whatever tool it names. The same event with a harmless command passes."""
    assert answered("next-years-agent", data).returncode == 2
    assert answered("next-years-agent", json.loads(json.dumps(data).replace("reset", "lint"))).returncode == 0


def test_code_for_a_tool_that_nobody_knows_is_judged() -> None:
    """Notebooks run what is in `code`."""
    event = {"tool_name": "mcp__ide__executeCode", "tool_input": {"code": f"os.system('{RESET}')"}}
    assert agents.answer_event("codex", json.dumps(event).encode(), book=None).code == 2
    event["tool_input"] = {"code": "print(1)"}
    assert agents.answer_event("codex", json.dumps(event).encode(), book=None).code == 0


def test_a_byte_that_is_not_utf_8_leaves_the_rest_readable() -> None:
    """A file's text in an event may have one."""
    read = b'{"tool_name": "Read", "tool_input": {"file_path": "/x/caf\xe9.txt"}}'
    assert agents.answer_event("claude-code", read, book=None).code == 0
    run = b'{"tool_name": "Bash", "tool_input": {"command": "echo \xe9; ' + RESET.encode() + b'"}}'
    assert agents.answer_event("claude-code", run, book=None).code == 2


def test_what_is_no_command_harms_nobody() -> None:
    """Neither an event of an agent that isn't known nor one that happened already is blocked."""
    for data in ({"file": "README.md"}, {"event": "session_start"}, {}, {"text": "never reset the database"}):
        assert answered("next-years-agent", data).returncode == 0
    for kind in ("PostToolUse", "afterShellExecution", "post_run_command"):
        for agent in AGENTS:
            assert decision(agent, answered(agent, {**event(agent, RESET), "hook_event_name": kind})) == "allow"


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
        {
            "tool_name": "mcp__x__start",
            "tool_input": {"command": "npx", "args": ["supabase", "db", "reset", "--linked"]},
        },
        {"tool_name": "local_shell", "tool_input": {"action": {"type": "exec", "command": ["bash", "-lc", RESET]}}},
        {"tool_name": "functions.exec_command", "tool_input": {"parameters": {"cmd": RESET}}},
        {"hook_event_name": "preToolUse", "tool_name": "Shell", "tool_input": {"command": RESET, "cwd": "/"}},
    ]
    for shape in shapes:
        assert agents.answer_event("codex", json.dumps(shape).encode(), book=None).code == 2


FIELDS = """\
tool_name toolName tool tool_input toolArgs tool_info args hook_event_name command cmd agent_action_name mcp_tool_name
mcp_tool_arguments query sql input chars cwd script workspace_roots permission_mode mcp_context url shell x
"""
MEANT = """\
Bash PowerShell exec write_stdin mcp__supabase__execute_sql beforeMCPExecution pre_run_command PreToolUse stop ls auto /
{} \ud800 drop(table) tools.exec_command({cmd:'ls'})
"""
NAMES = st.sampled_from(FIELDS.split())
TEXTS = st.text(max_size=6) | st.sampled_from(MEANT.split())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # it judges lines
@given(st.sampled_from(AGENTS), st.dictionaries(NAMES, VALUES, max_size=7))
def test_every_event_gets_an_answer_that_the_agent_understands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, agent: str, data: dict[str, Any]
) -> None:
    """Whatever is in the fields that the guard reads."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert decision(agent, answered(agent, data)) in {"allow", "ask", "deny"}


def test_the_directory_of_the_event_counts(home: Home, tmp_path: Path) -> None:
    """The scripts of the project that the agent works in are read."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "package.json").write_text('{"scripts": {"fresh": "supabase db reset --linked"}}')
    for agent in AGENTS:
        data = json.dumps(event(agent, "npm run fresh", str(other))).encode()
        assert blocks(agent, home.guard("hook", agent, stdin=data))


def test_a_directory_in_the_arguments_is_seen_from_the_agents(tmp_path: Path) -> None:
    """Codex and OpenCode may name it without the way to it."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/package.json").write_text('{"scripts": {"fresh": "supabase db reset --linked"}}')
    tool = {"command": "npm run fresh", "workdir": "app"}
    assert answered("codex", {"tool_name": "shell", "tool_input": tool, "cwd": str(tmp_path)}).returncode == 2


def test_what_an_agent_was_denied_is_in_the_log(home: Home) -> None:
    """The entry has the agent's name."""
    home.guard("hook", "gemini", stdin=json.dumps(event("gemini", RESET)).encode())
    assert json.loads(home.log.read_text())["face"] == "gemini"
