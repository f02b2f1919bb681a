"""The JavaScript with which an agent calls tools: calls are judged, and the rest is looked through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.guard.code_mode import calls_in
from runbook.guard.command_line import packaged_policy
from runbook.guard.event_judgement import judge_actions
from runbook.guard.events import Language, Text, UnreadableEventError

RESET = "npx supabase db reset --linked"


def verdict(code: str) -> str:
    """Return the verdict on a code."""
    judged = judge_actions((Text(code, Language.JAVASCRIPT),), cwd=None, policy=packaged_policy(), team=lambda: None)
    return judged.verdict.value


@pytest.mark.parametrize(
    "code",
    [
        f'const r = await tools.exec_command({{cmd: "{RESET}"}});',
        f"await tools.exec_command({{ 'cmd': `{RESET}`, yield_time_ms: 1000, /* why */ tty: true }})",
        f"await tools['exec_command']({{cmd: '{RESET}',}})",
        f"await Promise.all([tools.exec_command({{cmd: 'ls'}}), tools.exec_command({{cmd: '{RESET}'}})])",
        f"const cmd = '{RESET}';\nawait tools.exec_command({{cmd}});",
        f"const line = '{RESET}'\nawait tools.exec_command({{cmd: line, workdir: x}})",
        'await tools.exec_command({cmd: "npx supabase db " + "reset --linked"})',
        "const tail = 'reset --linked';\nawait tools.exec_command({cmd: `supabase db ${tail}`})",
        'await tools.exec_command({cmd: "npx supabase db \\x72eset --linked"})',
        'await tools.shell({command: ["bash", "-lc", "npx supabase db reset --linked"]})',
        f"await tools.write_stdin({{session_id: 1, chars: '{RESET}\\n'}})",
        "await tools.mcp__supabase__execute_sql({query: 'drop table users'})",
    ],
)
def test_a_call_is_judged_like_a_call_outside(code: str) -> None:
    """However its arguments are written."""
    assert verdict(code) == "refuse"


@pytest.mark.parametrize(
    "code",
    [
        "const words = ['supabase', 'db', 'reset', '--linked'];\nawait tools.exec_command({cmd: words.join(' ')})",
        f"let cmd = 'ls'; if (x) cmd = '{RESET}';\nawait tools.exec_command({{cmd}})",
        "await tools.exec_command({cmd: `supabase db ${words[1]}`})",
        "await tools.exec_command({cmd: 'supabase db ' + word})",
        f"const cmd = 'ls';\n['{RESET}'].map(cmd => tools.exec_command({{cmd}}))",
        f"const run = tools.exec_command;\nawait run({{cmd: '{RESET}'}})",
        f'await tools.exec_command(JSON.parse(\'{{"cmd": "{RESET}"}}\'))',
    ],
)
def test_code_that_names_a_dangerous_command_needs_a_person(code: str) -> None:
    """The call doesn't show what runs."""
    assert verdict(code) == "confirm"


@pytest.mark.parametrize(
    "code",
    [
        "text((await tools.exec_command({cmd: 'git status'})).output)",
        "const cmd = 'ls';\nawait tools.exec_command({cmd, workdir: '/tmp'})",
        f"await tools.apply_patch(`*** Begin Patch\n+{RESET}\n*** End Patch`)",
        f"await tools.exec_command({{cmd: \"git commit -m 'never run {RESET}'\"}})",
        "await tools.write_stdin({session_id: 1, chars: ''})",
        "text('hello')",
    ],
)
def test_what_is_harmless_passes(code: str) -> None:
    """A call that is written out needs no second look."""
    assert verdict(code) == "allow"


def test_a_shell_without_a_command_is_unreadable() -> None:
    """It blocks, as it would outside."""
    with pytest.raises(UnreadableEventError):
        verdict("await tools.exec_command({})")


@given(st.text(alphabet="ab {}[]()'\"`\\$,:+=\n/*", max_size=60))
def test_any_code_is_read_to_its_end(code: str) -> None:
    """Whatever follows the name of a tool."""
    assert [call.tool for call in calls_in(f"tools.x({code}")][:1] == ["x"]
