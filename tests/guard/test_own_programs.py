"""A team adds programs that start others by YAML alone, as the guide shows, and can hide nothing by it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from guard_support.home import ROOT, RUNBOOK

from runbook.guard.command_line import judge
from runbook.loading import read_policy
from runbook.model import Policy, Verdict

TEAM = "name: Acme\nprojects:\n  staging: {ref: stagstagstagstagstag}\n"


def example() -> str:
    """Return the programs that the guide adds."""
    page = (ROOT / "docs/reference/guard.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(launchers:\n.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a team's book with these programs."""
    directory = tmp_path / "team-runbook"
    directory.mkdir()
    (directory / "team.yaml").write_text(TEAM, encoding="utf-8")
    (directory / "programs.yaml").write_text(example(), encoding="utf-8")
    return directory


def policy_with(tmp_path: Path, programs: str) -> Policy:
    """Return the policy of a book with other programs."""
    directory = tmp_path / "book"
    directory.mkdir()
    (directory / "programs.yaml").write_text(programs, encoding="utf-8")
    return read_policy(directory)


def test_the_guides_programs_are_followed(book: Path) -> None:
    """Without them, a person is asked: the words look dangerous, and nobody knows who runs them."""
    policy = read_policy(book)
    line = "with-secrets run --env prod -- npx supabase db reset --linked"
    assert judge(line).verdict is Verdict.CONFIRM
    assert judge(line, policy=policy).verdict is Verdict.REFUSE
    assert judge("with-secrets run -- npm start", policy=policy).verdict is Verdict.ALLOW
    assert judge("with-secrets list supabase", policy=policy).verdict is Verdict.ALLOW
    code = "-- run('supabase db reset --linked')\n# run('x')\nrun('supabase', 'db', 'reset', '--linked')\n"
    assert judge("acme-script clean.acme", policy=policy, files={"clean.acme": code}).verdict is Verdict.CONFIRM
    harmless = "# run('supabase db reset --linked')\nrun('ls')\n"
    assert judge("acme-script ok.acme", policy=policy, files={"ok.acme": harmless}).verdict is Verdict.ALLOW


def test_check_runs_their_tests_and_names_a_wrong_one_with_its_place(book: Path) -> None:
    """The tests stand beside the programs."""
    words = [str(RUNBOOK), "--book", str(book), "check"]
    assert subprocess.run(words, capture_output=True, text=True, check=False).returncode == 0
    wrong = example().replace("tasks, verdict: refuse", "tasks, verdict: allow")
    (book / "programs.yaml").write_text(wrong, encoding="utf-8")
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "team-runbook/programs.yaml:6:" in ran.stdout + ran.stderr
    assert "expected the verdict allow, got refuse" in ran.stdout + ran.stderr


def test_a_program_of_the_packaged_table_stays_what_it_is(tmp_path: Path) -> None:
    """A team's entry for the same program is another way to read it, never instead of ours."""
    own = "launchers:\n  - {programs: [sudo], after: [never]}\ninterpreters:\n  - {programs: [node], own: [clean.js]}\n"
    policy = policy_with(tmp_path, own)
    assert judge("sudo supabase db reset --linked", policy=policy).verdict is Verdict.REFUSE
    files = {"clean.js": "require('child_process').execSync('supabase db reset --linked')"}
    assert judge("node clean.js", policy=policy, files=files).verdict is Verdict.CONFIRM
