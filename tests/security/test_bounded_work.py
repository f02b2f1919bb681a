"""The work for a program's output, and for a book's expressions, grows only linearly with their length."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType

import pytest
from support.screens import screen

from runbook.checks import open_book
from runbook.engine.comparison import capture, compare, document_in
from runbook.engine.ports import Execution
from runbook.journal.events import Outcome
from runbook.linear_regex import RegexError, linear_regex
from runbook.markup import (
    markdown_cell_code,
    markdown_code,
    markdown_fence,
    markdown_prose,
    markdown_text,
    prose_parts,
    unsafe_links,
)
from runbook.model import Capture, Expectation, Parameter, Position
from runbook.policy.redaction import Redactor
from runbook.policy.sql_effect import effect_of
from runbook.rendering.command_text import command_text
from runbook.rendering.json_format import readable, readable_output
from runbook.runtime.transcript import Transcript
from runbook.search.index import build_index
from runbook.search.ranking import find
from runbook.search.record import Index
from runbook.terminal.error_screens import render_difference, render_failure
from runbook.terminal.lines import wrap

SIZE = 80_000
CPU_SECONDS = 5.0
"""At least five times what the slowest case takes."""
AT = Position("book.yaml", 1, 1)


@contextmanager
def bounded() -> Iterator[None]:
    """Fail if the block takes more than `CPU_SECONDS` of this process's own time, however busy the machine is."""

    def fail(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"more than {CPU_SECONDS:g} s of work")

    before = signal.signal(signal.SIGPROF, fail)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def filled(part: str) -> str:
    """Repeat the part up to `SIZE` characters."""
    return (part * (SIZE // len(part) + 1))[:SIZE]


PARTS = [
    "x",
    " ",
    "x ",
    "\r",
    "\b",
    "\t",
    "\n",
    "x\n\x1b[A",
    "\x1b",
    "\x1b]",
    "\x1b[",
    "\x1b[1",
    "\x1b[A",
    "│ ",
    "[",
    "[\n",
    *('{"a":', "é", "\u0301", "`", "<", "'", '"', "\\", "--", "/*", "$a$", "a`b", "*", "_", "|", "%25", "&amp;"),
]
PARTS += ["](", "](a(b", "[a]: ", "<a:", "<a href ", "``x", "**a"]
TEXTS = {
    **{repr(part): filled(part) for part in PARTS},
    "an answer, then empty lines": "│ No" + "\n" * SIZE + "x",
    "runs of backticks, each longer than the one before": " ".join("`" * length for length in range(1, 565)),
    "a link with many spaces": "](x" + " " * SIZE + "y)",
    "an address with many titles": "[a]: x" + " (a" * (SIZE // 3) + ")x",
    "documents that never end": "[\n" * 900 + "1,\n" * (SIZE // 3),
    "one long value": json.dumps([{"a": "x" * SIZE}]),
    "one value of many words": json.dumps([{"a": "x " * (SIZE // 2)}]),
    "one value of many lines": json.dumps([{"a": "x\n" * (SIZE // 2)}]),
    "many names": json.dumps({f"k{number}": number for number in range(SIZE // 12)}),
    "a row for each name": json.dumps([{f"k{number}": number} for number in range(SIZE // 12)]),
    "a row of many columns": json.dumps([{f"k{number}": "y" * 30 for number in range(SIZE // 40)}]),
    "a list": json.dumps({"a": list(range(SIZE // 7))}),
    "an error": json.dumps({"error": {"message": "x" * SIZE}}),
    "an error without words": json.dumps({"error": {"code": "x" * SIZE}}),
}


def _follow(text: str) -> str:
    transcript = Transcript(80)
    for start in range(0, len(text), 4096):
        transcript.feed(text[start : start + 4096])
    return transcript.text()


def _stream(text: str) -> str:
    redactor = Redactor(["xxxxxxxx-secret", "a " * 40 + "b"])
    return "".join(redactor.feed(text[start : start + 4096]) for start in range(0, len(text), 4096)) + redactor.flush()


def _failure(text: str) -> object:
    return render_failure(screen(), Execution(outcome=Outcome.FAILED, exit=1, seconds=1, output=text))


@cache
def _index() -> Index:
    return build_index(open_book(None))


OUTLETS: dict[str, Callable[[str], object]] = {
    "compared": lambda text: compare(Expectation(output="zzz", matches="q+$", absent="^q"), 0, text, str),
    "captured": lambda text: capture([Capture("a", pattern=r"(q+)\s*$")], text),
    "searched for a document": document_in,
    "kept": _follow,
    "redacted": Redactor(["xxxxxxxx-secret", "a " * 40 + "b"]).redact,
    "redacted as it comes": _stream,
    "made readable": readable,
    "made readable at its end": lambda text: readable_output(f"Connecting\n{text}"),
    "wrapped": lambda text: wrap(text, 80),
    "shown as a command": lambda text: command_text(["npx", text], 80),
    "shown as a failure": _failure,
    "shown as a difference": lambda text: render_difference("procedure", text),
    "judged as SQL": effect_of,
    "searched for unsafe links": lambda text: list(unsafe_links(text)),
    "searched in the book": lambda text: find(_index(), text),
    "split as a sentence": lambda text: list(prose_parts(text)),
    "in Markdown, as text": markdown_text,
    "in Markdown, as a sentence": markdown_prose,
    "in Markdown, as code": markdown_code,
    "in Markdown, as code in a cell": markdown_cell_code,
    "in Markdown, as a block of code": markdown_fence,
}


@pytest.mark.parametrize("outlet", OUTLETS.values(), ids=OUTLETS)
def test_the_work_for_an_output_grows_with_its_length_alone(outlet: Callable[[str], object]) -> None:
    """The engine shows, stores and compares 80 KB of any output at once, even on one line."""
    for name, text in TEXTS.items():
        try:
            with bounded():
                outlet(text)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None


EXPLOSIVE = r"(a+)+$"
"""Python's own `re` would need years for it."""
NEVER = "a" * 5000 + "!"


def test_an_authors_expression_runs_in_linear_time_at_a_prompt() -> None:
    """A typed value is refused at once, even if the expression would backtrack forever."""
    parameter = Parameter(name="x", ask="x?", pattern=EXPLOSIVE, excludes=r"(b|b)*c", example="a", at=AT)
    with bounded():
        assert "doesn't fit" in parameter.problem_with(NEVER[:4000] + "!")
        assert not parameter.problem_with("a" * 4000)


def test_an_authors_expression_runs_in_linear_time_over_output() -> None:
    """Expected, unwanted and captured texts are searched for at once."""
    output = f"{NEVER}\n" * 30
    with bounded():
        assert not compare(Expectation(matches=EXPLOSIVE), 0, output, str).is_met
        assert compare(Expectation(absent=EXPLOSIVE), 0, output, str).is_met
        assert capture([Capture("a", pattern=r"((a+)+)$")], output)[1]


def test_a_policys_expression_runs_in_linear_time() -> None:
    """A word of a command line is judged at once."""
    with bounded():
        assert linear_regex(EXPLOSIVE).search(NEVER) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("(?=a)a", "'(?=' isn't part of the RE2 syntax"),
        ("a(?<!b)", "'(?<!' isn't part of the RE2 syntax"),
        (r"(a)\1", r"'\1' isn't part of the RE2 syntax"),
        ("(a", "missing ): (a"),
        ("a{1,5000}", "invalid repetition size: {1,5000}"),
        ("[z-a]", "invalid character class range: z-a"),
    ],
)
def test_an_expression_that_re2_cannot_compile_is_an_error(expression: str, said: str) -> None:
    """The error names the part of the expression that can't be used, and why."""
    with pytest.raises(RegexError) as error:
        linear_regex(expression)
    assert said in str(error.value)


def test_expressions_match_lines_and_skip_bytes_that_are_not_text() -> None:
    """In output, `^` and `$` match at each line, and a lone surrogate doesn't fail."""
    assert linear_regex("^b$", lines=True).search("a\nb\n") == ("b", None)
    assert linear_regex("^b$").search("a\nb\n") is None
    assert linear_regex("a(x?)").search("\udcffa") == ("a", "")
    assert linear_regex("a(x)?").search("\udcffa\udcff") == ("a", None)


def test_deep_json_is_shown_as_it_came() -> None:
    """A document that is nested too deep to parse doesn't crash; the output stays as it is."""
    deep = "[" * 100_000
    assert readable(deep) == deep + "\n"
    assert readable_output(f"x\n{deep}") == f"x\n{deep}"


def test_the_document_is_found_after_lines_that_only_look_like_one() -> None:
    """A thousand lines that begin like JSON don't hide the document after them."""
    assert document_in("[INFO] x\n" * 1000 + '{"a": 1}\n') == {"a": 1}
    assert document_in("[" * 5000 + "\n" + '{"a": 1}\n') == {"a": 1}
