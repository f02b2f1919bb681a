from __future__ import annotations

from importlib import import_module
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.destinations import argv_of
from support.policies import book_policy, policy_of, rule

from runbook.errors import UsageError
from runbook.filling import (
    UnknownName,
    fill_command,
    fill_statement,
    fill_text,
    placeholders,
    target_words,
    whole_statement,
)
from runbook.model import Family, Position, TargetKind
from runbook.policy.judgement import classify
from runbook.steps.command import Command
from runbook.steps.sql import Sql

AT = Position("procedures/x.yaml", 1, 1)
NAMES = {"project_ref": "abcdefghijklmnopqrst", "drill_url": "postgres://postgres@127.0.0.1:5/x?sslmode=disable"}

hostile = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            *(
                "",
                "-",
                "--yes",
                "-rf",
                "a b",
                "'",
                '"',
                "\\",
                "`id`",
                "$(id)",
                "${HOME}",
                ";",
                "a;b",
                "|",
                "&",
                "*",
                "~",
            ),
            *(
                "'; drop table users; --",
                "\\'; drop table users; --",
                "a\nb",
                "a\0b",
                "\r",
                "{{target}}",
                "{{name}}",
                "$$",
            ),
            *("--remote", "é", "\u202e", "💥", "\ud800", "=", "--x=y", "E'", "/*", "*/", "table", "SELECT"),
        ]
    ),
)


def plain(value: str) -> bool:
    """Whether a value can be written into a statement and read back: PostgreSQL's text has no half characters."""
    return value.isprintable()


# --- text -----------------------------------------------------------------------------------------------------------


def test_placeholders_are_named_once_in_order() -> None:
    """What is no plain name between double braces is no placeholder."""
    assert placeholders("{{b}} {{a_1}} {{b}} {{ c }} {d} {{E}}") == ("b", "a_1")


def test_text_is_filled_in_one_pass() -> None:
    """A value that looks like a placeholder stays as it is; a list is written with commas."""
    assert fill_text("{{a}} and {{b}}", {"a": "{{b}}", "b": ("x", "y")}) == "{{b}} and x,y"


def test_a_missing_value_is_named() -> None:
    """The error carries the name, so that a caller can show what is not known yet."""
    with pytest.raises(UnknownName) as missing:
        fill_text("{{gone}}", {})
    assert missing.value.name == "gone"


# --- argvs ----------------------------------------------------------------------------------------------------------

TEMPLATES = [
    ("npx", "supabase", "functions", "deploy", "{{name}}", "--use-api", "{{target}}"),
    ("npx", "supabase", "migration", "new", "rollback_{{name}}"),
    ("git", "diff", "{{name}}", "{{other}}", "--", "dir/{{name}}"),
    ("curl", "https://x/{{name}}?a={{other}}", "-H", "X: {{name}}"),
    ("grep", "{{name}}{{other}}", "--opt={{name}}"),
]


