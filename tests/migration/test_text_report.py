"""The report that people read: on a terminal with its width and colors, and plain everywhere else."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runbook.migration.finding import Finding, Report, WaivedFinding
from runbook.migration.screen import PLAIN, Screen, screen_of
from runbook.migration.text_report import text_report

LONG = "alter table public.tasks drop column note, " + ", ".join(f"drop column c{number}" for number in range(20))
COLUMN = Finding(
    "supabase/migrations/20260101000000_x.sql",
    4,
    len(LONG) - 14,
    "drop-column",
    "error",
    "the values of public.tasks.c19 are gone at once, and code that uses it fails",
    "Stop using the column, wait, copy its values, and drop it with a waiver.",
    LONG,
)
NOTICE = Finding("a.sql", 1, 1, "rls-without-policy", "notice", "no policy", "Create one.", "x")
_CODES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_lines_fit_the_terminal_and_the_caret_stays_below_its_word(width: int) -> None:
    """A long line of the file is cut around the place."""
    lines = text_report(Report(1, (COLUMN,)), Screen(width)).split("\n")
    source = next(number for number, line in enumerate(lines) if "|" in line)

    assert max(map(len, lines)) <= max(width, len(f"{COLUMN.file}:4:{COLUMN.column}: error drop-column:"))
    at = lines[source + 1].index("^")
    assert lines[source][at:].startswith("drop column c19"[: len(lines[source]) - at])


def test_without_a_terminal_each_finding_is_one_line_as_compilers_print_it() -> None:
    """Editors and hooks read file, line, column, level, rule and message from it."""
    first = text_report(Report(1, (COLUMN,)), PLAIN).split("\n")[0]

    assert first == f"{COLUMN.file}:4:{COLUMN.column}: error drop-column: {COLUMN.message}"


def test_what_to_write_instead_is_shown_once_for_each_rule() -> None:
    """Fifty findings of one rule don't repeat it."""
    again = replace(COLUMN, line=9, column=1)
    text = text_report(Report(1, (COLUMN, NOTICE, again)))

    assert text.count("--explain drop-column") == 1
    assert text.count(COLUMN.fix) == 1
    assert text.count("--explain rls-without-policy") == 1


def test_colors_only_repeat_what_words_say() -> None:
    """Without the codes, it's the same text."""
    report = Report(1, (COLUMN, NOTICE), (WaivedFinding(replace(COLUMN, line=9), "old"),), ("drop-column",))
    colored, plain = text_report(report, Screen(80, has_color=True)), text_report(report, Screen(80))

    assert "\x1b[1;31merror drop-column:" in colored
    assert "\x1b[1;36mnotice rls-without-policy:" in colored
    assert _CODES.sub("", colored) == plain


@pytest.mark.parametrize(
    ("findings", "waived", "said"),
    [
        ((COLUMN,), (), "A push of it destroys data: drop-column"),
        ((), (WaivedFinding(COLUMN, "unused since March"),), "A push of it destroys data: drop-column (waived)"),
        ((NOTICE,), (), "A push of it destroys data: drop-column (off)"),
    ],
)
def test_the_last_line_says_what_a_push_destroys(
    findings: tuple[Finding, ...], waived: tuple[WaivedFinding, ...], said: str
) -> None:
    """Accepted, or not looked at, it's gone all the same."""
    assert text_report(Report(1, findings, waived, ("drop-column",))).split("\n")[-1] == said
    assert text_report(Report(1, findings, waived)).split("\n")[-1] == "A push of it destroys no data"


@pytest.mark.parametrize(
    ("environment", "has_color"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_has_colors_unless_its_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], has_color: bool
) -> None:
    """A pipe or a file never has."""
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with (
        os.fdopen(ours, "rb"),
        os.fdopen(theirs, "w") as terminal,
        Path(os.devnull).open("w", encoding="utf-8") as file,
    ):
        assert screen_of(terminal).has_color is has_color
        assert screen_of(terminal).width == 76
        assert screen_of(file) == PLAIN


def test_the_verb_prints_colors_to_a_terminal(tmp_path: Path) -> None:
    """Nothing filters the check's own codes on their way; what a file contains is still shown as text."""
    path = tmp_path / "20260101000000_x.sql"
    path.write_text("drop table a; -- \x1b[31mred\n", encoding="utf-8")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": ""}
    program = [sys.executable, "-m", "runbook", "migration", "check", str(path)]
    with subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the terminal's other end is closed
                break
            if not part:
                break
            said += part
        assert process.wait(60) == 1
    os.close(ours)
    text = said.decode()

    assert "\x1b[1;31merror drop-table:\x1b[0m" in text
    assert "\x1b[31mred" not in text
    assert "A push of it destroys data: drop-table" in text
