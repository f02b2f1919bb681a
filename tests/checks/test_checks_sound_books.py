"""Books without a problem, and the two ways to get at one."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.books import PROCEDURE, SUPABASE, procedure_text, write_book
from support.policies import book_policy

from runbook.checks import open_book
from runbook.checks.book import check_book
from runbook.cli import main
from runbook.errors import BookError, UsageError
from runbook.loading import PACKAGED_BOOK, read_book

RICH = procedure_text(
    """\
    - id: see
      title: "See {{column}}"
      phase: Look
      run: npx supabase migration list {{target}} --output-format json
      why: "The project is {{project_ref}}"
      expect: {exit: 0, output: "{{column}}", matches: "a|b", absent: "c", json: {"migrations.0.local": "{{column}}"}}
      capture: {last: {json: migrations.-1.remote}}
      on_cli: {2: {tick: Open the dashboard}}
    - {id: noted, tick: "Look at {{last}}", asks: {name: rate, ask: Rate?, pattern: "[0-9]+", example: "3"}}
    - id: count
      title: Count
      sql: select count(*) from public.tasks where note = '{{column}}' and {{column}} > 0
      if_it_fails: {text: "See {{rate}}", see: other}
    - id: write
      title: Write the file
      edit: {file: "supabase/{{last}}.sql", template: "-- at {{rate}}", check: "git log {{last}}"}
    - id: old
      title: Take the old file
      edit: {file: x, git: {revision: "{{last}}", path: "x"}}
    - {id: settle, title: Settle, wait: 30s, for: "The {{rate}}"}
    - id: which
      title: Which?
      phase: Do
      choose:
        - when: One
          steps:
            - id: new
              title: New
              run: npx supabase migration new {{column}}
              capture: {file: {pattern: '(\\S+\\.sql)'}}
              undo: {tick: "Delete {{file}}"}
        - when: Other
          steps:
            - {id: seen, tick: Look, asks: {name: file, ask: File?, example: x.sql}}
    - {id: use, title: "Use {{file}}", run: "git log {{file}}"}
    - id: set
      title: Set the secret
      run: npx supabase secrets set {{target}} --env-file {{env_file}}
      env_file: {"{{column}}": key}
      undo: {none: The old value is not known}
    - id: deploy
      title: Deploy all
      each: names
      as: name
      steps:
        - id: one
          title: "Deploy {{name}}"
          run: npx supabase functions deploy {{name}} {{target}}
          effect: destroys
          verify: {run: "git log {{name}}"}
    - {id: more, title: More, include: other, with: {secret: "{{key}}", list: "{{names}}", word: "{{column}} and more"}}
    - id: fix
      title: Fix
      sql: update public.tasks set note = '{{column}}' where id = 1
      writes: true
      lock_timeout: 1s
      statement_timeout: 1m
      verify: {sql: "select note from public.tasks where id = 1", expect: {json: {"0.note": "{{column}}"}}}
      undo:
        sql: update public.tasks set note = null where id = 1
        writes: true
        verify: {sql: select now()}
    - {id: push-here, title: Try it, run: npx supabase db push --local, undo: {none: It is local}}
    """,
    more="""\
    not_for: [{text: Something else, see: other}, {text: Nothing}]
    mode: do-confirm
    needs: [A terminal]
    warnings: [Look out]
    parameters:
      column: {ask: "Column?", pattern: "[a-z_]+", example: note}
      key: {ask: "Key?", example: abc, secret: true}
      names: {ask: "Names?", choices: [a, b], default: "a,b", many: true}
    before: [{id: tell, tick: Tell the team}, {id: clean, title: Look, run: git log}]
    after: [Clean up]
    related: [other]
    drills:
      - name: plain
        briefing: Do it.
        scenario:
          migrations: [{name: "20260101000000_base", sql: select 1, state: pending}]
          seed: [insert into t values (1)]
          hold: lock table t
          functions: {a: "Deno.serve()"}
          deployed: {a: "Deno.serve()"}
          responses:
            a:
              - {version: 1, body: {status: ok}}
              - {source: throw, status: 500, body: broken, headers: {Retry-After: "1"}, delay: 2s}
          secrets: {A: b}
          platform: {down: true, after: 3, rate: 0.5, list: [a, {b: c}]}
          events:
            - {at: fix, turn: 1, drop_connection: before}
            - {at: fix, kill_cli: after}
            - {at: start, second_operator: Ada}
            - {at: fix, fail_requests: "GET .*", status: 503, delay: 2s, times: 3}
            - {at: fix, run_sql: delete from t}
            - {at: fix, fail_function: a}
            - {at: fix, keep_version: a}
            - {at: fix, keep_secret: A}
            - {at: fix, remove_file: supabase/migrations/a.sql}
            - {at: fix, write_file: supabase/functions/a/index.ts, text: "// new"}
        answers: {column: note, key: abc, names: [a, b], which: One, noted: "4", write: "select 1"}
        prove:
          - {text: There are rows, sql: select count(*) from t, equals: "3"}
          - {text: It is there, history: [base]}
          - {text: It is new, function: a, equals: "2"}
          - {text: It is set, secret: A}
          - {text: It has that value, secret: A, equals: b}
          - {text: It starts with main, function: a, equals: "2", verify_jwt: "true", entrypoint: main.ts}
          - {text: It was called, request: "POST /v1/.*"}
          - {text: It was not called, request: "DELETE .*", equals: "no"}
    """,
)
OTHER = procedure_text(
    """\
    - id: set
      title: Set it
      run: npx supabase secrets set {{target}} --env-file {{env_file}}
      env_file: {A: secret}
      undo: {none: "{{word}} {{rest}}"}
    - {id: all, title: All, each: list, as: it, steps: [{id: look, title: Look, run: "git log {{it}}"}]}
    """,
    more="""\
    parameters:
      secret: {ask: S?, example: x, secret: true}
      list: {ask: L?, example: "x,y", many: true}
      word: {ask: W?, example: x}
      rest: {ask: R?, example: x, default: "y"}
    """,
)


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """Write a book that uses every field."""
    return write_book(tmp_path / "book", {"add-thing": RICH, "other": OTHER})


def test_every_field_of_the_format_is_accepted(rich: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A book that uses everything has no problem, and the summary counts what it holds."""
    assert main(["--book", str(rich), "check"]) == 0, capsys.readouterr().out
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", f"2 procedures, 21 steps, {len(book_policy().rules)} rules: no problems")


