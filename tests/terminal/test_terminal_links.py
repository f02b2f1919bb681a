"""Links to the dashboard: to the page of the project at hand, and never another address than the one that is shown."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from runbook.filling import fill_text
from runbook.terminal.lines import wrap

REF = "abcdefghijklmnopqrst"
BACKUPS = "https://supabase.com/dashboard/project/_/database/backups/scheduled"


def _links(text: str, width: int) -> list[tuple[str, str]]:
    """Return each linked piece of a wrapped text with its address."""
    spans = [(line.plain[span.start : span.end], str(span.style)) for line in wrap(text, width) for span in line.spans]
    return [(piece, style.removeprefix("link ")) for piece, style in spans if style.startswith("link ")]


def test_a_dashboard_page_leads_to_the_project_at_hand() -> None:
    """Where its ref isn't known, the dashboard asks for the project."""
    assert fill_text(f"Look at {BACKUPS}.", {"project_ref": REF}) == f"Look at {BACKUPS.replace('_', REF)}."
    for values in ({}, {"project_ref": ""}, {"project_ref": "<project_ref>"}, {"project_ref": "a/../b"}):
        assert fill_text(f"Look at {BACKUPS}.", values) == f"Look at {BACKUPS}."


@pytest.mark.parametrize("width", [100, 80, 60, 45])
def test_an_address_is_a_link_even_if_it_is_broken_over_two_lines(width: int) -> None:
    """Both halves lead to the whole address, and the full stop isn't part of it."""
    address = BACKUPS.replace("_", REF)
    found = _links(f"Look at Backups ({address}) or the {BACKUPS}. Then go on.", width)
    assert {each for _, each in found} == {address, BACKUPS}
    for whole in (address, BACKUPS):
        assert "".join(piece for piece, each in found if each == whole) == whole


def test_no_other_address_becomes_a_link() -> None:
    """A row of a table may contain any."""
    for text in ("https://evil.example/x", "https://supabase.com.evil.example/dashboard/project/_/x", "supabase.com/"):
        assert _links(f"See {text} now", 60) == []


def test_a_terminal_gets_osc_8() -> None:
    """And a pipe gets the text alone."""
    for is_terminal in (True, False):
        file = StringIO()
        console = Console(file=file, force_terminal=is_terminal, soft_wrap=True)
        for line in wrap(f"See {BACKUPS} now", 100):
            console.print(line, soft_wrap=True)
        assert (f";{BACKUPS}\x1b\\" in file.getvalue()) is is_terminal
        assert BACKUPS in file.getvalue()
