"""One allow-list at every outlet: a character that is invisible or looks like another comes out as its number."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text
from support.books import HEAD, write_book
from support.hostile import EVERY, hostile, is_passable, number, unsafe
from support.screens import failed, plain_text, screen
from support.terminals import terminal
from support.walks import (
    START,
    FakeExecutor,
    FakeOperator,
    Walked,
    book,
    confirm,
    ended,
    parameter,
    procedure,
    step,
    tick,
)

from runbook import cli
from runbook.engine.context import Identity
from runbook.engine.ports import HandOver, Skip
from runbook.errors import Finding, UsageError
from runbook.filling import fill_command, fill_statement
from runbook.journal.events import Outcome, Purpose, StepFinished, TargetSeen
from runbook.journal.interface import Holder
from runbook.printable import json_text, one_line, printable, spelled_out, suspect
from runbook.rendering.command_text import quoted
from runbook.rendering.json_format import readable
from runbook.reports.html import as_html
from runbook.reports.json_format import as_json
from runbook.reports.markdown import as_markdown
from runbook.reports.run_history import rows, running
from runbook.reports.run_report import report_of
from runbook.runtime.output_filter import OutputFilter
from runbook.site.templating import macro
from runbook.terminal.answers import wanted
from runbook.terminal.dialog import Dialog
from runbook.terminal.error_screens import render_difference, render_failure, render_holder, render_unknown
from runbook.terminal.event_lines import render_result
from runbook.terminal.intro import render_begin, render_intro, render_question
from runbook.terminal.lines import command_lines, wrap
from runbook.terminal.step_screen import render_details, render_step

ROOT = Path(__file__).parents[2]


# --- texts that are shown -----------------------------------------------------------------------------------------


def _filtered(text: str) -> str:
    output = OutputFilter()
    return output.feed(text) + output.flush()


def _dialog(text: str) -> str:
    stream = io.StringIO()
    Dialog(stream).show([Text(text), text, Text.assemble((text, "bold"))])
    return stream.getvalue()


def _step_screens(text: str) -> str:
    one = step("apply", "change it", title=text, why=text, warning=text, look_for=text)
    shown = screen(one, argv=("npx", "supabase", text), title=text, values={"table": text})
    return plain_text([*render_step(shown, height=1000), *render_details(shown)])


def _error_screens(text: str) -> str:
    end = failed(text, evidence=text)
    shown = screen(step("apply", "change it", title=text), title=text)
    unknown = render_unknown(shown, [text], end, height=1000)
    return plain_text([*render_failure(shown, end, height=1000), *unknown, *render_difference(text, f"+{text}")])


def _holder(text: str) -> str:
    holder = Holder(run=text, procedure=text, operator=text, host=text, pid=1, since=START, step=text)
    return plain_text(render_holder(holder, START + timedelta(minutes=1)))


def _intro(text: str) -> str:
    fix = replace(procedure(tick("a")), title=text, summary=text, use_when=(text,), needs=(text,), warnings=(text,))
    seen = TargetSeen(kind="production", name=text, cli=text, environment=text)
    asked = parameter("name", choices=(text,), default=text)
    shown = [*render_intro(fix, whole=True), *render_begin(seen, [text], height=1000), *render_question(asked, text)]
    stream = io.StringIO()
    Dialog(stream).show(shown)
    return stream.getvalue()


def _result(text: str) -> str:
    event = StepFinished(
        at=START, step="a", purpose=Purpose.RUN, outcome=Outcome.FAILED, exit=1, evidence=text, captured={text: text}
    )
    return plain_text(render_result(event))


def _document(text: str) -> str:
    rows_of = [{"id": 1, "note": text}, {"id": 2, text: "x"}]
    lines = readable(json.dumps({"rows": rows_of}), 300) + readable(json.dumps([{"note": f"one\n{text}"}]), 300)
    error = readable(json.dumps({"error": {"message": text, "suggestion": text}}))
    rest = readable(json.dumps({"deep": {"er": [text]}, "message": text})) + readable(json.dumps([text]))
    return lines + error + rest + readable(text) + readable(json.dumps({"message": text}))


SHOWN: dict[str, Callable[[str], str]] = {
    "text": printable,
    "line": one_line,
    "word of a command": quoted,
    "wrapped": lambda text: plain_text(wrap(text, 60)),
    "command": lambda text: plain_text(command_lines(["run", text], 60)),
    "what a command prints": _filtered,
    "JSON that a command prints": _document,
    "dialog": _dialog,
    "screens of a step": _step_screens,
    "screens of an error": _error_screens,
    "holder of a target": _holder,
    "introduction": _intro,
    "end of a step": _result,
    "finding": lambda text: str(Finding(text, 1, 1, text, text, 4)),
    "wrong answer": lambda text: wanted(screen(word=text), text),
    "page": lambda text: unescape(str(macro("inline")(text))),
}


HARMLESS = {
    "what a command prints": "\b\r",  # they stay within the line
}


@pytest.mark.parametrize("outlet", SHOWN)
def test_each_character_is_shown_as_what_it_is(outlet: str) -> None:
    """One at a time, within a Latin word."""
    characters = (one for one in EVERY if one not in HARMLESS.get(outlet, ""))
    found = {number(one): unsafe(SHOWN[outlet](hostile(one)), one) for one in characters}
    assert {one: wrong for one, wrong in found.items() if wrong} == {}


def _walked(tmp_path: Path, text: str) -> Walked:
    executor = FakeExecutor(
        {"look one": ended(output=text), "change": ended(output=f'[{{"note": {json.dumps(text)}}}]')}
    )
    fix = procedure(
        step("see", "look one", title=text), step("push", "change", title=text), tick("tell"), tick("rest"), source=text
    )
    operator = FakeOperator([confirm, confirm, Skip(text), HandOver(text, text)])
    me = Identity(text, text, 4242, text)
    walked = Walked(book(fix), tmp_path, operator, executor, identity=me)
    walked.begin()
    return walked


def test_report_shows_each_character_as_what_it_is(tmp_path: Path) -> None:
    """In Markdown by number, in JSON by an escape that reads back as the same character."""
    text = hostile()
    walked = _walked(tmp_path, text)
    events = walked.journal.events(walked.run)
    report = report_of(events, walked.book)

    assert unsafe(as_markdown(report, full=True, sources=True)) == []
    assert unsafe(unescape(as_html(report, full=True, sources=True))) == []
    document = as_json(report)
    assert unsafe(document, escaped=True) == []
    assert json.loads(document)["host"] == text


def test_history_and_status_show_each_character_as_what_it_is(tmp_path: Path) -> None:
    """Another machine may have written the operator, the host and the procedure."""
    text = hostile()
    walked = _walked(tmp_path, text)
    assert unsafe("".join(row.as_text() for row in rows(walked.journal, 9))) == []
    walked.journal.hold(
        "production:x", Holder(run=walked.run, procedure=text, operator=text, host=text, pid=1, since=START)
    )
    assert unsafe("".join(one.as_text() for one in running(walked.journal, {}, START))) == []


def test_no_value_makes_a_line_of_its_own_in_the_history(tmp_path: Path) -> None:
    """Two lines a run, whatever its operator is called."""
    walked = _walked(tmp_path, "ada\n20260101-0000-fix  finished")
    (row,) = rows(walked.journal, 9)
    assert len(row.as_text().splitlines()) == 2


# --- the command line ---------------------------------------------------------------------------------------------


def _run(*words: str, stdin: str = "") -> str:
    """Run the command line in this process and return all that came out, both streams."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        cli.main(list(words))
    return out.getvalue()


