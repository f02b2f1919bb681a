"""A person who sees the question types the answer that starts something or marks it as done: key by key, one line."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from pathlib import Path

import pexpect
import pytest
from support import asking as asker
from support import executing
from support.terminals import (
    READING,
    ROOT,
    answer,
    forked,
    found,
    pid_of,
    press,
    python_program,
    send_keys,
    terminal,
    type_keys,
    walk_ending,
    walk_terminal,
)

from runbook.terminal.dialog import Dialog

PATHS = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
REF = "qwertyuiopasdfghjklz"
SUPABASE = ROOT / "node_modules" / ".bin" / "supabase"
BEGIN, END = "\x1b[200~", "\x1b[201~"

Pieces = Sequence[tuple[float, str]]
"""What a terminal sends: pairs of seconds to wait and text."""


def lines(text: str, gap: float) -> Pieces:
    """Return that line three times, each at once, with a gap between them."""
    return [(0, f"{text}\r"), (gap, f"{text}\r"), (gap, f"{text}\r")]


def slow_lines(text: str, gap: float) -> Pieces:
    """Return the line twice, key by key like a person, as a terminal with a delay per character pastes it."""
    keys = [(0.02, key) for key in f"{text}\r"]
    return [*keys, (gap, f"{text[0]}"), *keys[1:]]


WAYS: Mapping[str, Callable[[str], Pieces]] = {
    "a marked line": lambda text: [(0, f"{BEGIN}{text}\r{END}")],
    "a marked word, then Enter": lambda text: [(0, f"{BEGIN}{text}{END}"), (0.3, "\r")],
    "marked lines": lambda text: [(0, f"{BEGIN}{text}\r{text}\r{text}\r{END}")],
    "marked, with an end mark inside": lambda text: [(0, f"{BEGIN}x{END}{text}\r{END}{text}\r")],
    "marked, its marks in pieces": lambda text: [(0, "\x1b[20"), (0.01, f"0~{text}\r\x1b[2"), (0.01, "01~")],
    "a line": lambda text: [(0, f"{text}\r")],
    "a word, then Enter": lambda text: [(0, text), (0.5, "\r")],
    "a line, character by character": lambda text: [(0.001, key) for key in f"{text}\r"],
    "after what was typed and erased": lambda text: [(0, "x"), (0.3, "\x7f"), (0.3, text), (0.2, "\r")],
    "lines at once": lambda text: lines(text, 0),
    "lines 60 ms apart": lambda text: lines(text, 0.06),
    "lines 150 ms apart": lambda text: lines(text, 0.15),
    "lines 300 ms apart": lambda text: lines(text, 0.3),
    "slow lines 20 ms apart": lambda text: slow_lines(text, 0.02),
    "slow lines 150 ms apart": lambda text: slow_lines(text, 0.15),
    "slow lines 300 ms apart": lambda text: slow_lines(text, 0.3),
    "a blank line first": lambda text: [(0, "\r"), (0.06, f"{text}\r")],
    "after 5,000 characters": lambda text: [(0, "x" * 5_000 + f"\r{text}\r")],
    "after bytes that aren't text": lambda text: [(0, f"\x00\udcff\udcfe{text}\r")],
}
FEW = ("a marked line", "a line", "lines 300 ms apart", "slow lines 300 ms apart")

Screen = tuple[str, Sequence[tuple[str, str]], str, str]
SCREENS: Mapping[str, Screen] = {
    "a write": ("write", [], "> ", "yes"),
    "a step that destroys": ("destroy", [], "> ", REF),
    "skipping": ("write", [("> ", "s")], "why> ", "done by hand"),
    "redoing": ("cut", [("> ", "yes")], "> ", "redo"),
    "taken as done": ("cut", [("> ", "yes")], "> ", "done"),
    "the reason for that": ("cut", [("> ", "yes"), ("> ", "done")], "why> ", "I saw it"),
    "retrying": ("fail", [("> ", "yes"), ("> ", "r")], "> ", "yes"),
    "taking back": ("fail", [("> ", "yes"), ("> ", "u")], "> ", "yes"),
    "accepting a file": ("edit", [("> ", "")], "> ", "a"),
    "choosing": ("choose", [], "> ", "2"),
}
"""Screens that ask: the walk, the answers that lead there (prompt, line), the prompt, and a word that it accepts."""


def hold(cases: Mapping[str, Callable[[], None]]) -> None:
    """Fail for each case that fails. Four converse at once, each with its own terminal: they mostly wait."""
    with ThreadPoolExecutor(4) as pool:
        running = {name: pool.submit(case) for name, case in cases.items()}
    assert {name: error for name, one in running.items() if (error := one.exception())} == {}


def send(child: pexpect.spawn[str], pieces: Pieces) -> None:
    """Send what a terminal sends when something is pasted."""
    child.delaybeforesend = None
    for wait, text in pieces:
        time.sleep(wait)
        os.write(child.child_fd, text.encode(errors="surrogateescape"))


def reach(name: str, directory: Path, **environment: str) -> tuple[pexpect.spawn[str], str, str]:
    """Walk to one of the screens; return the terminal, the prompt that waits there, and the word that it takes."""
    child = begin(name, directory, **environment)
    return child, *go_on(name, child)


def begin(name: str, directory: Path, **environment: str) -> pexpect.spawn[str]:
    """Start a walk to one of the screens."""
    return walk_terminal(SCREENS[name][0], directory, VISUAL="true", **environment)


def go_on(name: str, child: pexpect.spawn[str]) -> tuple[str, str]:
    """Answer up to the screen; return the prompt that waits there and the word that it takes."""
    _, way, prompt, word = SCREENS[name]
    child.expect("Press Enter to begin")
    for before, typed in [("> ", ""), *way]:
        child.expect(before)
        type_keys(child, typed)
    child.expect(prompt)
    return prompt, word


def discards(child: pexpect.spawn[str], pieces: Pieces, *, is_dumb: bool = False) -> None:
    """Paste at a question, and then type the answer."""
    child.expect("Sure.*?> ")
    send(child, pieces)
    child.expect("discarded")
    seen = child.before or ""
    child.expect("\n> ")
    type_keys(child, "no")
    assert found(child, "GOT '(.*)'") == "no"
    assert "GOT" not in seen
    assert not is_dumb or "\x1b" not in seen


def test_nothing_pasted_is_an_answer() -> None:
    """It is discarded with a note, and a person can still answer the question."""
    hold({name: partial(discards, asking("0", "line"), way("yes")) for name, way in WAYS.items()})


def test_nothing_pasted_confirms_a_write(tmp_path: Path) -> None:
    """A person still confirms it after that."""
    child, prompt, word = reach("a write", tmp_path)

    for way in FEW:
        send(child, WAYS[way](word))
        child.expect("discarded")
        child.expect(f"\n{prompt}")
    type_keys(child, word)

    assert walk_ending(child) == (0, [["change", "it"]])


def test_nothing_pasted_answers_any_other_question(tmp_path: Path) -> None:
    """One attack after the other on the same screen, and it still asks."""
    cases = {}
    for at, name in [*enumerate(SCREENS)][1:]:
        (tmp_path / str(at)).mkdir()
        ways = FEW[at % len(FEW)], FEW[(at + 2) % len(FEW)]
        cases[name] = partial(asks_on, name, ways, begin(name, tmp_path / str(at)))
    hold(cases)


def asks_on(name: str, ways: Sequence[str], child: pexpect.spawn[str]) -> None:
    """Attack a screen, and then close it."""
    prompt, word = go_on(name, child)
    for way in ways:
        send(child, WAYS[way](word))
        child.expect("discarded")
        child.expect(f"\n{prompt}")
    child.sendcontrol("d")

    code, ran = walk_ending(child)
    assert (code, len(ran)) == (1, len([typed for _, typed in SCREENS[name][1] if typed == "yes"]))


def test_rest_of_a_name_is_typed_too(tmp_path: Path) -> None:
    """One letter from the keyboard and the others from the clipboard aren't a name that was typed out."""
    child, prompt, word = reach("a step that destroys", tmp_path)
    send(child, [(0, word[0]), (0.2, word[1:]), (0.2, "\r")])
    child.expect("discarded")
    child.expect(f"\n{prompt}")
    type_keys(child, "q")
    assert walk_ending(child) == (1, [])


