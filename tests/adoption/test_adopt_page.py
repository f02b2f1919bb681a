"""The page "Adopt it": each command on it works in a fresh project, with the wheel alone."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from support.terminals import ROOT
from support.wheels import TOOLS, Installed, install

PAGE = (ROOT / "docs/authors/adopt.md").read_text(encoding="utf-8")
BLOCKS = re.compile(r'^```(?P<kind>bash|yaml title="(?P<file>[^"]+)")\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL)
REF = "abcdefghijklmnopqrst"
MOST_COMMANDS = 8


@dataclass(frozen=True)
class Ran:
    """What a command on the page did."""

    line: str
    code: int
    output: str


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel, and make a linked project with a migration and a function."""
    root = tmp_path_factory.mktemp("adoption")
    found = replace(install(root), work=root / "shop")
    for folder in (".temp", "migrations", "functions/order"):
        (found.work / "supabase" / folder).mkdir(parents=True)
    (found.work / "supabase/config.toml").write_text('project_id = "shop"\n')
    (found.work / "supabase/.temp/project-ref").write_text(REF)
    (found.work / "supabase/migrations/20260101000000_base.sql").write_text("create table items (id bigint);\n")
    return found


@pytest.fixture(scope="module")
def page(installed: Installed) -> tuple[Ran, ...]:
    """Do what the page says, from its first block to its last."""
    return tuple(_follow(installed))


def _follow(installed: Installed) -> Iterator[Ran]:
    for block in BLOCKS.finditer(PAGE):
        if block["file"]:
            file = installed.work / block["file"]
            assert file.parent.is_dir(), f"no command of the page creates {file.parent}"
            file.write_text(block["text"])
            continue
        for line in block["text"].splitlines():
            program, *words = shlex.split(line)
            if program == "pipx":  # the wheel under test is installed already
                assert words[-1].startswith("migration-runbook[")
                yield Ran(line, 0, "")
                continue
            assert program == "runbook"
            done = installed.run(*words, RUNBOOK_TOOLS=TOOLS)
            yield Ran(line, done.returncode, done.stdout + done.stderr)


def test_every_command_of_the_page_succeeds(page: tuple[Ran, ...]) -> None:
    """In the order in which a team lead types them."""
    assert [(ran.line, ran.output) for ran in page if ran.code] == []
    assert {ran.line.split()[1] for ran in page[1:]} == {
        *("setup", "init", "new", "upgrade", "check", "drill", "site"),
    }
    assert len(page) <= MOST_COMMANDS


def test_the_own_procedure_is_drilled_with_its_proof(page: tuple[Ran, ...]) -> None:
    """On a real database, with the real CLI."""
    (drill,) = [ran for ran in page if " drill " in ran.line]
    assert "The users were counted" in drill.output
    assert "Drill passed" in drill.output


def test_the_site_has_all_pages_with_the_teams_people_and_changes(page: tuple[Ran, ...], installed: Installed) -> None:
    """Theirs and ours, and works from a disk."""
    assert page[-1].code == 0
    site = installed.work / "team-runbook/site"
    own = (site / "procedures/count-stock.html").read_text(encoding="utf-8")
    assert "Count the stock" in own
    changed = (site / "procedures/push-migration.html").read_text(encoding="utf-8")
    assert "Nobody in the warehouse is importing" in changed
    assert "ask-warehouse" in changed
    emergency = (site / "procedures/emergency-rollback.html").read_text(encoding="utf-8")
    assert "#incidents" in emergency
    assert "Ada Lovelace" in emergency
    assert f"https://supabase.com/dashboard/project/{REF}/" in emergency


def test_mkdocs_builds_it_strictly_from_another_directory(page: tuple[Ran, ...], installed: Installed) -> None:
    """A team's own pipeline need not know runbook."""
    assert page[-1].code == 0
    python = str(installed.environment / "bin/python")
    to = ["--config-file", str(installed.work / "team-runbook/mkdocs.yml"), "--site-dir", str(installed.home / "out")]
    words = [python, "-m", "mkdocs", "build", "--strict", *to]
    done = subprocess.run(words, cwd=installed.home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (installed.home / "out/procedures/count-stock.html").is_file()


def test_a_changed_packaged_procedure_still_passes_its_drill(page: tuple[Ran, ...], installed: Installed) -> None:
    """With the team's step in it."""
    assert page[-1].code == 0
    done = installed.run("drill", "push-migration", "--scenario", "one-file", "--auto", RUNBOOK_TOOLS=TOOLS)
    assert "Drill passed" in done.stdout, done.stdout + done.stderr


def test_the_guard_follows_the_teams_policy_and_refuses_a_wipe(page: tuple[Ran, ...], installed: Installed) -> None:
    """The last block of the page is a policy that `check` accepts."""
    assert page[-1].code == 0
    policy = installed.work / "team-runbook/policy.yaml"
    policy.write_text(PAGE[PAGE.rindex("```yaml\n") + 8 : PAGE.rindex("```")])
    assert installed.run("check").returncode == 0
    line = f"npx supabase secrets set A=1 --project-ref {REF}"
    # The rule is loosened, but the project is production, which is protected.
    asked = installed.run("guard", "--line", line)
    assert asked.returncode == 6
    assert "which team.yaml protects" in " ".join(asked.stderr.split())
    assert "Your team loosens this" in " ".join(asked.stderr.split())
    assert installed.run("guard", "--line", "npx supabase db reset --linked").returncode == 3
    policy.unlink()


def test_a_second_init_changes_nothing(page: tuple[Ran, ...], installed: Installed) -> None:
    """Somebody will run it again."""
    assert page[-1].code == 0
    before = {file: file.read_bytes() for file in (installed.work / "team-runbook").rglob("*") if file.is_file()}
    assert installed.run("init", "--name", "Other").returncode == 0
    assert {file: file.read_bytes() for file in before} == before


def test_doctor_names_the_teams_book(page: tuple[Ran, ...], installed: Installed) -> None:
    """So that nobody wonders which one is used."""
    assert page[-1].code == 0
    found = {one["name"]: one for one in json.loads(installed.run("doctor", "--format", "json").stdout)}
    assert str(installed.work / "team-runbook") in found["book"]["text"]