@pytest.mark.parametrize(("days", "is_told"), [(31, True), (30, False), (1, False)])
def test_an_overdue_review_is_told_and_is_no_failure(
    days: int, is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A review of 30 days' validity is overdue on day 31. A date must not stop a correction, so the exit code is 0."""
    reviewed = datetime.now(UTC).date() - timedelta(days=days)
    text = re.sub(r"reviewed: .*", f"reviewed: {reviewed}", PROCEDURE)
    book = write_book(tmp_path / "book", {"add-thing": re.sub(r"review_every: .*", "review_every: 30d", text)})

    assert main(["--book", str(book), "check"]) == 0
    out, err = capsys.readouterr()
    told = f"add-thing.yaml:1: notice: add-thing: its review is overdue since {reviewed + timedelta(days=30)}"
    assert (told in err) == is_told
    assert "review" not in out


def test_overdue_reviews_of_the_packaged_book_take_a_team_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A team can't review them, and their own must not drown in them."""
    packaged = open_book(str(PACKAGED_BOOK))
    old = {name: replace(one, reviewed=date(2020, 1, 1)) for name, one in packaged.procedures.items()}
    teams = replace(packaged, directory=str(tmp_path), procedures=old)
    monkeypatch.setattr("runbook.cli.check.find_problems", lambda _book: (SimpleNamespace(book=teams), ()))

    assert main(["check"]) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "notice" in line]
    assert told == [
        f"notice: {len(old)} reviews in the packaged book are overdue: a newer version of runbook may have them"
    ]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param("{names: [a, b], look: ['1', '2']}", id="by id, one after the other"),
        pytest.param("{names: [a, b], all/look: '1'}", id="by path"),
        pytest.param("{names: [a, b], 'all[a]/look': '1', 'all[b]/look': '2'}", id="by path and value"),
        pytest.param("{names: [a, b], seen: '1'}", id="by the name of the value"),
    ],
)
def test_answers_may_be_named_in_every_way_the_drill_knows(answers: str, tmp_path: Path) -> None:
    """A step is named by its id, its path, its path with values, or the name of what is seen there."""
    steps = """\
    - id: all
      title: All
      each: names
      as: it
      steps: [{id: look, tick: "Look at {{it}}", asks: {name: seen, ask: Seen?, pattern: "[0-9]", example: "1"}}]
    """
    more = f"""\
    parameters: {{names: {{ask: Names?, example: "a,b", many: true}}}}
    drills:
      - name: plain
        briefing: x
        scenario: {{}}
        answers: {answers}
        prove: [{{text: x, sql: select 1, equals: "1"}}]
    """
    book = write_book(tmp_path / "book", {"add-thing": procedure_text(steps, more=more)})
    assert open_book(str(book)).procedures["add-thing"].drills[0].name == "plain"


