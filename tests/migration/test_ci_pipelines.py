"""The examples of the page, and the hook for pre-commit: each is run as its host would run it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from migration_support.composite_action import ACTION, ROOT, RUNBOOK
from migration_support.pull_requests import PullRequest

from runbook import __version__

PAGE = (ROOT / "docs/reference/migration-check.md").read_text(encoding="utf-8")
FOLDER = "supabase/migrations"
OLD, BAD, SKIPPED = f"{FOLDER}/20260101000000_old.sql", f"{FOLDER}/20260201000000_bad.sql", f"{FOLDER}/note.sql"
SQL = "select 1;\n\ntruncate public.users;\ntruncate public.users;\n"


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout of a branch that adds a bad migration and one that the CLI skips."""
    pull = PullRequest(tmp_path_factory.mktemp("pull"))
    pull.start({OLD: "drop table public.old;\n"})
    pull.commit({BAD: SQL, SKIPPED: "select 1;\n"}, "topic")
    pull.check_out(depth=0)
    return pull.checkout


def _example(title: str) -> str:
    """Return the code in a tab of the page, or the first one under a heading."""
    found = re.search(rf'(?:=== "{title}"|## {title})\n.*?\n( *)```\S[^\n]*\n(.*?)\n\1```', PAGE, re.DOTALL)
    assert found, title
    return dedent(found[2])


def _run(argv: Sequence[str], branch: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{RUNBOOK.parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(branch.parent), **more}
    return subprocess.run(
        argv,
        cwd=branch,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


# --- GitHub -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["GitHub Actions", "GitHub code scanning"])
def test_the_workflow_uses_the_action_with_the_least_permissions(title: str) -> None:
    """It gives the inputs that exist, and permissions only for what it does."""
    workflow = yaml.safe_load(_example(title))
    checkout, action = workflow["jobs"]["check"]["steps"]
    inputs = action.get("with", {})

    assert workflow[True] == {"pull_request": {"paths": [f"{FOLDER}/**"]}}  # YAML reads `on` as true
    needed = {"contents": "read", "pull-requests": "write", **({"security-events": "write"} if inputs else {})}
    assert workflow["permissions"] == needed
    assert checkout["with"] == {"fetch-depth": 0}
    assert action["uses"] == f"YOUR-TEAM/migration-runbook@v{__version__}"
    assert inputs.keys() <= ACTION["inputs"].keys()


def test_the_page_lists_the_inputs_with_their_defaults() -> None:
    """None is missing, and none is gone."""
    rows = dict(
        re.findall(r"^\| `([\w-]+)` \| (.*?) \| .* \|$", PAGE.split("| input |")[1].split("\n\n")[0], re.MULTILINE)
    )

    assert rows.keys() == ACTION["inputs"].keys()
    for name in ("fail-at", "comment", "sarif"):
        assert rows[name] == f"`{ACTION['inputs'][name]['default']}`"


# --- GitLab -----------------------------------------------------------------------------------------------------------

QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^./]"},
                    "lines": {"required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}
"""What GitLab requires of a Code Quality report."""


def test_the_lines_of_the_gitlab_job_write_a_report_and_fail(branch: Path) -> None:
    """The last line decides, and its output is for the log."""
    job = yaml.safe_load(_example("GitLab CI"))["migrations"]
    install, *lines = job["script"]
    assert install == f"pip install 'migration-runbook[check]=={__version__}'"
    base = job["variables"]["BASE"].replace("$CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")

    ran = [_run(["bash", "-eo", "pipefail", "-c", line], branch, BASE=base) for line in lines]

    assert [each.returncode for each in ran] == [0, 1]
    assert f"{BAD}:3:" in ran[-1].stdout
    report = json.loads((branch / job["artifacts"]["reports"]["codequality"]).read_text(encoding="utf-8"))
    assert [each.message for each in Draft7Validator(QUALITY).iter_errors(report)] == []
    found = [(each["check_name"], each["location"]["path"], each["location"]["lines"]["begin"]) for each in report]
    assert {("truncate", BAD, 3), ("truncate", BAD, 4), ("skipped-file", SKIPPED, 1)} <= set(found)
    assert {path for _, path, _ in found} == {BAD, SKIPPED}
    assert len({each["fingerprint"] for each in report}) == len(report)


def test_a_fingerprint_stays_the_same_if_lines_above_change(branch: Path, tmp_path: Path) -> None:
    """Otherwise GitLab would show an old finding as new."""
    prints = []
    for above in ("", "\n-- more\n"):
        (tmp_path / "20260201000000_bad.sql").write_text(above + SQL)
        ran = _run([str(RUNBOOK), "migration", "check", "--format", "gitlab", str(tmp_path)], branch)
        records = json.loads(ran.stdout)
        prints.append([each["fingerprint"] for each in records if each["check_name"] == "truncate"])

    assert len(prints[0]) == 2
    assert prints[0] == prints[1]


# --- pre-commit -------------------------------------------------------------------------------------------------------


def _hook() -> dict[str, Any]:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = next(each for each in hooks if each["id"] == "runbook-migration")
    return found


def test_the_hook_has_the_keys_of_pre_commit() -> None:
    """It installs this repository with the parser, and starts the command that the package has."""
    hook = _hook()

    assert hook.keys() <= {"id", "name", "description", "entry", "language", "additional_dependencies", "files"}
    assert hook["language"] == "python"
    assert hook["additional_dependencies"] == [".[check]"]
    assert hook["entry"] == "runbook migration check"


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        (BAD, True),
        (SKIPPED, True),
        (f"apps/shop/{FOLDER}/20260101000000_a.sql", True),
        (f"{FOLDER}/20260101000000_A.SQL", True),
        (f"{FOLDER}/nested/20260101000000_a.sql", True),
        ("supabase/seed.sql", False),
        (f"not{FOLDER}/20260101000000_a.sql", False),
        (f"{FOLDER}/README.md", False),
    ],
)
def test_the_hook_takes_every_sql_file_in_the_folder(name: str, fits: bool) -> None:
    """Also one whose name the CLI would skip: that is a finding."""
    assert bool(re.search(_hook()["files"], name)) is fits


