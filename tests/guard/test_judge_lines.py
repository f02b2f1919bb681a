"""The guard's verdict on tables of lines, on every spelling of a reset, and on every row of the policy."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from guard_support.lines import Row, read_rows

from runbook.guard.command_line import judge, judge_words, packaged_policy
from runbook.model import Rule, Verdict
from runbook.policy import classify

DATA = Path(__file__).parent / "data"
EXAMPLES = read_rows(DATA.parents[1] / "policy" / "data" / "guard-examples.tsv")
LINES = read_rows(DATA / "lines.tsv")

SPELLINGS = (
    "npx supabase db reset --linked",
    "npx -y supabase db reset --linked",
    "npx --no-install supabase --yes db reset --linked",
    "npm exec -- supabase db reset --linked",
    "node_modules/.bin/supabase db reset --linked",
    "node node_modules/supabase/dist/supabase.js db reset --linked",
    "SUPABASE_YES=1 npx supabase db reset --linked",
    "env SUPABASE_YES=true npx supabase db reset --linked",
    "sh -c 'npx supabase db reset --linked'",
    "npx supabase \"db\" 're'set --linked",
    "npx supabase db \\\nreset --linked",
    "npx supabase --workdir . db reset --linked",
    "npx supabase db reset --linked --yes=true",
    "npx supabase db reset --db-url postgresql://postgres:x@db.abcdefghijklmnopqrst.supabase.co:5432/postgres",
    "eval $(echo bnB4IHN1cGFiYXNlIGRiIHJlc2V0IC0tbGlua2Vk | base64 -d)",
    "npx supabase db reset --no-seed --linked",
    "npx supabase db query 'drop table users' --linked --yes",
    "pnpm dlx supabase db reset --linked",
    "bunx supabase db reset --linked",
    "yarn dlx supabase db reset --linked",
    "npx supabase@latest db reset --linked",
)
"""Every spelling that really wiped a database, or starts the same program."""


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: row.line[:60])
def test_each_example_gets_its_verdict(row: Row) -> None:
    """The examples from the requirements all get the right verdict."""
    assert judge(row.line).verdict == row.verdict, row.why


@pytest.mark.parametrize("row", LINES, ids=lambda row: row.line[:60])
def test_each_line_gets_its_verdict(row: Row) -> None:
    """This project's own lines all get the right verdict. The first 530 were written before the guard."""
    assert judge(row.line).verdict == row.verdict, row.why


def test_there_are_enough_lines_and_none_twice() -> None:
    """There are at least 300 lines, and each verdict is well represented."""
    verdicts = [row.verdict for row in LINES]

    assert len({row.line for row in LINES}) == len(LINES)
    assert len(LINES) >= 300
    assert min(verdicts.count(verdict) for verdict in Verdict) >= 60


@pytest.mark.parametrize("line", SPELLINGS)
def test_every_spelling_that_really_wipes_a_database_is_refused(line: str) -> None:
    """None of them may run at all, not even if a person confirms."""
    judged = judge(line)

    assert judged.verdict is Verdict.REFUSE
    assert judged.rule in {"db-reset", "db-query"}
    assert judged.reason
    assert judged.instead


def test_every_row_of_the_policy_holds_in_the_guard() -> None:
    """The guard does what the policy says about a command, and so what the site prints."""
    policy = packaged_policy()
    differences = []
    for rule in policy.rules:
        for argv in _argvs(rule):
            by_policy, by_guard = classify(argv, policy), judge(shlex.join(argv), policy=policy)
            # The guard may know more: what stands in a script, or in the text behind a flag.
            if by_guard.verdict.rank < by_policy.verdict.rank or (
                rule.program == "supabase" and by_guard.verdict is not by_policy.verdict
            ):
                differences.append((argv, by_policy.verdict, by_guard.verdict))

    assert not differences


def _argvs(rule: Rule) -> list[tuple[str, ...]]:
    """Return the argvs that a rule covers: each form, to each target, with each variant's flags."""
    targets: tuple[tuple[str, ...], ...] = ((),)
    if rule.program == "supabase":
        targets = ((), ("--linked",), ("--remote",), ("--project-ref", "abcdefghijklmnopqrst"), ("--local",))
    flags = {(), *(variant.flags for variant in rule.variants)}
    return [
        (rule.program, *form, *each, *target)
        for form in (rule.command, *rule.aliases)
        for each in sorted(flags)
        for target in targets
    ]


def test_every_test_line_of_the_policy_gets_its_verdict() -> None:
    """The test lines in the rules get the verdicts that their author expects."""
    policy = packaged_policy()
    wrong = [
        (test.line, test.verdict, judged.verdict)
        for rule in policy.rules
        for test in rule.tests
        if (judged := judge(test.line, policy=policy)).verdict is not test.verdict
    ]

    assert not wrong


@pytest.mark.parametrize("line", ["npx supabase db reset --linked", "FOO=1 sudo supabase migration down --remote"])
def test_a_refusal_says_what_would_have_happened(line: str) -> None:
    """The judgement carries the effect, the target, the reason, a safe command, and the command itself."""
    judged = judge(line)

    assert (judged.effect, judged.target, judged.family) == ("destroys", "production", "database")
    assert "push" in judged.instead
    assert judged.commands[0][-1] in {"--linked", "--remote"}


def test_an_argv_is_not_expanded_again() -> None:
    """A word of an argv that looks like shell code is just a word."""
    assert judge_words(["echo", "$(supabase db reset --linked)"]).verdict is Verdict.ALLOW
    assert judge_words(["supabase", "db", "$(x)", "--linked"]).verdict is Verdict.CONFIRM
    assert judge_words(["sh", "-c", "supabase db reset --linked"]).verdict is Verdict.REFUSE
    assert judge_words([]).verdict is Verdict.ALLOW
