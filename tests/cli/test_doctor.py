"""`runbook doctor`: what is installed, what is missing, and the command that adds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.books import write_book
from support.terminals import program

from runbook.cli import main
from runbook.runtime.environment import settled_environment

REF = "qwertyuiopasdfghjklz"


class Machine:
    """A home, a project and a PATH with stand-ins for every tool."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.bin, self.project = root, root / "bin", root / "project"
        self._patch, self._capsys = patch, capsys
        self.book = write_book(root / "book")
        (self.project / "supabase" / ".temp").mkdir(parents=True)
        (self.project / "supabase" / "config.toml").touch()
        (self.project / "supabase" / ".temp" / "project-ref").write_text(REF)
        for name, says in (("node", "v20.1.0"), ("npx", "3.1.0"), ("git", "git version 2.39.5"), ("vi", "")):
            program(self.bin, name, f"echo '{says}'")
        patch.chdir(self.project)
        for name in ("SUPABASE_ACCESS_TOKEN", "SUPABASE_YES", "VISUAL", "EDITOR", "CLAUDECODE", "XDG_STATE_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(root / "home"))
        (root / "home").mkdir()
        patch.setenv("PATH", str(self.bin))
        patch.setenv("COLUMNS", "80")

    def doctor(self) -> tuple[int, dict[str, tuple[str, str, str]]]:
        """Return the exit code and, by name, what was found, its text and its fix."""
        code = main(["--book", str(self.book), "doctor", "--format", "json"])
        found = json.loads(self._capsys.readouterr().out)
        return code, {one["name"]: (one["found"], one["text"], one["fix"]) for one in found}

    def text(self) -> str:
        """Return what is printed for a person."""
        main(["--book", str(self.book), "doctor"])
        return self._capsys.readouterr().out


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    """Return a machine that lacks nothing."""
    return Machine(tmp_path, monkeypatch, capsys)


def test_machine_with_everything_passes(machine: Machine) -> None:
    """It exits with 0 and shows the versions."""
    code, found = machine.doctor()
    assert code == 0, found
    assert found["Supabase CLI"][:2] == ("good", "3.1.0")
    assert found["link"][1] == REF
    assert found["Node.js"][1].startswith("v20.1.0")


@pytest.mark.parametrize(
    ("missing", "name", "fix"),
    [
        ("bin/node", "Node.js", "Node.js"),
        ("bin/npx", "Node.js", "Node.js"),
        ("bin/git", "git", "git"),
        ("project/supabase/config.toml", "project", "directory"),
    ],
)
def test_what_run_needs_and_lacks_fails_with_its_fix(machine: Machine, missing: str, name: str, fix: str) -> None:
    """It exits with 1 and shows the fix."""
    (machine.root / missing).unlink()
    code, found = machine.doctor()
    assert (code, found[name][0]) == (1, "missing")
    assert fix in found[name][2]


def test_a_node_that_is_too_old_for_drills_is_noted(machine: Machine) -> None:
    """The project's CLI may run with it."""
    program(machine.bin, "node", "echo v18.20.4")
    code, found = machine.doctor()
    assert (code, found["Node.js"][0]) == (0, "note")
    assert "20 or newer" in found["Node.js"][2]


def test_unpinned_cli_is_missing(machine: Machine) -> None:
    """Without a pin, npx would download the newest version."""
    program(machine.bin, "npx", "exit 1")
    code, found = machine.doctor()
    assert (code, found["Supabase CLI"][0]) == (1, "missing")
    assert "--save-exact supabase@3.1.0" in found["Supabase CLI"][2]


@pytest.mark.parametrize(("version", "expected"), [("4.0.0", "missing"), ("3.2.0", "note"), ("2.122.1", "good")])
def test_cli_is_compared_with_what_the_book_was_proven_with(machine: Machine, version: str, expected: str) -> None:
    """An unknown major is an error; another minor version is only reported."""
    program(machine.bin, "npx", f"echo {version}")
    assert machine.doctor()[1]["Supabase CLI"][0] == expected


def test_token_is_found_and_never_shown(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token may be in the environment or in the CLI's file."""
    assert machine.doctor()[1]["login"][0] == "note"
    monkeypatch.setenv("SUPABASE_ACCESS_TOKEN", "sbp_0123456789")
    assert machine.doctor()[1]["login"][0] == "good"
    assert "sbp_0123456789" not in machine.text()
    monkeypatch.delenv("SUPABASE_ACCESS_TOKEN")
    token = machine.root / "home" / ".supabase" / "access-token"
    token.parent.mkdir()
    token.write_text("sbp_0123456789")
    assert machine.doctor()[1]["login"][0] == "good"


def test_traps_are_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hazard that runbook removes is a note. One that only a person can remove is a failure."""
    monkeypatch.setenv("SUPABASE_YES", "1")
    code, found = machine.doctor()
    assert (code, found["trap"][0]) == (0, "note")
    monkeypatch.delenv("SUPABASE_YES")
    (machine.project / ".env").write_text("SUPABASE_YES=1\n")
    code, found = machine.doctor()
    assert (code, found["trap"][0]) == (1, "missing")


def test_broken_book_fails(machine: Machine) -> None:
    """The fix is the command that shows the book's problems."""
    (machine.book / "procedures" / "add-thing.yaml").write_text("title: [\n")
    code, found = machine.doctor()
    assert (code, found["book"][0], found["book"][2]) == (1, "missing", "runbook check")


def test_journal_in_the_way_fails(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a file in place of the directory, which stops root too."""
    (machine.root / "state").mkdir()
    (machine.root / "state" / "runbook").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(machine.root / "state"))
    code, found = machine.doctor()
    assert (code, found["journal"][0]) == (1, "missing")


def test_no_home_directory_is_one_line_of_the_table(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home directory, as in some containers, still gets the whole table."""
    monkeypatch.setenv("HOME", "nowhere")
    monkeypatch.setattr("runbook.user_directories._platform", _no_home)
    code, found = machine.doctor()
    assert (code, found["journal"][0], found["git"][0]) == (1, "missing", "good")


def _no_home() -> object:
    raise RuntimeError("could not determine the home directory")


def test_doctor_changes_nothing(machine: Machine) -> None:
    """It leaves nothing but the seal of its cache, and no journal."""
    machine.doctor()
    left = [path.name for path in (machine.root / "home" / ".local").rglob("*") if path.is_file()]
    assert left == ["cache.key"]


def test_a_project_that_is_not_linked_is_only_noted(machine: Machine) -> None:
    """Whoever only works on the local stack leaves production unlinked on purpose."""
    (machine.root / "project/supabase/.temp/project-ref").unlink()
    code, found = machine.doctor()
    assert code == 0
    assert found["link"][0] == "note"
    assert "npx supabase link" in found["link"][2]


def test_settings_of_the_walk_itself_are_no_traps(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a step of a walk, it gets the answers and the directory that the walk gives to every command."""
    monkeypatch.chdir(machine.root / "project")
    for name, value in settled_environment(str(machine.root / "project")).items():
        monkeypatch.setenv(name, value)
    assert "trap" not in machine.doctor()[1]
    monkeypatch.setenv("SUPABASE_YES", "true")
    assert "SUPABASE_YES" in machine.doctor()[1]["trap"][1]


def test_another_runbook_on_path_is_told(machine: Machine) -> None:
    """Other packages install a program with this name."""
    program(machine.bin, "runbook", "echo other")
    assert str(machine.bin / "runbook") in machine.doctor()[1]["on PATH"][1]


def test_text_is_readable_and_fixes_stay_in_one_piece(machine: Machine) -> None:
    """A fix is a command to copy, so it must not be broken across lines."""
    program(machine.bin, "npx", "exit 1")
    text = machine.text()
    assert "-> npm install --save-dev --save-exact supabase@3.1.0\n" in text
    assert "Before `runbook run`, fix: Supabase CLI." in text
    assert text.splitlines()[0].startswith("ok        runbook")


def test_a_shared_journal_that_cannot_be_reached_is_missing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing could run, so better know it before the emergency; the password isn't shown."""
    monkeypatch.setenv("RUNBOOK_JOURNAL", "postgresql://ada:hunter2-zebra@127.0.0.1:9/runbook")
    code, found = machine.doctor()
    assert code == 1
    word, text, fix = found["shared journal"]
    assert word == "missing"
    assert "postgresql://127.0.0.1:9/runbook can't be reached" in text
    assert "RUNBOOK_JOURNAL=local" in fix
    assert "hunter2" not in str(found)


def test_the_journal_of_this_machine_alone_needs_no_other_line(machine: Machine) -> None:
    """Most people have no shared one."""
    assert "shared journal" not in machine.doctor()[1]
