"""`runbook list`: what there is, in the order in which it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.books import PROCEDURE, write_book

from runbook.cli.contents import read_contents
from runbook.cli.list import command
from runbook.loading import PACKAGED_BOOK, read_book


def _list(*words: str, cwd: Path, book: Path | None = None, columns: int = 80) -> subprocess.CompletedProcess[str]:
    chosen = ["--book", str(book)] if book else []
    return subprocess.run(
        [sys.executable, "-m", "runbook", *chosen, "list", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": str(columns)},
        check=False,
    )


def test_emergency_comes_first(tmp_path: Path) -> None:
    """Who looks here in a hurry looks for that."""
    lines = _list(cwd=tmp_path).stdout.splitlines()
    assert lines[0] == "When it goes wrong"
    assert any(line.startswith("  emergency-rollback  ") for line in lines[1:8])


def test_it_fits_a_small_terminal(tmp_path: Path) -> None:
    """Summaries wrap under themselves."""
    assert all(len(line) <= 60 for line in _list(cwd=tmp_path, columns=60).stdout.splitlines())


def test_json_has_every_procedure(tmp_path: Path) -> None:
    """With digest, drills and parameters."""
    records = json.loads(_list("--format", "json", cwd=tmp_path).stdout)
    assert {record["id"] for record in records} == set(read_book(PACKAGED_BOOK).procedures)
    assert all(len(record["digest"]) == 64 for record in records)


def test_quick_look_sees_what_the_reader_sees() -> None:
    """Only the heads of the files are read; the result is the same."""
    whole = read_book(PACKAGED_BOOK).procedures
    quick = read_contents(PACKAGED_BOOK)
    assert quick is not None
    assert {one.id: (one.summary, one.section, one.minutes) for one in quick} == {
        one.id: (one.summary, one.section.value, one.minutes) for one in whole.values()
    }


@pytest.mark.parametrize(
    "text",
    [
        "title: [",
        "title: A\n",
        PROCEDURE.replace("before", "nowhere"),
        PROCEDURE.replace("minutes: 5", "minutes: many"),
        "- a\n",
    ],
)
def test_quick_look_leaves_the_odd_to_the_reader(text: str, tmp_path: Path) -> None:
    """Whatever is not as it should be is told by the reader, with its place."""
    book = write_book(tmp_path / "book", {"add-thing": text})
    assert read_contents(book) is None
    ended = _list(cwd=tmp_path, book=book)
    assert "add-thing.yaml" in ended.stderr or "problem" in ended.stderr


def test_empty_book_says_so(tmp_path: Path) -> None:
    """No procedures is not an error."""
    ended = _list(cwd=tmp_path, book=write_book(tmp_path / "book", {}))
    assert "no procedures" in ended.stdout + ended.stderr


def test_missing_book_is_a_sentence(tmp_path: Path) -> None:
    """With how to name another one."""
    ended = _list(cwd=tmp_path, book=tmp_path / "nothing")
    assert (ended.returncode, "--book" in ended.stderr, "Traceback" in ended.stderr) == (2, True, False)


def test_it_imports_no_more_than_it_needs() -> None:
    """The first thing typed in an emergency answers at once: neither rich nor the book's reader is loaded for it."""
    code = (
        "import sys\nfrom runbook.cli import main\nmain(['list'])\n"
        "print([name for name in ('rich', 'runbook.loading', 'runbook.engine', 'sqlite3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert command.name == "list"
