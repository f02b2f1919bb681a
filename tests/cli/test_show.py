"""`runbook show`: a procedure to read, without network and without Node."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from support.books import procedure_text, write_book

from runbook.cli import main
from runbook.loading import PACKAGED_BOOK, load_procedure, read_book

BRANCHES = """\
- id: look
  title: Look at {{table}}
  run: npx supabase migration list {{target}}
  why: It shows what is there.
  look_for: The newest row.
- id: which
  title: What is broken?
  choose:
    - when: The table
      steps:
        - id: count
          title: Count the rows
          sql: select count(*) from public.{{table}} where note = '{{table}}'
    - {when: Nothing, steps: []}
- id: push
  title: Push it
  run: npx supabase db push {{target}}
  undo: {none: Another migration takes it back}
"""
MORE = """\
parameters:
  table: {ask: "Which table?", pattern: "[a-z_]+", example: tasks}
"""


def _run(*words: str, book: Path | None = None, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    chosen = ["--book", str(book)] if book else []
    return subprocess.run(
        [sys.executable, "-m", "runbook", *chosen, *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PATH": "/nowhere", "COLUMNS": "80", **environment},
        check=False,
    )


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a book with branches, SQL and a writing step."""
    return write_book(tmp_path / "book", {"fix-it": procedure_text(BRANCHES, more=MORE)})


def test_text_shows_commands_as_they_would_run(book: Path, tmp_path: Path) -> None:
    """Commands are filled in with examples and written for CLI 3, each with its effect."""
    shown = _run("show", "fix-it", book=book, cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    for part in (
        "  1  Look at tasks",
        "$ npx supabase migration list --remote\n     Reads production, changes nothing.",
        "  2a.1  Count the rows",
        "from public.tasks where note = 'tasks'\"",
        "$ npx supabase db push --remote\n     WRITES to production.",
        "No undo: Another migration takes it back",
        "b) Nothing: continue",
        "table: Which table? (for example tasks)",
        "runbook run fix-it",
    ):
        assert part in shown.stdout


def test_page_starts_with_its_shape(book: Path, tmp_path: Path) -> None:
    """It lists phases, answers with where they lead, and how many steps write."""
    head = _run("show", "fix-it", book=book, cwd=tmp_path).stdout.split("Use it when")[0]
    lines = ["  Steps: 3 steps, 1 write", "    2  What is broken?", "      a) The table: 1 step, only reads"]
    assert head.split("At a glance\n")[1].splitlines()[:4] == [*lines, "      b) Nothing: nothing to do"]


def test_page_opens_in_the_pager_at_a_terminal(book: Path, tmp_path: Path) -> None:
    """Elsewhere, it's printed in full."""
    environment = {**os.environ, "PAGER": "sed s/^/paged:/", "PYTHONPATH": str(Path(__file__).parents[2])}
    words = ["-m", "runbook", "--book", str(book), "show", "fix-it"]
    shown = pexpect.run(shlex.join([sys.executable, *words]), env=environment, cwd=tmp_path, encoding="utf-8")
    assert all(line.startswith("paged:") for line in str(shown).splitlines())


def test_statement_that_its_author_says_writes_is_not_called_reading(tmp_path: Path) -> None:
    """A view may call a function that writes, and nothing in the statement shows it."""
    steps = """\
        - id: log
          title: Log the visit
          sql: select visit from public.logged
          writes: true
          expect: {json: {0.visit: "7"}}
          undo: {none: It only adds a row}
        """
    book = write_book(tmp_path / "writing", {"fix-it": procedure_text(steps)})
    shown = _run("show", "fix-it", book=book, cwd=tmp_path).stdout
    assert "WRITES to production.\n     Expected: `visit` is `7`\n" in shown
    assert "Reads" not in shown
    record = json.loads(_run("show", "fix-it", "--format", "json", book=book, cwd=tmp_path).stdout)
    assert record["steps"][0]["effect"] == "writes"


def test_other_major_is_shown_on_request(book: Path, tmp_path: Path) -> None:
    """CLI 2 names its target differently. A major that the book doesn't know is a usage error."""
    assert "$ npx supabase db push --linked" in _run("show", "fix-it", "--cli", "2", book=book, cwd=tmp_path).stdout
    refused = _run("show", "fix-it", "--cli", "4", book=book, cwd=tmp_path)
    assert (refused.returncode, "It supports 2 and 3" in refused.stderr) == (2, True)


def test_linked_project_is_named_and_its_cli_decides(book: Path, tmp_path: Path) -> None:
    """In a project, the commands are ready to copy."""
    temp = tmp_path / "project" / "supabase" / ".temp"
    temp.mkdir(parents=True)
    (tmp_path / "project" / "supabase" / "config.toml").touch()
    (temp / "project-ref").write_text("qwertyuiopasdfghjklz")
    package = tmp_path / "project" / "node_modules" / "supabase"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "2.122.1"}')
    deploy = procedure_text("""\
        - id: list
          title: Deploy
          run: npx supabase functions deploy x {{target}}
          undo: {none: It has none}
        """)
    with_project = write_book(tmp_path / "other", {"fix-it": deploy})
    shown = _run("show", "fix-it", book=with_project, cwd=tmp_path / "project")
    assert "functions deploy x --project-ref qwertyuiopasdfghjklz" in shown.stdout.replace(" \\\n         ", " ")