def test_nothing_pasted_takes_a_target_over(tmp_path: Path) -> None:
    """The reason for taking over must be typed."""
    child = walk_terminal("held", tmp_path)
    child.expect("Press Enter to begin")
    child.expect("> ")
    type_keys(child, "")
    child.expect("reason> ")
    for way in FEW:
        send(child, WAYS[way]("bo has gone home"))
        child.expect("discarded")
        child.expect("\nreason> ")
    type_keys(child, "")
    assert walk_ending(child) == (1, [])


@pytest.mark.parametrize("gap", [0, 0.033, 0.09])
def test_enter_held_down_or_pasted_goes_past_no_step(gap: float, tmp_path: Path) -> None:
    """Blank lines of a paste, a key that repeats: none of them ticks a step."""
    child = walk_terminal("long", tmp_path)
    child.expect("Press Enter to begin")
    child.expect("> ")
    type_keys(child, "")
    child.expect("Enter when done")
    child.expect("> ")

    send(child, [(gap, "\r")] * 12)

    child.expect("discarded")
    child.expect("> ")
    type_keys(child, "q")
    assert walk_ending(child) == (1, [["look", "one"]])


def test_dumb_terminal_is_protected_by_the_clock_alone() -> None:
    """It gets no escape sequences, and stray paste marks don't become letters of the answer."""
    hold({name: partial(discards, asking("0", "line", TERM="dumb"), WAYS[name]("yes"), is_dumb=True) for name in FEW})


