"""Settings that would make the CLI do something else than what is shown."""

from __future__ import annotations

import pytest

from runbook.runtime.environment import REMOVED, Remedy, find_traps

REF = "qwertyuiopasdfghjklz"


@pytest.mark.parametrize(
    "name", ["SUPABASE_YES", "SUPABASE_PROJECT_ID", "SUPABASE_WORKDIR", "SUPABASE_PROFILE", "PGOPTIONS", "PGHOST"]
)
def test_variable_is_named_and_left_out(name: str) -> None:
    """What is set in the shell can be kept from commands, and is told."""
    (trap,) = find_traps({name: "x"}, {}, linked=REF)
    assert (trap.name, trap.where, trap.remedy) == (name, "the environment", Remedy.REMOVE)
    assert name in REMOVED


@pytest.mark.parametrize("name", ["CLAUDECODE", "AI_AGENT", "CURSOR_AGENT", "CODEX_CI", "GEMINI_CLI"])
def test_agents_variables_are_left_out(name: str) -> None:
    """With one of them CLI 2 confirms by itself and CLI 3 does not ask."""
    assert find_traps({name: "1"}, {})[0].remedy is Remedy.REMOVE


@pytest.mark.parametrize(
    "line",
    [
        "SUPABASE_YES=true",
        "export SUPABASE_YES=1",
        "  SUPABASE_YES = 'true'  ",
        'SUPABASE_YES: "true"',
        "OTHER=1\r\nSUPABASE_YES=true\r\nMORE=2",
    ],
)
def test_setting_in_a_file_stops_the_walk(line: str) -> None:
    """The CLI reads the file itself: with CLI 2 that line confirms a reset without a word."""
    (trap,) = find_traps({}, {"supabase/.env": line})
    assert (trap.name, trap.where, trap.remedy) == ("SUPABASE_YES", "supabase/.env", Remedy.REFUSE)


@pytest.mark.parametrize(
    "line", ["# SUPABASE_YES=true", "MY_SUPABASE_YES=true", "SUPABASE_YES=", "NOTE=SUPABASE_YES=true"]
)
def test_other_lines_are_no_traps(line: str) -> None:
    """A comment, another name, an empty value, a mention."""
    assert find_traps({}, {".env": line}) == ()


def test_project_that_is_the_linked_one_is_no_trap() -> None:
    """It names what would be reached anyway."""
    assert find_traps({"SUPABASE_PROJECT_ID": REF}, {".env": f"SUPABASE_PROJECT_ID={REF}"}, linked=REF) == ()
    assert len(find_traps({"SUPABASE_PROJECT_ID": "other"}, {".env": "SUPABASE_PROJECT_ID=other"}, linked=REF)) == 2


def test_empty_variable_is_no_trap() -> None:
    """Set to nothing is not set."""
    assert find_traps({"SUPABASE_YES": ""}, {}) == ()


def test_what_refuses_comes_first() -> None:
    """The reader sees what stops the walk before what does not."""
    found = find_traps({"SUPABASE_YES": "1"}, {".env": "SUPABASE_YES=1"})
    assert [trap.remedy for trap in found] == [Remedy.REFUSE, Remedy.REMOVE]
