"""Reading migrations: every text gives statements and findings with places, and never a crash."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.migration.check import check_migrations
from runbook.migration.finding import Finding
from runbook.migration.rules import Setup, read_rules
from runbook.migration.source import SIZE_LIMIT, MigrationFile, Source, byte_to_character
from runbook.migration.statements import parse, parse_text
from runbook.model.migration_settings import MigrationSettings
from runbook.model.terms import Position

SETUP = Setup(read_rules(), MigrationSettings(at=Position("", 1, 1)))


def findings(data: bytes | str) -> list[Finding]:
    """Return the findings of one file but those of style."""
    raw = data.encode() if isinstance(data, str) else data
    report = check_migrations([MigrationFile("20260101000000_x.sql", raw)], SETUP, now=datetime(2026, 6, 1))
    return [each for each in report.findings if each.rule not in {"header", "no-lock-timeout"}]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_never_crash_the_check(data: bytes) -> None:
    """Every finding has a place in the file."""
    for each in findings(data):
        assert each.line >= 1
        assert each.column >= 1


@given(st.text("ab\n'é€🚨\u00a0", max_size=12))
def test_each_byte_of_a_text_belongs_to_its_character(text: str) -> None:
    """The parser counts bytes, and people count characters."""
    to_offset, data = byte_to_character(text), text.encode()

    assert [to_offset(at) for at in range(len(data) + 1)] == [
        len(data[:at].decode(errors="ignore")) for at in range(len(data) + 1)
    ]


_WORDS = st.sampled_from(
    [
        *("drop", "table", "tasks", ";", "alter", "add", "column", "text", "default", "(", ")", ",", "$$", "'", '"'),
        *("--", "/*", "*/", "do", "begin", "end", "execute", "format", "delete", "from", "where", "true", "create"),
        *("function", "returns", "trigger", "language", "plpgsql", "as", "$a$", "policy", "using", "grant", "all"),
        *("on", "to", "é", "\n"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_WORDS, max_size=25))
def test_random_words_of_sql_never_crash_the_check(words: list[str]) -> None:
    """Half-finished statements, quotes and blocks are findings at most."""
    text = " ".join(words)
    lines = text.split("\n")
    for each in findings(text):
        assert each.line <= len(lines)
        assert each.column <= len(lines[each.line - 1]) + 1


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("select " + "(" * 20_000 + "1" + ")" * 20_000, "unread-statement"),
        ("select " + "+".join(["1"] * 5_000), "unread-statement"),
        ("select " + "+".join(["1"] * 400), "unread-statement"),  # Python itself reads it
        ("select " + "a." * 3_000 + "b", ""),
        ("do $$ begin " + "if true then " * 3_000 + "end $$", ""),
        ("/*" * 5_000, "syntax-error"),
    ],
)
def test_deep_nesting_is_a_finding(text: str, rule: str) -> None:
    """A statement that the parser can't hold is named."""
    rules = {each.rule for each in findings(f"{text};\ndrop table tasks;")}

    assert not rule or rule in rules


def test_a_file_of_a_megabyte_is_read_and_a_larger_one_is_named() -> None:
    """Data doesn't belong in a migration, but the check must not stop at it."""
    row = "insert into tasks (id) values (1);\n"
    most = row * (SIZE_LIMIT // len(row))

    assert findings(most) == []
    assert [each.rule for each in findings(most + row)] == ["unreadable-file"]


def test_after_a_syntax_error_the_other_statements_are_still_judged() -> None:
    """One mistake doesn't hide the others."""
    found = findings("select f();\nalter tabel x;\ndrop table tasks;\n\\echo done\ntruncate tasks;")

    assert [(each.rule, each.line, each.column) for each in found] == [
        ("syntax-error", 2, 7),
        ("drop-table", 3, 12),
        ("psql-command", 4, 1),
        ("truncate", 5, 10),
    ]


@pytest.mark.parametrize(("data", "line", "column"), [(b"select 1;\nsel\xffect", 2, 4), (b"a\n\xc3\xa4\xff", 2, 2)])
def test_bytes_that_are_not_text_are_named_with_their_place(data: bytes, line: int, column: int) -> None:
    """The column counts characters."""
    (found,) = findings(data)

    assert (found.rule, found.line, found.column) == ("unreadable-file", line, column)


def test_a_zero_byte_hides_nothing() -> None:
    """PostgreSQL's parser would stop there and see no statement after it."""
    assert [each.rule for each in findings("select 'a';\0drop table tasks;")] == ["unreadable-file"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_columns_count_characters_also_after_other_letters(end: str) -> None:
    """The parser counts bytes; people don't."""
    text = f"-- größer{end}select 'ä';{end}comment on table x is '日本'; delete from \"tüten\";"
    (found,) = (each for each in findings(text) if each.rule == "delete-all-rows")

    assert (found.line, found.column) == (3, 41)
    assert text.split(end)[2][found.column - 1 :].startswith('"tüten"')


def test_a_byte_order_mark_does_not_shift_the_first_line() -> None:
    """Editors on Windows write one."""
    (found,) = findings(b"\xef\xbb\xbfdrop table tasks;")

    assert (found.line, found.column) == (1, 12)


def test_a_comment_before_a_statement_is_not_its_beginning() -> None:
    """A statement begins at its first word."""
    source = Source("x.sql", "-- one\n/* two */ select 1;\nselect 2;")
    starts = [source.place(each.start) for each in parse(source).statements]

    assert starts == [(2, 11), (3, 1)]


def test_a_quote_that_is_not_closed_is_one_finding_and_not_one_for_each_semicolon_after_it() -> None:
    """Everything up to the next quote is broken with it; what comes after that is judged again."""
    sql = "insert into a values ('it\\'s; one; two;\n\\m three; four');\nselect 1;\ndrop table b;\n"
    report = check_migrations([MigrationFile("20260101000000_x.sql", sql.encode())], SETUP, now=datetime(2026, 6, 1))
    found = [each.rule for each in report.findings]

    assert found.count("syntax-error") == 1
    assert "psql-command" not in found


def test_a_statement_below_the_limit_of_nesting_is_read() -> None:
    """Hundreds of terms are no reason to refuse a migration."""
    assert isinstance(parse_text("select " + "+".join(["1"] * 300)), list)
