from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.policies import book_policy, judged, policy_of, rule

from runbook.model import Effect, Family, Rule, TargetKind, Variant, Verdict
from runbook.policy.judgement import classify, rule_of

RULES = book_policy().rules
EXAMPLES = Path(__file__).parent / "data" / "guard-examples.tsv"

# Lines that only a shell can take apart begin like these, or hold such signs.
_BEGIN = ("nohup ", "exec ", "eval ", "sh -c", "bash ", "docker ", "yes ", "{ ", "while ", "cd ", "echo ", "printf ")
_INSIDE = ("${", ">>", "<<", "$'", "S=", "FOO=", '"unterminated')


def _plain_examples() -> list[tuple[str, str]]:
    rows = [row.split("\t") for row in EXAMPLES.read_text(encoding="utf-8").splitlines()[1:]]
    lines = [(row[0].replace(r"\t", "\t"), row[1]) for row in rows]
    return [each for each in lines if not each[0].startswith(_BEGIN) and not any(sign in each[0] for sign in _INSIDE)]


def test_the_examples_hold_enough_plain_lines() -> None:
    """The filter above has not thrown the table away."""
    assert len(_plain_examples()) >= 30


@pytest.mark.parametrize(("line", "verdict"), _plain_examples())
def test_the_guards_plain_examples(line: str, verdict: str) -> None:
    """A line without shell grammar gets its verdict from the policy alone."""
    assert classify(shlex.split(line, comments=True), book_policy()).verdict == verdict


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.id)
def test_each_rule_is_reached(each: Rule) -> None:
    """No rule is hidden behind another one, under any of its names and spellings."""
    for program in (each.program, *each.also):
        for form in (each.command, *each.aliases):
            found = rule_of([program, *form], book_policy())
            assert found is not None
            assert found.id == each.id


@pytest.mark.parametrize(
    ("line", "verdict", "rule_id"),
    [(test.line, test.verdict, each.id) for each in RULES for test in each.tests],
)
def test_each_rules_own_lines(line: str, verdict: Verdict, rule_id: str) -> None:
    """The lines beside a rule get their verdict from that rule."""
    judgement = judged(line)
    assert (judgement.verdict, judgement.rule) == (verdict, rule_id)


def _grave(each: Rule) -> list[Rule | Variant]:
    """Return the rule and those of its variants that are not simply allowed."""
    parts: list[Rule | Variant] = [each, *each.variants]
    return [part for part in parts if {part.remote, part.local} - {None, Verdict.ALLOW}]


@pytest.mark.parametrize("each", [each for each in RULES if _grave(each)], ids=lambda each: each.id)
def test_each_risky_rule_has_a_reason_a_way_out_and_a_test(each: Rule) -> None:
    """A refusal without what to do instead teaches people to go round it."""
    assert {test.verdict for test in each.tests} - {Verdict.ALLOW}
    refused = [part for part in _grave(each) if Verdict.REFUSE in {part.remote, part.local}]
    assert all((part.instead or each.instead) and (part.reason or each.reason) for part in refused)


@pytest.mark.parametrize("part", [v for each in RULES for v in each.variants if v.remote is Verdict.REFUSE], ids=str)
def test_each_refusing_variant_has_a_test(part: Variant) -> None:
    """The part of a rule that refuses is shown to refuse."""
    owner = next(each for each in RULES if part in each.variants)
    assert any(judged(test.line).reason == (part.reason or owner.reason) for test in owner.tests)


