"""`runbook list`: all procedures, in the order in which people need them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.books import PROCEDURE, write_book

from runbook.cli.contents import read_contents
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


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 20)])
def test_the_whole_list_fits_the_terminal_with_the_emergency_first(tmp_path: Path, columns: int, rows: int) -> None:
    """There is room for the prompt below it. With summaries, it's longer, and their lines align when they wrap."""
    lines = _list(cwd=tmp_path, columns=columns).stdout.splitlines()
    assert lines[0] == "In an emergency: runbook run emergency-rollback"
    assert len(lines) < rows
    names = {word for line in lines for word in line.split()}
    assert names >= set(read_book(PACKAGED_BOOK).procedures)

    long = _list("--long", cwd=tmp_path, columns=columns).stdout.splitlines()
    assert long[3].startswith("  emergency-rollback ")
    assert len(long) > len(lines)
    assert all(len(line) <= columns for line in (*lines, *long))


def test_json_has_every_procedure(tmp_path: Path) -> None:
    """Each procedure has its digest, drills and parameters."""
    records = json.loads(_list("--format", "json", cwd=tmp_path).stdout)
    assert {record["id"] for record in records} == set(read_book(PACKAGED_BOOK).procedures)
    assert all(len(record["digest"]) == 64 for record in records)


def test_quick_look_sees_what_the_reader_sees() -> None:
    """Only the heads of the files are read, and the result is the same."""
    whole = read_book(PACKAGED_BOOK).procedures
    quick = read_contents(PACKAGED_BOOK)
    assert quick is not None
    assert {one.id: one[1:] for one in quick} == {
        one.id: (one.summary, one.section.value, one.minutes, one.is_emergency) for one in whole.values()
    }


def test_quick_look_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look parses nothing and returns the same. An edited head is parsed again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    book = write_book(tmp_path / "book", {"add-thing": PROCEDURE})
    first = read_contents(book)
    with monkeypatch.context() as patch:
        patch.setattr("runbook.cli.contents._parse", None)
        assert read_contents(book) == first

    (book / "procedures/add-thing.yaml").write_text(PROCEDURE.replace("minutes: 5", "minutes: 6"))
    assert [one.minutes for one in read_contents(book) or ()] == [6]


@pytest.mark.parametrize(
    "kept",
    ["7", "[]", "[7]", "[[1]]", '{"a": 1}', "null", '[["Eaten.", "before", "5", false]]', '[["Eaten.", "x", 5, 0]]'],
)
def test_quick_look_takes_nothing_else_for_its_own(kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache entry with other content is ignored."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    book = write_book(tmp_path / "book", {"add-thing": PROCEDURE})
    first = read_contents(book)
    (entry,) = (tmp_path / "cache/runbook/kept").iterdir()
    entry.write_text(kept)

    assert read_contents(book) == first


@pytest.mark.parametrize(
    "text",
    [
        "title: [",
        "title: A\n",
        PROCEDURE.replace("before", "nowhere"),
        PROCEDURE.replace("minutes: 5", "minutes: many"),
        PROCEDURE.replace("minutes: 5", "minutes: 5\nemergency: perhaps"),
        "- a\n",
    ],
)
def test_quick_look_leaves_the_odd_to_the_reader(text: str, tmp_path: Path) -> None:
    """The reader reports anything irregular, with its place."""
    book = write_book(tmp_path / "book", {"add-thing": text})
    assert read_contents(book) is None
    ended = _list(cwd=tmp_path, book=book)
    assert "add-thing.yaml" in ended.stderr or "problem" in ended.stderr


def test_empty_book_says_so(tmp_path: Path) -> None:
    """A book without procedures isn't an error."""
    ended = _list(cwd=tmp_path, book=write_book(tmp_path / "book", {}))
    assert "no procedures" in ended.stdout + ended.stderr


def test_missing_book_is_a_sentence(tmp_path: Path) -> None:
    """The hint says how to name another book."""
    ended = _list(cwd=tmp_path, book=tmp_path / "nothing")
    assert (ended.returncode, "--book" in ended.stderr, "Traceback" in ended.stderr) == (2, True, False)
