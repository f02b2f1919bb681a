"""Rows and other output that try to forge the operator's screen, drawn by a terminal emulator."""

from __future__ import annotations

import codecs
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hostile import FORGERY, is_passable
from support.places import Place, make_place
from support.terminals import forked, press, program, terminal

from runbook.runtime.executor import PtyExecutor
from runbook.runtime.output_filter import OutputFilter
from runbook.runtime.subprocesses import open_editor

ROOT = Path(__file__).parents[2]


@dataclass
class Watched:
    """A program in a terminal of 80 by 24, and the screen that a person sees there."""

    child: pexpect.spawn[str]
    screen: pyte.Screen = field(default_factory=lambda: pyte.Screen(80, 24))
    sent: str = ""

    def __post_init__(self) -> None:
        self._stream = pyte.Stream(self.screen)

    def read_until(self, text: str, *, timeout: float = 60) -> None:
        """Draw what comes until this text has come."""
        since, until = len(self.sent), time.monotonic() + timeout
        while text not in self.sent[since:]:
            assert time.monotonic() < until, f"{text!r} did not come:\n{self.lines}"
            self._draw(0.2)
        # The rest of the screen, up to the prompt.
        while self._draw(0.3):
            pass

    def _draw(self, wait: float) -> bool:
        try:
            data = self.child.read_nonblocking(65536, timeout=wait)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            return False
        self.sent += data
        self._stream.feed(data)
        return True

    @property
    def lines(self) -> list[str]:
        """Return the visible lines."""
        return [line.rstrip() for line in self.screen.display]

    def type(self, text: str) -> None:
        """Type a line."""
        press(self.child, f"{text}\r")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a project whose database has been prepared by an attacker."""
    return make_place(tmp_path)


def _npx(place: Place, *, rows: str, raw: str = "") -> None:
    """Let the CLI's stand-in print this document where it lists migrations, and this beside it."""
    (place.root / "rows").write_text(rows)
    (place.root / "raw").write_text(raw, newline="")
    body = f"""\
case "$*" in
  *--version*) echo 3.1.0; exit;;
  *"migration list"*) cat {place.root}/raw >&2; cat {place.root}/rows; exit;;
esac
echo "$*" >> "$LOG"
echo done
"""
    program(place.root / "bin", "npx", body)


def _at_the_push(place: Place) -> Watched:
    """Walk to the step that writes; the step before it has printed the rows."""
    child = terminal(
        *(sys.executable, "-m", "runbook", "--book", str(place.root / "book"), "run", "fix"),
        environment={**place.environment, "PYTHONPATH": str(ROOT)},
        directory=place.root / "project",
    )
    watched = Watched(child)
    watched.read_until("Press Enter to begin")
    watched.type("")
    watched.read_until("Enter when done")
    watched.type("")
    watched.read_until("Type yes to run")
    return watched


def _document(note: str, *, raw: bool = False) -> str:
    target = {"project_ref": "qwertyuiopasdfghjklz", "environment": "production"}
    return json.dumps(
        {"target": target, "migrations": [{"local": "7", "remote": "7", "note": note}]}, ensure_ascii=not raw
    )


WAYS = {
    "as JSON escapes, as the CLI prints them": (_document(FORGERY), ""),
    "as JSON escapes, in a text of several lines": (_document(f"one\n{FORGERY}\ntwo"), ""),
    "as controls of eight bits, raw in the JSON": (_document(FORGERY.replace("\x1b[", "\x9b"), raw=True), ""),
    "as raw bytes beside it": (_document("fine"), FORGERY),
    "as raw bytes without an end": (_document("fine"), FORGERY + "\x1b]0;"),
}


@pytest.mark.parametrize("way", WAYS)
def test_row_that_paints_a_question_is_seen_as_a_row(place: Place, way: str) -> None:
    """Its forged question stays in its own line as text; the real one is at the bottom, complete."""
    rows, raw = WAYS[way]
    _npx(place, rows=rows, raw=raw)
    watched = _at_the_push(place)

    try:
        lines = [line for line in watched.lines if line]
        bottom = next(at for at, line in enumerate(lines) if line.startswith("Step 2 of"))
        question = "\n".join(lines[bottom:])
        assert "It changes nothing" not in question
        assert "WRITES to PRODUCTION" in question
        assert "Type yes to run" in lines[-2]
        assert lines[-1] == ">"
        assert watched.screen.margins is None
        # A scroll region shows as text.
        assert "<U+001B>[1;5r" in watched.sent.replace("<U+009B>", "<U+001B>[")
    finally:
        watched.child.close(force=True)
    assert place.effects == []