RESETS = [
    "npx supabase db reset --linked",
    "npx -y supabase db reset --remote",
    "npx --yes supabase@3.1.0 db reset --remote=abcdefghijklmnopqrst",
    "npx supabase@latest db reset --linked",
    "npx --no-install supabase --yes db reset --linked",
    "npx -p supabase@2 supabase db reset --linked",
    "npx --package=supabase -- supabase db reset --linked",
    "npm exec -- supabase db reset --linked",
    "npm exec supabase -- db reset --linked",
    "npm x --yes supabase db reset --linked",
    "npm run supabase -- db reset --linked",
    "pnpm supabase db reset --linked",
    "pnpm dlx supabase db reset --linked",
    "pnpm --filter web exec supabase db reset --linked",
    "yarn supabase db reset --linked",
    "yarn dlx -p supabase supabase db reset --linked",
    "yarn workspace web supabase db reset --linked",
    "bunx supabase db reset --linked",
    "bun x supabase db reset --linked",
    "corepack pnpm dlx supabase db reset --linked",
    "node_modules/.bin/supabase db reset --linked",
    "./node_modules/.bin/supabase db reset --linked",
    "/usr/local/bin/supabase db reset --linked",
    "node node_modules/supabase/dist/supabase.js db reset --linked",
    "node --no-warnings /x/node_modules/supabase/dist/supabase.js db reset --linked",
    "deno run -A npm:supabase db reset --linked",
    "supabase.exe db reset --linked",
    "supabase \"db\" 're'set --linked",
    "supabase --workdir . db reset --linked",
    "supabase --workdir=. db reset --linked",
    "supabase db reset --linked --yes=true",
    "supabase --yes true db reset --linked",
    "supabase --debug false db --yes reset --linked",
    "supabase -o json db --agent no reset --linked",
    "supabase db reset --db-url postgres://postgres:x@127.0.0.1:55441/postgres",
    "supabase db reset --db-url=postgres://postgres:x@db.abc.supabase.co/postgres",
    "supabase db reset --remote postgres://postgres:x@127.0.0.1:55441/postgres",
    "supabase db reset --project-ref abcdefghijklmnopqrst",
    "supabase db reset --no-seed --linked",
    "supabase db reset --linked --version 20260101000000",
    "supabase db reset --linked --sql-paths --help",
    "supabase db reset --linked --linked=false",
    "supabase db reset --linked --local",
    "supabase migration down --last 1 --remote",
    "supabase migrations down --linked",
    "supabase db query 'drop table tasks' --yes --linked",
    "supabase db query --remote 'select 1; truncate tasks'",
    "supabase db query --remote=abcdefghijklmnopqrst -- 'drop schema public cascade'",
]


@pytest.mark.parametrize("line", RESETS)
@pytest.mark.parametrize("major", [None, 2, 3])
def test_every_spelling_of_a_remote_reset_is_refused(line: str, major: int | None) -> None:
    """Launchers, paths, flags anywhere, flags with values: the real CLI runs them all."""
    judgement = judged(line, major=major)
    assert judgement.verdict is Verdict.REFUSE
    assert judgement.effect is Effect.DESTROYS
    assert judgement.target is TargetKind.PRODUCTION


@pytest.mark.parametrize(
    "line",
    [
        "supabase help db reset",
        "supabase db reset --linked --help",
        "supabase db reset --linked -h",
        "supabase db",
        "supabase",
        "supabase migration new db_reset_linked",
        "supabase functions deploy reset-password --remote",
        "git commit -m 'never run supabase db reset --linked'",
        "vim supabase/migrations/20260101000000_reset_linked_accounts.sql",
        "test -f reset --linked",
        "grep -rn 'db reset --linked' docs",
        "npm install supabase",
        "pnpm add supabase",
        "npx eslint .",
    ],
)
def test_harmless_lines_pass(line: str) -> None:
    """Help, names that hold the word, and other programs' arguments are not stopped."""
    assert judged(line).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("line", "major", "target"),
    [
        ("npx supabase db push", 2, TargetKind.PRODUCTION),
        ("npx supabase db push", 3, TargetKind.LOCAL),
        ("npx supabase db push", None, TargetKind.PRODUCTION),
        ("npx supabase@2.109.1 db push", 3, TargetKind.PRODUCTION),
        ("npx supabase@3 db push", 2, TargetKind.LOCAL),
        ("npx supabase@latest db push", None, TargetKind.PRODUCTION),
        ("npx supabase db push --local", 2, TargetKind.LOCAL),
        ("npx supabase db push --linked=false", 2, TargetKind.PRODUCTION),
        ("npx supabase db push --linked=false", 3, TargetKind.LOCAL),
        ("npx supabase db push --linked false", 3, TargetKind.LOCAL),
        ("npx supabase db push --linked=0", 3, TargetKind.LOCAL),
        ("npx supabase db push --linked=true", 3, TargetKind.PRODUCTION),
        ("npx supabase db push --remote=abcdefghijklmnopqrst", 3, TargetKind.PRODUCTION),
        ("npx supabase functions list", 3, TargetKind.PRODUCTION),
        ("npx supabase migration new x", 3, None),
    ],
)
def test_where_a_command_lands(line: str, major: int | None, target: TargetKind | None) -> None:
    """A bare command flipped between CLI 2 and 3; a version in the line says which; unknown is the worse."""
    judgement = judged(line, major=major)
    # `db push` is allowed in both places, so with an unknown major the place of the graver judgement is shown.
    assert judgement.target is target or (major is None and judgement.verdict is Verdict.ALLOW)


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("psql -h localhost", TargetKind.LOCAL),
        ("psql -h/var/run/postgresql", TargetKind.LOCAL),
        ("psql mydb", TargetKind.LOCAL),
        ("psql postgres://u@127.0.0.1:54322/postgres", TargetKind.LOCAL),
        ("psql 'postgresql:///x?host=/tmp'", TargetKind.LOCAL),
        ("psql 'host=localhost dbname=x'", TargetKind.LOCAL),
        ("psql postgres://u@db.abc.supabase.co/postgres", TargetKind.PRODUCTION),
        ("psql -hdb.abc.supabase.co", TargetKind.PRODUCTION),
        ("psql --host=db.abc.supabase.co", TargetKind.PRODUCTION),
        ("psql -d 'host=db.abc.supabase.co'", TargetKind.PRODUCTION),
        ("psql service=production", TargetKind.PRODUCTION),
        ("psql postgres://localhost:1,db.abc.supabase.co:2/x", TargetKind.PRODUCTION),
        ("psql 'postgres://localhost/x?host=db.abc.supabase.co'", TargetKind.PRODUCTION),
        ("psql 'postgres://localhost@db.abc.supabase.co/x'", TargetKind.PRODUCTION),
        ("psql '$DATABASE_URL'", TargetKind.PRODUCTION),
        ("psql -h localhost postgres://db.abc.supabase.co/x", TargetKind.PRODUCTION),
    ],
)
def test_where_a_postgresql_client_lands(line: str, target: TargetKind) -> None:
    """Local is what names this machine, or nothing; a service, a variable or several hosts are not."""
    assert judged(line).target is target