def test_macro_of_inputrc_types_nothing(tmp_path: Path) -> None:
    """A key that INPUTRC binds to a whole answer does nothing here."""
    inputrc = tmp_path / "inputrc"
    inputrc.write_text('"\\C-t": "yes\\C-m"\n"q": "yes\\C-m"\nset enable-bracketed-paste off\n')
    child, _prompt, _word = reach("a write", tmp_path, INPUTRC=str(inputrc))
    child.send("\x14")
    time.sleep(READING)
    type_keys(child, "q")
    assert walk_ending(child) == (1, [])


def asking(*words: str, **environment: str) -> pexpect.spawn[str]:
    """Start a program that works for so many seconds and then asks, with a method of the dialog."""
    child = forked(asker.main, *words, environment=environment)
    child.expect("working")
    return child


AHEAD: Mapping[str, Pieces] = {
    "a line": [(0, "yes\r")],
    "typed ahead": [(0, "y"), (0.1, "e"), (0.1, "s"), (0.1, "\r")],
    "lines 300 ms apart, over the question": [(0, "yes\r")] + [(0.3, "yes\r")] * 4,
    "blank lines 300 ms apart, over the question": [(0.3, "\r")] * 5,
}


def test_keys_typed_before_the_question_do_not_answer_it() -> None:
    """They are discarded, and so are keys that follow without a pause."""

    def judge(child: pexpect.spawn[str], pieces: Pieces) -> None:
        send(child, pieces)
        child.expect("Sure.*?> ")
        type_keys(child, "no")
        assert found(child, "GOT '(.*)'") == "no"

    hold({name: partial(judge, asking("1", "line"), pieces) for name, pieces in AHEAD.items()})


TYPED: Mapping[str, tuple[Pieces, str]] = {
    "120 words a minute": ([(0.1, key) for key in "yes\r"], "yes"),
    "two fingers, slowly": ([(0.5, key) for key in "yes\r"], "yes"),
    "fingers that roll over the keys": ([(0.015, key) for key in "yes\r"], "yes"),
    "some keys rolled": ([(0.1, "y"), (0.015, "e"), (0.1, "s"), (0.015, "\r")], "yes"),
    "a name, faster than anyone": ([(0.05, key) for key in f"{REF}\r"], REF),
    "corrected": ([(0.03, key) for key in "yse\x7f\x7fes\r"], "yes"),
    "erased": ([(0.03, key) for key in "no no\x17yes\x15ja \x17yes\r"], "yes"),
    "arrows": ([(0.03, key) for key in ("y", "\x1b[D", "e", "\x1bOC", "s", "\x1b[1;5A", "\r")], "yes"),
    "keys as numbers": ([(0.03, f"\x1b[{ord(key)}u") for key in "yes\r"], "yes"),
    "and releases": ([(0.03, f"\x1b[{ord(key)};1:1u\x1b[{ord(key)};1:3u") for key in "yes\r"], "yes"),
    "Esc before": ([(0.05, "\x1b"), (0.3, "y"), (0.05, "e"), (0.05, "s"), (0.05, "\n")], "yes"),
    "UTF-8": ([(0.05, "wegen Überlast"[at]) for at in range(14)] + [(0.1, "\r")], "wegen Überlast"),
    "an input method": ([(0.1, "原因不明です"), (0.3, "\r")], "原因不明です"),
    "invisible": ([(0.05, "y"), (0.05, "\xad"), (0.05, "e"), (0.05, "s"), (0.05, "\r")], "y\ufffdes"),
}


