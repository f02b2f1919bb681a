"""`runbook guard scan`: refused commands in every kind of file that holds commands, with their places."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from guard_support.home import ROOT, RUNBOOK, Home

from runbook.guard.command_line import packaged_policy
from runbook.guard.scanning import scan_files

RESET = "npx supabase db reset --linked"

WORKFLOW = """\
name: Deploy
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: npx supabase db push --linked
      - name: One line
        run: npx supabase db reset --linked
      - run: "npx supabase migration down --remote"
      - run: |
          npm ci
          if [ "${{ github.ref }}" = refs/heads/main ]; then
            npx supabase db reset --linked
          fi
      - run: echo "never npx supabase db reset --linked"
        env: {run: npx supabase db reset --linked}
      - run: npx supabase functions deploy ${{ matrix.function }} --project-ref x
      - shell: python
        run: |
          print("npx supabase db reset --linked")
      - run: >-
          cd app &&
          npx supabase db
          reset --linked
"""
GITLAB = f"""\
spec:
  inputs: {{x: {{}}}}
---
default:
  before_script: [npm ci]
.wipe: &wipe
  after_script:
    - {RESET}
deploy:
  <<: *wipe
  script:
    - cd app
    - 'echo ok; {RESET}'
    - !reference [.wipe, after_script]
"""
CIRCLE = f"""\
commands:
  wipe:
    steps:
      - run: {RESET}
jobs:
  a:
    steps:
      - checkout
      - run:
          name: Wipe
          command: |
            npm ci
            {RESET}
      - when:
          condition: << parameters.x >>
          steps: [{{run: "{RESET}"}}]
"""
DOCKERFILE = f"""\
FROM node
RUN npm ci && \\
    # never {RESET}
    {RESET}
RUN <<EOF
npm ci
{RESET}
EOF
CMD ["npx", "supabase", "db", "reset", "--linked"]
"""
DEVCONTAINER = f"""\
{{
  // {RESET}
  "postCreateCommand": "{RESET}",
  "postStartCommand": {{"a": ["npx", "supabase", "db", "reset", "--linked"]}},
}}
"""
CLEAN = f"""\
import subprocess

