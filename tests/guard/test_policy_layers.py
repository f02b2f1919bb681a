"""A team's policy extends the packaged one: more care always, less only with a reason and where it is safe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.books import marked, write_book

from runbook.checks.book import find_problems
from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.cli import main
from runbook.guard.command_line import judge
from runbook.guard.plug import check_rule_tests
from runbook.loading import PACKAGED_BOOK, read_book, read_policy
from runbook.model import Effect, Family, Policy, Position, Rule, TargetKind, Variant, Verdict
from runbook.model.http_requests import HttpClient, HttpRequest
from runbook.model.policy import Loosening, Side
from runbook.policy.judgement import classify, rule_of
from runbook.policy.layers import extended

AT = Position("policy.yaml", 1, 1)
PACKAGED = read_policy(PACKAGED_BOOK)
IDS = [*(rule.id for rule in PACKAGED.rules), *(request.id for request in PACKAGED.http_requests)]
WIPES = [
    *(test.line for rule in PACKAGED.rules for test in rule.tests if test.verdict is Verdict.REFUSE),
    *(test.line for each in PACKAGED.http_requests for test in each.tests if test.verdict is Verdict.REFUSE),
    "npx supabase db reset --linked",
    "supabase --workdir x db reset --linked",
    "supabase projects delete abcdefghijklmnopqrst",
    "dropdb -h db.example.com prod",
    'psql "$DATABASE_URL" -c "drop schema public cascade"',
    "npx supabase db query --linked 'truncate users'",
]
ONE_RULE = """\
rules:
  - {id: gh, program: gh, command: '', reaches: nothing, effect: reads, remote: allow, local: allow, reason: It reads.}