def test_typed_answer_is_accepted() -> None:
    """At any human speed, with corrections, and with whatever other keys the terminal sends."""

    def judge(child: pexpect.spawn[str], pieces: Pieces, expected: str) -> None:
        child.expect("Sure.*?> ")
        send_keys(child, pieces)
        assert found(child, r"GOT ('.*')\r") == ascii(expected)

    hold({name: partial(judge, asking("0", "line"), *case) for name, case in TYPED.items()})


VALUES: Mapping[str, tuple[Pieces, str]] = {
    "marked": ([(0, f"{BEGIN}a value{END}"), (0.1, "\r")], "a value"),
    "marked, with its line end": ([(0, f"{BEGIN}a value\r{END}"), (0.1, "\r")], "a value"),
    "not marked": ([(0, "a value"), (0.1, "\r")], "a value"),
    "not marked, with its line end": ([(0, "a value\r"), (0.1, "\r")], "a value"),
    "typed": ([(0.05, key) for key in "typed\r"], "typed"),
}


def test_value_may_be_pasted_as_one_line() -> None:
    """Only an Enter that a person types ends it."""

    def judge(method: str, child: pexpect.spawn[str], pieces: Pieces, expected: str) -> None:
        child.expect("Sure.*?> ")
        send(child, pieces)
        assert found(child, "GOT '(.*)'") == expected
        assert (expected in (child.before or "")) == (method == "value")

    methods = ("value", "secret")
    hold(
        {
            f"{method}: {name}": partial(judge, method, asking("0", method), *case)
            for name, case in VALUES.items()
            for method in methods
        }
    )


def test_value_is_never_the_first_line_of_many() -> None:
    """All lines of the paste are discarded; marked or not."""

    def judge(child: pexpect.spawn[str], gap: float) -> None:
        child.expect("Sure.*?> ")
        send(child, lines("one", gap))
        child.expect("discarded")
        child.expect("> ")
        send(child, [(0, f"{BEGIN}one\rtwo\r{END}")])
        child.expect("discarded")
        child.expect("> ")
        type_keys(child, "two")
        assert found(child, "GOT '(.*)'") == "two"

    hold({str(gap): partial(judge, asking("0", "value"), gap) for gap in (0, 0.06, 0.15, 0.3)})


PEM = "-----BEGIN KEY-----\rabc=\rde\tf\r-----END KEY-----\r"


def asking_for_lines() -> pexpect.spawn[str]:
    """Start a program that asks for a secret of at most 500 characters."""
    return forked(lambda: print("GOT", ascii(Dialog().secret_lines("value> ", 500))))  # noqa: T201


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_secret_of_several_lines_is_one_marked_paste(line_end: str) -> None:
    """All of it, with its tab and its last line end; only its size is shown."""
    child = asking_for_lines()
    child.expect("value> ")
    send(child, [(0, BEGIN + PEM.replace("\r", line_end) + END)])
    child.expect(r"\(4 lines, 48 characters\)")
    press(child, "\r")
    assert found(child, r"GOT ('.*')\r") == ascii(PEM.replace("\r", "\n"))
    assert "abc=" not in (child.before or "").partition("GOT")[0]


PARTS: Mapping[str, Pieces] = {
    "not marked": ([(0, PEM)]),
    "not marked, line by line": ([(0.3, f"{line}\r") for line in PEM.split("\r")]),
    "twice": ([(0, BEGIN + PEM + END), (0.1, BEGIN + PEM + END)]),
    "and a letter": ([(0, BEGIN + PEM + END), (0.1, "x")]),
    "behind a letter": ([(0.1, "x"), (0.1, BEGIN + PEM + END)]),
    "too long": ([(0, BEGIN + PEM + "x" * 500 + END)]),
}


