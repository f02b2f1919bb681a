"""Task runners: the guard judges a task by what it would run, and by its name only if that can't be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from guard_support.home import RUNBOOK, Home

from runbook.guard.command_line import judge, packaged_policy
from runbook.loading.files import read_policy
from runbook.model import Policy

RESET = "supabase db reset --linked"
PROGRAMS = packaged_policy().programs
TESTS = [(test.line, str(test.verdict), test.files) for runner in PROGRAMS.task_runners for test in runner.tests]


def verdict(line: str, files: dict[str, str], policy: Policy | None = None) -> str:
    """Return the verdict of a line in a directory that has these files."""
    return str(judge(line, files=files or {"x": ""}, policy=policy).verdict)


@pytest.mark.parametrize(
    ("line", "expected", "files"), TESTS, ids=[f"{n}-{line}" for n, (line, _, _) in enumerate(TESTS)]
)
def test_the_packaged_task_runners_give_the_verdicts_beside_them(
    line: str, expected: str, files: dict[str, str]
) -> None:
    """`runbook check` runs these lines as well."""
    assert verdict(line, files) == expected


JUSTFILE = f"""\
default: types
types:
    npx supabase gen types
wipe how="--linked":
    @npx supabase db reset {{{{how}}}}
pg file="":
    #!/usr/bin/env bash
    set -e
    psql "$URL" -c "DROP SCHEMA public CASCADE"
py:
    #!/usr/bin/env python3
    import os
    os.system("{RESET}")
$more args:
    echo
sb *args:
    supabase {{{{args}}}}
all: wipe
alias w := wipe
"""
MAKEFILE = f"""\
.PHONY: help wipe
ENV ?= local
help:
	@echo help
wipe: dirs
	npx supabase db reset --linked
dirs:
	mkdir -p x
sub:
	$(MAKE) -C below wipe
push:
	supabase db reset --$(ENV)
wipe-%:
	{RESET}
"""
PACKAGE = f"""{{"scripts": {{
  "lint": "eslint .", "wipe": "{RESET}", "ci": "run-s lint db:*", "db:wipe": "npm run wipe", "sb": "supabase",
  "precheck": "{RESET}", "check": "true", "clean": "node scripts/clean.js", "reset": "true"
}}}}"""
CLEAN = f"require('child_process').execSync('npx {RESET}');\n"
FILES = {
    "justfile": JUSTFILE,
    "Makefile": MAKEFILE,
    "below/Makefile": f"wipe:\n\t{RESET}\n",
    "package.json": PACKAGE,
    "scripts/clean.js": CLEAN,
    "scripts/make.js": "console.log(1)\n",
    "mise.toml": f"[tasks]\nlint = 'x'\n[tasks.wipe]\nrun = ['echo', '{RESET}']\n[tasks.all]\ndepends = ['wipe']\n",
    "Procfile": f"web: node x\nrelease: {RESET}\n",
}

LINES = {
    # just
    "just": "allow",
    "just types": "allow",
    "just wipe": "refuse",
    "just w": "refuse",
    "just all": "refuse",
    "just types all": "refuse",
    "just wipe --local": "confirm",
    "just types --list wipe": "refuse",
    "just pg x": "refuse",
    "just py": "confirm",
    "just sb db push types": "allow",
    "just sb db reset --linked": "refuse",
    "just --list wipe": "allow",
    "just --justfile=justfile wipe": "refuse",
    "cd scripts && just wipe": "refuse",
    "npx just wipe": "refuse",
    "just db-reset": "confirm",
    "just reset-password": "allow",
    # make
    "make": "allow",
    "make wipe": "refuse",
    "make -s wipe": "refuse",
    "make -j4 -k help wipe": "refuse",
    "make -Cbelow wipe": "refuse",
    "make -kC below wipe": "refuse",
    "make --directory=below wipe": "refuse",
    "make --directory below wipe": "refuse",
    "make -fbelow/Makefile wipe": "refuse",
    "make --file=below/Makefile -f Makefile help": "allow",
    "make -f - wipe < below/Makefile": "refuse",
    "cd below && make wipe": "refuse",
    "env -C below make wipe": "refuse",
    "make sub": "refuse",
    "make push": "confirm",
    "make push ENV=linked": "refuse",
    "make wipe-all": "refuse",
    "make -n wipe": "allow",
    "make db-reset": "confirm",
    "gmake wipe": "refuse",
    "node scripts/make.js wipe": "allow",
    # Scripts of package.json
    "npm run lint": "allow",
    "npm run ci": "refuse",
    "npm run clean": "confirm",
    "npm run check": "refuse",
    "npm run reset": "allow",
    "npm run sb -- db reset --linked": "refuse",
    "yarn sb db reset --linked": "refuse",
    "cd scripts && npm run -s wipe": "refuse",
    "npx npm-run-all lint wipe": "refuse",
    "run-p 'lint -- --fix' 'db:*'": "refuse",
    "pnpm exec run-s lint": "allow",
    "pnpm -r run wipe": "refuse",
    "node --run wipe": "refuse",
    "npx concurrently 'npm:lint' 'npm:db:*'": "refuse",
    "concurrently npm:lint 'next dev'": "allow",
    "npm --prefix scripts/.. run wipe": "refuse",
    "yarn --cwd scripts/.. wipe": "refuse",
    "pnpm -C . run lint": "allow",
    "npx -y just wipe": "refuse",
    "pnpm dlx turbo run wipe": "refuse",
    "corepack pnpm exec make wipe": "refuse",
    "sudo make wipe": "refuse",
    "time just types wipe": "refuse",
    "echo wipe | xargs make": "refuse",
    "for t in types wipe; do just $t; done": "refuse",
    "bun run wipe": "refuse",
    "bun run lint": "allow",
    "turbo run lint": "allow",
    "npx turbo run wipe --filter=web": "refuse",
    "turbo web#wipe": "refuse",
    "lerna run wipe": "refuse",
    "rush reset-db": "confirm",
    "nx reset": "allow",
    "npx nx reset": "allow",
    "nx run app:wipe": "refuse",
    "nx run-many -t lint,wipe": "refuse",
    # Others
    "mise run wipe": "refuse",
    "mise r all": "refuse",
    "mise wipe": "refuse",
    "mise run lint": "allow",
    "mise exec -- npx supabase db reset --linked": "refuse",
    "foreman start -f Procfile release": "refuse",
    "overmind s -l web": "allow",
    "heroku local": "refuse",
    "heroku logs": "allow",
}


@pytest.mark.parametrize("line", LINES)
def test_a_task_is_judged_by_what_it_runs(line: str) -> None:
    """Dependencies, aliases, parameters, directories and flags decide what that is."""
    assert verdict(line, FILES) == LINES[line]


def test_the_nearest_file_of_each_kind_counts() -> None:
    """A package.json nearby doesn't hide the tasks of a file above."""
    files = {"deno.json": f'{{"tasks": {{"wipe": "{RESET}"}}}}', "app/package.json": "{}"}
    assert verdict("cd app && deno task wipe", files) == "refuse"
    files = {"justfile": f"wipe:\n  {RESET}\n", "app/justfile": "wipe:\n  ls\n"}
    assert verdict("cd app && just wipe", files) == "allow"


