"""Attack every outlet with random texts: none of them comes out as markup, as a control sequence or as a secret.

Each test tries `RANDOM_ATTACKS` texts (default 15). Thousands take minutes.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path

import markdown  # type: ignore[import-untyped]
import pyte
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from support.books import PROCEDURE, write_book
from support.hostile import EVERY, FORGERY, is_passable
from support.markup_attacks import HOSTILE, LINKS, live_parts, parsed
from support.printed_forms import FORMS, OVERPRINTED, SECRETS, traces
from support.screens import failed, screen
from support.walks import FakeExecutor, FakeOperator, Walked, book, confirm, ended, parameter, procedure, step, tick

from runbook import cli
from runbook.cli.error_handler import ending
from runbook.engine.ports import HandOver, Skip
from runbook.errors import ExitCode, Finding, RunbookError
from runbook.journal.codec import to_json
from runbook.policy.redaction import Redactor
from runbook.printable import printable
from runbook.reports.html import as_html
from runbook.reports.json_format import as_json
from runbook.reports.markdown import as_markdown
from runbook.reports.run_history import rows
from runbook.reports.run_report import report_of
from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor
from runbook.runtime.output_filter import OutputFilter
from runbook.runtime.terminal_relay import _Channel
from runbook.runtime.transcript import Transcript
from runbook.site.templating import macro
from runbook.streams import printable_streams
from runbook.terminal.dialog import Dialog
from runbook.terminal.error_screens import render_difference, render_failure
from runbook.terminal.lines import Lines
from runbook.terminal.step_screen import render_details, render_step

ATTACKS = int(os.environ.get("RANDOM_ATTACKS", "15"))
PLAIN = frozenset(
    (
        *("html", "head", "body", "h1", "h2", "h3", "p", "div", "span", "strong", "em", "code", "pre", "var"),
        *("table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "a", "input", "blockquote"),
    )
)
"""The elements that a page, a report or Markdown may have."""
attacked = settings(max_examples=ATTACKS, deadline=None, suppress_health_check=list(HealthCheck))

SECRET = SECRETS["odd"]
TRACKED = sorted(set(FORMS) - OVERPRINTED)
FRAGMENTS = [*HOSTILE, *LINKS, FORGERY, "\x1b[8m", "\x1b]0;x\x07", "\x1b]8;;javascript:hit()\x07"]
FRAGMENTS += ["\x1bP", "\x9b2J", "\x1b[6n", "\\u001b[2J", "```", "~~~", "|", "\r", "\b", "\n", "\r\n"]
FRAGMENTS += ["---\n", "{{", "}}", "{{table}}", "%1b", "&#27;"]

texts = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS),
        st.sampled_from(EVERY).map(lambda one: f"ta{one}sks"),
        st.text(max_size=12),
        st.binary(max_size=8).map(lambda data: data.decode("utf-8", "surrogateescape")),
        st.text("\x1b\x9b[];:?0123456789mhlrABHJKPn\\u<>&\"'`*_()[]{}", max_size=20),
    ),
    max_size=8,
).map("".join)
"""Control sequences, markup, hidden letters and bytes that aren't text, in any order."""


def at_terminal(out: str) -> None:
    """Fail if a text for the terminal holds anything but text, line ends and styles."""
    left = OutputFilter()
    styled = left.feed(out) + left.flush()
    assert styled == out, "the filter for commands would change it"
    assert left.left_out == 0
    assert not [one for one in out.replace("\x1b[", "").replace("\r\n", "\n") if not is_passable(one)]


def shown(lines: Lines) -> str:
    """Return these lines as the dialog writes them, without colours."""
    stream = io.StringIO()
    Dialog(stream).show(lines)
    return stream.getvalue()


# --- the output of a command ----------------------------------------------------------------------------------------