def test_secret_of_several_lines_is_never_a_part_of_them() -> None:
    """It is discarded, and asked for again."""

    def judge(child: pexpect.spawn[str], pieces: Pieces) -> None:
        child.expect("value> ")
        send(child, pieces)
        child.expect("discarded")
        child.expect("\nvalue> ")
        send(child, [(0.5, ""), *((0.1, key) for key in "sesame\r")])
        assert found(child, "GOT '(.*)'") == "sesame"

    hold({name: partial(judge, asking_for_lines(), pieces) for name, pieces in PARTS.items()})


@pytest.mark.parametrize("odd", ["\x00", "\x0b", "\udcff"])
def test_character_that_a_paste_loses_is_marked(odd: str) -> None:
    """The parameter then refuses the value."""
    child = asking_for_lines()
    child.expect("value> ")
    send(child, [(0, f"{BEGIN}a{odd}\u00a0b{END}"), (0.1, "\r")])
    assert found(child, r"GOT ('.*')\r") == ascii("a\ufffd\u00a0b")


def test_esc_key_does_not_stop_a_countdown() -> None:
    """It may begin a longer sequence, and nothing waits for the rest of it."""
    child = forked(lambda: print("ENDED", Dialog().enter_within(1.0, print)))  # noqa: T201
    child.expect(r"\d\.\d")
    press(child, "\x1b")
    assert found(child, r"ENDED (\w+)") == "False"


def test_text_wider_than_the_terminal_is_shown_by_its_end() -> None:
    """Typed, erased and shown in one row, without a sequence."""
    child = asking("0", "value")
    child.expect("Sure.*?> ")
    send(child, [(0, f"{BEGIN}{'x' * 200}end{END}"), (0.1, "\x7f"), (0.1, "\r")])
    assert found(child, "GOT '(.*)'") == "x" * 200 + "en"


# --- the terminal is given back ---------------------------------------------------------------------------------------


def test_terminal_is_always_given_back(tmp_path: Path) -> None:
    """Paste marks off and the mode as before: after an answer, Ctrl-C, Ctrl-D and signals."""
    script = python_program(tmp_path, "ask", "from support.asking import main\nmain('0', 'line')")
    shell = f"stty -a > before; {script} & echo PID $!; fg > /dev/null; stty -a > after; cmp before after && echo same"

    def judge(place: Path, keys: str, number: int) -> None:
        place.mkdir()
        child = terminal("bash", "--norc", "-mc", shell, environment=PATHS, directory=place)
        pid = int(found(child, r"PID (\d+)"))
        child.expect("Sure[^>]*\x1b\\[\\?2004h[^>]*> ")
        if number:
            os.kill(pid, number)
        else:
            type_keys(child, "", end=f"{keys}")
            if keys == "y":
                time.sleep(0.1)
                child.send("\r")
        child.expect(r"\x1b\[\?2004l")
        child.expect("same")
        assert "\x1b[?2004h" not in (child.before or "")
        child.close()

    ends = (
        ("y", 0),
        ("\r", 0),
        ("\x03", 0),
        ("\x04", 0),
        ("", signal.SIGTERM),
        ("", signal.SIGHUP),
        ("", signal.SIGINT),
    )
    hold({repr(end): partial(judge, tmp_path / str(at), *end) for at, end in enumerate(ends)})


def test_stopped_by_ctrl_z_and_continued_it_asks_again(tmp_path: Path) -> None:
    """The shell gets its terminal back meanwhile; the half-typed answer is gone, as its screen was."""
    inputrc = tmp_path / "inputrc"
    inputrc.write_text("set enable-bracketed-paste off\n")
    script = python_program(tmp_path, "ask", "from support.asking import main\nmain('0', 'line')")
    child = terminal(
        "bash", "--norc", "-i", environment={**PATHS, "INPUTRC": str(inputrc), "PS1": "shell% "}, directory=tmp_path
    )
    child.expect("shell% ")
    child.sendline(str(script))
    child.expect("Sure[^>]*> ")
    type_keys(child, "ye", end="")
    child.sendcontrol("z")
    child.expect(r"\x1b\[\?2004l")
    child.expect("Stopped.*?shell% ")
    child.sendline("stty -a | tr ' ' '\\n' | grep -x -e -icanon -e icanon; fg")
    child.expect(r"\nicanon")
    child.expect(r"\x1b\[\?2004h")
    child.expect("> ")
    press(child, "yes\r")
    assert found(child, "GOT '(.*)'") == "yes"
    child.close()


