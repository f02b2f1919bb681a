"""What the guard adds to `runbook check`: the policy's own test lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.books import POLICY, marked, write_book

from runbook.checks import open_book
from runbook.cli import main
from runbook.guard import command_line
from runbook.guard.command_line import judge
from runbook.policy.judgement import Judgement


def test_a_test_line_with_another_verdict_is_named_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check exits with 2, names the rule that decided, and points at the verdict that its author expected."""
    text, [(line, column)] = marked(POLICY.replace('--linked", verdict: refuse', '--linked", verdict: §allow'))
    book = write_book(tmp_path / "book")
    (book / "policy.yaml").write_text(text, encoding="utf-8")

    assert main(["--book", str(book), "check"]) == 2

    found = capsys.readouterr().out.splitlines()[0]
    assert found.startswith(f"{book / 'policy.yaml'}:{line}:{column}: ")
    assert found.endswith("expected the verdict allow, got refuse by rule 'db-reset'")


def test_lines_that_were_as_expected_are_judged_again_only_after_an_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check takes half as long if the policy is the same. A wrong line is reported every time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    book = write_book(tmp_path / "book")
    judged: list[str] = []

    def note(line: str, **more: Any) -> Judgement:
        judged.append(line)
        return judge(line, **more)

    monkeypatch.setattr(command_line, "judge", note)

    assert main(["--book", str(book), "check"]) == 0
    assert len(judged) > 10
    del judged[:]
    assert main(["--book", str(book), "check"]) == 0
    assert judged == []
    (book / "policy.yaml").write_text(POLICY.replace('--linked", verdict: refuse', '--linked", verdict: allow'))
    for _ in range(2):
        assert main(["--book", str(book), "check"]) == 2
        assert judged
        del judged[:]


def test_a_wrong_test_line_keeps_nobody_from_a_walk(tmp_path: Path) -> None:
    """`check` reports what only the author can fix, and the book still opens."""
    policy = POLICY.replace('migration list", verdict: allow', 'migration list", verdict: refuse')
    book = write_book(tmp_path / "book", policy=policy)

    assert "add-thing" in open_book(str(book)).procedures
    assert main(["--book", str(book), "check"]) == 2