@attacked
@given(st.binary(max_size=400), texts, st.data())
def test_what_a_command_prints_stays_in_its_lines(noise: bytes, text: str, data: st.DataObject) -> None:
    """Cut anywhere, it has only allowed control bytes, and the cursor never leaves its lines."""
    printed = noise + text.encode("utf-8", "surrogateescape") + noise[::-1]
    channel, left = _Channel(Redactor([SECRET])), OutputFilter()
    emulated = pyte.Screen(80, 24)
    terminal = pyte.Stream(emulated)
    terminal.feed("The walk's own line.\r\n")
    out = ""
    while printed:
        size = data.draw(st.integers(1, len(printed)))
        out += left.feed(channel.take(printed[:size]))
        printed = printed[size:]
    out += left.feed(channel.rest()) + left.flush()
    for line in out.split("\n")[:20]:
        terminal.feed(line)
        assert emulated.cursor.y >= 1
        assert emulated.display[0].startswith("The walk's own line.")
        terminal.feed("\r")
    assert emulated.margins is None
    assert not [one for one in out if not is_passable(one) and one not in "\x1b\r\t\b"]


@attacked
@given(st.binary(min_size=1, max_size=300))
def test_a_real_command_prints_only_lines(noise: bytes) -> None:
    """It runs in a pseudo terminal, as in a walk."""
    told: list[str] = []
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "noise").write_bytes(noise)
        PtyExecutor(Redactor, told.append, lambda: FALLBACK_SIZE).execute(
            ["cat", "noise"], environment={}, directory=directory, timeout=20, born=lambda *_: None
        )
    out = "".join(told)
    assert not [one for one in out if not is_passable(one) and one not in "\x1b\r\t\b"]


# --- our own screens, errors and echoes -----------------------------------------------------------------------------


@attacked
@given(texts)
def test_screens_show_any_text_as_text(text: str) -> None:
    """In titles, reasons, values, outputs, evidence, names and differences."""
    text = text.replace("{{", "")  # a screen gets texts whose placeholders are filled in
    one = step("apply", "change it", title=text, why=text, warning=text, look_for=text)
    seen = screen(one, argv=("npx", text), title=text, values={"table": text})
    end = failed(text, evidence=text)
    lines = [*render_step(seen, height=1000), *render_details(seen), *render_failure(seen, end, height=1000)]
    at_terminal(shown([*lines, *render_difference(text, text)]))


@attacked
@given(texts)
def test_errors_show_any_text_as_text(text: str) -> None:
    """Both expected errors and bugs."""
    out = io.StringIO()
    with redirect_stderr(out):
        for error in (RunbookError(text, hint=text), ValueError(text)):
            with printable_streams(), ending():
                raise error
    at_terminal(out.getvalue() + str(Finding(text, 1, 1, text, text, 4)))


@attacked
@given(texts)
def test_arguments_are_echoed_as_text(text: str) -> None:
    """None of them causes a crash."""
    word = text.replace("\0", "")
    for words in (
        ["show", word],
        ["--book", word or "x", "list"],
        ["find", word],
        ["report", word],
        ["guard", "--line", word],
    ):
        code, out = _run(*words)
        assert code != ExitCode.BUG, out
        at_terminal(out)


def _run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        code = cli.main(list(words))
    return code, out.getvalue()


# --- a book that somebody else wrote --------------------------------------------------------------------------------


def _live_in_markdown(text: str) -> list[str]:
    return live_parts(parsed(markdown.markdown(text, extensions=["tables", "fenced_code"])), ours=PLAIN)


def _scalars(node: object) -> Iterator[tuple[object, object]]:
    pairs: Iterator[tuple[object, object]] = iter(())
    if isinstance(node, dict):
        pairs = iter(node.items())
    elif isinstance(node, list):
        pairs = iter(enumerate(node))
    for key, value in pairs:
        if isinstance(value, str):
            yield node, key
        yield from _scalars(value)


@attacked
@given(st.lists(texts, min_size=1, max_size=4), st.data())
def test_a_hostile_book_is_an_error_or_shown_as_text(hostile: list[str], data: st.DataObject) -> None:
    """It is read, checked, listed and shown in each format, without a crash and with nothing live."""
    document = yaml.safe_load(PROCEDURE)
    places = list(_scalars(document))
    for text in hostile:
        node, key = data.draw(st.sampled_from(places))
        node[key] = f"{node[key]} {text}"  # type: ignore[index]
    document = {key: value if isinstance(value, date) else json.dumps(value) for key, value in document.items()}
    written = "".join(f"{key}: {value}\n" for key, value in document.items())
    with tempfile.TemporaryDirectory() as directory:
        place = str(write_book(Path(directory) / "book", {"add-thing": written}))
        for words in ("check", "list", "show add-thing", "show add-thing --format json", "show add-thing --format md"):
            code, out = _run("--book", place, *words.split())
            assert code != ExitCode.BUG, out
            at_terminal(out)
            if words.endswith("md"):
                assert _live_in_markdown(out) == []


