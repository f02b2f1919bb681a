"""Starting a team's own book: what it finds, what it asks, what it writes, and that it never changes what exists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from runbook.checks import open_book
from runbook.checks.book import find_problems
from runbook.cli import main

REF = "abcdefghijklmnopqrst"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a linked project with a migration, a file that the CLI passes over, and a function."""
    monkeypatch.delenv("RUNBOOK_BOOK", raising=False)
    top = tmp_path / "shop"
    for folder in ("migrations/old", "functions/hello", "functions/_shared", ".temp"):
        (top / "supabase" / folder).mkdir(parents=True)
    (top / "supabase/config.toml").touch()
    (top / "supabase/.temp/project-ref").write_text(REF)
    (top / "supabase/migrations/20260101000000_base.sql").touch()
    (top / "supabase/migrations/old/20250101000000_base.sql").touch()
    (top / "node_modules/supabase").mkdir(parents=True)
    (top / "node_modules/supabase/package.json").write_text('{"version": "3.1.0"}')
    monkeypatch.chdir(top)
    return top


def _init(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "runbook", "init", *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_it_finds_what_the_project_shows(project: Path) -> None:
    """The link, the CLI's version, the functions, and migrations that the CLI would never apply."""
    said = _init("--contact", "Ada").stderr
    assert "1 migration, edge functions (hello), Supabase CLI 3.1.0." in said
    assert "The CLI passes over old/20250101000000_base.sql" in said
    book = open_book()
    assert book.team is not None
    assert (book.team.name, book.team.cli) == ("shop", "3.1.0")
    assert book.team.projects["production"].ref == REF
    assert Path(book.directory) == project / "team-runbook"


def test_the_new_book_is_sound_and_has_all_packaged_procedures(project: Path) -> None:
    """Whatever was answered, and from below the project's top, too."""
    words = ("--name", "Shop: the #1", "--staging", "b" * 20, "--contact", "O'Hara: on call", "--channel", "#sos")
    assert _init(*words).returncode == 0
    reading, findings = find_problems(None)
    assert findings == ()
    assert reading.book is not None
    team = reading.book.team
    assert team is not None
    assert (team.name, team.channel, team.contacts["database"].name) == ("Shop: the #1", "#sos", "O'Hara: on call")
    assert set(team.projects) == {"production", "staging"}
    emergency = reading.book.procedures["emergency-rollback"]
    assert emergency.contact is not None


def test_a_second_time_it_changes_nothing(project: Path) -> None:
    """Neither an edited file nor one that is as it was; a missing one is written again."""
    _init("--contact", "Ada")
    team = project / "team-runbook/team.yaml"
    team.write_text(team.read_text() + "# mine\n")
    (project / "team-runbook/docs/about.md").unlink()
    before = {path: path.read_bytes() for path in (project / "team-runbook").rglob("*") if path.is_file()}
    ran = _init("--contact", "Bob", "--name", "Other")
    assert "kept   team-runbook/team.yaml" in ran.stdout
    assert "wrote  team-runbook/docs/about.md" in ran.stdout
    assert {path: path.read_bytes() for path in before} == before


def test_at_a_terminal_it_asks_five_questions(project: Path) -> None:
    """With what it found as the suggestion; without an answer there is no entry."""
    child = pexpect.spawn(sys.executable, ["-m", "runbook", "init"], encoding="utf-8", timeout=30)
    for question, answer in (
        (r"Your team's name \[shop\]: ", ""),
        (rf"Production's ref \[{REF}\]: ", ""),
        ("Staging's ref, if there is one: ", "s" * 20),
        (r"Who answers for the database \(a name or a rota\): ", "Ada"),
        ("Where you tell each other about an incident: ", "#sos"),
    ):
        child.expect(question)
        child.sendline(answer)
    child.expect("runbook site serve")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    team = open_book().team
    assert team is not None
    assert (team.name, team.projects["staging"].ref, team.channel) == ("shop", "s" * 20, "#sos")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--production", "shop"), "a project's ref has 20 lower-case letters"),
        (("--staging", "SHOP"), "a project's ref has 20 lower-case letters"),
        (("--name", "a\u202eb"), "characters that can't be shown"),
        (("--name", " "), "--name is needed"),
    ],
)
def test_an_answer_that_does_not_fit_writes_nothing(project: Path, words: tuple[str, str], message: str) -> None:
    """One message, and what to do."""
    ran = _init(*words)
    assert ran.returncode == 2
    assert message in ran.stderr
    assert not (project / "team-runbook").exists()


def test_without_a_project_there_is_nothing_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that isn't linked has to be named."""
    monkeypatch.chdir(tmp_path)
    assert "no Supabase project" in _init().stderr
    (tmp_path / "supabase").mkdir()
    (tmp_path / "supabase/config.toml").touch()
    assert "--production is needed" in _init().stderr


def test_it_adds_a_workflow_a_pre_commit_hook_and_an_agents_hook_if_asked(project: Path) -> None:
    """What they run passes the guard's own scan."""
    assert _init("--workflow", "--pre-commit", "--agent", "claude-code").returncode == 0
    for name in (".github/workflows/runbook.yml", ".pre-commit-config.yaml", ".claude/settings.json"):
        assert (project / name).is_file()
    assert main(["guard", "scan", "--strict", str(project)]) == 0


def test_a_directory_that_cannot_be_written_is_a_message(project: Path) -> None:
    """No traceback, and no bug report."""
    (project / "team-runbook").touch()
    ran = _init()
    assert ran.returncode == 1
    assert "can't write" in ran.stderr