@pytest.mark.parametrize(
    ("line", "stdin", "verdict"),
    [
        ("psql postgres://db.abc.supabase.co/x", "drop table tasks;", Verdict.REFUSE),
        ("psql postgres://db.abc.supabase.co/x", "select 1;", Verdict.ALLOW),
        ("psql postgres://db.abc.supabase.co/x -f -", "truncate tasks", Verdict.REFUSE),
        ("psql postgres://db.abc.supabase.co/x -f other.sql", "select 1", Verdict.CONFIRM),
        ("psql postgres://db.abc.supabase.co/x -c 'select 1' -f other.sql", None, Verdict.CONFIRM),
        ("psql postgres://db.abc.supabase.co/x -c 'drop table t' -f other.sql", None, Verdict.REFUSE),
        ("supabase db query --remote", "delete from tasks", Verdict.REFUSE),
        ("supabase db query --remote", None, Verdict.CONFIRM),
        ("psql postgres://db.abc.supabase.co/x -Atc 'select 1' -c 'drop table t'", None, Verdict.REFUSE),
    ],
)
def test_sql_is_judged_wherever_it_comes_from(line: str, stdin: str | None, verdict: Verdict) -> None:
    """From the argv, from standard input, or out of sight in a file."""
    assert judged(line, stdin=stdin).verdict is verdict


def test_unknown_supabase_commands_need_a_person() -> None:
    """A new subcommand may do anything; a new program is not ours."""
    assert judged("supabase db obliterate --linked").verdict is Verdict.CONFIRM
    assert judged("supabase db rese --linked").verdict is Verdict.CONFIRM
    other = judged("frobnicate --all")
    assert (other.verdict, other.effect, other.rule) == (Verdict.ALLOW, Effect.WRITES, "")


def test_the_worst_major_counts_where_it_is_not_known() -> None:
    """One that this book does not know is not known either."""
    here = policy_of(
        rule(bare={2: TargetKind.PRODUCTION, 3: TargetKind.LOCAL}, remote=Verdict.REFUSE, local=Verdict.ALLOW)
    )
    assert [classify(["supabase", "a"], here, major=major).verdict for major in (2, 3, None, 4)] == [
        Verdict.REFUSE,
        Verdict.ALLOW,
        Verdict.REFUSE,
        Verdict.REFUSE,
    ]


