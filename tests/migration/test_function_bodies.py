"""Bodies that PostgreSQL refuses are reported where the parser stops; what only a database knows isn't."""

from __future__ import annotations

from datetime import datetime

import pytest

from runbook.migration.check import check_migrations
from runbook.migration.rules import Setup, read_rules
from runbook.migration.source import MigrationFile
from runbook.model.migration_settings import MigrationSettings
from runbook.model.terms import Position

SETUP = Setup(read_rules(), MigrationSettings(at=Position("", 1, 1)))
FUNCTION = "create or replace function f() returns trigger language plpgsql as $$"


def found(sql: str) -> list[tuple[int, int, str]]:
    """Return place and message of each refused body."""
    report = check_migrations([MigrationFile("20260101000000_x.sql", sql.encode())], SETUP, now=datetime(2026, 6, 1))
    return [(each.line, each.column, each.message) for each in report.findings if each.rule == "function-body"]


@pytest.mark.parametrize(
    ("sql", "place", "said"),
    [
        (f"{FUNCTION}\nbegin\n  new.a = 1;\n  retrun new;\nend;\n$$;", (4, 3), 'at or near "retrun"'),
        (f"{FUNCTION}\nbegin\n  insert into log valeus (1);\n  return new;\nend $$;", (3, 19), 'at or near "valeus"'),
        (f"{FUNCTION}\nbegin\n  return new;\n$$;", (3, 13), "at end of input"),
        (f"{FUNCTION}\ndeclare a int\nbegin\n  return new;\nend;\n$$;", (5, 1), "at or near"),
        (f"{FUNCTION}\nbegin\n  perform f(;\nend $$;", (3, 13), "mismatched parentheses"),
        (f"{FUNCTION}\nbegin\n  raise notice '%';\nend $$;", (3, 3), "too few parameters"),
        ("do $$\nbegin\n  exit;\nend $$;", (3, 3), "EXIT cannot be used outside a loop"),
        ("create function f() returns int language sql as $$\n  select 1;\n  selct 2;\n$$;", (3, 3), '"selct"'),
        ("create function f() returns int language sql as $$ $$;", (1, 51), "no statement"),
        ("do $$$$;", (1, 6), "at end of input"),
        ("create function f() returns int language sql as 'selct ''a''';", (1, 49), '"selct"'),
        ("select 1;\ncreate function f() returns int language sql as 'selct';", (2, 50), '"selct"'),
    ],
)
def test_a_refused_body_is_reported_at_the_word_the_parser_stops_at(
    sql: str, place: tuple[int, int], said: str
) -> None:
    """The parser names a word but no place; a body without its END is reported at its last word."""
    ((line, column, message),) = found(sql)

    assert said in message
    assert (line, column) == place


@pytest.mark.parametrize(
    "sql",
    [
        f"{FUNCTION} begin v.name := 1; return new; end $$;",
        f"{FUNCTION} begin for r in select 1 loop return r; end loop; end $$;",
        "create function f(r record) returns text language plpgsql as $$ begin return r.name; end $$;",
        "create function f() returns void language sql as $$ $$;",
        "create function f() returns void language sql begin atomic select 1; end;",
        "create function f() returns void language c as 'obj', 'sym';",
        "create function f() returns void language plv8 as $$ selct $$;",
        f"set check_function_bodies = off;\n{FUNCTION} begin $$;",
        "do $$ declare r record; begin for r in select 1 as n loop raise notice '%', r.n; end loop; end $$;",
    ],
)
def test_what_only_a_catalogue_decides_is_not_reported(sql: str) -> None:
    """Record fields, other languages and unchecked bodies pass."""
    assert found(sql) == []