def test_digest_is_shown_in_every_form(book: Path, tmp_path: Path) -> None:
    """The digest identifies the version of the procedure's text."""
    digest = read_book(book).procedures["fix-it"].digest
    assert all(
        digest in _run("show", "fix-it", "--format", form, book=book, cwd=tmp_path).stdout
        for form in ("text", "md", "json")
    )


def test_json_is_data(book: Path, tmp_path: Path) -> None:
    """The argv is a list of words, ready to compare."""
    record = json.loads(_run("show", "fix-it", "--format", "json", book=book, cwd=tmp_path).stdout)
    assert [step["number"] for step in record["steps"]] == ["1", "2", "2a.1", "3"]
    assert record["steps"][0]["argv"] == ["npx", "supabase", "migration", "list", "--remote"]
    assert record["steps"][3]["effect"] == "writes"


def test_markdown_has_boxes_and_fences(book: Path, tmp_path: Path) -> None:
    """The output is meant for an incident's chat channel."""
    text = _run("show", "fix-it", "--format", "md", book=book, cwd=tmp_path).stdout
    assert "- [ ] **3. Push it**" in text
    assert "  ```sh\n  npx supabase db push --remote\n  ```" in text


def test_unknown_name_is_corrected(book: Path, tmp_path: Path) -> None:
    """The error is one line and a hint, and the exit code is 2."""
    ended = _run("show", "fix-itt", book=book, cwd=tmp_path)
    assert (ended.returncode, "Did you mean fix-it?" in ended.stderr) == (2, True)


def test_mistake_in_another_file_does_not_hide_a_sound_procedure(book: Path, tmp_path: Path) -> None:
    """In an emergency, runbook shows what it can read."""
    (book / "procedures" / "other.yaml").write_text("title: [\n")
    shown = _run("show", "fix-it", book=book, cwd=tmp_path)
    assert (shown.returncode, "Push it" in shown.stdout) == (0, True)


def test_mistake_in_the_procedure_itself_is_told(book: Path, tmp_path: Path) -> None:
    """The procedure isn't shown as if it were valid, and its problems are counted."""
    (book / "procedures" / "fix-it.yaml").write_text("title: [\n")
    shown = _run("show", "fix-it", book=book, cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "the book has 1 problem" in shown.stderr


def test_one_procedure_read_by_itself_is_the_one_of_the_whole_book() -> None:
    """Its includes and its digest are the same too, though only the files of these procedures are opened."""
    whole = read_book(PACKAGED_BOOK)
    for name, procedure in whole.procedures.items():
        part = load_procedure(PACKAGED_BOOK, name)
        assert part.book is not None
        assert (part.findings, part.book.procedures[name], part.book.policy) == ((), procedure, whole.policy)


@pytest.mark.parametrize("form", ["text", "md", "json"])
@pytest.mark.parametrize("cli", ["2", "3"])
def test_every_procedure_of_the_book_can_be_shown(
    form: str, cli: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It works without network, Node or a project. Text fits 80 columns, except file content and single long words."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("COLUMNS", "80")
    for name in read_book(PACKAGED_BOOK).procedures:
        assert main(["show", name, "--format", form, "--cli", cli]) == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        wide = [line for line in shown.out.splitlines() if form == "text" and len(line) > 80 and "| " not in line]
        assert [line for line in wide if len(line.split()) > 2] == [], name