"""
GOOD = "loosen: [{rule: secrets-set, where: remote, reason: Our secrets come from a vault}]\n"


def _own(rules: tuple[Rule, ...] = (), loosen: tuple[Loosening, ...] = ()) -> Policy:
    return extended(PACKAGED, Policy(rules=rules, loosen=loosen, majors=PACKAGED.majors))


def _rule(command: str, *, program: str = "supabase", verdict: Verdict = Verdict.ALLOW, **more: object) -> Rule:
    whole = Rule(
        id="ours",
        program=program,
        command=tuple(command.split()),
        reaches=Family.DATABASE,
        effect=Effect.READS,
        remote=verdict,
        local=verdict,
        reason="We say so.",
        at=AT,
    )
    return replace(whole, **more)  # type: ignore[arg-type]


def _loosen(rule: str, where: Side = Side.REMOTE) -> Policy:
    return _own(loosen=(Loosening(rule=rule, where=where, reason="We can.", at=AT),))


# --- nothing allows a wipe ----------------------------------------------------------------------------------------

_commands = st.sampled_from(sorted({" ".join(rule.command) for rule in PACKAGED.rules} | {"", "db", "reset"}))
_programs = st.sampled_from(sorted({rule.program for rule in PACKAGED.rules} | {"npx", "sh", "env"}))
_flags = st.lists(
    st.sampled_from(["--linked", "--remote", "-c", "--workdir", "--db-url", "db", "--include-all"]), max_size=4
).map(tuple)
_verdicts = st.sampled_from(Verdict)
_variants = st.builds(
    Variant,
    flags=_flags,
    words=st.sampled_from([None, ".", "reset"]),
    effect=st.sampled_from([None, *Effect]),
    remote=st.none() | _verdicts,
    local=st.none() | _verdicts,
    reason=st.none(),
)
_rules = st.builds(
    Rule,
    id=st.sampled_from([rule.id for rule in PACKAGED.rules] + ["ours"]),
    program=_programs,
    also=st.lists(_programs, max_size=1).map(tuple),
    command=_commands.map(lambda text: tuple(text.split())),
    aliases=st.lists(_commands.map(lambda text: tuple(text.split())), max_size=2).map(tuple),
    reaches=st.sampled_from(Family),
    effect=st.sampled_from(Effect),
    remote=_verdicts,
    local=_verdicts,
    bare=st.dictionaries(st.sampled_from([2, 3, 9]), st.sampled_from([TargetKind.LOCAL, TargetKind.PRODUCTION])),
    reason=st.just("We say so."),
    value_flags=_flags,
    sql_flags=_flags,
    options=_flags,
    operands=st.sampled_from([None, (), (".*",)]),
    majors=st.sampled_from([None, (), (2,), (3,)]),
    variants=st.lists(_variants, max_size=2).map(tuple),
    at=st.just(AT),
)
_loosenings = st.builds(
    Loosening,
    rule=st.sampled_from(IDS),
    where=st.sampled_from(Side),
    reason=st.just("We can."),
    at=st.just(AT),
)
_clients = st.builds(
    HttpClient,
    program=_programs,
    also=st.lists(_programs, max_size=1).map(tuple),
    command=st.sampled_from(["", "-X", "db"]),
    method_flags=_flags,
    url_flags=_flags,
    body_flags=_flags,
    value_flags=st.sampled_from([(), ("-X",), ("DELETE", "--linked")]),
    items=st.booleans(),
)
_requests = st.builds(
    HttpRequest,
    id=st.sampled_from([request.id for request in PACKAGED.http_requests] + ["ours"]),
    request=st.just("DELETE /"),
    methods=st.just(("DELETE", "GET", "PATCH", "POST")),
    path=st.just(""),
    effect=st.sampled_from(Effect),
    remote=_verdicts,
    local=_verdicts,
    reason=st.just("We say so."),
    at=st.just(AT),
)
_policies = st.builds(
    Policy,
    address_flags=st.dictionaries(_programs, _flags, max_size=2),
    address_variables=st.sampled_from([(), ("PATH", "DATABASE_URL")]),
    http_clients=st.lists(_clients, max_size=2).map(tuple),
    http_requests=st.lists(_requests, max_size=2).map(tuple),
    sql_keys=st.sampled_from([(), ("query", "x")]),
    global_value_flags=st.dictionaries(_programs, _flags, max_size=2),
    global_options=st.dictionaries(_programs, _flags, max_size=2),
    remote_flags=_flags,
    rules=st.lists(_rules, max_size=6).map(tuple),
    loosen=st.lists(_loosenings, max_size=12).map(tuple),
    majors=st.sampled_from([PACKAGED.majors, {}, {9: PACKAGED.majors[3]}]),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(own=_policies, line=st.sampled_from(WIPES))
def test_no_policy_of_a_team_allows_what_wipes_production(own: Policy, line: str) -> None:
    """Whatever its rules, flags, majors and loosenings are."""
    packaged, found = judge(line, policy=PACKAGED), judge(line, policy=extended(PACKAGED, own))
    assert packaged.verdict is Verdict.REFUSE
    assert found.verdict is Verdict.REFUSE
    assert found.effect is Effect.DESTROYS


@pytest.mark.parametrize("line", WIPES)
def test_a_team_that_loosens_every_rule_still_cannot_wipe_production(line: str) -> None:
    """A loosening of what destroys has no effect on a hosted project, even if it got past `check`."""
    every = tuple(Loosening(rule=each, where=where, reason="We can.", at=AT) for each in IDS for where in Side)
    assert judge(line, policy=_own(loosen=every)).verdict is Verdict.REFUSE


def test_a_book_with_one_rule_keeps_the_packaged_ones(tmp_path: Path) -> None:
    """A rule for `gh`, which the tool itself suggests, used to disarm the guard."""
    book = write_book(tmp_path / "book", policy=ONE_RULE)
    for line in WIPES:
        assert main(["--book", str(book), "guard", "--line", line]) == 3, line


def test_a_subcommand_that_nobody_knows_cannot_be_allowed_by_a_rule_for_all_of_the_cli() -> None:
    """A rule without a subcommand would allow the next release's way to wipe."""
    argv = ("supabase", "--new-flag", "x", "db", "reset", "--linked")
    for general in (_rule(""), _rule("melt", aliases=((),))):
        assert classify(argv, _own((general,))).verdict is Verdict.CONFIRM
    assert classify(("supabase", "melt"), _own((_rule("melt", reaches=Family.NOTHING),))).verdict is Verdict.ALLOW


# --- what a team may do -------------------------------------------------------------------------------------------


def test_the_graver_verdict_and_the_worse_effect_count() -> None:
    """The reason is the graver rule's, and the packaged rule says what the command reaches."""
    strict = _rule("migration list", verdict=Verdict.REFUSE, reaches=Family.NOTHING, reason="Ask Ada.")
    found = classify(("supabase", "migration", "list", "--linked"), _own((strict,)))
    assert (found.verdict, found.rule, found.reason) == (Verdict.REFUSE, "ours", "Ask Ada.")
    assert (found.family, found.target) == (Family.DATABASE, TargetKind.PRODUCTION)

    milder = classify(("supabase", "db", "push", "--include-all", "--linked"), _own((_rule("db push"),)))
    assert (milder.verdict, milder.effect, milder.rule) == (Verdict.CONFIRM, Effect.WRITES, "db-push")


def test_a_rule_for_another_program_decides_alone() -> None:
    """The packaged policy knows nothing about it. What reaches a project counts as production."""
    ours = _rule("deploy", program="vercel", verdict=Verdict.CONFIRM, reaches=Family.PROJECT, effect=Effect.WRITES)
    found = classify(("vercel", "deploy"), _own((ours,)))
    assert (found.verdict, found.target, found.rule) == (Verdict.CONFIRM, TargetKind.PRODUCTION, "ours")
    rule = rule_of(("vercel", "deploy"), _own((ours,)))
    assert rule is not None
    assert rule.id == "ours"


