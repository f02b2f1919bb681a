"""The action: its steps, run as a runner does, on a pull request of a repository made for it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from migration_support.composite_action import ACTION, ROOT, Ran, run_action, steps
from migration_support.github_stand_in import TOKEN, Failure, GitHubStandIn, github_stand_in
from migration_support.pull_requests import PullRequest, git

FOLDER = "supabase/migrations"
OLD, DROPS, ADDS = (
    f"{FOLDER}/{name}.sql" for name in ("20260101000000_tasks", "20260201000000_drop", "20260202000000_add")
)
HEADER = """\
-- Migration: {}
-- Purpose: a test
-- Rollback: alter table public.tasks drop column due;
set lock_timeout = '5s';
"""
TASKS = (
    HEADER.format("tasks") + "create table public.tasks (id bigint primary key, note text);\n"
    "alter table public.tasks enable row level security;\n"
)
BAD = HEADER.format("drop") + "\nalter table public.tasks\n  drop column note;\ndrop table public.users;\n"
GOOD = HEADER.format("add") + "alter table public.tasks add column due date;\n"


@pytest.fixture
def github() -> Iterator[GitHubStandIn]:
    """Serve the stand-in."""
    with github_stand_in() as found:
        yield found


@pytest.fixture
def pull(tmp_path: Path) -> PullRequest:
    """Return a pull request that adds a bad migration and a good one. Main has a bad one, too, which is applied."""
    found = PullRequest(tmp_path / "pull")
    found.start({OLD: TASKS, f"{FOLDER}/20260102000000_old.sql": "drop table old;\n", "README.md": "Shop\n"})
    found.commit({DROPS: BAD, ADDS: GOOD}, "topic")
    found.check_out()
    return found


def _run(pull: PullRequest, github: GitHubStandIn, token: str = TOKEN, **inputs: str) -> Ran:
    return run_action(pull.checkout, pull.folder / "run", pull.variables(github.address), token, **inputs)


# --- what a pull request shows ----------------------------------------------------------------------------------------


def test_annotations_land_on_the_lines_of_the_files_that_the_pull_request_adds(
    pull: PullRequest, github: GitHubStandIn
) -> None:
    """The checkout has one commit, so the action gets the history itself. What is on main isn't reported."""
    ran = _run(pull, github)

    assert ran.code == 1, ran.stderr
    errors = [(place, message) for level, place, message in ran.annotations if level == "error"]
    lines = BAD.splitlines()
    found = {place["title"]: (place["file"], lines[int(place["line"]) - 1], int(place["col"])) for place, _ in errors}
    assert found["drop-column"] == (DROPS, "  drop column note;", found["drop-column"][2])
    assert lines[6][found["drop-column"][2] - 1 :].startswith(("drop", "note"))
    assert found["drop-table"][:2] == (DROPS, "drop table public.users;")
    assert {place["file"] for _, place, _ in ran.annotations} == {DROPS}


def test_one_comment_is_created_updated_and_cleared(pull: PullRequest, github: GitHubStandIn) -> None:
    """Three pushes, with a hundred comments of people before."""
    for number in range(100):
        github.add_comment(f"Comment {number}")
    _run(pull, github)
    (first,) = github.of_the_check
    assert "2 errors" in first
    assert f"/acme/shop/blob/{git(pull.origin, 'rev-parse', 'topic')}/{DROPS}#L7" in first

    pull.commit({DROPS: BAD.replace("drop table public.users;\n", "")}, "topic")
    pull.check_out()
    assert _run(pull, github).code == 1
    (second,) = github.of_the_check
    assert "1 error" in second

    pull.commit({DROPS: None}, "topic")
    pull.check_out()
    assert _run(pull, github).code == 0
    (third,) = github.of_the_check
    assert "all clear" in third
    assert github.count("POST") == 1


def test_a_clean_pull_request_gets_no_comment(pull: PullRequest, github: GitHubStandIn) -> None:
    """The summary says that it's clean."""
    pull.commit({DROPS: None}, "topic")
    pull.check_out()
    ran = _run(pull, github)

    assert (ran.code, ran.stdout) == (0, "")
    assert github.comments == []
    assert "all clear" in ran.summary
    assert ran.outputs == {"errors": "0", "warnings": "0", "notices": "0"}


def test_the_summary_and_the_outputs_have_the_same_findings(pull: PullRequest, github: GitHubStandIn) -> None:
    """Later steps can read how many there are."""
    ran = _run(pull, github)

    levels = [level for level, _, _ in ran.annotations]
    assert ran.outputs == {f"{each}s": str(levels.count(each)) for each in ("error", "warning", "notice")}
    assert f"{FOLDER}/20260201000000_drop.sql:7" in ran.summary
    assert "<!--" not in ran.summary