# What a YAML text can hold at all, written as an escape.
IN_YAML = "".join(one for one in EVERY if one != "\x00")


def _book(tmp_path: Path) -> Path:
    text = (
        '"' + "".join(f"\\U{ord(one):08x}" if not one.isascii() or one < " " else one for one in hostile(IN_YAML)) + '"'
    )
    text = text.replace("\x7f", "\\x7f")
    head = HEAD.replace("title: Add a thing", f"title: {text}").replace(
        "summary: A thing is added.", f"summary: {text}"
    )
    head = head.replace("[A thing is missing]", f"[{text}]")
    steps = f"steps:\n  - {{id: look, title: {text}, run: 'npx supabase migration list {{{{target}}}}', why: {text}}}\n"
    return write_book(tmp_path / "book", {"add-thing": head + steps})


@pytest.mark.parametrize("words", ["show add-thing", "show add-thing --format md"])
def test_hostile_book_is_shown_as_what_it_is(tmp_path: Path, words: str) -> None:
    """Titles, summaries and reasons of a book that somebody else wrote."""
    assert unsafe(unescape(_run("--book", str(_book(tmp_path)), *words.split())), IN_YAML) == []


@pytest.mark.parametrize("words", ["list --format json", "show add-thing --format json"])
def test_json_of_a_hostile_book_is_escaped(tmp_path: Path, words: str) -> None:
    """It reads back as the same text."""
    out = _run("--book", str(_book(tmp_path)), *words.split())
    assert unsafe(out, IN_YAML, escaped=True) == []
    read = json.loads(out)
    assert hostile(IN_YAML) == (read[0] if isinstance(read, list) else read)["title"]


def _bad_arguments() -> Iterable[list[str]]:
    text = hostile()
    yield from (["show", text], ["run", text], [text], [f"--{text}"], ["show", "x", f"--{text}"], ["report", text])
    yield from (["show", "--format", text, "x"], ["history", "-n", text], ["--book", text, "list"], ["resume", text])
    yield from (["guard", "scan", text.replace("\0", "")], ["guard", "hook", text], ["guard", text], ["drill", text])