def _back(sequence: str, reset: str) -> tuple[str, Callable[[Watched], bool]]:
    """Return a mode that the emulator doesn't know, and a check that it was reset after it was last set."""
    return sequence, lambda watched: watched.sent.rfind(reset) > watched.sent.rfind(sequence)


SWITCHED: dict[str, tuple[str, Callable[[Watched], bool]]] = {
    "scroll region": ("\x1b[1;5r", lambda watched: watched.screen.margins is None),
    "no cursor": ("\x1b[?25l", lambda watched: not watched.screen.cursor.hidden),
    "no wrap": ("\x1b[?7l", lambda watched: pyte.modes.DECAWM in watched.screen.mode),
    "insert mode": ("\x1b[4h", lambda watched: pyte.modes.IRM not in watched.screen.mode),
    "colours": ("\x1b[31;44m", lambda watched: {watched.screen.cursor.attrs[at] for at in (1, 2)} == {"default"}),
    "title": ("\x1b]0;production is safe\x07", lambda watched: watched.screen.title == ""),
    "lines for letters": _back("\x1b(0", "\x1b(B"),
    "the other character set": _back("\x0e", "\x0f"),
    "the other screen": _back("\x1b[?1049h", "\x1b[?1047l"),
    "mouse": _back("\x1b[?1003h", "\x1b[?1003l"),
    "marked pastes": _back("\x1b[?2004h", "\x1b[?2004l"),
    "application keys": _back("\x1b[?1h\x1b=", "\x1b[?1l\x1b>"),
}


# An editor has the terminal to itself, and a title changes nothing that is read below it.
@pytest.mark.parametrize(
    ("what", "editor"),
    [(what, editor) for what in SWITCHED for editor in (False, True) if not editor or what != "title"],
)
def test_modes_are_as_they_were_after_a_program_has_ended(tmp_path: Path, what: str, *, editor: bool) -> None:
    """A command can't switch them, and those that an editor left switched are reset."""
    sequence, is_reset = SWITCHED[what]
    script = program(tmp_path, "switch", f"printf '{_octal(sequence)}'")

    def run() -> None:
        if editor:
            open_editor(str(tmp_path / "file"))
        else:
            _execute(str(script), directory="/")
        print("AFTER")  # noqa: T201

    watched = Watched(forked(run, environment={"EDITOR": str(script)}, directory=tmp_path))
    watched.read_until("AFTER")

    assert is_reset(watched)
    row = next(line for line in watched.lines if "AFTER" in line)
    assert row == "AFTER"


QUESTION = (
    "\x1b[?25l\x1b[90m│\x1b[39m\r\n\x1b[36m◆\x1b[39m  Apply 2 migrations?\r\n\x1b[36m│\x1b[39m  ○ Yes / ● No\r\n"
    "\x1b[36m└\x1b[39m\r\n\x1b[999D\x1b[4A\x1b[1B\x1b[J\x1b[32m◇\x1b[39m  Apply 2 migrations?\r\n"
    "\x1b[90m│\x1b[39m  \x1b[2mNo\x1b[22m\r\n\x1b[?25hcontext canceled\r\n"
)
"""What the Supabase CLI 3.1 prints around its own question: hide the cursor, draw, go up, erase, draw the answer."""


def test_question_of_the_cli_is_readable_and_left_out_moves_are_counted(tmp_path: Path) -> None:
    """The question, the answer below it, and one line about the moves between them."""
    (tmp_path / "question").write_text(QUESTION, newline="")

    def run() -> None:
        _execute("cat", "question", directory=str(tmp_path))
        print("AFTER")  # noqa: T201

    watched = Watched(forked(run, directory=tmp_path))
    watched.read_until("AFTER")
    asked = ["│", "◆  Apply 2 migrations?", "│  ○ Yes / ● No", "└"]
    answered = ["◇  Apply 2 migrations?", "│  No", "context canceled"]
    assert watched.lines[:9] == [*asked, *answered, "[runbook] Left out 5 cursor moves above.", "AFTER"]


def test_no_question_to_the_terminal_gets_through() -> None:
    """The answer would be typed into the next prompt."""
    asked = ("\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b[0c", "\x1bZ", "\x05", "\x1bP$qr\x1b\\", "\x1b]11;?\x07", "\x1b[18t")
    shown = "".join(_through(one) for one in asked)
    answered: list[str] = []
    screen = pyte.Screen(80, 24)
    screen.write_process_input = answered.append  # type: ignore[assignment, method-assign]
    pyte.Stream(screen).feed(shown)
    assert answered == []
    assert not any(one in shown for one in asked)