def test_the_name_of_a_task_in_code_still_counts() -> None:
    """Code is read roughly: a Rakefile adds to the tasks that Rails brings."""
    files = {"Rakefile": "namespace :db do\n  task :drop do\n    puts 'x'\n  end\nend\n"}
    assert verdict("rake db:drop", files) == verdict("rake db:drop", {}) != "allow"


HOOKS = {
    "npm ci": "refuse",
    "npm install": "refuse",
    "yarn": "refuse",
    "pnpm i --frozen-lockfile": "refuse",
    "npm install --ignore-scripts": "allow",
    "npm install left-pad": "allow",
    "npm ls": "allow",
}


@pytest.mark.parametrize("line", HOOKS)
def test_installing_the_packages_of_a_project_runs_its_hooks(line: str) -> None:
    """Adding one package doesn't."""
    assert verdict(line, {"package.json": f'{{"scripts": {{"postinstall": "{RESET}"}}}}'}) == HOOKS[line]


READ = {
    "make all": ("Makefile", "V := $(shell bash wipe.sh)\nall:\n\t@true\n"),
    "make -n all": ("Makefile", "V != bash wipe.sh\nall:\n\t@true\n"),
    "just all": ("justfile", "run := `bash wipe.sh`\n\nall:\n    @echo {{run}}\n"),
    "make -- all": ("Makefile", "all:\n\tbash wipe.sh\n"),
    "yarn rebuild": ("package.json", '{"scripts": {"rebuild": "bash wipe.sh"}}'),
}


@pytest.mark.parametrize("line", READ)
def test_what_a_task_runner_runs_when_it_reads_the_file_counts(line: str) -> None:
    """Whatever the task, and even if nothing else runs."""
    name, text = READ[line]
    assert verdict(line, {name: text, "wipe.sh": RESET}) == ("confirm" if line == "yarn rebuild" else "refuse")
    assert verdict(line, {name: text, "wipe.sh": "true"}) == "allow"


DAMAGED = {
    "just db:reset": {"justfile": ""},
    "task db:reset": {"Taskfile.yml": "tasks: ["},
    "mise run db:reset": {"mise.toml": "[["},
    "npm run db:reset": {"package.json": "{"},
    "composer db:reset": {"composer.json": "[]"},
    "deno task db:reset": {"deno.json": '{"tasks": 1}'},
}


@pytest.mark.parametrize("line", DAMAGED)
def test_a_task_whose_file_is_damaged_is_judged_by_its_name(line: str) -> None:
    """A harmless name is allowed."""
    assert verdict(line, DAMAGED[line]) == "confirm"
    assert verdict(line.replace("reset", "types"), DAMAGED[line]) == "allow"


