"""The plain reader of shell text must return exactly what the full grammar returns."""

from __future__ import annotations

from pathlib import Path

import pytest
from guard_support.lines import read_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.guard.shell import parser
from runbook.guard.shell.nodes import Chain
from runbook.guard.shell.parser import read_plain

TESTS = Path(__file__).parents[1]
TABLES = {"guard-examples": TESTS / "policy/data/guard-examples.tsv", "lines": TESTS / "guard/data/lines.tsv"}
PIECES = (
    *(
        "supabase",
        "db",
        "reset",
        "--linked",
        "a",
        "b=c",
        "x+=1",
        "A=",
        "npx",
        "if",
        "do",
        "time",
        "in",
        "é",
        "a#b",
        "/x/y",
    ),
    *("'q q'", '"d d"', "''", '""', "'a'\"b\"c", "A='x y'", "~/x", "a@1.2", "-", "--", ":", ".", "e\u0301"),
    *(" ", "  ", "\t", " ", " ", "\n", ";", "&&", "||", "|", "&", "# note", "#", ";;", "|&", "&>", "!", "{", "}", "\r"),
)


def full(text: str) -> Chain | None:
    """Read with shfmt."""
    try:
        return parser._read_with_shfmt(text.encode())
    except parser.NotShellError:
        return None


@pytest.mark.parametrize("name", list(TABLES))
def test_plain_lines_of_the_tables_are_read_alike(name: str) -> None:
    """If the plain reader answers, shfmt returns the same nodes. It answers for many of the lines."""
    lines = [row.line for row in read_rows(TABLES[name]) if row.line.isascii()]
    plain = {line: read_plain(line) for line in lines}

    assert {line: nodes for line, nodes in plain.items() if nodes is not None and nodes != full(line)} == {}
    assert sum(nodes is not None for nodes in plain.values()) > len(lines) / 3


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_random_texts_are_read_alike_or_left_to_the_grammar(text: str) -> None:
    """A text that isn't shell code is never taken for a plain line."""
    nodes = read_plain(text)

    if nodes is not None:
        assert _without_columns(nodes) == _without_columns(full(text))


def _without_columns(nodes: Chain | None) -> object:
    # shfmt counts columns in bytes.
    import re

    return re.sub(r"column=\d+", "", repr(nodes))


NOT_PLAIN = [
    *(
        "echo $x",
        "echo `x`",
        'echo "a$b"',
        "echo a\\ b",
        "a > b",
        "a < b",
        "a <<< b",
        "{ a; }",
        "(a)",
        "a {b,c}",
        "a *",
    ),
    *("a ?", "a [b]", "if a; then b; fi", "time a", "! a", "export A=b", "a;;b", "a |& b", "a &> b", "a &&", "| a"),
    *("; a", "a && && b", "'a", '"a', 'echo "a!b"', "a()", "coproc a", "function f", "case x in", "a\r", "for i in a"),
]


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_anything_that_needs_the_grammar_is_left_to_it(text: str) -> None:
    """The plain reader leaves out expansions, redirections, reserved words, braces, patterns and errors."""
    assert read_plain(text) is None