@settings(deadline=None)
@given(st.sampled_from(TEMPLATES), hostile, hostile)
def test_no_value_changes_the_shape_of_an_argv(words: tuple[str, ...], name: str, other: str) -> None:
    """It is refused, or it stays inside its word, and what the template says around it is still there."""
    try:
        argv = fill_command(words, {"name": name, "other": other}, target=["--remote"])
    except UsageError:
        return
    assert len(argv) == len(words)
    for word, template in zip(argv, words, strict=True):
        if template == "{{target}}":
            assert word == "--remote"
            continue
        assert word == template.replace("{{name}}", "\0").replace("{{other}}", other).replace("\0", name)
        assert word.startswith("-") == template.startswith("-")
        assert word
        assert not {category(letter) for letter in word} & {"Cc", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize("value", ["-x", "--yes", "--remote=other", "-"])
def test_a_value_does_not_become_a_flag(value: str) -> None:
    """Neither as a word of its own nor behind dashes of the template."""
    for template in ("{{v}}", "--{{v}}", "-{{v}}", "{{empty}}{{v}}"):
        with pytest.raises(UsageError, match="option"):
            fill_command(["x", template], {"v": value, "empty": ""})
    assert fill_command(["x", "--name={{v}}"], {"v": value}) == ("x", f"--name={value}")


@pytest.mark.parametrize(
    "value", ["a\nb", "a\rb", "a\0b", "a\tb", "\x1b[2J", "\x7f", "a\u202eb", "a\u2028b", "\ud800", "\ufeff"]
)
def test_what_can_not_be_seen_is_refused(value: str) -> None:
    """Line breaks, terminal codes and marks that reorder text never reach a command."""
    with pytest.raises(UsageError, match=r"U\+"):
        fill_command(["x", "a{{v}}"], {"v": value})
    with pytest.raises(UsageError, match=r"U\+"):
        fill_statement("select '{{v}}'", {"v": value})


def test_an_empty_word_is_refused() -> None:
    """`functions deploy ''` would deploy everything."""
    with pytest.raises(UsageError, match="empty"):
        fill_command(["npx", "supabase", "functions", "deploy", "{{v}}"], {"v": ""})


def test_the_target_is_a_word_of_its_own() -> None:
    """It may stand for none, one or two words, and never for a part of one."""
    assert fill_command(["a", "{{target}}", "b"], {}) == ("a", "b")
    assert fill_command(["a", "{{target}}"], {}, target=["--db-url", "x"]) == ("a", "--db-url", "x")
    with pytest.raises(UsageError, match="part of"):
        fill_command(["a", "--x={{target}}"], {"target": "y"})


@pytest.mark.parametrize(
    ("line", "major", "kind", "expected"),
    [
        ("npx supabase db push {{target}}", 3, TargetKind.PRODUCTION, "--remote=abcdefghijklmnopqrst"),
        ("npx supabase db push {{target}}", 3, TargetKind.LOCAL, ""),
        ("npx supabase db push {{target}}", 3, TargetKind.DRILL, f"--remote={NAMES['drill_url']}"),
        ("npx supabase db push {{target}}", 2, TargetKind.PRODUCTION, "--linked --project-ref abcdefghijklmnopqrst"),
        ("npx supabase db push {{target}}", 2, TargetKind.LOCAL, "--local"),
        ("npx supabase db push {{target}}", 2, TargetKind.DRILL, f"--db-url {NAMES['drill_url']}"),
        ("npx supabase functions deploy x {{target}}", 3, TargetKind.PRODUCTION, "--remote=abcdefghijklmnopqrst"),
        ("npx supabase functions deploy x {{target}}", 3, TargetKind.DRILL, "--remote=abcdefghijklmnopqrst"),
        ("npx supabase functions deploy x {{target}}", 2, TargetKind.PRODUCTION, "--project-ref abcdefghijklmnopqrst"),
        ("npx supabase functions deploy x {{target}}", 2, TargetKind.DRILL, "--project-ref abcdefghijklmnopqrst"),
    ],
)
def test_the_target_is_named_by_family_major_and_kind(line: str, major: int, kind: TargetKind, expected: str) -> None:
    """The words come from supabase.yaml, and policy then sees the command land where it was sent."""
    policy = book_policy()
    argv = argv_of(Command(tuple(line.split()), AT), {}, policy=policy, major=major, kind=kind, names=NAMES)
    assert argv == (*line.replace("{{target}}", "").split(), *expected.split())
    landed = classify(argv, policy, major=major).target
    assert landed is (TargetKind.LOCAL if kind is TargetKind.LOCAL else TargetKind.PRODUCTION)


def test_a_target_that_makes_no_sense_is_an_error() -> None:
    """A command that reaches nothing, a command without a rule, and an unknown major."""
    policy = policy_of(rule(reaches=Family.NOTHING), rule(id="b", command=("b",)))
    for words, major in ((["supabase", "a", "{{target}}"], 3), (["other", "{{target}}"], 3), (["supabase", "b"], 9)):
        with pytest.raises(UsageError):
            target_words(words, policy=policy, major=major, kind=TargetKind.PRODUCTION, names=NAMES)


def test_values_of_a_step_do_not_reach_the_targets_words() -> None:
    """A parameter called project_ref can't send a command elsewhere."""
    command = Command(("npx", "supabase", "secrets", "list", "{{target}}"), AT)
    argv = argv_of(
        command, {"project_ref": "evil"}, policy=book_policy(), major=2, kind=TargetKind.PRODUCTION, names=NAMES
    )
    assert argv[-1] == NAMES["project_ref"]


# --- SQL ------------------------------------------------------------------------------------------------------------


def test_a_value_inside_quotes_is_text_and_outside_is_a_name() -> None:
    """A plain name stays bare, so that statements read as they were written."""
    filled = fill_statement(
        "select {{c}} from public.{{t}} where n = 'a {{v}}' and e = E'{{v}}' and \"{{c}}\" = '{{t}}'",
        {"c": "created_at", "t": "My Table", "v": "O'Hara\\"},
    )
    assert filled == (
        "select created_at from public.\"My Table\" where n = 'a O''Hara\\' and e = E'O''Hara\\\\'"
        " and \"created_at\" = 'My Table'"
    )


def test_a_placeholder_alone_is_a_whole_statement() -> None:
    """A query wrote it from the catalogue; it runs as it stands, line breaks included."""
    written = 'insert into public."Order" (id)\nselect c.id from backup.copy c'
    assert fill_statement(" {{fix}}\n", {"fix": written}) == written
    assert whole_statement("{{fix}}") == "fix"
    assert whole_statement("select {{fix}}") == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("select 1; drop table tasks", "contains 2"),
        ("", "contains 0"),
        ("-- nothing", "contains 0"),
        ("select\u200b 1", "U\\+200B"),
        ("select '\x1b[8m'", "U\\+001B"),
    ],
)
def test_a_whole_statement_is_one_and_hides_nothing(value: str, said: str) -> None:
    """Two statements, none, or a character that a reader doesn't see are refused."""
    with pytest.raises(UsageError, match=said):
        fill_statement("{{fix}}", {"fix": value})