# {RESET}
print("{RESET}")
subprocess.run(["npx", "supabase", "db", "reset", "--linked"], check=True)
subprocess.run("cd x && {RESET}", shell=True)
"""

FILES = {
    "go.sh": (
        "#!/bin/bash\nset -e\n\ncd app && npx supabase db push --linked\n  npx supabase db reset --linked\n",
        [(5, 3)],
    ),
    "bin/wipe": ("#!/usr/bin/env bash\nwipe() {\n\tsupabase db reset --linked\n}\n", [(3, 2)]),
    "bin/tool": ("#!/usr/bin/env python3\nprint('supabase db reset --linked')\n", []),
    "quoted.sh": (f"echo '{RESET}'\ncat <<EOF\n{RESET}\nEOF\ngit commit -m '{RESET}'\n# {RESET}\n", []),
    "nested.sh": ("true\nsh -c '\n  echo a\n  supabase db reset --linked\n'\n", [(2, 1)]),
    "looped.sh": ('for a in push reset; do\n  supabase db "$a" --linked\ndone\n', [(2, 3)]),
    "broken.sh": ("if true; then\nsupabase db reset --linked\n", []),
    "windows.sh": (f"#!/bin/sh\r\necho \u00e9\u00fc; {RESET}\r\n", [(2, 10)]),
    "marked.sh": (f"\ufeff{RESET}\n", [(1, 1)]),
    "Makefile": (
        f"X = npx supabase\nall: a\n\t@echo ok\na:\n\t-@$(X) db reset --linked\nb:\n\techo {RESET}\nc:; {RESET}\n",
        [(5, 4), (8, 5)],
    ),
    "tools.mk": (f"fresh:\n\t{RESET}\n", [(2, 2)]),
    "package.json": (
        json.dumps({"name": "x", "scripts": {"build": "tsc", "fresh": RESET, "a b": f"tsc && {RESET}"}}, indent=2),
        [(5, 15), (6, 20)],
    ),
    "composer.json": (json.dumps({"scripts": {"a": ["@b", f"@php x && {RESET}"], "b": "x"}}, indent=1), [(5, 15)]),
    "deno.jsonc": (f'{{"tasks": {{"a": "{RESET}"}}}} // {RESET}\n', [(1, 18)]),
    ".github/workflows/deploy.yml": (WORKFLOW, [(10, 14), (11, 15), (15, 13), (25, 11)]),
    ".github/workflows/broken.yml": ("a: [\n", []),
    "action.yml": (f"runs:\n  steps:\n  - {{shell: bash, run: {RESET}}}\n", [(3, 24)]),
    ".gitlab-ci.yml": (GITLAB, [(8, 7), (13, 17)]),
    ".circleci/config.yml": (CIRCLE, [(4, 14), (13, 13), (16, 26)]),
    "azure-pipelines.yml": (f"steps:\n- script: |\n    echo $(x)\n    {RESET}\n- bash: {RESET}\n", [(4, 5), (5, 9)]),
    "bitbucket-pipelines.yml": (f"pipelines:\n  default:\n  - step:\n      script: [x, {RESET}]\n", [(4, 19)]),
    "Dockerfile": (DOCKERFILE, [(4, 5), (7, 1), (9, 7)]),
    ".devcontainer/devcontainer.json": (DEVCONTAINER, [(3, 25), (4, 31)]),
    "compose.yaml": (
        f"services:\n  a: {{command: {RESET}}}\n  b:\n    command: [npx, supabase, db, reset, --linked]\n",
        [(2, 16), (4, 15)],
    ),
    "vercel.json": (f'{{"buildCommand": "next build && {RESET}"}}', [(1, 33)]),
    "netlify.toml": (
        f"[build]\ncommand = \"{RESET}\"\n[context.production]\ncommand = '{RESET}'\n",
        [(2, 12), (4, 12)],
    ),
    "fly.toml": (f'[deploy]\n  release_command = "{RESET}"\n', [(2, 22)]),
    "render.yaml": (f"services:\n- type: web\n  preDeployCommand: {RESET}\n", [(3, 21)]),
    "railway.json": (f'{{"deploy": {{"preDeployCommand": ["{RESET}"]}}}}', [(1, 35)]),
    "justfile": (f"a:\n    @{RESET}\nb:\n    #!/bin/sh\n    set -e\n    {RESET}\n", [(2, 6), (6, 5)]),
    "Taskfile.yml": (f"tasks:\n  a: {RESET}\n  b:\n    cmds:\n    - task: a\n    - cmd: {RESET}\n", [(2, 6), (6, 12)]),
    "mise.toml": (f'[tasks.a]\nrun = """\necho a\n{RESET}\n"""\n', [(4, 1)]),
    "pyproject.toml": (
        f'[tool.poe.tasks]\na = "{RESET}"\n[tool.pdm.scripts]\nb = {{shell = "{RESET}"}}\n',
        [(2, 6), (4, 15)],
    ),
    "Procfile": (f"web: node x\nrelease: {RESET}\n", [(2, 10)]),
    "lefthook.yml": (f"pre-push:\n  commands:\n    a:\n      run: {RESET}\n", [(4, 12)]),
    ".husky/pre-push": (f"npm test\n{RESET}\n", [(2, 1)]),
    ".pre-commit-config.yaml": (f"repos:\n- repo: local\n  hooks:\n  - id: a\n    entry: {RESET}\n", [(5, 12)]),
    "scripts/clean.py": (CLEAN, [(5, 18), (6, 25)]),
    "scripts/clean.mjs": (f"import {{ $ }} from 'zx';\n// {RESET}\nawait $`{RESET}`;\n", [(3, 9)]),
    "src/clean.py": (CLEAN, None),
    "x.bat": (f"@echo off\r\nREM {RESET}\r\ncall {RESET}\r\n", [(3, 6)]),
    "x.fish": (f"if test -n x\n  {RESET}\nend\n", [(2, 3)]),
    "x.ps1": (f"if ($x) {{\n  {RESET}\n}}\n", [(2, 3)]),
    "notes.md": (f"```\n{RESET}\n```\n", None),
    "empty.sh": ("", []),
}
"""Each file's text and the places to find in it; None if it isn't read."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a scratch home."""
    return Home(tmp_path)