# --- a command's own question -----------------------------------------------------------------------------------------


WORKING = """
import os, sys, termios, time, tty
how, place, *questions = sys.argv[1:]
def show(text):
    os.write(1, text.encode())
show("working\\n")
if how.startswith("raw"):
    tty.setraw(0)
for at, question in enumerate(questions):
    number = 0
    while not os.path.exists(f"{place}/ask-{at}"):
        if "spinner" in how:
            show("\\r" + "⠋⠙⠹⠸"[number % 4] + " Applying")
        number += 1
        time.sleep(0.08)
    show("\\r\\n" + question)
    got = b""
    while not got.endswith((b"\\r", b"\\n")) and not (got and how.startswith("raw")):
        got += os.read(0, 1)
    show(f"\\r\\nGOT {got.decode()!r}\\r\\n")
time.sleep(0.3)
"""
"""Works until a file says that it may ask: then the test decides what comes first, however busy the machine is."""
QUESTION = "Push these migrations? [y/N] "


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., pexpect.spawn[str]]:
    """Start a command of ours that works and then asks, as a step's command. `at_once` questions don't wait."""

    def start(how: str, *questions: str, at_once: int = 2, place: Path = tmp_path) -> pexpect.spawn[str]:
        place.mkdir(exist_ok=True)
        for at in range(at_once):
            let_ask(place, at)
        child = run([sys.executable, "-S", "-c", WORKING, how, str(place), *questions], place)
        child.expect("working")
        return child

    return start


def let_ask(place: Path, at: int = 0) -> None:
    """Let the command ask its next question; `at` counts from 0."""
    (place / f"ask-{at}").touch()


def run(argv: Sequence[str], directory: Path, **wanted: object) -> pexpect.spawn[str]:
    """Run a step's command with a person's terminal on our side."""
    text = json.dumps({"argv": argv, **wanted})
    return forked(executing.main, text, environment={"HOME": str(directory)}, directory=directory)


COMMAND_AHEAD: Mapping[str, tuple[str, Pieces]] = {
    "a line": ("line", [(0, "y\r")]),
    "a key held down": ("line", [(0.05, "y")] * 25),
    "typed beside a spinner": ("line spinner", [(0.2, "y"), (0.2, "\r")]),
    "a marked paste into a raw terminal": ("raw", [(0, f"{BEGIN}y\r{END}")]),
    "typed into a raw terminal": ("raw", [(0.2, "y"), (0.2, "\r")]),
    "a line beside a spinner on a raw terminal": ("raw spinner", [(0, "y\r")]),
}


def test_keys_typed_before_a_commands_question_do_not_answer_it(
    ask: Callable[..., pexpect.spawn[str]], tmp_path: Path
) -> None:
    """They are discarded with a note, and only the person's own answer counts."""

    def judge(child: pexpect.spawn[str], place: Path, pieces: Pieces) -> None:
        send(child, pieces)
        child.expect("typed before the question appeared were discarded")
        let_ask(place)
        child.expect_exact(QUESTION)
        time.sleep(0.5)
        press(child, "n\r")
        assert found(child, r"GOT '(\w+)") == "n"

    hold(
        {
            name: partial(judge, ask(how, QUESTION, at_once=0, place=tmp_path / name), tmp_path / name, pieces)
            for name, (how, pieces) in COMMAND_AHEAD.items()
        }
    )


COMMAND_WAYS: Mapping[str, Pieces] = {
    "a marked line": [(0, f"{BEGIN}y\r{END}")],
    "a marked letter, then Enter": [(0, f"{BEGIN}y{END}"), (0.1, "\r")],
    "a line": [(0, "y\r")],
    "lines at once": [(0, "y\ry\ry\r")],
    "lines 60 ms apart": lines("y", 0.06),
    "lines 300 ms apart": lines("y", 0.3),
    "slow lines 300 ms apart": slow_lines("y", 0.3),
}