def test_a_reserved_word_is_quoted() -> None:
    """A column may be called order."""
    assert fill_statement("select {{c}}", {"c": "order"}) == 'select "order"'


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 -- {{v}}",
        "select /* {{v}} */ 1",
        "select $${{v}}$$",
        "do $x$ begin perform {{v}}; end $x$",
        "select U&'{{v}}'",
        "select tmp_{{v}}",
        "select {{v}}{{v}}",
        "select 'a'{{v}}",
        "select e{{v}}",
        "select 'not closed {{v}}",
        "select b'{{v}}'",
    ],
)
def test_where_a_value_can_not_be_written_safely_it_is_refused(sql: str) -> None:
    """Comments, code in dollar quotes, escapes of other kinds, and halves of words."""
    with pytest.raises(UsageError, match="SQL"):
        fill_statement(sql, {"v": "x"})


def _tree(sql: str) -> Any:
    """Return PostgreSQL's parse of the first target of a select."""
    statement = import_module("pgparse").parse(sql)
    assert len(statement) == 1
    return statement[0]["stmt"]["SelectStmt"]


@settings(deadline=None)
@given(hostile)
def test_postgresql_reads_back_exactly_the_value(value: str) -> None:
    """In each kind of quotes and as a name: never more, never less, never another statement."""
    if not value or not plain(value):
        return
    try:
        filled = fill_statement("select '{{v}}', E'{{v}}', N'{{v}}' from {{v}} where \"{{v}}\" = 1", {"v": value})
    except UsageError:  # letters that look like those of another script
        return
    tree = _tree(filled)
    texts = str(tree["targetList"])
    read = [part["ResTarget"]["val"] for part in tree["targetList"]]
    for constant in read:
        inner = constant["TypeCast"]["arg"] if "TypeCast" in constant else constant
        assert inner["A_Const"]["sval"].get("sval", "") == value, texts
    assert tree["fromClause"][0]["RangeVar"]["relname"] == value.encode()[:63].decode(errors="ignore")
    assert len(tree["whereClause"]["A_Expr"]["lexpr"]["ColumnRef"]["fields"]) == 1


@settings(deadline=None)
@given(hostile)
def test_a_value_never_adds_a_word_to_a_query(value: str) -> None:
    """The statement is one word, behind `--`, whatever it begins with."""
    sql = Sql(statement="-- why\nselect count(*) from t where a = '{{v}}'", at=AT)
    try:
        argv = argv_of(sql, {"v": value}, policy=book_policy(), major=3, kind=TargetKind.PRODUCTION, names=NAMES)
    except UsageError:
        return
    assert argv[:-1] == (
        *("npx", "supabase", "db", "query", "--read-only", "--output-format", "json"),
        *("--remote=abcdefghijklmnopqrst", "--"),
    )
    judgement = classify(argv, book_policy(), major=3)
    assert (judgement.verdict, judgement.effect) == ("allow", "reads")


@pytest.mark.parametrize(
    ("major", "kind", "writes", "expected"),
    [
        (3, TargetKind.PRODUCTION, False, "--read-only --output-format json --remote=abcdefghijklmnopqrst -- SQL"),
        (3, TargetKind.PRODUCTION, True, "--remote=abcdefghijklmnopqrst -- SQL"),
        (3, TargetKind.LOCAL, False, "--read-only --output-format json -- SQL"),
        (3, TargetKind.DRILL, True, f"--remote={NAMES['drill_url']} -- SQL"),
        (2, TargetKind.PRODUCTION, False, "--output-format json --linked --project-ref abcdefghijklmnopqrst -- SQL"),
        (2, TargetKind.DRILL, True, f"--db-url {NAMES['drill_url']} -- SQL"),
    ],
)
def test_a_statement_goes_through_the_clis_query_command(
    major: int, kind: TargetKind, writes: bool, expected: str
) -> None:
    """The writing form asks for no JSON: CLI 3 could not ask for consent then."""
    sql = Sql(statement="select 1", at=AT, writes=writes)
    argv = argv_of(sql, {}, policy=book_policy(), major=major, kind=kind, names=NAMES)
    assert argv == ("npx", "supabase", "db", "query", *expected.replace("SQL", "").split(), "select 1")


def test_timeouts_and_a_read_only_transaction_go_by_the_environment() -> None:
    """CLI 2 has no --read-only; PostgreSQL itself holds a reading statement to its word."""
    reading = Sql(statement="select 1", at=AT, lock_timeout=0.5, statement_timeout=10)
    writing = Sql(statement="select 1", at=AT, writes=True)
    assert reading.environment() == {
        "PGOPTIONS": "-c lock_timeout=500 -c statement_timeout=10000 -c default_transaction_read_only=on"
    }
    assert writing.environment() == {"PGOPTIONS": "-c lock_timeout=5000 -c statement_timeout=30000"}
