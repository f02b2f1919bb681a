"""A walk in a team's project: only on projects that their file knows, by name where it's protected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.books import POLICY, SUPABASE, write_book
from support.forked import start
from support.places import Place, make_place
from support.terminals import program

from runbook.checks.book import find_problems
from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.checks.team import check_team
from runbook.errors import Finding, PolicyRefusal
from runbook.loading import load_book, read_book
from runbook.model import TargetKind
from runbook.runtime.cli_target import CliTarget

REF = "qwertyuiopasdfghjklz"
TEAM = f"""\
name: Shop
projects:
  production: {{ref: {REF}, region: eu-central-1, writers: [Ada, on call]}}
contacts:
  database: {{name: Ada Lovelace, channel: "#database", page: "https://pager.example.com/db", hours: 9 to 17 CET}}
cli: 3.1.0
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a project whose book is a team's."""
    made = make_place(tmp_path)
    (tmp_path / "book/team.yaml").write_text(TEAM)
    (tmp_path / "book/policy.yaml").unlink()
    (tmp_path / "book/supabase.yaml").unlink()
    return made


def _run(place: Place, *answers: str, verb: tuple[str, ...] = ("run", "fix")) -> tuple[int, str]:
    """Walk as far as the answers go, then leave; return the exit code and all screens."""
    words = ["--book", str(place.root / "book"), *verb, "--workdir", str(place.root / "project")]
    child = start(words, environment=place.environment, directory=place.root)
    left = iter(answers)
    code = child.converse(lambda _screen: next(left, "q"))
    return code, " ".join("".join(child.screens).split())


def _problems(book: Path) -> Sequence[Finding]:
    """Return what reading a book finds, and what the checks of its team do. All checks take four times as long."""
    reading = load_book(book)
    if reading.book is None:
        return reading.findings
    notes = Notes(reading.book)
    check_team(Subject(reading.book), notes)
    return (*reading.findings, *notes.findings)


def test_a_project_that_the_file_does_not_know_stops_the_run_before_step_1(place: Place) -> None:
    """Somebody linked another project, and the team never meant runs to reach it."""
    (place.root / "project/supabase/.temp/project-ref").write_text("bbbbbbbbbbbbbbbbbbbb")
    code, screens = _run(place, "production")
    assert code == 3
    assert "is linked to bbbbbbbbbbbbbbbbbbbb, which" in screens
    assert f"It knows production ({REF}). Link one of these" in screens
    assert (place.effects, place.events) == ([], ())


def test_a_protected_project_asks_for_its_name(place: Place) -> None:
    """Neither Enter nor a wrong name begins a run there."""
    code, screens = _run(place, "", "staging", "q")
    assert code == 1
    assert screens.count("Type production to begin, or type ? or q.") == 2
    assert "This is production of Shop, eu-central-1. Writers: Ada, on call." in screens
    assert place.events == ()

    _run(place, "production")
    assert place.events != ()


def test_a_resumed_run_asks_for_the_name_again(place: Place) -> None:
    """The person may be another one, days later."""
    _run(place, "production", "q")
    _, screens = _run(place, "", "q", verb=("resume",))
    assert "Type production to continue" in screens


def test_a_project_that_is_not_protected_asks_for_nothing(place: Place) -> None:
    """Only `production` is protected unless the file says otherwise."""
    (place.root / "book/team.yaml").write_text(TEAM.replace("production:", "staging:"))
    _, screens = _run(place, "")
    assert "Press Enter to begin" in screens
    assert place.events != ()


def test_a_dry_run_asks_for_no_name(place: Place) -> None:
    """It writes nothing."""
    _, screens = _run(place, "q", verb=("run", "fix", "--dry-run"))
    assert "Press Enter to begin" in screens


def test_the_first_screen_says_how_to_reach_the_owner(place: Place) -> None:
    """A person, not the name of a department."""
    _, screens = _run(place, "?")
    assert "Ada Lovelace, #database, 9 to 17 CET, page: https://pager.example.com/db" in screens


def test_another_cli_than_the_pinned_one_is_noted(tmp_path: Path, place: Place) -> None:
    """It may be right, and somebody should know."""
    book = read_book(place.root / "book")
    assert book.team is not None
    bins = f"{place.root / 'bin'}:/usr/bin:/bin"

    def notes(pin: str) -> str:
        team = replace(book.team, cli=pin)  # type: ignore[type-var]
        target = CliTarget(
            tmp_path / "project", TargetKind.PRODUCTION, book.policy, team=team, environ=lambda: {"PATH": bins}
        )
        target.prove()
        return " ".join(target.notes())

    assert "Your team pins Supabase CLI 3.0.9, and this project has 3.1.0." in notes("3.0.9")
    assert "pins" not in notes("3.1.0")
    assert "pins" not in notes("")


