"""A text of several lines, such as a function's definition, can be read as it was written."""

from __future__ import annotations

import json

from runbook.walk.documents import readable

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