def test_cursor_moves_are_counted_and_dangerous_sequences_are_shown() -> None:
    """Cursor moves of a prompt make no noise; a scroll region, a clipboard, a link show as text."""
    output = OutputFilter()
    shown = output.feed("\x1b[?25l\x1b[2A\x1b[Jnew") + output.feed("\x1b[1;5r\x1b]52;c;cm0=\x07") + output.flush()
    assert (shown, output.left_out) == ("new<U+001B>[1;5r<U+001B>]52;c;cm0=<U+0007>", 3)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m\r\n", "\x1b[1;31mred\x1b[0m\r\n"),
        ("50%\r100%\r\n", "50%\r100%\r\n"),
        ("a\tb\bc", "a\tb\bc"),
        ("old\r\x1b[Knew", "old\r\x1b[Knew"),
        ("\x1b[1G\x1b[0Kspin", "\r\x1b[0Kspin"),
        ("\x1b[8mhidden\x1b[28m", "hidden"),
        ("\x1b[30;40mblack on black", "black on black"),
        ("\x1b[38;5;0;1mblack\x1b[48;2;8;8;8m", "\x1b[1mblack"),
        ("one\x1b[5Atwo", "one\r\ntwo"),
        ("\x9b2J\x9d0;t\x9c", "<U+009B>2J<U+009D>0;t<U+009C>"),
        ("\x1b[" + "1" * 5000 + "m", "<U+001B>[" + "1" * 5000 + "m"),
    ],
)
def test_lines_colours_and_progress_pass_and_nothing_else(printed: str, shown: str) -> None:
    """In one piece, and character by character."""
    assert _through(printed) == shown
    output = OutputFilter()
    assert "".join(map(output.feed, printed)) + output.flush() == shown


PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            *(b"\x1b[%dA" % count for count in (0, 1, 5, 99)),
            *(
                b"\x1b[H",
                b"\x1b[5;1H",
                b"\x1b[2J",
                b"\x1b[1;5r",
                b"\x1b[?1049h",
                b"\x1b[?6h",
                b"\x1b[s",
                b"\x1b[u",
                b"\x1b7",
                b"\x1b8",
            ),
            *(
                b"\x1bM",
                b"\x1bc",
                b"\x1b[L",
                b"\x1b[T",
                b"\x1b]0;t\x07",
                b"\x1bP1$r\x1b\\",
                b"\x1b(0",
                b"\x0e",
                b"\x9b2A",
                b"\xc2\x9b2A",
            ),
            *(
                b"\x1b",
                b"\x1b[",
                b"\x1b[1;",
                b"\x1b]",
                b"\x1b[31m",
                b"\x1b[8m",
                b"\r",
                b"\n",
                b"\b" * 30,
                b"x" * 90,
                b"\t",
                b"\x1b[K",
            ),
            *("\u202e".encode(), "\u0301".encode() * 9, "\U0001f468\u200d\U0001f469".encode(), "漢字".encode()),
        ]
    ),
)


@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(PIECES, max_size=30), cuts=st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_random_output_in_random_pieces_stays_in_its_own_lines(pieces: list[bytes], cuts: list[int]) -> None:
    """No control character outside the allow-list comes out, and the cursor never goes above where it began."""
    data = b"".join(pieces)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    output, screen = OutputFilter(), pyte.Screen(80, 600)
    stream = pyte.Stream(screen)
    stream.feed("Reads PRODUCTION.\r\nType yes to run it\r\n")
    above, lowest = screen.display[:2], screen.cursor.y

    def draw(shown: str) -> None:
        nonlocal lowest
        rest = _without_allowed(shown)
        assert all(is_passable(one) for one in rest), repr(shown)
        for one in shown:
            stream.feed(one)
            assert screen.cursor.y >= lowest
            lowest = screen.cursor.y

    at = turn = 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        draw(output.feed(decoder.decode(data[at : at + size])))
        at, turn = at + size, turn + 1
    draw(output.feed(decoder.decode(b"", final=True)) + output.flush())

    assert screen.display[:2] == above
    assert (screen.margins, screen.title, screen.cursor.hidden) == (None, "", False)
    assert output.line_begun or not screen.display[screen.cursor.y].strip()


def _execute(*argv: str, directory: str) -> None:
    PtyExecutor.here().execute(argv, environment={}, directory=directory, timeout=None, born=lambda *_: None)


def _octal(text: str) -> str:
    return "".join(f"\\{ord(one):03o}" for one in text)


def _through(printed: str) -> str:
    output = OutputFilter()
    return output.feed(printed) + output.flush()


def _without_allowed(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m|\x1b\[[012]?K|[\r\n\t\x08]", "", shown)