def test_the_local_stack_needs_no_entry(place: Place) -> None:
    """It isn't a hosted project."""
    book = read_book(place.root / "book")
    bins = f"{place.root / 'bin'}:/usr/bin:/bin"
    (place.root / "project/supabase/.temp/project-ref").write_text("bbbbbbbbbbbbbbbbbbbb")

    def target(kind: TargetKind) -> CliTarget:
        project = place.root / "project"
        return CliTarget(project, kind, book.policy, team=book.team, environ=lambda: {"PATH": bins})

    assert target(TargetKind.LOCAL).prove().name == "local"
    with pytest.raises(PolicyRefusal):
        target(TargetKind.PRODUCTION).prove()


@pytest.mark.parametrize(
    "secret",
    [
        "sbp_0123456789abcdef0123456789abcdef01234567",
        "postgresql://postgres:hunter22@db.example.com/postgres",
        "SUPABASE_ACCESS_TOKEN=abcdefghijklmnop",
    ],
)
def test_a_secret_in_the_file_is_refused_with_its_line(tmp_path: Path, secret: str) -> None:
    """The file is shown on pages and screens, and is in git."""
    book = write_book(tmp_path / "book", policy=POLICY, supabase=SUPABASE)
    (book / "team.yaml").write_text(TEAM.replace("on call]", f"'{secret}']"))
    (found,) = [each for each in _problems(book) if each.file.endswith("team.yaml")]
    assert (found.line, "looks like a secret" in found.message) == (3, True)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (f"ref: {REF}", "ref: Shop", "a project's ref: the 20 lower-case letters"),
        ("https://pager.example.com/db", "javascript:alert(1)", "an address that begins with https://"),
        ("https://pager.example.com/db", "https://trusted@evil.example/", "can't be a link"),
        ("cli: 3.1.0", "cli: latest", "an exact version"),
        ("name: Shop\n", "", "'name'"),
    ],
)
def test_a_value_that_does_not_fit_is_named(tmp_path: Path, before: str, after: str, message: str) -> None:
    """With the form that it must have."""
    book = write_book(tmp_path / "book")
    (book / "team.yaml").write_text(TEAM.replace(before, after))
    assert any(message in each.message for each in _problems(book))


def test_two_projects_cannot_have_the_same_ref(tmp_path: Path) -> None:
    """Nobody could tell which one a run reaches."""
    book = write_book(tmp_path / "book")
    (book / "team.yaml").write_text(TEAM.replace("contacts:", f"  staging: {{ref: {REF}}}\ncontacts:"))
    assert any("has the same ref" in each.message for each in find_problems(str(book))[1])


def test_receivers_are_told_and_one_that_fails_stops_nothing(place: Place) -> None:
    """The run ends as it would; then a line names who wasn't told."""
    notify = "notify:\n  - {program: ../bin/tell, on: [start, write, end]}\n  - {slack: HOOK}\n"
    (place.root / "book/team.yaml").write_text(TEAM + notify)
    program(place.root / "bin", "tell", f"cat >> {place.root}/told; echo >> {place.root}/told")
    answers = {"Type production": "production", "Type yes to run": "yes", "What is it?": "1"}
    words = ["--book", str(place.root / "book"), "run", "fix", "--ticket", "OPS-12"]
    environment = {**place.environment, "HOOK": "http://127.0.0.1:9/services/T0/secret-hook"}
    child = start(words, environment=environment, directory=place.root / "project")
    code = child.converse(lambda screen: next((answers[text] for text in answers if text in screen), ""))
    assert code == 0
    told = [json.loads(line) for line in (place.root / "told").read_text().splitlines()]
    assert [message["moment"] for message in told] == ["start", "write", "write", "end"]
    assert {message["ticket"] for message in told} == {"OPS-12"}
    assert all("(OPS-12)" in message["text"] for message in told)
    screens = " ".join("".join(child.screens).split())
    assert "Note: the webhook in HOOK got no message: Connection refused" in screens
    assert "secret-hook" not in screens


def test_a_program_for_notifications_that_is_not_there_is_a_finding(place: Place) -> None:
    """Nobody would notice before the emergency."""
    (place.root / "book/team.yaml").write_text(TEAM + "notify:\n  - {program: tell}\n")
    _, findings = find_problems(str(place.root / "book"))
    assert [(one.line, one.message) for one in findings if "tell" in one.message] == [
        (8, "there is no program tell that may be executed, so nobody would get a message")
    ]
