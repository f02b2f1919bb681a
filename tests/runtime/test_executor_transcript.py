"""Terminal output as text, and JSON as a table."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.rendering.json_format import readable, readable_output
from runbook.runtime.transcript import Bounded, Transcript


def _kept(*pieces: str, width: int = 80) -> str:
    transcript = Transcript(width)
    for piece in pieces:
        transcript.feed(piece)
    return transcript.text()


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("long line\rshort\n", "shortline\n"),
        ("long line\r\x1b[Kshort\n", "short\n"),
        ("abc\b\bX\n", "aXc\n"),
        ("\x1b[1;31mred\x1b[0m\n", "red\n"),
        ("\x1b]0;title\x07text\n", "text\n"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", "link\n"),
        ("a\tb\n", "a       b\n"),
        ("one\ntwo\n\x1b[2A\x1b[Jnew\n", "new\n"),
        ("one\ntwo\x1b[1A\x1b[1Gsix\n", "six\ntwo"),
        ("one\x1b[2J\x1b[Htwo\n", "one\ntwo\n"),
        ("\x1b[?25l\x1b[?25hplain", "plain"),
    ],
)
def test_text_is_what_a_person_would_have_read(output: str, kept: str) -> None:
    """Redrawn once, without control sequences."""
    assert _kept(output) == kept


@pytest.mark.parametrize("output", ["\x1b[1;31mred\x1b[0m and\r\n", "50%\r100%\n", "\x1b]0;title\x07text\n"])
def test_sequences_may_be_split_anywhere(output: str) -> None:
    """One character at a time gives the same as all at once."""
    assert _kept(*output) == _kept(output)


def test_prompt_of_the_cli_leaves_question_and_answer() -> None:
    """What the Supabase CLI 3.1 writes while a person says no."""
    output = (
        "\x1b[?25l\x1b[90m│\x1b[39m\r\n\x1b[36m◆\x1b[39m  Apply 2 migrations?\r\n\x1b[36m│\x1b[39m  ○ Yes / ● No\r\n"
        "\x1b[36m└\x1b[39m\r\n\x1b[999D\x1b[4A\x1b[1B\x1b[J\x1b[32m◇\x1b[39m  Apply 2 migrations?\r\n"
        "\x1b[90m│\x1b[39m  \x1b[2mNo\x1b[22m\r\n\x1b[?25hcontext canceled\r\n"
    )
    assert _kept(output) == "│\n◇  Apply 2 migrations?\n│  No\ncontext canceled\n"


def test_wrapped_line_is_one_line_again() -> None:
    """A path that the terminal broke can be matched."""
    assert (
        _kept("Created supabase/migrations/20261123_x.sql\n", width=10)
        == "Created supabase/migrations/20261123_x.sql\n"
    )


def test_cursor_moves_over_wrapped_rows_as_on_a_screen() -> None:
    """A program that counts rows to redraw a wrapped line hits the right one."""
    assert _kept("0123456789ab\r\n\x1b[2A\x1b[Jnew\r\n", width=10) == "new\n"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.integers(1, 100))
def test_no_output_breaks_it(output: str, width: int) -> None:
    """Any text at any width gives text without escapes, the same in one piece or in two."""
    text = _kept(output, width=width)
    assert "\x1b" not in text
    half = len(output) // 2
    assert _kept(output[:half], output[half:], width=width) == text


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("ab c", max_size=90), min_size=150, max_size=300))
def test_fast_way_through_much_output_keeps_the_same(lines: list[str]) -> None:
    """A big piece of plain lines is kept as if it had come line by line."""
    pieces = [f"{line}\r\n" for line in lines]
    strip = [line.rstrip(" ") for line in _kept("".join(pieces)).split("\n")]
    assert strip == [line.rstrip(" ") for line in _kept(*pieces).split("\n")]


def test_bounded_keeps_both_ends_and_marks_the_gap() -> None:
    """Head, how much is missing, tail."""
    kept = Bounded(head=3, tail=4)
    for piece in ("ab", "cdef", "ghij", "k"):
        kept.add(piece)
    assert kept.text() == "abc\n[... 4 characters cut ...]\nhijk"


@settings(max_examples=200)
@given(st.lists(st.text("xyz", max_size=9), max_size=30), st.integers(0, 20), st.integers(0, 20))
def test_bounded_never_keeps_more_and_never_loses_what_fits(pieces: list[str], head: int, tail: int) -> None:
    """The beginning is the text's beginning, the end its end."""
    kept, whole = Bounded(head, tail), "".join(pieces)
    for piece in pieces:
        kept.add(piece)
    text = kept.text()
    if len(whole) <= head + tail:
        assert text == whole
    else:
        assert text.startswith(whole[:head])
        assert text.endswith(whole[len(whole) - tail :])


# --- documents --------------------------------------------------------------------------------------------------


def test_list_of_objects_is_a_table() -> None:
    """Names above, values below, the target left out."""
    document = {
        "migrations": [{"local": "1", "remote": ""}, {"local": "2", "remote": "2"}],
        "target": {"kind": "linked"},
    }
    assert readable(json.dumps(document)) == "local  remote\n-----  ------\n1\n2      2\n"


def test_wide_table_is_narrowed_or_turned() -> None:
    """It fits; where columns would get too narrow, each row is a list of fields."""
    rows = [{f"column{number}": "x" * 40 for number in range(3)}]
    assert all(len(line) <= 60 for line in readable(json.dumps(rows), 60).splitlines())
    rows = [{f"column{number}": "x" * 40 for number in range(20)}]
    assert readable(json.dumps(rows), 60).startswith("column0: xxx")


def test_long_table_shows_its_end() -> None:
    """The newest rows stand last."""
    text = readable(json.dumps([{"a": number} for number in range(100)]))
    assert text.splitlines()[-1] == "(the last 40 of 100 rows)"
    assert "\n99\n" in text


def test_error_is_its_sentences() -> None:
    """Message and suggestion, not JSON."""
    error = {"_tag": "Error", "error": {"code": "X", "message": "It failed.", "suggestion": "Try again."}}
    assert readable(json.dumps(error)) == "It failed.\nTry again.\n"


@pytest.mark.parametrize("text", ["[]", "{}", "3", '"x"', "null", "[1, 2]", '{"a": {"b": [1]}}', "no json", ""])
def test_anything_is_readable(text: str) -> None:
    """Whatever a command prints, it ends with a line end and raises nothing."""
    assert readable(text).endswith("\n")


def test_document_at_the_end_of_output_is_found() -> None:
    """Human lines stay as they are."""
    assert readable_output('Target: x\n[{"a": 1}]') == "Target: x\na\n-\n1\n"
    assert readable_output("{ not json") == "{ not json"