def test_findings_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --format json findings are data on standard output, and the summary stays on standard error."""
    book = write_book(tmp_path / "book", {"add-thing": PROCEDURE.replace("minutes: 5", "minutes: x")})
    assert main(["--book", str(book), "check", "--format", "json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["findings"] == [
        {
            "file": f"{book}/procedures/add-thing.yaml",
            "line": 8,
            "column": 10,
            "message": "'x' is not a whole number",
            "source": "minutes: x",
            "width": 1,
        }
    ]
    assert err == "1 problem in 1 file\n"


def test_open_book_returns_a_checked_book(rich: Path) -> None:
    """A sound book is returned with all its procedures."""
    assert list(open_book(str(rich)).procedures) == ["add-thing", "other"]


def test_open_book_goes_by_the_environment(rich: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a directory the one in RUNBOOK_BOOK is opened."""
    monkeypatch.setenv("RUNBOOK_BOOK", str(rich))
    assert list(open_book().procedures) == ["add-thing", "other"]


def test_open_book_raises_all_findings(tmp_path: Path) -> None:
    """An unsound book is an error that holds what reading and what checking found."""
    steps = "- {id: a, title: A, run: 'git log {{x}}'}\n"
    book = write_book(tmp_path / "book", {"a": procedure_text(steps), "b": "title: 1.10\n"})
    with pytest.raises(BookError) as caught:
        open_book(str(book))
    assert [Path(finding.file).name for finding in caught.value.findings] == ["a.yaml", "b.yaml", "b.yaml"]


def test_no_book(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory that is not there is a usage error with a hint."""
    with pytest.raises(UsageError):
        open_book(str(tmp_path / "nowhere"))
    assert main(["--book", str(tmp_path / "nowhere"), "check"]) == 2
    assert "Name its directory with --book or RUNBOOK_BOOK." in capsys.readouterr().err


def test_review_of_tomorrow_is_no_problem(tmp_path: Path) -> None:
    """Where the author is, it may be a day later than here; two days are too many."""
    book = read_book(write_book(tmp_path / "book"))
    assert check_book(book, today=date(2026, 1, 1)) == ()
    assert len(check_book(book, today=date(2025, 12, 31))) == 1


def test_a_wrong_clock_keeps_nobody_from_a_walk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What only the author must see to is told by the check, and does not keep a book from being opened."""
    book = write_book(tmp_path / "book", {"add-thing": PROCEDURE.replace("2026-01-02", "2999-01-02")})
    assert open_book(str(book)).procedures["add-thing"].reviewed == date(2999, 1, 2)
    assert main(["--book", str(book), "check"]) == 2
    assert capsys.readouterr().err == "1 problem in 1 file\n"


def test_production_must_have_words(tmp_path: Path) -> None:
    """A major without words for a production database is told at the command that needs them."""
    supabase = SUPABASE.replace("database: {production: [--remote], ", "database: {")
    book = read_book(write_book(tmp_path / "book", supabase=supabase))
    (finding,) = check_book(book)
    assert "doesn't say how CLI 3 reaches a production database" in finding.message
    assert (finding.line, finding.column) == (12, 10)


def test_problems_within_an_included_procedure_are_told_once(tmp_path: Path) -> None:
    """What is wrong in an included procedure is found in its own file only."""
    inner = procedure_text("- {id: a, title: A, run: 'git log {{x}}'}\n")
    outer = procedure_text("- {id: b, title: B, include: inner}\n")
    book = read_book(write_book(tmp_path / "book", {"inner": inner, "outer": outer}))
    assert [Path(finding.file).name for finding in check_book(book)] == ["inner.yaml"]
