"""Holding a book against CLIs: small books and CLIs of our own, and the packaged book with the real ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from audit_support.manuals import CLI_2, CLI_3, StubCommand, cli
from support.books import POLICY as SMALL
from support.books import PROCEDURE, alone, procedure_text, write_book

from runbook.audit import verb
from runbook.audit.survey import Survey, survey
from runbook.checks import open_book
from runbook.checks.book import find_problems
from runbook.cli import main
from runbook.cli.open_book import open_to_read
from runbook.errors import Finding, RunbookError
from runbook.runtime.toolchain import CliPackage, cli_package

POLICY = SMALL.replace("[--workdir, --profile]", "[--workdir, --profile, --db-url, --project-ref]")


class Bench:
    """A place for a book and two CLIs; `look` holds one against the others."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.three, self.two = dict(CLI_3), dict(CLI_2)
        self.procedures = {"add-thing": PROCEDURE}
        self.policy = POLICY
        self.packages: list[CliPackage] = []

    def look(self, *, newer: CliPackage | None = None, proven: str = "3.1.0", common: str = "") -> Survey:
        """Write all, and survey."""
        directory = write_book(self.place / "book", self.procedures, policy=self.policy)
        more = {common: "string"} if common else None
        self.packages = [
            cli(self.place / "3", proven, self.three, common=more),
            cli(self.place / "2", "2.122.1", self.two),
        ]
        reading, findings = find_problems(str(directory))
        assert reading.book, findings
        return survey(alone(reading.book), self.packages, newer=newer, progress=lambda _done, _of: None)

    def calls(self) -> list[str]:
        """Return every line that either CLI was asked."""
        texts = [(each.directory / "dist" / "calls.txt").read_text() for each in self.packages]
        return [line for text in texts for line in text.splitlines()]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Offer a book and CLIs that agree."""
    return Bench(tmp_path)


def _told(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{Path(each.file).name}:{each.line} {each.message}" for each in findings]


def test_book_and_clis_that_agree_have_nothing_to_tell(bench: Bench) -> None:
    """No problem, nothing that will change; both versions were asked."""
    found = bench.look()
    assert (found.problems, found.changes) == ((), ())
    assert found.versions == ("3.1.0", "2.122.1")
    assert found.calls == len(bench.calls())


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        ("npx supabase db push {{target}} --dry-rum", "has no flag --dry-rum of 'db push'; did you mean --dry-run?"),
        ("npx supabase db push {{target}} --dry-run=soon", "takes no value for --dry-run of 'db push'"),
        ("npx supabase db reset --local --version", "needs a value for --version of 'db reset'"),
        ("npx supabase functions deploy a {{target}} --prune", "has no flag --prune of 'functions deploy'"),
    ],
)
def test_step_with_a_flag_that_no_cli_takes_is_a_problem(bench: Bench, run: str, problem: str) -> None:
    """The message names the version, the command and the flag, at the step."""
    bench.procedures["add-thing"] = procedure_text(f"- {{id: a, title: A, run: '{run}', undo: {{none: Never}}}}")
    told = _told(bench.look().problems)
    assert [each for each in told if "CLI 3.1.0" in each and problem in each and each.startswith("add-thing.yaml:10")]


def test_every_place_of_a_step_is_looked_at(bench: Bench) -> None:
    """Another action on one major, a check, an undo and its check, and the check of an edited file."""
    bench.procedures["add-thing"] = procedure_text(
        """\
        - id: a
          title: A
          run: npx supabase db push {{target}} --x1
          on_cli: {2: {run: "npx supabase db push {{target}} --x2"}}
          verify: {run: "npx supabase migration list {{target}} --x3"}
          undo:
            run: "npx supabase db push {{target}} --x4"
            verify: {run: "npx supabase migration list {{target}} --x5"}
        - id: b
          title: B
          edit: {file: a.sql, template: select 1, check: "npx supabase migration list {{target}} --x6"}
          undo: {none: Never}
        """
    )
    told = _told(bench.look().problems)
    assert [sum(f"--x{number} " in each for each in told) for number in range(1, 7)] == [1, 1, 2, 2, 2, 2]
    assert any("CLI 2.122.1 has no flag --x2" in each for each in told)


def test_prose_and_tests_need_one_cli_that_takes_their_lines(bench: Bench) -> None:
    """A flag of one major is fine in them, one of none is not; folded lines are read whole."""
    bench.policy = POLICY.replace(
        "instead: Write a migration that puts things back.",
        "instead: >-\n      Not `npx supabase db push\n      --linked`, `supabase db push --melt`, `supabase db melt`.",
    ).replace('line: "npx supabase migration list"', 'line: "npx supabase migration list --linked --frob"')
    told = _told(bench.look().problems)
    assert [each.partition(" ")[2] for each in told] == [
        "CLI 2.122.1 has no flag --frob of 'migration list'",
        "CLI 3.1.0 has no flag --melt of 'db push'",
        "CLI 3.1.0 has no command 'db melt'",
    ]


def test_hidden_flag_is_told_as_one_that_will_go(bench: Bench) -> None:
    """It is taken still, so it is no problem; that it is not listed any more is a change to come."""
    bench.procedures["add-thing"] = procedure_text(
        "- {id: a, title: A, run: npx supabase db push --local, undo: {none: It is local}}"
    )
    found = bench.look()
    assert found.problems == ()
    assert _told(found.changes) == [
        "add-thing.yaml:10 CLI 3.1.0 takes --local of 'db push' but no longer lists it: it will be removed"
    ]


def test_nothing_but_help_and_refusals_is_ever_asked(bench: Bench) -> None:
    """Each call ends in --help, prints completions, or holds a flag that makes the CLI refuse the line."""
    bench.procedures["add-thing"] = procedure_text(
        "- {id: a, title: A, run: npx supabase db push --local --y, undo: {none: It is local}}"
    )
    bench.look()
    assert bench.calls()
    for line in bench.calls():
        assert line.endswith(("--help", "--no-such-flag-exists")) or line == "--completions fish"


def test_cli_that_takes_any_flag_is_not_tried_with_one(bench: Bench) -> None:
    """Where a made-up flag would not stop the command, unlisted flags count as missing and no command is run."""
    bench.three["completion bash"] = StubCommand(hidden={"--no-such-flag-exists": ""}, listed=False)
    bench.procedures["add-thing"] = procedure_text(
        "- {id: a, title: A, run: npx supabase db push --local, undo: {none: It is local}}"
    )
    assert any("has no flag --local" in each for each in _told(bench.look().problems))
    asked = (bench.packages[0].directory / "dist" / "calls.txt").read_text()
    assert "db push --local" not in asked


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("command: db push", "command: db shove", "has no command 'db shove'; say in 'majors' which ones have it"),
        ("majors: [3], reason: It shows", "reason: It shows", "CLI 2.122.1 has no command 'logs'"),
        ("command: migration list", "command: migration list\n    majors: [3]", "CLI 2.122.1 has 'migration list' too"),
        ("flags: [--dry-run]", "flags: [--dry-walk]", "CLI 3.1.0 and 2.122.1 has no flag --dry-walk of 'db push'"),
        ("value_flags: [--version]", "value_flags: []", "--version of 'db reset' takes a value; add it"),
        ("value_flags: [--version]", "value_flags: [--version, --no-seed]", "--no-seed of 'db reset' takes no value"),
        (
            "bare: {2: production, 3: local}",
            "bare: {2: local, 3: local}",
            "without a target CLI 2.122.1 sends 'db push' to production, not local",
        ),
        (
            "bare: {2: local, 3: local}",
            "bare: {2: local, 3: production}",
            "without a target CLI 3.1.0 sends 'db reset' to local, not production",
        ),
    ],
)
def test_rule_that_says_something_else_than_the_clis_is_a_problem(
    bench: Bench, old: str, new: str, problem: str
) -> None:
    """Commands, flags, flags with values and default targets of the policy are held against the help."""
    assert old in POLICY
    bench.policy = POLICY.replace(old, new)
    assert any(problem in each for each in _told(bench.look().problems))


def test_command_and_global_flag_without_a_place_in_the_policy_are_problems(bench: Bench) -> None:
    """What a CLI can do and policy does not know is told, so that somebody decides."""
    bench.three["db wipe"] = StubCommand()
    told = _told(bench.look(common="--region").problems)
    assert [each.partition(" ")[2] for each in told] == [
        "--region of CLI 3.1.0 may appear anywhere and takes a value; add it",
        "CLI 3.1.0 has a command 'db wipe', but policy has no rule for it",
    ]


def test_hidden_command_with_a_rule_is_found(bench: Bench) -> None:
    """A command that is in no list is asked for by name."""
    bench.three["db push"] = replace(CLI_3["db push"], listed=False)
    bench.two["db push"] = replace(CLI_2["db push"], listed=False)
    assert bench.look().problems == ()


def test_newer_cli_is_told_as_changes(bench: Bench, tmp_path: Path) -> None:
    """Removed, hidden and new things and another default target, of a CLI that the book does not know yet."""
    commands = {
        **CLI_3,
        "migration list": StubCommand({}, {"--remote": ""}, "TARGET\n  Remote only."),
        "db push": StubCommand({"--remote": "=<ref>"}, {}, CLI_3["db push"].about),
        "db wipe": StubCommand(),
    }
    found = bench.look(newer=cli(tmp_path / "4", "4.0.0", commands))
    assert found.problems == ()
    assert sorted(set(_told(found.changes))) == [
        "add-thing.yaml:12 CLI 4.0.0 takes --remote of 'migration list' but no longer lists it: it will be removed",
        "policy.yaml:12 without a target CLI 4.0.0 sends 'migration list' to production, not local",
        "policy.yaml:4 CLI 4.0.0 has a command 'db wipe', but policy has no rule for it",
        "supabase.yaml:5 CLI 4.0.0 takes --remote of 'migration list' but no longer lists it: it will be removed",
    ]


def test_version_that_is_not_the_proven_one_is_told(bench: Bench) -> None:
    """It is no problem by itself: what matters of it is told beside it."""
    found = bench.look(proven="3.2.0")
    assert found.problems == ()
    assert [each.partition(" ")[2] for each in _told(found.changes)] == ["proven with CLI 3.1.0, but this is 3.2.0"]


def test_cli_that_lists_nothing_is_an_error_with_a_way_to_see_it(bench: Bench, tmp_path: Path) -> None:
    """An installation that is broken says so, not that every command is gone."""
    bench.look()
    broken = bench.packages[0]
    (broken.directory / "dist" / "supabase.js").write_text("console.log('No binary for this machine')")
    book = open_book(str(tmp_path / "book"))
    with pytest.raises(RunbookError, match=r"CLI 3\.1\.0 doesn't list its commands") as caught:
        survey(book, [broken], progress=lambda _done, _of: None)
    assert "--completions fish" in caught.value.hint


def test_audit_prints_problems_and_changes(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`runbook audit` ends 2 on a problem, in text and in JSON, and says what it looked at."""
    bench.procedures["add-thing"] = procedure_text(
        "- {id: a, title: A, run: npx supabase db push --local --y, undo: {none: It is local}}"
    )
    bench.look()
    tools = bench.place / "node_modules"
    tools.mkdir()
    (tools / "supabase").symlink_to(bench.place / "3")
    (tools / "supabase-2").symlink_to(bench.place / "2")
    monkeypatch.setenv("RUNBOOK_TOOLS", str(tools))
    monkeypatch.setattr(verb, "open_to_read", lambda book: alone(open_to_read(book)))
    assert main(["--book", str(bench.place / "book"), "audit"]) == 2
    out, err = capsys.readouterr()
    assert "CLI 3.1.0 has no flag --y of 'db push'" in out
    assert "takes --local of 'db push'" in out
    assert "checked against CLI 3.1.0 and 2.122.1" in err
    assert main(["--book", str(bench.place / "book"), "audit", "--format", "json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (len(found["findings"]), len(found["changes"])) == (2, 1)


def test_packaged_book_agrees_with_the_real_clis() -> None:
    """Every command and flag of the book, its policy and its prose exists, and lands where the policy says.

    It takes 80 calls of half a second of one core each: both cores of a small machine for half a minute.
    """
    found = survey(open_book(), [cli_package(3), cli_package(2)], progress=lambda _done, _of: None)
    assert found.problems == ()
    assert found.versions == ("3.1.0", "2.122.1")
    assert found.lines > 400
    assert found.calls < 100


def test_a_book_with_more_problems_than_anybody_reads_is_no_bug(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones are reported."""
    monkeypatch.setattr("runbook.checks.findings.FINDING_LIMIT", 2)
    bench.policy = bench.policy.replace("value_flags: [--version]", "value_flags: [--no-seed]").replace(
        "command: db push", "command: db shove"
    )
    assert len(bench.look().problems) == 2