@pytest.fixture
def files(home: Home) -> Path:
    """Write all files into the project."""
    for name in FILES:
        write(home, name, FILES[name][0])
    return home.project


def write(home: Home, name: str, text: str) -> None:
    """Write a file of the project, as it is."""
    path = home.project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def places(stdout: str) -> list[tuple[int, ...]]:
    """Return the lines and columns of what was found."""
    return [tuple(map(int, line.split(":")[1:3])) for line in stdout.splitlines()]


@pytest.mark.parametrize("name", [name for name, (_, expected) in FILES.items() if expected is not None])
def test_each_refused_command_is_found_at_its_place(name: str, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command is placed where it stands in the file, whatever the format does with it."""
    text, expected = FILES[name]
    write(home, name, text)
    monkeypatch.chdir(home.project)

    found = [each for each in scan_files([Path(name)], packaged_policy()).stopped if each.verdict == "refuse"]

    assert [(each.line, each.column) for each in found] == expected
    lines = text.removeprefix("\ufeff").split("\n")
    starts = ("npx", "supabase", "sh -c", "$(X)")
    assert all(lines[line - 1][column - 1 :].startswith(starts) for line, column in expected or ())
    assert {each.file for each in found} <= {name}


def test_a_finding_is_a_line_with_its_place_and_reason(home: Home, files: Path) -> None:
    """Lines are `file:line:column: refuse: command: why`. The exit code is 3, or 0 if there are none."""
    ran = home.guard("scan", "go.sh", "Makefile")

    assert places(ran.stdout) == [(5, 4), (8, 5), (5, 3)]
    assert ran.returncode == 3
    assert all(
        re.match(r"(go\.sh|Makefile):\d+:\d+: refuse: npx supabase db reset", line) for line in ran.stdout.splitlines()
    )
    assert ran.stderr.splitlines()[-1] == "2 files read, 0 files passed over, 3 findings"
    clean = home.guard("scan", "quoted.sh")
    assert (clean.returncode, clean.stdout) == (0, "")
    assert clean.stderr.splitlines() == ["1 file read, 0 files passed over, 0 findings"]


def test_a_directory_is_searched(home: Home, files: Path) -> None:
    """All files of these kinds in it are scanned, except other people's packages."""
    write(home, "node_modules/x/go.sh", RESET)
    expected = {name: found for name, (_, found) in FILES.items() if found}

    ran = home.guard("scan", ".", "--format", "json")
    found = json.loads(ran.stdout)

    assert {each["file"] for each in found["stopped"]} == set(expected)
    assert len(found["stopped"]) == sum(map(len, expected.values()))
    assert [each["file"] for each in found["passed_over"]] == [".github/workflows/broken.yml"]


def test_strict_reports_what_needs_a_person_too(home: Home, files: Path) -> None:
    """Examples are a local reset, a script that doesn't parse, and unknown words."""
    write(home, "local.sh", "supabase db reset\nsupabase db $X\n")

    assert home.guard("scan", "local.sh").returncode == 0
    strict = home.guard("scan", "--strict", "local.sh", "broken.sh")
    assert strict.returncode == 3
    assert [line.split(": ")[1] for line in strict.stdout.splitlines()] == ["confirm"] * 3


# --- the major of the CLI --------------------------------------------------------------------------------------------


BARE = """\
jobs:
  deploy:
    steps:
      - run: supabase db push
      - run: |
          npx supabase db push --password "$DB_PASSWORD"
          npx supabase db push --linked
          npx supabase db push --local
          npx supabase db push --dry-run
          npx supabase@2 db push
          npx supabase@3.1.0 db push
          npx supabase migration list
          npx supabase functions deploy hello --project-ref abcdefghijklmnopqrst
      - run: npx --yes supabase@latest db push
"""


def test_strict_reports_a_write_whose_target_depends_on_the_major_of_the_cli(home: Home) -> None:
    """CLI 2 pushes to production, CLI 3 to the local database. In a pipeline, nobody sees which one it was."""
    for name, text, lines in (
        (".github/workflows/push.yml", BARE, [4, 6, 14]),
        ("push.sh", "set -e\nsupabase db push\nsupabase db push --remote\n", [2]),
        ("Makefile", "push:\n\tnpx supabase db push\n", [2]),
        ("package.json", '{"scripts": {\n"push": "supabase db push"}}', [2]),
    ):
        write(home, name, text)

        ran = home.guard("scan", "--strict", name)

        assert [int(line.split(":")[1]) for line in ran.stdout.splitlines()] == lines, ran.stdout
        assert ran.returncode == 3
        for line in ran.stdout.splitlines():
            assert ": confirm: " in line
            assert "CLI 2 sends it to the linked project, CLI 3 sends it to the local database" in line
        assert home.guard("scan", name).returncode == 0


@pytest.mark.parametrize("where", ["node_modules/supabase/package.json", "package.json"])
def test_the_project_says_which_major_its_runner_starts(where: str, home: Home) -> None:
    """Installed, or asked for: then the target of `npx supabase db push` is known. That of a global CLI isn't."""
    for version in ("2.1.0", "3.0.1"):
        package = {"version": version} if "modules" in where else {"devDependencies": {"supabase": f"^{version}"}}
        write(home, where, json.dumps(package))
        write(home, "app/push.sh", "npx supabase db push\nsupabase db push\n")

        ran = home.guard("scan", "--strict", "app/push.sh")

        assert [place[0] for place in places(ran.stdout)] == [2]


# --- what isn't read -------------------------------------------------------------------------------------------------


def test_what_is_passed_over_is_named_with_the_reason(home: Home, files: Path) -> None:
    """A damaged file with the place of the damage, and a file that was named and is of no known kind."""
    write(home, "huge.sh", "true\n" * 1_000_000)
    os.mkfifo(home.project / "pipe.sh")
    (home.project / "gone.sh").symlink_to("nowhere")

    ran = home.guard("scan", ".github/workflows/broken.yml", "notes.md", "huge.sh", "pipe.sh", "gone.sh")

    assert (ran.returncode, ran.stdout) == (0, "")
    assert ran.stderr.splitlines() == [
        ".github/workflows/broken.yml:2:1: passed over: did not find expected node content",
        "gone.sh: passed over: it isn't a regular file",
        "huge.sh: passed over: it is too big: 4,882 KB, and at most 4,096 KB are read",
        "notes.md: passed over: this kind of file isn't known to hold commands",
        "pipe.sh: passed over: it isn't a regular file",
        "0 files read, 5 files passed over, 0 findings",
    ]


def test_many_files_of_unknown_kinds_are_one_line(home: Home) -> None:
    """pre-commit names all files of a commit."""
    for number in range(8):
        write(home, f"{number}.txt", "")

    ran = home.guard("scan", *(f"{number}.txt" for number in range(8)))

    assert ran.stderr.splitlines() == [
        "0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 3 more: passed over: this kind of file isn't known to hold commands",
        "0 files read, 8 files passed over, 0 findings",
    ]
    found = json.loads(home.guard("scan", "--format", "json", "0.txt", "1.txt").stdout)
    assert [each["file"] for each in found["passed_over"]] == ["0.txt", "1.txt"]


@pytest.mark.parametrize("name", ["nowhere.sh", "nowhere/", "go.sh/x"])
def test_a_path_that_does_not_exist_is_an_error(name: str, home: Home, files: Path) -> None:
    """The error is one sentence with the path, and nothing is scanned."""
    ran = home.guard("scan", "go.sh", name)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"there is no file '{name.rstrip('/')}'" in ran.stderr


def test_a_large_file_is_scanned_in_time(home: Home) -> None:
    """A megabyte of steps, and a script that is longer than the grammar reads."""
    step = "      - run: echo some text that is long enough to fill a line of a workflow\n"
    write(home, ".github/workflows/a.yml", f"jobs:\n  a:\n    steps:\n{step * 3000}      - run: {RESET}\n")
    write(home, "long.sh", "echo some text\n" * 20_000 + f"  {RESET}\n")

    ran = home.guard("scan", ".")

    assert places(ran.stdout) == [(3004, 14), (20_001, 3)]


def test_the_book_can_be_named_behind_the_verb(home: Home, files: Path) -> None:
    """A team's policy counts, with its rules."""
    write(home, "book/team.yaml", "")
    rule = "id: ours, program: ours, command: '', reaches: nothing, effect: destroys, remote: refuse, local: refuse"
    write(home, "book/policy.yaml", f"rules:\n  - {{{rule}, reason: It wipes.}}\n")
    write(home, "ours.sh", "ours --now\n")

    assert home.guard("scan", "ours.sh").returncode == 0
    assert home.guard("scan", "ours.sh", "--book", "book").returncode == 3
    missing = home.guard("scan", "ours.sh", "--book", "nowhere")
    assert (missing.returncode, "nowhere" in missing.stderr) == (2, True)


# --- formats ---------------------------------------------------------------------------------------------------------


def test_sarif_has_what_code_scanning_requires(home: Home, files: Path) -> None:
    """The fields that the schema of SARIF 2.1.0 requires, with a rule and its help for each finding."""
    write(home, "a dir/go.sh", RESET)
    ran = home.guard("scan", "--strict", "--format", "sarif", ".")
    log = json.loads(ran.stdout)

    assert ran.returncode == 3
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    rules = driver["rules"]
    assert driver["name"] == "runbook"
    assert all(rule["id"] and rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1
        assert not place["artifactLocation"]["uri"].startswith(("/", "..", "./"))
    uris = {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]}
    assert "a%20dir/go.sh" in uris
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    assert "broken.yml" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_sarif_of_a_clean_project_has_no_results(home: Home, files: Path) -> None:
    """Code scanning closes earlier alerts by that."""
    ran = home.guard("scan", "--format", "sarif", "quoted.sh")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["runs"][0]["results"] == []


def test_annotations_of_github_are_escaped(home: Home) -> None:
    """Their own characters in file names and messages don't end them."""
    write(home, "a,b:c%.sh", f"{RESET} --debug='100%'\nsupabase db $X\n")
    write(home, "notes.md", "")

    lines = home.guard("scan", "--strict", "--format", "github", "a,b:c%.sh", "notes.md").stdout.splitlines()

    assert lines[0].startswith(
        "::error file=a%2Cb%3Ac%25.sh,line=1,col=1::npx supabase db reset --linked --debug=100%25: "
    )
    assert lines[1].startswith("::warning file=a%2Cb%3Ac%25.sh,line=2,col=1::")
    assert lines[2] == "::notice file=notes.md::passed over: this kind of file isn't known to hold commands"


def test_the_pre_commit_hook_takes_every_text_file(home: Home, files: Path) -> None:
    """The hook passes all file names, and the guard decides which kinds of files it scans."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (hook,) = (each for each in hooks if each["entry"].startswith("runbook guard scan"))

    ran = home.run(str(RUNBOOK), *hook["entry"].split()[1:], *FILES)

    assert hook["types"] == ["text"]
    assert ran.returncode == 3
    assert len(ran.stdout.splitlines()) == sum(len(found or ()) for _, found in FILES.values())


def test_this_repository_is_clean(home: Home) -> None:
    """Its own scripts, workflows and package.json contain nothing that its policy refuses."""
    names = ["scripts", "package.json", *(name for name in (".github",) if (ROOT / name).exists())]
    ran = home.guard("scan", *(str(ROOT / name) for name in names))
    assert (ran.returncode, ran.stdout) == (0, "")
