"""The migrations that a book's steps write are judged by the rules before anybody walks them."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest
from support.books import procedure_text, write_book

from runbook.checks.book import find_problems

CHECK = "check: 'git log {{file_name}}'"
SAFE = "set lock_timeout = '5s';\n"


def _problems(tmp_path: Path, steps: str) -> list[str]:
    more = "parameters: {file_name: {ask: Which file?, example: a.sql}}\n" if "{{file_name}}" in steps else ""
    book = write_book(tmp_path / "book", {"add-thing": procedure_text(steps, more=more)})
    return [finding.message for finding in find_problems(str(book))[1]]


def _edit(sql: str, check: str = CHECK) -> str:
    parts = ", ".join(part for part in ("file: '{{file_name}}'", check) if part)
    text = indent(sql, "        ").strip()
    return (
        "- id: a\n  title: A\n  undo: {none: Never}\n  edit:\n"
        + indent(parts.replace(", ", "\n"), "    ")
        + f"\n    template: |\n        {text}\n"
    )


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("alter table t add column c text;", "no-lock-timeout"),
        ("set statement_timeout = '5s';\nalter table t add column c text;", "no-lock-timeout"),
        (f"{SAFE}create index i on t (c);", "index-not-concurrent"),
        (f"{SAFE}create unique index i on t (c);", "index-not-concurrent"),
        (f"{SAFE}drop index i;", "drop-index-not-concurrent"),
        (f"{SAFE}reindex index i;", "reindex-not-concurrent"),
        ("create index concurrently i on t (c);\nalter table t add column d text;", "must-be-alone"),
        ("create index concurrently if not exists i on t (c);", "index-if-not-exists"),
        (f"begin;\n{SAFE}alter table t add column c text;\ncommit;", "transaction-statement"),
        (f"{SAFE}alter table t add column c text;\nselect 'done' as status;", "select-shows-nothing"),
        (
            f"{SAFE}create or replace function f() returns int language sql as $$ select 1 $$;",
            "function-search-path",
        ),
        (f"{SAFE}alter table t drop column c cascade;", "drop-cascade"),
        (f"{SAFE}alter table t drop column c;", "drop-column"),
    ],
)
def test_template_that_is_not_safe_is_a_problem(tmp_path: Path, sql: str, rule: str) -> None:
    """Each mistake in a migration is reported before anybody walks the procedure."""
    assert any(each.startswith(f"{rule}: ") for each in _problems(tmp_path, _edit(sql)))


@pytest.mark.parametrize(
    "sql",
    [
        "-- Nothing yet: commit; select 1; cascade",
        f"{SAFE}alter table t add column c text default 'select; begin; cascade';",
        "set statement_timeout = 0;\ncreate index concurrently i on t (c);",
        "reindex index concurrently i;",
        f"{SAFE}do $$ begin loop update t set a = b where a is null; commit; end loop; end $$;",
        f"{SAFE}create or replace function f() returns int language sql set search_path = a as $$ select 1 $$;",
        f"{SAFE}{{{{file_name}}}};",
    ],
)
def test_template_that_is_safe_has_no_problem(tmp_path: Path, sql: str) -> None:
    """Words in strings, comments and bodies are not statements, and a placeholder may be any of them."""
    assert _problems(tmp_path, _edit(sql)) == []


def test_migration_that_nothing_checks_is_a_problem(tmp_path: Path) -> None:
    """An edit of a migration runs a linter over what was written."""
    assert _problems(tmp_path, _edit(f"{SAFE}alter table t add column c text;", check="")) == [
        "nothing checks this migration; add 'check: runbook migration check FILE'"
    ]
