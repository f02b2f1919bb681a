"""Lines that the guard allows at once: never one that it would stop, and never after anything changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from guard_support.home import RUNBOOK, Home
from guard_support.lines import read_rows
from hypothesis import given
from hypothesis import strategies as st
from support.policies import book_policy

from runbook.cache import find_text
from runbook.guard import quick
from runbook.guard.agents import answer_event
from runbook.guard.command_line import is_harmless, judge
from runbook.guard.events import Text, read_event
from runbook.guard.outline import outline_of
from runbook.guard.programs.quiet import quiet_commands
from runbook.model import Verdict

pytest_plugins = ["guard_support.warm_home"]

ROWS = [
    *read_rows(Path(__file__).parent / "data/lines.tsv"),
    *read_rows(Path(__file__).parents[1] / "policy/data/guard-examples.tsv"),
]
NAMES = quiet_commands(outline_of(book_policy()))
RESET = "npx supabase db reset --linked"
NO_PUSH = """\
rules:
  - {id: no-push, program: git, command: push, reaches: nothing, effect: writes, remote: refuse,
     local: refuse, reason: We merge on the site., instead: Open a pull request.,
     tests: [{line: git push, verdict: refuse}]}
"""
"""A team's policy."""


def test_no_line_of_the_tables_that_is_stopped_is_known() -> None:
    """The tables hold thousands of lines, and the incidents."""
    known = [row for row in ROWS if quick.is_known(row.line, NAMES)]
    assert len(known) > 20
    assert [row.line for row in known if row.verdict != Verdict.ALLOW.value] == []


WORDS = (
    *("supabase", "npx", "db", "reset", "push", "--linked", "-c", "--exec", "-x", "--output=x", "a.sh", "./a.sh", "sh"),
    *(
        "run",
        "foreach",
        "alias.x=y",
        "core.hookspath=.",
        "HEAD:a.sh",
        "-f",
        "--",
        "-",
        "a",
        "b/c",
        "x=1",
        "postgres://h/d",
    ),
    *(
        "drop",
        "table",
        "config",
        "clone",
        "worktree",
        "add",
        "commit",
        "bisect",
        "-m",
        "--force",
        "-rf",
        "/",
        "..",
        "-5",
    ),
)


@given(command=st.sampled_from(sorted(NAMES)), words=st.lists(st.sampled_from(WORDS), max_size=5))
def test_a_quiet_command_is_allowed_whatever_its_words_are(command: str, words: list[str]) -> None:
    """No file is needed for that, so no file of a project can change it."""
    line = " ".join([command, *words])
    assert quick.is_known(line, NAMES)
    assert is_harmless(line, book_policy())
    assert judge(line, cwd="/", policy=book_policy()).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    "line",
    [
        *("ls; " + RESET, "ls && " + RESET, "ls | sh", f"ls $({RESET})", "ls > ~/.bashrc", "ls\n" + RESET, "ls `x`"),
        *(
            "ls\t",
            "ls 'a'",
            'ls "a"',
            "ls \\\n",
            "ls *",
            "ls ~",
            "{ls,-la}",
            "!ls",
            "ls # x",
            "ls é",
            "",
            " ",
            "ls" + " a" * 100,
        ),
    ],
)
def test_a_line_with_more_than_plain_words_is_not_known(line: str) -> None:
    """Its meaning is left to those who know the grammar."""
    assert not quick.is_known(line, [*NAMES, f"= {line}"])


@pytest.mark.parametrize(
    "line", ["= ls", "=", "A=1 ls", "./ls", "/bin/ls", "LS", "sudo ls", "git", "git -C x add", "git  rebase"]
)
def test_only_the_command_itself_is_known_by_its_name(line: str) -> None:
    """A path, a variable or a program before it may change what runs."""
    assert not quick.is_known(line, [*NAMES, "= git"] if line != "git" else NAMES)


@pytest.mark.parametrize(
    "line", ["npm run build", "make", "./a.sh", "psql -c x", "npx supabase migration list --linked", "sh a.sh"]
)
def test_a_line_that_needs_a_file_or_reaches_a_database_is_not_harmless(line: str) -> None:
    """Tomorrow, or in another directory, it may do something else."""
    assert not is_harmless(line, book_policy())


@pytest.fixture
def modules(home: Home) -> Callable[..., set[str]]:
    """Return a function that asks the guard in a new process, and returns which of our modules it loaded."""

    def loaded(*words: str, stdin: bytes = b"") -> set[str]:
        code = (
            "import sys; from runbook.__main__ import main; code = main();"
            "print(*sorted(name for name in sys.modules if name.startswith('runbook.'))); raise SystemExit(code)"
        )
        ran = home.run(sys.executable, "-c", code, "guard", *words, stdin=stdin)
        assert ran.returncode == 0, ran.stderr
        return set(ran.stdout.removeprefix("{}").split())

    return loaded


