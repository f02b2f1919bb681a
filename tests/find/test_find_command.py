"""`runbook find`: what it prints, from where it reads, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.books import PROCEDURE, write_book
from support.searches import read_searches

from runbook.errors import ExitCode


def run(
    *words: str, stdin: str | bytes | None = None, book: Path | None = None, columns: int = 80
) -> subprocess.CompletedProcess[str]:
    """Run the command; with `stdin`, that is piped in."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    ran = subprocess.run(
        [sys.executable, "-m", "runbook", *(["--book", str(book)] if book else []), "find", *words],
        input=given if given is not None else b"",
        capture_output=True,
        env={**os.environ, "COLUMNS": str(columns)},
        check=False,
    )
    return subprocess.CompletedProcess(ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def test_words_lead_to_the_command_to_run() -> None:
    """The first lines name the page, why it fits, and what to type."""
    ran = run("function", "is", "broken", "since", "the", "migration")
    assert ran.returncode == ExitCode.DONE
    assert ran.stderr == ""
    assert "runbook run " in ran.stdout.split("\n\n")[0]


def test_a_known_error_is_explained() -> None:
    """Its meaning comes first, then what to do, in order."""
    ran = run(stdin="ERROR: canceling statement due to statement timeout (SQLSTATE 57014)\nAt statement: 1\n")
    assert ran.returncode == ExitCode.DONE
    head = ran.stdout.split("\n\n")[0]
    assert "statement_timeout" in head
    assert "  1. " in head


def test_a_command_is_judged() -> None:
    """Flags in TEXT belong to the search, not to `find`."""
    ran = run("supabase", "db", "reset", "--linked", "--yes")
    assert ran.stdout.startswith("supabase db reset\n  Refused")
    assert "Instead: " in ran.stdout


@pytest.mark.parametrize("words", [("-",), ()])
def test_standard_input_is_read(words: tuple[str, ...]) -> None:
    """With - or without words, from a pipe. Bytes that aren't UTF-8 do no harm."""
    ran = run(*words, stdin=b"\xff\xfe ERROR: canceling statement due to statement timeout (SQLSTATE 57014)\r\n")
    assert ran.returncode == ExitCode.DONE
    assert "statement_timeout" in ran.stdout


def test_nothing_found_says_what_to_try() -> None:
    """It exits with 1, a hint, and the command for the list."""
    ran = run("qqqqzzzz")
    assert (ran.returncode, ran.stdout) == (ExitCode.NOT_COMPLETED, "")
    assert "fewer words" in ran.stderr
    assert "runbook list" in ran.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_empty_search_is_a_usage_error(form: str) -> None:
    """The hint is an example."""
    ran = run("--format", form, stdin=" \n")
    assert ran.returncode == ExitCode.USAGE
    assert "runbook find rows missing" in ran.stderr


def test_json_has_page_and_procedure() -> None:
    """A script gets the place on the site, the procedure and whether it is sure."""
    records = json.loads(run("invalid", "index", "--format", "json").stdout)
    assert records[0]["page"].startswith("procedures/")
    assert records[0]["procedure"]
    assert {"kind", "id", "title", "matched", "answer", "verdict", "means", "do", "is_sure", "score"} <= set(records[0])
    assert json.loads(run("--format", "json", "qqqqzzzz").stdout) == []


@pytest.mark.parametrize("name", ["queries", "more-queries"])
def test_every_answer_fits_a_small_terminal(name: str) -> None:
    """At 80 by 24 nothing scrolls away and no line is wider."""
    from runbook.cli.find import _lines, open_index
    from runbook.search.ranking import find

    index = open_index(None)
    for search in read_searches(name):
        hits = find(index, search.text, 5)
        lines = [*_lines(hits, 80)] if hits else []
        assert len(lines) <= 23, search.text
        assert all(len(line) <= 80 for line in lines), search.text


def test_nothing_of_the_search_reaches_the_screen() -> None:
    """A paste may contain anything. Only text from the book is printed."""
    ran = run(stdin="\x1b]0;owned\x07 rows missing \x1b[2J \u202e txt")
    assert ran.returncode == ExitCode.DONE
    assert "\x1b" not in ran.stdout
    assert "owned" not in ran.stdout


def test_the_index_is_kept_and_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second start builds none; an edited file is found by its new words."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    book = write_book(tmp_path / "book", {"add-thing": PROCEDURE})
    from runbook.cli.find import open_index

    built = open_index(str(book))
    with monkeypatch.context() as patch:
        patch.setattr("runbook.search.index.build_index", None)
        assert json.dumps(open_index(str(book)).record) == json.dumps(built.record)
    (book / "procedures/add-thing.yaml").write_text(PROCEDURE.replace("A thing is missing", "A walrus sings"))
    assert "walrus" in open_index(str(book)).numbers


def test_a_book_with_a_mistake_is_searched_all_the_same(tmp_path: Path) -> None:
    """Its sound procedures are found, the others are counted, and the index isn't cached."""
    book = write_book(tmp_path / "book", {"add-thing": PROCEDURE, "bad-thing": "title: 7\n"})
    for _ in range(2):
        ran = run("thing", "missing", book=book)
        assert ran.stdout.startswith("Add a thing\n")
        assert "`runbook check` shows them" in ran.stderr


def test_a_missing_book_is_reported(tmp_path: Path) -> None:
    """The error names the directory."""
    ran = run("x", "thing", book=tmp_path / "nowhere")
    assert ran.returncode == ExitCode.USAGE
    assert "nowhere" in ran.stderr
