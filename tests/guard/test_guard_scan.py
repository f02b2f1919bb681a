"""`runbook guard scan`: refused commands in scripts, Makefiles, workflows and package.json, with their places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from guard_support.home import ROOT, RUNBOOK, Home

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
    "Makefile": (
        f"X = npx supabase\nall: a\n\t@echo ok\na:\n\t-@$(X) db reset --linked\nb:\n\techo {RESET}\n",
        [(5, 4)],
    ),
    "tools.mk": (f"fresh:\n\t{RESET}\n", [(2, 2)]),
    "package.json": (
        json.dumps({"name": "x", "scripts": {"build": "tsc", "fresh": RESET, "a b": f"tsc && {RESET}"}}, indent=2),
        [(5, 15), (6, 20)],
    ),
    ".github/workflows/deploy.yml": (WORKFLOW, [(10, 14), (11, 15), (15, 13)]),
    ".github/workflows/broken.yml": ("a: [\n", []),
    "notes.md": (f"```\n{RESET}\n```\n", []),
    "empty.sh": ("", []),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a scratch home."""
    return Home(tmp_path)


@pytest.fixture
def files(home: Home) -> Path:
    """Write all files into the project."""
    for name, (text, _) in FILES.items():
        path = home.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return home.project


@pytest.mark.parametrize("name", FILES)
def test_each_refused_command_is_found_at_its_place(name: str, home: Home, files: Path) -> None:
    """Lines are `file:line:column: refuse: command: why`. The exit code is 3, or 0 if there are none."""
    expected = FILES[name][1]

    ran = home.guard("scan", name)
    found = [tuple(map(int, line.split(":")[1:3])) for line in ran.stdout.splitlines()]

    assert found == expected
    assert ran.returncode == (3 if expected else 0)
    assert all(line.startswith(f"{name}:") and ": refuse: " in line for line in ran.stdout.splitlines())


def test_a_directory_is_searched(home: Home, files: Path) -> None:
    """All files of these kinds in it are scanned, except other people's packages."""
    (files / "node_modules/x").mkdir(parents=True)
    (files / "node_modules/x/go.sh").write_text(RESET)

    found = json.loads(home.guard("scan", ".", "--format", "json").stdout)["stopped"]

    assert {each["file"] for each in found} == {name for name, (_, places) in FILES.items() if places}
    assert len(found) == sum(len(places) for _, places in FILES.values())


def test_strict_reports_what_needs_a_person_too(home: Home, files: Path) -> None:
    """Examples are a local reset, a script that doesn't parse, and unknown words."""
    (files / "local.sh").write_text("supabase db reset\nsupabase db $X\n")

    assert home.guard("scan", "local.sh").returncode == 0
    strict = home.guard("scan", "--strict", "local.sh", "broken.sh")
    assert strict.returncode == 3
    assert [line.split(": ")[1] for line in strict.stdout.splitlines()] == ["confirm"] * 3


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
        path = home.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

        ran = home.guard("scan", "--strict", name)

        assert [int(line.split(":")[1]) for line in ran.stdout.splitlines()] == lines, ran.stdout
        assert ran.returncode == 3
        for line in ran.stdout.splitlines():
            assert ": confirm: " in line
            assert "CLI 2 sends it to the linked project, CLI 3 sends it to the local database" in line
        assert home.guard("scan", name).returncode == 0


def test_a_file_that_is_not_there_is_an_error(home: Home) -> None:
    """The error is one sentence with the file's name."""
    ran = home.guard("scan", "nowhere.sh")
    assert (ran.returncode, "nowhere.sh" in ran.stderr) == (2, True)


def test_the_pre_commit_hook_takes_every_text_file(home: Home, files: Path) -> None:
    """The hook passes all file names, and the guard decides which kinds of files it scans."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

    ran = home.run(str(RUNBOOK), *hook["entry"].split()[1:], *FILES)

    assert hook["entry"].startswith("runbook guard scan")
    assert hook["types"] == ["text"]
    assert ran.returncode == 3
    assert len(ran.stdout.splitlines()) == sum(len(places) for _, places in FILES.values())


def test_this_repository_is_clean(home: Home) -> None:
    """Its own scripts, workflows and package.json contain nothing that its policy refuses."""
    names = ["scripts", "package.json", *(name for name in (".github",) if (ROOT / name).exists())]
    ran = home.guard("scan", *(str(ROOT / name) for name in names))
    assert (ran.returncode, ran.stdout) == (0, "")