QUICK = {
    *("runbook.__main__", "runbook.cache", "runbook.guard", "runbook.guard.quick", "runbook.loading"),
    *("runbook.loading.book_search", "runbook.posix", "runbook.quick_answers", "runbook.user_directories"),
}


def test_a_quiet_command_loads_nothing_of_the_guard(modules: Callable[..., set[str]]) -> None:
    """Only the names are read."""
    assert modules("--line", "ls -la src") == QUICK
    assert modules("--line", "git add docs") == QUICK


def test_a_harmless_line_is_known_the_second_time(modules: Callable[..., set[str]]) -> None:
    """`git status` has options that a rule minds, so it's known as a whole."""
    assert modules("--line", "git status") > QUICK
    assert modules("--line", "git status") == QUICK
    assert modules("--line", "git status -s") > QUICK


def event(command: object, directory: str = "/", /, **more: object) -> bytes:
    """Return what Claude Code and Codex send before their shell runs something."""
    arguments = {"command": command, "description": "Look around", "timeout": 120000, "run_in_background": False}
    common = {"session_id": "s", "cwd": directory, "permission_mode": "default", "hook_event_name": "PreToolUse"}
    return json.dumps({**common, "tool_name": "Bash", "tool_input": arguments, "tool_use_id": "t", **more}).encode()


@pytest.mark.parametrize("agent", ["claude-code", "codex"])
def test_what_an_agent_runs_is_known_as_a_line_is(modules: Callable[..., set[str]], agent: str) -> None:
    """By its name, or as a whole after the first time; nothing of the guard is loaded for it."""
    assert modules("hook", agent, stdin=event("ls -la src")) == QUICK
    judged = modules("hook", agent, stdin=event("git status"))
    assert judged > QUICK
    assert "runbook.guard.mcp_tools" not in judged  # their patterns take as long to compile as all the rest
    assert modules("hook", agent, stdin=event("git status")) == QUICK
    assert modules("--line", "git status") == QUICK


def test_an_agent_is_answered_as_if_nothing_was_known(home: Home) -> None:
    """The answer to a harmless command is the same, and one that is stopped is stopped."""
    for command in ("git status", "git status", RESET, f"git status; {RESET}"):
        answer = home.guard("hook", "claude-code", stdin=event(command))
        expected = answer_event("claude-code", event(command), book=None)
        assert (answer.stdout, answer.stderr, answer.returncode) == (expected.stdout, expected.stderr, expected.code)


CHANGES: list[dict[str, Any]] = [
    {"hook_event_name": "PostToolUse"},
    {"hook_event_name": "BeforeTool"},
    {"tool_name": "PowerShell"},
    {"tool_name": "exec"},
    {"workdir": "/elsewhere"},
    {"cwd": "src"},
    {"cwd": ["/"]},
    {"cwd": ""},
    {"tool_input": {"command": "ls", "shell": "pwsh"}},
    {"tool_input": {"command": "ls", "args": [RESET]}},
    {"tool_input": {"command": "ls", "cmd": RESET}},
    {"tool_input": {"command": "ls", "workdir": "/"}},
    {"tool_input": {"command": ["ls"]}},
    {"tool_input": {}},
    {"tool_input": ["ls"]},
    {"tool_input": "ls"},
    {"tool_input": None},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_an_event_that_may_say_more_is_left_to_those_who_know_all_of_them(change: dict[str, Any]) -> None:
    """Another tool, another directory, or an argument that may run something else."""
    assert quick.call_in(event("ls")) == ("ls", "/")
    assert quick.call_in(event("ls", **change))[0] == ""


PIECES = st.fixed_dictionaries(
    {},
    optional={
        "cwd": st.sampled_from(["/", "/a", "a", "", 1]),
        "workdir": st.sampled_from(["/b", "b", 1]),
        "directory": st.sampled_from(["/c", "c"]),
        "workspace_roots": st.sampled_from([["/d"], "/d"]),
        "hook_event_name": st.sampled_from(["PreToolUse", "PostToolUse", "", 1]),
        "hookEventName": st.sampled_from(["PreToolUse", "PostToolUse"]),
        "tool_name": st.sampled_from(["Bash", "bash", "PowerShell", "exec", "Read", 1]),
        "toolName": st.sampled_from(["Bash", "exec"]),
        "tool_input": st.dictionaries(
            st.sampled_from(["command", "cmd", "args", "shell", "cwd", "timeout", "description", "input"]),
            st.sampled_from(["ls", "pwsh", "/x", 1, ["ls", "-la"], {"command": "ls"}]),
        ),
        "args": st.sampled_from([{"command": "make"}, "make"]),
        "command": st.sampled_from(["make", ["make"]]),
    },
)


@given(changes=PIECES)
def test_a_call_that_is_read_here_says_just_that(changes: dict[str, object]) -> None:
    """Those who know all events read the same line in the same directory, and nothing else."""
    data = event("ls", **changes)
    line, directory = quick.call_in(data)
    if line:
        read = read_event(data)
        assert (read.actions, read.directory) == ((Text(line),), directory)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"[" * 60000, b"\xff", b"1", b'"PreToolUse"'])