def test_what_others_have_merged_meanwhile_is_not_this_pull_requests(pull: PullRequest, github: GitHubStandIn) -> None:
    """The merge contains it, although the branch doesn't."""
    pull.commit({DROPS: None}, "topic")
    pull.commit({f"{FOLDER}/20260115000000_theirs.sql": "drop table theirs;\n"})
    pull.check_out()

    ran = _run(pull, github)

    assert (ran.code, ran.annotations) == (0, [])


def test_an_edited_migration_of_main_is_an_error(pull: PullRequest, github: GitHubStandIn) -> None:
    """It never runs where it was applied. The comparison is with main, and the whole history is in the checkout."""
    pull.commit({DROPS: None, OLD: TASKS + "alter table public.tasks add column done boolean;\n"}, "topic")
    pull.check_out(depth=0)

    ran = _run(pull, github)

    assert ran.code == 1
    assert {(place["file"], place["title"]) for _, place, _ in ran.annotations} == {(OLD, "edited-migration")}
    assert "origin/main" in github.of_the_check[0]


# --- settings ---------------------------------------------------------------------------------------------------------


def test_the_level_decides_what_fails(pull: PullRequest, github: GitHubStandIn) -> None:
    """From the strictest to none at all."""
    pull.commit({DROPS: "alter table public.tasks add column x int;\n"}, "topic")
    pull.check_out()

    ran = _run(pull, github)
    assert {level for level, _, _ in ran.annotations} == {"warning"}
    assert ran.code == 0
    assert _run(pull, github, fail_at="warning").code == 1
    pull.commit({DROPS: BAD}, "topic")
    pull.check_out()
    assert _run(pull, github, fail_at="never").code == 0


def test_paths_are_lines_and_a_comment_can_be_left_out(pull: PullRequest, github: GitHubStandIn) -> None:
    """A repository may have several databases. A name is never more than a name."""
    other = "data base/$(touch hit);x/20260203000000_more.sql"
    pull.commit({DROPS: None, other: "drop table public.more;\n"}, "topic")
    pull.check_out()

    ran = _run(pull, github, paths=f"{FOLDER}\n\n  {Path(other).parent}\n", comment="false", since="origin/main")

    assert ran.code == 2  # the one commit of the checkout has no origin/main
    git(pull.checkout, "fetch", "--quiet", "--unshallow", "origin", "+refs/heads/*:refs/remotes/origin/*")
    ran = _run(pull, github, paths=f"{FOLDER}\n\n  {Path(other).parent}\n", comment="false", since="origin/main")
    assert ran.code == 1
    assert {place["file"] for _, place, _ in ran.annotations} == {other}
    assert github.requests == []
    assert not (pull.checkout / "hit").exists()


def test_sarif_is_valid_and_goes_to_code_scanning(pull: PullRequest, github: GitHubStandIn) -> None:
    """The schema is the part of SARIF 2.1.0 that code scanning reads."""
    pull.commit(
        {ADDS: GOOD + "-- runbook: allow drop-column because it's new\nalter table a drop column b;\n"}, "topic"
    )
    pull.check_out()

    ran = _run(pull, github, sarif="true")

    log = json.loads(Path(ran.outputs["sarif"]).read_text(encoding="utf-8"))
    schema = json.loads((Path(__file__).parent / "data/sarif.schema.json").read_text(encoding="utf-8"))
    assert [each.message for each in Draft7Validator(schema).iter_errors(log)] == []
    results = log["runs"][0]["results"]
    places = {
        (each["ruleId"], place["artifactLocation"]["uri"], place["region"]["startLine"])
        for each in results
        for place in [each["locations"][0]["physicalLocation"]]
        if "suppressions" not in each
    }
    assert ("drop-column", DROPS, 7) in places
    assert [each["suppressions"][0]["justification"] for each in results if "suppressions" in each] == ["it's new"]
    upload = steps()[-1]
    assert upload["uses"].startswith("github/codeql-action/upload-sarif@")
    assert upload["with"]["sarif_file"] == "${{ steps.check.outputs.sarif }}"


# --- what can go wrong ------------------------------------------------------------------------------------------------


def test_a_fork_gets_annotations_and_a_note_instead_of_a_comment(tmp_path: Path, github: GitHubStandIn) -> None:
    """Its token can only read. The verdict is the same."""
    pull = PullRequest(tmp_path / "pull", head_repository="mallory/shop")
    pull.start({OLD: TASKS})
    pull.commit({DROPS: BAD}, "topic")
    pull.check_out()
    github.is_read_only = True

    ran = _run(pull, github)

    assert ran.code == 1
    assert {"drop-column", "drop-table"} <= {place.get("title") for _, place, _ in ran.annotations}
    level, _, message = ran.annotations[-1]
    assert level == "notice"
    assert "it comes from a fork" in message
    assert github.comments == []


