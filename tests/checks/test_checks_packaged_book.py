"""The book that ships with the package."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from runbook.checks import open_book
from runbook.checks.book import find_problems
from runbook.cli import main
from runbook.loading import PACKAGED_BOOK
from runbook.model import Parameter, Step


def test_packaged_book_has_no_problem(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`runbook check` ends 0 on it and says how much it looked at."""
    monkeypatch.delenv("RUNBOOK_BOOK", raising=False)
    assert main(["check"]) == 0, capsys.readouterr().out
    assert capsys.readouterr().err.endswith("rules: no problems\n")


KNOWN_LISTS = re.compile(r"(?:^|_)(?:function_names?|table(?:_name)?|versions?|file)")
"""Names of values that stand in the project's files."""


def test_what_can_be_listed_is_picked_from_a_list() -> None:
    """Nobody types the name of a function, a table or a migration where the project's files have it."""
    asked = [
        (procedure.id, asks)
        for procedure in open_book().procedures.values()
        for asks in (*procedure.parameters, *_asked_at(procedure.steps))
    ]
    assert len(asked) > 50
    assert [(where, one.name) for where, one in asked if KNOWN_LISTS.fullmatch(one.name) and not one.pick] == []


def _asked_at(steps: Sequence[Step]) -> Iterator[Parameter]:
    for step in steps:
        yield from (action.asks for action in step.actions if action.asks)
        for branch in step.action.branches():
            yield from _asked_at(branch)


def test_procedures_keep_their_digest_from_one_reading_to_the_next() -> None:
    """Reading twice gives the same content hashes: a resumed run is not told of changes that are none."""
    first, second = open_book(), open_book()
    assert {name: each.digest for name, each in first.procedures.items()} == {
        name: each.digest for name, each in second.procedures.items()
    }


def test_a_file_that_cant_be_read_is_named_alone(tmp_path: Path) -> None:
    """Others that include it name its steps. Nothing is wrong with them, so they aren't reported."""
    book = shutil.copytree(PACKAGED_BOOK, tmp_path / "book")
    with (book / "procedures" / "push-migration.yaml").open("a", encoding="utf-8") as file:
        file.write("related: a: b\n")

    _, findings = find_problems(str(book))

    assert {Path(finding.file).name for finding in findings} == {"push-migration.yaml"}


def test_no_reader_meets_a_regular_expression() -> None:
    """What is compared by one is also said in words."""
    steps = [step for procedure in open_book().procedures.values() for step in procedure.all_steps]
    checks = [one for step in steps for one in (step, step.verify, step.undo and step.undo.check) if one]
    compared = [(one.at, one.expect) for one in checks if one.expect.matches or one.expect.absent]
    assert len(compared) > 10
    assert [at for at, expect in compared if not expect.in_words] == []