def test_nothing_pasted_answers_a_commands_yes_or_no(ask: Callable[..., pexpect.spawn[str]], tmp_path: Path) -> None:
    """Not the first question, and not the next one."""

    def judge(child: pexpect.spawn[str], pieces: Pieces) -> None:
        child.expect_exact(QUESTION)
        time.sleep(READING)
        send(child, pieces)
        child.expect("discarded")
        time.sleep(0.5)
        press(child, "n\r")
        assert found(child, r"GOT '(\w+)") == "n"
        child.expect_exact(QUESTION)
        press(child, "n\r")
        assert found(child, r"GOT '(\w+)") == "n"

    hold(
        {
            f"{name}, {how}": partial(judge, ask(how, QUESTION, QUESTION, place=tmp_path / name), pieces)
            for how, (name, pieces) in zip(cycle(["line", "raw"]), COMMAND_WAYS.items(), strict=False)
        }
    )


def test_second_question_is_not_answered_by_keys_from_the_first(
    ask: Callable[..., pexpect.spawn[str]], tmp_path: Path
) -> None:
    """Keys typed after an answer and before the next question are discarded."""
    child = ask("line", "Name: ", QUESTION, at_once=1)
    child.expect("Name: ")
    answer(child, "ada")
    child.expect("GOT 'ada")
    send(child, [(0.05, "y"), (0.05, "\r")])
    child.expect("discarded")
    let_ask(tmp_path, 1)
    child.expect_exact(QUESTION)
    answer(child, "n")
    assert found(child, r"GOT '(\w+)") == "n"


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([(0, f"{BEGIN}correct horse\r{END}"), (0.1, "\r")], id="marked"),
        pytest.param([(0, "correct horse\r"), (0.1, "\r")], id="not marked"),
    ],
)
def test_password_may_be_pasted_once_it_is_asked_for(pieces: Pieces, tmp_path: Path) -> None:
    """One line, which a typed Enter ends."""
    code = "import getpass, time; time.sleep(0.5); print('length', len(getpass.getpass('Password: ')))"
    child = run([sys.executable, "-c", code], tmp_path)
    child.expect("Password: ")
    time.sleep(READING)
    send(child, pieces)
    child.expect("length 13")


def test_pager_stays_usable(tmp_path: Path) -> None:
    """It gets each key: the next page, a search, its end."""
    text = tmp_path / "text"
    text.write_text("\n".join(f"row {number}" for number in range(200)))
    child = run(["less", str(text)], tmp_path, environment={"TERM": "xterm", "LESS": ""})
    child.expect("row 10")
    press(child, " ")
    child.expect("row 40")
    answer(child, "/row 150")
    child.expect("row 160")
    press(child, "q")
    child.expect('"outcome": "passed"')


def test_esc_key_reaches_a_command_that_asks(ask: Callable[..., pexpect.spawn[str]]) -> None:
    """It cancels a choice that a command draws, without another key behind it."""
    child = ask("raw", QUESTION)
    child.expect_exact(QUESTION)
    press(child, "\x1b")
    assert found(child, r"GOT '(.*)'") == r"\x1b"


def test_ctrl_c_reaches_a_command_that_asks_nothing(ask: Callable[..., pexpect.spawn[str]]) -> None:
    """Other keys don't, and it comes through in a burst with them."""
    child = ask("line", QUESTION, at_once=0)
    send(child, [(0, "yyy\ryyy\x03yyy\r")])
    child.expect('"outcome": "interrupted"')


def test_real_cli_is_not_answered_by_keys_typed_ahead(tmp_path: Path) -> None:
    """`y` before its first question leaves both questions open."""
    child = run([str(SUPABASE), "init", "--interactive"], tmp_path, environment={"SUPABASE_TELEMETRY_DISABLED": "1"})
    child.expect("BORN")
    send(child, [(0.05, "y")] * 4)
    for question in ("Generate VS Code settings", "Generate IntelliJ IDEA settings"):
        child.expect(question)
        child.expect("No")
        press(child, "n")
    child.expect('"outcome": "passed"')
    assert not (tmp_path / ".vscode").exists()
    assert not (tmp_path / ".idea").exists()


def test_paste_marks_are_off_after_a_command(tmp_path: Path) -> None:
    """Also when it is ended from outside."""
    for end in (None, signal.SIGTERM):
        child = run(["sh", "-c", "echo ready; sleep 1"], tmp_path)
        child.expect(r"\x1b\[\?2004h.*?ready")
        if end:
            os.kill(pid_of(child), end)
        child.expect(r"\x1b\[\?2004l")
        child.expect(pexpect.EOF)
        assert "\x1b[?2004h" not in (child.before or "")
        child.close()