def test_a_missing_permission_is_named(pull: PullRequest, github: GitHubStandIn) -> None:
    """The branch is the repository's own, so the workflow lacks it."""
    github.is_read_only = True
    level, _, message = _run(pull, github).annotations[-1]

    assert level == "warning"
    assert "pull-requests: write" in message


def test_a_comment_that_fails_changes_no_verdict_and_shows_no_token(pull: PullRequest, github: GitHubStandIn) -> None:
    """The reason is a warning. Nothing that the action prints or writes has the token."""
    github.failures += [Failure("GET", 503, headers=(("Retry-After", "0"),))] * 9
    ran = _run(pull, github, fail_at="never")

    level, _, message = ran.annotations[-1]
    assert (ran.code, level) == (0, "warning")
    assert "503" in message
    printed = [ran.stdout, ran.stderr, ran.summary, *ran.installed, *ran.outputs.values()]
    assert all(TOKEN not in text for text in printed)
    assert "GITHUB_TOKEN is empty" in _run(pull, github, token="").annotations[-1][2]


def test_a_base_that_cannot_be_fetched_stops_the_check(pull: PullRequest, github: GitHubStandIn) -> None:
    """With the setting that helps, as an annotation and in the log."""
    git(pull.checkout, "remote", "set-url", "origin", "file:///nowhere")
    ran = _run(pull, github)

    assert ran.code == 2
    ((level, _, message),) = ran.annotations
    assert level == "error"
    assert "fetch-depth: 0" in message
    assert "fetch-depth: 0" in ran.stderr


def test_settings_with_problems_are_annotated_at_their_place(pull: PullRequest, github: GitHubStandIn) -> None:
    """The team's file belongs to the repository, so a pull request can damage it."""
    team = (
        "name: Acme\nprojects: {production: {ref: abcdefghijklmnopqrst}}\nmigrations: {levels: {no-such-rule: error}}\n"
    )
    pull.commit({"team-runbook/team.yaml": team}, "topic")
    pull.check_out()
    ran = _run(pull, github)

    assert ran.code == 2
    (level, place, message) = ran.annotations[0]
    assert (level, place["file"], place["line"]) == ("error", "team-runbook/team.yaml", "3")
    assert "no-such-rule" in message


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_package_comes_from_the_ref_of_the_action_or_has_the_version_that_is_named(
    pull: PullRequest, github: GitHubStandIn
) -> None:
    """It goes into an environment of its own, with the parser."""
    by_ref = _run(pull, github).installed
    by_version = _run(pull, github, version="0.3.1").installed[len(by_ref) :]

    assert by_ref[0].startswith("-I -m venv --clear ")
    assert by_ref[1].endswith(" /actions/acme/migration-runbook/v1[check]")
    assert by_version[1].endswith(" migration-runbook[check]==0.3.1")


def test_no_value_is_written_into_a_script() -> None:
    """A branch or a file could be named like a command. Every value comes as a variable, and in quotes."""
    scripts = [step["run"] for step in steps() if "run" in step]

    assert len(scripts) == 2
    for script in scripts:
        assert "${{" not in script
        assert re.findall(r'(?<!")\$\w+|(?<!")\$\{', re.sub(r'"[^"\n]*"', '""', script)) == []


def test_no_code_in_the_checkout_runs(pull: PullRequest, github: GitHubStandIn) -> None:
    """Python finds modules in its working directory, unless it's told not to."""
    hit = "import pathlib\npathlib.Path('hit').touch()\n"
    names = ("runbook/__init__.py", "click.py", "yaml.py", "sitecustomize.py", "pip/__main__.py", "venv/__main__.py")
    pull.commit(dict.fromkeys(names, hit), "topic")
    pull.check_out()
    ran = _run(pull, github)

    assert ran.code == 1
    assert not (pull.checkout / "hit").exists()
    assert all(line.startswith("-I ") for line in ran.installed)


def test_git_gets_no_token(pull: PullRequest, github: GitHubStandIn) -> None:
    """It has what the checkout gave it."""
    git_in_between = pull.folder / "bin/git"
    git_in_between.parent.mkdir()
    seen = pull.folder / "seen"
    git_in_between.write_text(f'#!/bin/sh\nenv >>"{seen}"\nexec {shutil.which("git")} "$@"\n')
    git_in_between.chmod(0o755)
    variables = {**pull.variables(github.address), "PATH": f"{git_in_between.parent}:{os.environ['PATH']}"}
    ran = run_action(pull.checkout, pull.folder / "run", variables, TOKEN)

    assert (ran.code, len(github.of_the_check)) == (1, 1)
    assert "GITHUB_REPOSITORY=acme/shop" in seen.read_text()
    assert TOKEN not in seen.read_text()


def test_every_input_is_described_and_used() -> None:
    """And the package has what the action installs."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8")

    for name, each in ACTION["inputs"].items():
        assert each["description"].endswith(".")
        assert f"${{{{ inputs.{name} }}}}" in text
    assert "check = [" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
