"""Why a command failed: found in what the CLI printed, and never in what a row or a statement says."""

from __future__ import annotations

import pytest

from runbook.diagnosis import diagnose, error_in, known_error
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import KnownError

ERRORS = read_book(PACKAGED_BOOK).errors
PUSH = ("npx", "supabase", "db", "push", "--linked")
APPLYING = "Target: project standin\n│\n◇  Apply 1 migration?\n│  Yes\nApplying migration 20260110000000_x.sql...\n"


def known_in(output: str, *, argv: tuple[str, ...] = PUSH, exit_code: int | None = 1) -> str:
    """Return the id of the known error, "unknown" for another error, "" for none."""
    found = diagnose(ERRORS, argv, exit_code, output, major=3)
    return "" if found is None else found.known.id if found.known else "unknown"


@pytest.mark.parametrize("known", ERRORS, ids=lambda known: known.id)
def test_each_known_error_is_recognized_by_what_it_shows(known: KnownError) -> None:
    """The examples of the book are found between the lines that the CLI prints around them."""
    for line in known.shown:
        assert (
            known_in(f"Connecting to remote database...\n{line}\nTry rerunning the command with --debug\n") == known.id
        )


def test_error_stands_before_its_statement() -> None:
    """The CLI prints the statement behind the error; a comment in it that looks like an error is not the error."""
    statement = "At statement: 0\ncreate table a ();\nERROR: deadlock detected\n"
    found = error_in(f'{APPLYING}ERROR: relation "a" already exists (SQLSTATE 42P07)\n{statement}', ERRORS)
    assert found is not None
    assert (found.text, found.sqlstate) == ('ERROR: relation "a" already exists (SQLSTATE 42P07)', "42P07")


def test_detail_of_postgresql_is_kept_and_the_hint_of_the_cli_is_not() -> None:
    """The row that is there twice helps; BEGIN and COMMIT, which CLI 3 advises, would leave half of a file applied."""
    unique = "ERROR: duplicate key value (SQLSTATE 23505)\nKey (id)=(1) already exists.\nAt statement: 0\ninsert"
    hinted = "ERROR: LOCK TABLE (SQLSTATE 25P01)\n\nHint: This statement must run inside BEGIN\nAt statement: 0\nlock"
    details = [found.detail for text in (unique, hinted) if (found := error_in(text, ERRORS))]
    assert details == ["Key (id)=(1) already exists.", ""]


@pytest.mark.parametrize(
    "message",
    [
        'invalid input: "x (SQLSTATE 42501)\ny" (SQLSTATE 22P02)',
        'invalid input: "x (SQLSTATE 42501)\nAt statement: 0\ny" (SQLSTATE 22P02)',
        'row "x\nERROR: must be owner of table objects (SQLSTATE 42501)\n" is bad (SQLSTATE P0001)',
    ],
)
def test_row_that_spells_out_an_sqlstate_is_not_believed(message: str) -> None:
    """Where a message quotes a row with another SQLSTATE, the error is shown and nothing is said of it."""
    assert known_in(f"{APPLYING}ERROR: {message}\nAt statement: 0\ninsert into t values (1)\n") == "unknown"


@pytest.mark.parametrize(
    "row", ["must be owner of table objects", "canceling statement due to statement timeout", "context canceled"]
)
def test_row_in_an_error_without_sqlstate_is_not_believed(row: str) -> None:
    """`db query` prints no SQLSTATE: only the beginning of a message tells what it is, and a row can't be there."""
    assert known_in(f'failed to execute query: error: invalid input syntax for type integer: "{row}"') == "unknown"


def test_sqlstate_that_may_be_cut_out_is_not_believed() -> None:
    """Of a huge output the middle is missing, and with it perhaps the SQLSTATE that counts."""
    output = f'{APPLYING}ERROR: invalid input: "x (SQLSTATE 42501)\n[... 90,000 characters cut ...]\nTry rerunning\n'
    assert known_in(output) == "unknown"


def test_json_error_is_read_without_its_colours() -> None:
    """With `--output-format json` the error is in an object at the end, and its text may be styled."""
    document = '{"_tag":"Error","error":{"code":"X","message":"\\u001b[1mproject is paused\\u001b[22m"}}'
    assert known_in(f"DRY RUN\n{document}\n") == "project-paused"


def test_only_the_cli_is_looked_at_and_only_if_it_failed() -> None:
    """An edge function or another program may print anything; a command that ended well has no error."""
    line = "ERROR: must be owner of table objects (SQLSTATE 42501)"
    assert known_in(line) == "platform-schema"
    assert known_in(line, argv=("python", "-m", "runbook.steps.request")) == ""
    assert known_in(line, exit_code=0) == ""
    assert known_in(line, exit_code=None) == ""


def test_known_error_of_another_major_does_not_fit() -> None:
    """An entry may speak of one major of the CLI alone."""
    from dataclasses import replace

    found = error_in("project is paused", ERRORS)
    assert found is not None
    only = [replace(one, majors=(3,)) for one in ERRORS if one.id == "project-paused"]
    assert known_error(only, found, major=2) is None
    assert known_error(only, found, major=3) is only[0]