@pytest.mark.parametrize(
    "words",
    [pytest.param(words, id=" ".join(words)[:14].encode("ascii", "replace").decode()) for words in _bad_arguments()],
)
def test_bad_argument_is_echoed_as_what_it_is(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In our own errors and in click's; the terminal obeys none of it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    out = _run(*words)
    assert out
    assert [number(one) for one in EVERY if re.search(f"a{re.escape(one)}s", out)] == []


def test_log_of_a_bug_can_be_read_at_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal obeys nothing in it when somebody prints it with `cat`."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(cli, "answer_early", _explode)
    assert unsafe(_run("list")) == []
    (log,) = tmp_path.glob("*.log")
    assert unsafe(log.read_text()) == []


def _explode(_words: object) -> None:
    raise ValueError(hostile())


def test_nothing_gets_past_the_streams(tmp_path: Path) -> None:
    """Even if code forgets to filter, what it writes to standard output and error is printable."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out), _patched(_write_to_both):
        cli.main(["list"])
    assert unsafe(out.getvalue()) == []


def _write_to_both(_words: object) -> int:
    sys.stdout.write(hostile())
    sys.stderr.write(hostile())
    return 0


@contextmanager
def _patched(early: Callable[[object], int]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "answer_early", early)
        yield


def test_errors_at_a_real_terminal_move_nothing(tmp_path: Path) -> None:
    """A bad name with a scroll region and a title in it, typed at a shell."""
    child = terminal(
        *(sys.executable, "-m", "runbook", "show", "\x1b[1;5r\x1b]0;x\x07\x1b[2Jnone"),
        environment={"PYTHONPATH": str(ROOT)},
        directory=tmp_path,
    )
    child.expect("none")
    assert "\x1b" not in (child.before or "")
    assert "<U+001B>[1;5r" in (child.before or "")
    child.close(force=True)


# --- values and names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", EVERY, ids=number)
def test_name_with_such_a_character_is_refused_and_named(character: str) -> None:
    """At the prompt, in a word of a command and in SQL; the message says which character it is."""
    value = f"ta{character}sks"
    if character != "\x00":
        problem = parameter("table").problem_with(value)
        assert f"U+{ord(character):04X}" in problem
        assert unsafe(problem, character) == []
    for fill in (
        lambda: fill_command(["x", "{{t}}"], {"t": value}),
        lambda: fill_statement("select {{t}}", {"t": value}),
    ):
        with pytest.raises(UsageError, match=re.escape(f"U+{ord(character):04X}")):
            fill()


@pytest.mark.parametrize(
    "name", ["заказы", "Größe", "größen_2026", "πελάτες", "顧客", "ジョブ", "طلبات", "naïve-café", "zażółć"]
)
def test_honest_name_of_any_script_is_allowed(name: str) -> None:
    """As PostgreSQL allows it; it is shown as it is written."""
    assert parameter("table").problem_with(name) == ""
    assert fill_command(["x", "{{t}}"], {"t": name}) == ("x", name)
    assert printable(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "users_\u0430",
        "get-\u0430",
        "\u0440\u0430ypal",
        "app.\u0441\u043e\u0440\u0443",
        "\u03bfrders",
        "orders\u0301\u0301\u0301\u0301",
    ],
)
def test_mixed_name_is_refused(name: str) -> None:
    """A foreign letter in a Latin word, a part that only looks Latin, a pile of accents."""
    assert "U+" in parameter("table").problem_with(name)
    assert "<U+" in printable(name)


def test_secret_may_hold_anything_and_is_not_repeated() -> None:
    """It goes into a private file, and nobody sees it."""
    assert parameter("key", secret=True).problem_with("p\u200bass\u0430word") == ""


def test_word_that_looks_latin_is_spelled_out_where_it_is_confirmed() -> None:
    """All its letters are of one script, so it is allowed; the screen says which letters they are."""
    shown = screen(values={"table": "\u0441\u043e\u0440\u0443"})
    assert "U+0441 U+043E U+0440 U+0443" in plain_text(render_step(shown, 100))
    assert spelled_out("заказы") == spelled_out("copy") == spelled_out("12") == ""


def test_emoji_marks_without_an_emoji_are_shown() -> None:
    """Also at the very beginning of a text."""
    assert printable("\ufe0f\u20e3") == "<U+FE0F><U+20E3>"


def test_honest_text_stays_as_it_is() -> None:
    """Prose, units, emoji, accents in both forms, and lines."""
    for text in (
        "5 μs, 3 kΩ",
        "SQL-запрос",
        "e\u0301te\u0301",
        "⚠️ 👨‍👩‍👧 1️⃣ 🇩🇪 👍🏽",
        "हिन्दी ภาษาไทย עִבְרִית",
        "„So“ … 10 €",
        "a\nb",
    ):
        assert printable(text) == text
        assert suspect(text, allowed="\n") == ""


@given(st.text())
def test_random_text_comes_out_printable_and_stays_so(text: str) -> None:
    """By category alone; showing it twice is showing it once, and JSON reads back."""
    shown = printable(text)
    assert all(map(is_passable, shown))
    assert printable(shown) == shown
    assert (suspect(text, allowed="\n\t") == "") == (shown == text.replace("\t", "    ")) or "\r\n" in text
    written = json_text([text])
    assert all(map(is_passable, written))
    assert json.loads(written) == [text] or any("\ud800" <= one <= "\udfff" for one in text)