def test_the_first_fitting_variant_counts_and_inherits() -> None:
    """What a variant leaves out is the rule's."""
    here = policy_of(
        rule(
            effect=Effect.WRITES,
            reason="The rule.",
            instead="Its way out.",
            variants=(
                Variant(flags=("--x",), without=("--y",), effect=Effect.READS),
                Variant(flags=("--x",), remote=Verdict.CONFIRM, reason="The second."),
                Variant(words="^-n=9$", effect=Effect.DESTROYS, instead=""),
                Variant(arguments="several", remote=Verdict.REFUSE),
                Variant(majors=(2,), remote=Verdict.CONFIRM),
            ),
            value_flags=("-n",),
        )
    )

    def of(line: str, major: int = 3) -> tuple[str, str, str, str]:
        found = classify(["supabase", "a", "--linked", *line.split()], here, major=major)
        return found.verdict.value, found.effect.value, found.reason, found.instead

    assert of("--x") == ("allow", "reads", "The rule.", "Its way out.")
    assert of("--x --y") == ("confirm", "writes", "The second.", "Its way out.")
    assert of("--x=false") == ("allow", "writes", "The rule.", "Its way out.")
    assert of("-n 9") == ("allow", "destroys", "The rule.", "")
    assert of("b c")[0] == "refuse"
    assert of("b")[0] == "allow"
    assert of("b", 2)[0] == "confirm"
    assert of("b", 4)[0] == "confirm"


def test_empty_words_are_no_names() -> None:
    """`functions deploy ""` deploys all."""
    assert judged("supabase functions deploy '' --remote").verdict is Verdict.REFUSE


def test_a_longer_subcommand_goes_before_a_shorter_one() -> None:
    """`gen types` is not `gen`."""
    here = policy_of(rule(id="short"), rule(id="long", command=("a", "b"), aliases=(("c", "d"),)))
    assert [classify(["supabase", *line.split()], here).rule for line in ("a", "a b", "a x", "c d", "a -- b")] == [
        *("short", "long", "short", "long", "short"),
    ]


@pytest.mark.parametrize(
    ("line", "majors"),
    [
        ("npx supabase db push --linked", {2, 3}),
        ("npx supabase db push --local", set()),
        ("npx supabase db push --dry-run --linked", set()),
        ("npx supabase functions deploy hello --use-api --project-ref abcdefghijklmnopqrst", {3}),
        ("npx supabase migration fetch --linked", {2, 3}),
        ("npx supabase migration repair --status applied 20260101000000 --linked", {3}),
        ("npx supabase db query --linked -- 'insert into public.t values (1)'", {3}),
        ("npx supabase db query --linked --read-only -- 'select 1'", set()),
    ],
)
def test_which_commands_ask_once_more(line: str, majors: set[int]) -> None:
    """As the real CLIs did: only what writes, and to a hosted project or over files here."""
    assert {major for major in (2, 3) if classify(shlex.split(line), book_policy(), major=major).asks} == majors


def test_what_reaches_nothing_has_no_target() -> None:
    """Its verdict is that of this machine, whatever flags it is given."""
    here = policy_of(rule(reaches=Family.NOTHING, remote=Verdict.REFUSE, local=Verdict.CONFIRM))
    judgement = classify(["supabase", "a", "--linked"], here)
    assert (judgement.target, judgement.verdict) == (None, Verdict.CONFIRM)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


@settings(deadline=None)
@given(
    st.lists(words | st.sampled_from(["supabase", "npx", "db", "reset", "--linked", "--", "-c", "psql"]), max_size=8)
)
def test_any_argv_gets_a_judgement(argv: list[str]) -> None:
    """Nothing in an argv makes the classifier fail, and it judges just that argv."""
    assert classify(argv, book_policy()).commands == (tuple(argv),)


@settings(deadline=None)
@given(
    before=st.lists(st.sampled_from(["--debug", "--yes", "--workdir=x", "--output json", "--agent no", "--yes false"])),
    middle=st.lists(st.sampled_from(["--debug", "--profile x", "--experimental", "-o json", "--dns-resolver https"])),
    after=st.lists(st.sampled_from(["--no-seed", "--version 1", "--last=2", "--debug", "--yes", "extra"])),
    remote=st.sampled_from(["--linked", "--remote", "--remote=abc", "--project-ref abc", "--db-url=postgres://x/y"]),
    launcher=st.sampled_from(
        ["supabase", "npx supabase", "npx -y supabase@2", "bunx supabase", "npm exec -- supabase"]
    ),
)
def test_no_flags_around_it_hide_a_reset(
    before: list[str], middle: list[str], after: list[str], remote: str, launcher: str
) -> None:
    """Global flags may stand anywhere, with and without values."""
    line = " ".join([launcher, *before, "db", *middle, "reset", *after, remote])
    assert judged(line).verdict is Verdict.REFUSE
