"""A pattern becomes files with names of one's own; what is left open can't be applied by mistake."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runbook.errors import UsageError
from runbook.migration.new.patterns import read_templates
from runbook.migration.new.templates import REPLACE_FUNCTION, asked_names, examples_of, fill_pattern, name_problems
from runbook.model import Pattern, Position
from runbook.policy.sql_tokens import TokenKind, tokens

TEMPLATES = read_templates()
NAMED = {name: pattern for name, pattern in TEMPLATES.items() if name != REPLACE_FUNCTION}


def _pattern(safe: str, names: Mapping[str, str], *rollback: str) -> Pattern:
    return Pattern(
        id="p", title="P", safe=safe, unsafe="", why="", caught_by=("",), names=names, rollback=rollback,
        at=Position("patterns.yaml", 1, 1),
    )  # fmt: skip


def _sql(pattern: Pattern, **values: str) -> str:
    return fill_pattern(pattern, values)[0].sql


def _words(sql: str) -> list[str]:
    return [token.text for token in tokens(sql) if token.kind is not TokenKind.COMMENT]


@pytest.mark.parametrize("pattern", NAMED.values(), ids=NAMED)
def test_the_examples_give_the_sql_of_the_page(pattern: Pattern) -> None:
    """So each file is as safe as the form that the tests of the patterns run. Only waivers are left out."""
    parts = fill_pattern(pattern, examples_of(pattern))
    assert [_words(part.sql) for part in parts] == [_words(sql) for sql in pattern.files]


@pytest.mark.parametrize("pattern", NAMED.values(), ids=NAMED)
def test_a_name_without_a_value_is_shown_in_its_place(pattern: Pattern) -> None:
    """`<table>` is a syntax error for PostgreSQL, in each file that has the name."""
    text = "".join(part.sql for part in fill_pattern(pattern, {}))
    assert all(f"<{name}>" in text for name in asked_names(pattern))


def test_names_are_replaced_in_sql_and_in_the_rollback() -> None:
    """Names that are made of others follow them."""
    first, second, third = fill_pattern(TEMPLATES["required-later"], {"table": "orders", "column": "paid_at"})
    assert "alter table public.orders\n  add constraint orders_paid_at_there check (paid_at is not null)" in first.sql
    assert first.rollback == "alter table public.orders drop constraint orders_paid_at_there;"
    assert second.sql.endswith("alter table public.orders validate constraint orders_paid_at_there;")
    assert third.rollback == "alter table public.orders alter column paid_at drop not null;"


@pytest.mark.parametrize(
    ("table", "written"),
    [
        ("orders", "public.orders add o_c"),
        ("Orders", "public.orders add o_c"),
        ('"Orders"', 'public."Orders" add o_c'),
        ("order", 'public."order" add o_c'),
        ("app.orders", "app.orders add o_c"),
        ('app."Old Orders"', 'app."Old Orders" add o_c'),
    ],
)
def test_a_name_is_written_as_sql_needs_it(table: str, written: str) -> None:
    """Without quotes it's folded to lower case, and it may have its schema."""
    pattern = _pattern("alter table public.tasks add o_c;", {"table": "tasks"})
    assert _sql(pattern, table=table) == f"alter table {written};"


def test_names_without_a_schema_are_in_the_schema_of_the_first() -> None:
    """An index is where its table is. Another table may be named with its own schema."""
    pattern = TEMPLATES["foreign-key"]
    given = {"table": "app.lines", "column": "sku", "other_table": "goods", "other_column": "id", "constraint": "c"}
    assert "references app.goods (id)" in fill_pattern(pattern, given)[0].sql
    assert "references shop.goods (id)" in fill_pattern(pattern, given | {"other_table": "shop.goods"})[0].sql


def test_only_whole_words_are_replaced() -> None:
    """`id` in `task_id` is a part of another name."""
    pattern = _pattern("select id, task_id, id_2, $id$a$id$ from t;", {"key": "id"})
    assert _sql(pattern, key="uuid") == "select uuid, task_id, id_2, $id$a$id$ from t;"


def test_a_value_may_be_a_type_or_a_condition() -> None:
    """What isn't a name is written as it is."""
    pattern = _pattern("alter table t add c text check (c > 0);", {"type": "text", "condition": "c > 0"})
    assert (
        _sql(pattern, type="numeric(10, 2)", condition="c in ('a', 'b')")
        == "alter table t add c numeric(10, 2) check (c in ('a', 'b'));"
    )


@pytest.mark.parametrize(
    "value", ["a; drop table b", "a -- b", "a /* b", "'a", '"a', "a\nb", "", "  ", "p\u0430id", "\\d", "a\u202eb"]
)
def test_a_value_that_could_change_the_statement_is_refused(value: str) -> None:
    """A value fills a place, and can't end the statement or hide something."""
    with pytest.raises(UsageError, match=r"^--set table: "):
        _sql(_pattern("drop table tasks;", {"table": "tasks"}), table=value)


def test_an_unknown_name_is_refused_with_the_names_that_exist() -> None:
    """Otherwise a misspelt one would stay open without a word."""
    with pytest.raises(UsageError, match="no name 'tabel'") as raised:
        fill_pattern(TEMPLATES["add-column"], {"tabel": "x"})
    assert raised.value.hint == "Its names are: table, column, definition."


def test_a_made_name_that_postgresql_would_cut_off_is_refused() -> None:
    """Two names that are equal up to there would be one."""
    with pytest.raises(UsageError, match="more than 63") as raised:
        fill_pattern(TEMPLATES["required-later"], {"table": "t" * 40, "column": "c" * 40})
    assert "--set constraint=" in raised.value.hint


def test_a_waiver_of_the_example_is_left_out_with_its_reason() -> None:
    """Whoever drops a column must say why, and `migration check` asks for it."""
    second = fill_pattern(TEMPLATES["drop-column"], {"table": "tasks", "column": "note"})[1].sql
    assert second == "set lock_timeout = '5s';\nalter table public.tasks drop column note;"


@pytest.mark.parametrize(
    ("names", "rollback", "problem"),
    [
        ({"table": "orders"}, (), "doesn't contain 'orders'"),
        ({"index": "{{table}}_x", "table": "tasks"}, (), "isn't an earlier name"),
        ({"table": "tasks", "other": "tasks"}, (), "more than one name"),
        ({"table": "tasks"}, ("a", "b"), "2 rollback notes for 1 files"),
    ],
)
def test_a_pattern_that_is_no_template_is_reported(
    names: Mapping[str, str], rollback: tuple[str, ...], problem: str
) -> None:
    """`runbook check` finds a name that the SQL doesn't have."""
    found = list(name_problems(_pattern("drop table tasks, tasks_x;", names, *rollback)))
    assert any(problem in each for each in found)


@pytest.mark.parametrize("pattern", TEMPLATES.values(), ids=TEMPLATES)
def test_the_packaged_patterns_are_templates(pattern: Pattern) -> None:
    """Each name occurs in the safe SQL, and each file has its rollback note."""
    assert list(name_problems(pattern)) == []