def test_an_event_that_cannot_be_read_is_blocked(home: Home, data: bytes) -> None:
    """Nothing in it makes the quick look fail: most agents take a hook that dies for consent."""
    assert home.guard("hook", "claude-code", stdin=data).returncode == 2


def test_an_event_that_arrives_in_pieces_is_read_whole(home: Home) -> None:
    """A pipe holds 64 kB, and the quick look reads no more. The command may come before that or after it."""
    for command, answer in (("git status", 0), (RESET, 2)):
        short = event(command).decode()
        long = f'"transcript": "{"a" * 200_000}"'
        for whole in (f"{{{long}, {short[1:]}", f"{short[:-1]}, {long}}}"):
            assert home.guard("hook", "claude-code", stdin=whole.encode()).returncode == answer


def test_an_event_that_does_not_end_is_blocked(home: Home) -> None:
    """More may follow a harmless one, and then it isn't an event."""
    home.guard("hook", "claude-code", stdin=event("git status"))
    words = [str(RUNBOOK), "guard", "hook", "claude-code"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=home.project, env=home.environment()
    ) as hook:
        assert hook.stdin is not None
        hook.stdin.write(event("git status"))
        hook.stdin.flush()
        assert hook.wait(timeout=60) == 2


def test_the_book_of_the_agents_directory_counts(home: Home) -> None:
    """An agent may be in another project than its hook."""
    book = home.root / "other/team-runbook"
    book.mkdir(parents=True)
    (book / "team.yaml").write_text("format: 1\nname: Ledger\n")
    (book / "policy.yaml").write_text(NO_PUSH)
    here, there = event("git push", str(home.project)), event("git push", str(home.root / "other"))
    answers = [home.guard("hook", "claude-code", stdin=each).stdout for each in (here, here, there, here, there)]
    assert [answer == "{}" for answer in answers] == [True, True, False, True, False]


def test_a_line_that_reads_a_file_is_judged_every_time(home: Home) -> None:
    """The file may be another one by then."""
    manifest = home.project / "package.json"
    manifest.write_text('{"scripts": {"build": "tsc"}}')
    assert [home.guard("--line", "npm run build").returncode for _ in range(2)] == [0, 0]
    manifest.write_text(f'{{"scripts": {{"build": "{RESET}"}}}}')
    assert home.guard("--line", "npm run build").returncode == 3


def test_a_team_that_forbids_a_command_is_heard_at_once(home: Home) -> None:
    """What was harmless by the packaged policy isn't asked of it again."""
    assert [home.guard("--line", "git push").returncode for _ in range(2)] == [0, 0]
    book = home.project / "team-runbook"
    book.mkdir()
    (book / "team.yaml").write_text("format: 1\nname: Ledger\n")
    assert home.guard("--line", "git push").returncode == 0
    (book / "policy.yaml").write_text(NO_PUSH)
    # The second line is allowed, so that the quiet commands of this policy are known for the third.
    lines = ("git push", "ls", "git push", "git add x")
    assert [home.guard("--line", line).returncode for line in lines] == [3, 0, 3, 0]


def test_a_line_that_somebody_else_put_into_the_cache_is_not_known(home: Home) -> None:
    """The entry has a seal."""
    home.guard("--line", "git status")
    (entry,) = [
        each for each in (home.root / ".cache/runbook/kept").iterdir() if b"\n= git status" in each.read_bytes()
    ]
    entry.write_bytes(entry.read_bytes() + f"\n= {RESET}\nnpx".encode())
    assert home.guard("--line", RESET).returncode == 3
    assert find_text(entry) is None


def test_the_oldest_lines_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names stay."""
    kept: list[bytes] = []
    monkeypatch.setattr(quick, "keep_text", lambda _entry, data: kept.append(data))
    monkeypatch.setattr(quick, "_entry", "entry")
    monkeypatch.setattr(quick, "_MOST_LINES", 2)
    monkeypatch.setattr(quick, "_known", ["ls", "= a", "= b"])
    quick.note("c", is_harmless=lambda: True, names=list)
    assert kept == [b"ls\n= b\n= c"]