def test_the_hook_judges_the_files_of_a_commit(branch: Path) -> None:
    """pre-commit appends the arguments of the example, and the names."""
    (hook,) = yaml.safe_load(_example("pre-commit"))["repos"][0]["hooks"]
    assert hook["id"] == _hook()["id"]
    names = [each for each in (OLD, BAD, SKIPPED, "supabase/seed.sql") if re.search(_hook()["files"], each)]

    ran = _run([*_hook()["entry"].split(), *hook["args"], *names], branch)

    assert ran.returncode == 1
    assert {line.split(":")[0] for line in ran.stdout.splitlines() if line.startswith("supabase")} == {BAD, SKIPPED}
    assert _run([*_hook()["entry"].split(), OLD], branch).returncode == 1


# --- editors ----------------------------------------------------------------------------------------------------------


def test_the_task_of_vs_code_finds_every_finding(branch: Path) -> None:
    """Its expression reads the text that the command prints, and nothing else of it."""
    (task,) = json.loads(_example("In an editor"))["tasks"]
    pattern = task["problemMatcher"]["pattern"]

    ran = _run([task["command"], *task["args"]], branch)
    matches = filter(None, (re.fullmatch(pattern["regexp"], line) for line in ran.stdout.splitlines()))
    names = ("file", "line", "column", "severity", "code", "message")
    read = [tuple(match[pattern[name]] for name in names) for match in matches]

    known = json.loads(_run([*([task["command"], *task["args"]]), "--format", "json"], branch).stdout)["findings"]
    assert {each["level"] for each in known} >= {"error", "warning"}
    assert read == [
        tuple(str(each[name]) for name in ("file", "line", "column", "level", "rule", "message")) for each in known
    ]


def test_the_line_for_other_pipelines_works(branch: Path) -> None:
    """In a clone with the base branch."""
    *_, line = _example("Other pipelines").splitlines()
    ran = _run(["bash", "-ec", line], branch)

    assert ran.returncode == 1
    assert OLD not in ran.stdout