def test_a_file_that_the_line_writes_is_read() -> None:
    """It isn't on the disk yet."""
    assert verdict(f"printf 'a:\\n\\t{RESET}\\n' > Makefile && make a", {}) == "refuse"


def test_tasks_that_run_each_other_end() -> None:
    """A cycle is an error of the task runner."""
    files = {
        "Makefile": f"a: b\nb: a\n\t{RESET}\n",
        "package.json": '{"scripts": {"a": "npm run b", "b": "npm run a"}}',
    }
    assert verdict("make a", files) == "refuse"
    assert verdict("npm run a", files) == "confirm"


WORKFLOW = """\
name: Reset it
on: workflow_dispatch
jobs:
  test:
    steps: [{run: npm test}]
  wipe:
    steps:
      - run: npx supabase db reset --linked
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project on disk: workflows and packages are found by looking into directories."""
    for name, text in {
        ".github/workflows/wipe.yml": WORKFLOW,
        ".github/workflows/test.yml": "name: Tests\njobs:\n  test:\n    steps: [{run: npm test}]\n",
        "package.json": '{"workspaces": ["packages/*"], "scripts": {"lint": "x"}}',
        "packages/web/package.json": f'{{"scripts": {{"wipe": "{RESET}", "lint": "x"}}}}',
        "packages/api/project.json": f'{{"targets": {{"wipe-api": {{"command": "{RESET}"}}}}}}',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gh workflow run wipe.yml --ref main", "refuse"),
        ("gh workflow run 'Reset it'", "refuse"),
        ("gh workflow run test.yml", "allow"),
        ("gh workflow run missing.yml", "allow"),
        ("gh workflow run reset-db.yml", "confirm"),
        ("gh workflow list", "allow"),
        ("act -j wipe", "refuse"),
        ("act -j test", "allow"),
        ("act", "refuse"),
        ("turbo run wipe", "refuse"),
        ("turbo run lint", "allow"),
        ("pnpm -r run wipe", "refuse"),
        ("pnpm --filter web run wipe", "refuse"),
        ("yarn workspace web wipe", "refuse"),
        ("npm run wipe --workspaces", "refuse"),
        ("npm run wipe", "allow"),
        ("nx run api:wipe-api", "refuse"),
    ],
)
def test_what_other_directories_hold_is_found(line: str, expected: str, project: Path) -> None:
    """Workflows by file and by name, and the scripts of a project's packages."""
    assert str(judge(line, cwd=str(project)).verdict) == expected


TEAM = """\
command_files:
  - id: chores
    names: [chores.yaml]
    format: yaml
    commands: [chores.*.do]
    needs: [chores.*.first]
    tests:
      - {text: "chores: {a: {do: ls}}", commands: [ls]}
task_runners:
  - programs: [chore]
    files: [chores]
    after: [do]
    file_flags: [-f]
    tests:
      - line: chore do wipe
        files: {chores.yaml: "chores: {wipe: {first: [drop]}, drop: {do: supabase db reset --linked}}"}
        verdict: refuse
      - {line: chore do db-reset, verdict: VERDICT}
  - programs: [make]
    files: [chores]
"""


def test_a_team_adds_a_task_runner_in_yaml_alone(tmp_path: Path) -> None:
    """Its file is read by the task runner, by a scan, and by `runbook check` with the tests beside it."""
    home = Home(tmp_path)
    book = home.project / "runbook"
    book.mkdir()
    (book / "team.yaml").write_text("name: Ours\nprojects: {production: {ref: abcdefghijklmnopqrst}}\n")
    (book / "programs.yaml").write_text(TEAM.replace("VERDICT", "confirm"))
    policy = read_policy(book)
    chores = f"chores:\n  wipe: {{first: [drop]}}\n  drop:\n    do: {RESET}\n  tidy: {{do: [ls, pwd]}}\n"

    assert verdict("chore do wipe", {"chores.yaml": chores}, policy) == "refuse"
    assert verdict("chore do tidy", {"chores.yaml": chores}, policy) == "allow"
    assert verdict("chore do wipe -f other.yaml", {"other.yaml": chores}, policy) == "refuse"
    # Another way to find a program's tasks hides nothing of the packaged one.
    assert verdict("make wipe", FILES, policy) == "refuse"

    (home.project / "chores.yaml").write_text(chores)
    scanned = home.guard("scan", "--book", "runbook", ".")
    assert [line.split(": ")[0] for line in scanned.stdout.splitlines()] == ["chores.yaml:4:9"]
    assert home.guard("scan", "chores.yaml", "--book", "runbook").returncode == 3

    good = home.run(str(RUNBOOK), "--book", "runbook", "check")
    assert (good.returncode, "no problems" in good.stderr) == (0, True)
    (book / "programs.yaml").write_text(TEAM.replace("VERDICT", "allow").replace("[ls]", "[rm]"))
    bad = home.run(str(RUNBOOK), "--book", "runbook", "check")
    assert bad.returncode != 0
    assert "expected the verdict allow, got confirm" in bad.stdout + bad.stderr
    assert "expected other commands, found ['ls']" in bad.stdout + bad.stderr