def test_a_rule_that_both_have_is_listed_once_with_the_graver_verdicts() -> None:
    """The table on the site shows what holds."""
    ours = _rule("db push", id="db-push", verdict=Verdict.REFUSE)
    listed = [rule for rule in _own((ours,)).rules if rule.id == "db-push"]
    assert [(rule.remote, rule.local) for rule in listed] == [(Verdict.REFUSE, Verdict.REFUSE)]


def test_a_request_that_both_have_is_listed_once_with_the_graver_verdicts() -> None:
    """A book that began as a copy of the packaged one has all of its requests."""
    first, *others = PACKAGED.http_requests
    graver = replace(first, remote=Verdict.REFUSE, local=Verdict.REFUSE)
    listed = extended(PACKAGED, Policy(http_requests=(graver, *others), majors=PACKAGED.majors)).http_requests
    assert listed == (graver, *others)


def test_a_loosened_rule_is_one_degree_milder_and_says_why() -> None:
    """The effect stays, so a walk still asks for the write."""
    argv = ("supabase", "secrets", "set", "A=1", "--project-ref", "abcdefghijklmnopqrst")
    before, after = classify(argv, PACKAGED), classify(argv, _loosen("secrets-set"))
    assert (before.verdict, after.verdict, after.effect) == (Verdict.CONFIRM, Verdict.ALLOW, before.effect)
    assert after.reason.endswith("Your team loosens this: We can.")


def test_a_loosening_counts_only_where_it_says() -> None:
    """A local reset that needs no question changes nothing on production."""
    policy = _loosen("db-reset", Side.LOCAL)
    assert classify(("supabase", "db", "reset", "--local"), policy).verdict is Verdict.ALLOW
    assert classify(("supabase", "db", "reset", "--linked"), policy).verdict is Verdict.REFUSE
    # The major decides where a bare command goes; if it isn't known, production counts.
    assert classify(("supabase", "db", "push", "--include-all"), _loosen("db-push", Side.LOCAL)).verdict is (
        Verdict.CONFIRM
    )


# --- what `check` says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("loosen: §[{rule: secrets-set, where: remote}]\n", "reason"),
        ("loosen: [{rule: §db-resett, where: local, reason: A}]\n", "no rule 'db-resett'"),
        ("loosen: [{rule: §db-reset, where: remote, reason: A}]\n", "can wipe production"),
        ("loosen: [{rule: §git-log, where: remote, reason: A}]\n", "write 'where: local'"),
        ("loosen: [{rule: §make-target, where: local, reason: A}]\n", "nobody can tell what"),
        ("loosen: [{rule: §migration-list, where: local, reason: A}]\n", "already allowed"),
    ],
)
def test_a_loosening_that_cannot_be_is_an_error_with_its_line(policy: str, message: str, tmp_path: Path) -> None:
    """It has no reason, names no rule, changes nothing, or could wipe production."""
    text, [(line, _)] = marked(policy)
    book = write_book(tmp_path / "book", policy=text)
    found = [finding for finding in find_problems(str(book))[1] if finding.file.endswith("policy.yaml")]
    assert [(finding.line, message in finding.message) for finding in found] == [(line, True)]


def test_check_passes_a_loosening_with_a_reason(tmp_path: Path) -> None:
    """It is what teams are meant to write, and the first screen of a run names it."""
    from runbook.engine.rules import describe_book

    book = write_book(tmp_path / "book", policy=GOOD)
    assert [each.message for each in find_problems(str(book))[1]] == []
    assert "It loosens: secrets-set (remote)." in describe_book(read_book(book))


def test_check_fails_when_a_policy_allows_what_the_packaged_one_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However that came about: here the packaged layer was lost."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # nothing is known of these texts yet
    found = read_book(write_book(tmp_path / "book", policy=ONE_RULE))
    disarmed = replace(found, policy=found.policy.layers[-1])
    notes = Notes(disarmed)
    check_rule_tests(Subject(disarmed), notes)
    assert any(
        each.message == "this policy allows what the packaged one refuses: npx supabase db reset --linked"
        for each in notes.findings
    )


def test_the_guard_says_that_a_team_loosened_a_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads the verdict knows that it isn't the packaged one, and why."""
    book = write_book(tmp_path / "book", policy=GOOD)
    line = "npx supabase secrets set A=1 --project-ref abcdefghijklmnopqrst"
    assert main(["--book", str(book), "guard", "--line", line, "--format", "json"]) == 0
    assert "Your team loosens this: Our secrets come from a vault" in capsys.readouterr().out
