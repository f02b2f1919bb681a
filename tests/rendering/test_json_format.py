"""A text of several lines, such as a function's definition, can be read as it was written."""

from __future__ import annotations

import json

from runbook.rendering.json_format import readable, readable_output

DEFINITION = "create function x()\nas $$\nbegin\n\treturn new;\nend;\n$$\n"


def test_a_definition_keeps_its_lines_and_its_indentation() -> None:
    """It is not squeezed into a cell of a table, where it would be cut."""
    text = readable(json.dumps([{"body": "0af3", "definition": DEFINITION}]))
    assert text.splitlines() == [
        "body: 0af3",
        "definition:",
        "    create function x()",
        "    as $$",
        "    begin",
        "        return new;",
        "    end;",
        "    $$",
    ]


def test_a_long_line_of_it_is_broken_and_not_lost() -> None:
    """No line is wider than the terminal, and every character is there."""
    lines = readable(json.dumps([{"sql": "a" * 100 + "\nb"}]), 40).splitlines()
    assert max(map(len, lines)) <= 40
    assert "".join(line.strip() for line in lines[1:]) == "a" * 100 + "b"


def test_short_values_stay_a_table() -> None:
    """Only a text with line breaks is shown row by row."""
    assert readable(json.dumps([{"a": 1, "b": "x"}])) == "a  b\n-  -\n1  x\n"


WIDE = {"pid": 7, "query": "select " + "a, " * 30 + "b"}


def test_few_rows_are_shown_whole() -> None:
    """What a session runs decides whether it may be ended; a table would cut it."""
    lines = readable(json.dumps([WIDE] * 3), 60)
    assert lines.count("pid: 7") == 3
    assert ".." not in lines
    assert lines.count("b\n") == 3


def test_many_rows_are_cut_until_they_are_asked_for() -> None:
    """A screen has room for a table; the output so far shows everything."""
    document = json.dumps([WIDE] * 4)
    assert readable(document, 60).count("..") == 4
    assert ".." not in readable_output(document, 60)


def test_a_line_of_a_log_begins_with_its_time() -> None:
    """When, how bad and what, on one line; only what adds to that follows."""
    row = {"id": "1", "ts_ms": 1795722422467, "event_message": "it fails", "level": "error", "service": "postgres"}
    row |= {"log_attributes": {}, "region": "eu", "timestamp": "2026-11-26T19:47:02.467Z"}
    assert readable(json.dumps([row])) == "2026-11-26 19:47:02 UTC  ERROR  it fails\n  region: eu\n"


def test_a_moment_is_shown_as_a_person_reads_it() -> None:
    """The platform counts milliseconds; whoever asks when a function was updated should not have to."""
    assert readable('[{"slug": "a", "updated_at": 1795446808077}]') == (
        "slug  updated_at\n----  -----------------------\na     2026-11-23 15:13:28 UTC\n"
    )
    others = {"updated_at": 5, "deleted_at": None, "count": 1795446808077, "read_at": 10**20}
    assert readable(json.dumps(others)).splitlines()[2:] == ["count: 1795446808077", f"read_at: {10**20}"]


def test_what_stands_within_is_shown_apart() -> None:
    """How far back a backup reaches is read off in an emergency."""
    backups = [{"id": 1, "inserted_at": "2026-11-23T00:00:00Z"}, {"id": 2, "inserted_at": "2026-11-22T00:00:00Z"}]
    reach = {"target": {"ref": "x"}, "pitr_enabled": True, "backups": backups, "data": {"latest_unix": 1795446808}}
    assert readable(json.dumps(reach)).splitlines() == [
        "pitr_enabled: true",
        "backups:",
        "    id  inserted_at",
        "    --  --------------------",
        "    1   2026-11-23T00:00:00Z",
        "    2   2026-11-22T00:00:00Z",
        "data.latest_unix: 2026-11-23 15:13:28 UTC",
    ]