@attacked
@given(st.binary(max_size=200), st.integers(0, len(PROCEDURE)))
def test_a_file_with_random_bytes_is_an_error_with_its_place(noise: bytes, at: int) -> None:
    """They may be anywhere in a procedure's file."""
    raw = PROCEDURE.encode()
    with tempfile.TemporaryDirectory() as directory:
        place = write_book(Path(directory) / "book")
        (place / "procedures" / "add-thing.yaml").write_bytes(raw[:at] + noise + raw[at:])
        for words in ("check", "show add-thing"):
            code, out = _run("--book", str(place), *words.split())
            assert code != ExitCode.BUG, out
            at_terminal(out)


@attacked
@given(texts)
def test_a_page_shows_any_text_as_text(text: str) -> None:
    """The macro for the book's sentences, which every place on a page uses, makes nothing live of it."""
    page = parsed(str(macro("inline")(text)))
    assert live_parts(page, ours=PLAIN) == []
    assert not [one for one in "".join(page.itertext()) if not is_passable(one)]


# --- a run ----------------------------------------------------------------------------------------------------------


def _walked(directory: Path, text: str, secret: str) -> Walked:
    said = FakeExecutor({"look one": ended(1, output=text), "change": ended(output=json.dumps([{"note": text}]))})
    fix = procedure(
        *(step("see", "look one", title="See"), step("push", "change"), tick("tell"), tick("rest")),
        parameters=[parameter("token", secret=True, lines="many")],
    )
    operator = FakeOperator([confirm, Skip(text), confirm, Skip(text), HandOver(text, text)], values={"token": secret})
    walked = Walked(book(fix), directory, operator, said)
    walked.begin()
    return walked


@attacked
@given(texts, st.lists(st.sampled_from(TRACKED), min_size=1, max_size=3), st.sampled_from(sorted(SECRETS)))
def test_no_outlet_of_a_run_holds_markup_controls_or_the_secret(text: str, forms: list[str], name: str) -> None:
    """Commands print and people type the secret, in several forms, among any texts."""
    secret = SECRETS[name]
    printed = [FORMS[form](secret) for form in forms]
    outlets, without = _outlets(f" {text} ".join(["", *printed, ""]), secret), _outlets(f" {text} ", secret)
    for outlet in outlets:
        # The text around may hold the few letters that give some forms away.
        found = {form for form in forms if traces(form, secret, outlets[outlet])}
        assert not {form for form in found if not traces(form, secret, without[outlet])}, outlet
    at_terminal(outlets["report"] + outlets["history"])
    assert _live_in_markdown(outlets["report"]) == []


def _outlets(text: str, secret: str) -> Mapping[str, str]:
    """Return the output of every outlet of a run that meets this text."""
    with tempfile.TemporaryDirectory() as directory:
        walked = _walked(Path(directory), text, secret)
    events = walked.journal.events(walked.run)
    report = report_of(events, walked.book)
    return {
        "report": as_markdown(report, full=True, sources=True),
        "report in HTML": as_html(report, full=True, sources=True),
        "report in JSON": as_json(report),
        "history": "".join(row.as_text() for row in rows(walked.journal, 9)),
        "journal": "\n".join(map(to_json, events)),
    }


@attacked
@given(texts, st.sampled_from(TRACKED), st.sampled_from(sorted(SECRETS)), st.data())
def test_no_stream_shows_the_secret(text: str, form: str, name: str, data: st.DataObject) -> None:
    """Whatever text surrounds it, and wherever the stream is cut."""
    secret = SECRETS[name]
    assume(not traces(form, secret, printable(text)))  # the text alone would already look like the form
    raw = f"{text} {FORMS[form](secret)} {text}\n".encode("utf-8", "surrogateescape")
    channel, left, kept = _Channel(Redactor([secret])), OutputFilter(), Transcript(80)
    out = ""
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        piece = channel.take(raw[:size])
        kept.feed(piece)
        out += left.feed(piece)
        raw = raw[size:]
    rest = channel.rest()
    kept.feed(rest)
    out += left.feed(rest) + left.flush()
    assert not traces(form, secret, out)
    assert not traces(form, secret, Redactor([secret]).redact(kept.text()))
