"""A person who sees the question types the answer that starts something or marks it as done: key by key, one line."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pexpect
import pytest
from support.terminals import (
    READING,
    ROOT,
    answer,
    found,
    pid_of,
    press,
    python_program,
    terminal,
    type_keys,
    walk_ending,
    walk_terminal,
)

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


def send(child: pexpect.spawn[str], pieces: Pieces) -> None:
    """Send what a terminal sends when something is pasted."""
    child.delaybeforesend = None
    for wait, text in pieces:
        time.sleep(wait)
        os.write(child.child_fd, text.encode(errors="surrogateescape"))


def reach(name: str, directory: Path, **environment: str) -> tuple[pexpect.spawn[str], str, str]:
    """Walk to one of the screens; return the terminal, the prompt that waits there, and the word that it takes."""
    walk, way, prompt, word = SCREENS[name]
    child = walk_terminal(walk, directory, VISUAL="true", **environment)
    child.expect("Press Enter to begin")
    for before, typed in [("> ", ""), *way]:
        child.expect(before)
        type_keys(child, typed)
    child.expect(prompt)
    return child, prompt, word


@pytest.mark.parametrize("way", [*WAYS])
def test_nothing_pasted_confirms_a_write(way: str, tmp_path: Path) -> None:
    """It is discarded with a note, and a person can still answer the question."""
    child, prompt, word = reach("a write", tmp_path)

    send(child, WAYS[way](word))

    child.expect("discarded")
    child.expect(f"\n{prompt}")
    type_keys(child, word)
    assert walk_ending(child) == (0, [["change", "it"]])


@pytest.mark.parametrize("name", [*SCREENS][1:])
def test_nothing_pasted_answers_any_other_question(name: str, tmp_path: Path) -> None:
    """One attack after the other on the same screen, and it still asks."""
    child, prompt, word = reach(name, tmp_path)

    for way in FEW:
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


@pytest.mark.parametrize("gap", [0, 0.033, 0.06, 0.09])
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


@pytest.mark.parametrize("way", FEW)
def test_dumb_terminal_is_protected_by_the_clock_alone(way: str, tmp_path: Path) -> None:
    """It gets no escape sequences, and stray paste marks don't become letters of the answer."""
    child, prompt, word = reach("a write", tmp_path, TERM="dumb")
    send(child, WAYS[way](word))
    child.expect("discarded")
    seen = child.before or ""
    child.expect(f"\n{prompt}")
    type_keys(child, "q")
    assert walk_ending(child) == (1, [])
    assert "\x1b" not in seen


def test_macro_of_inputrc_types_nothing(tmp_path: Path) -> None:
    """A key that INPUTRC binds to a whole answer does nothing here."""
    inputrc = tmp_path / "inputrc"
    inputrc.write_text('"\\C-t": "yes\\C-m"\n"q": "yes\\C-m"\nset enable-bracketed-paste off\n')
    child, _prompt, _word = reach("a write", tmp_path, INPUTRC=str(inputrc))
    child.send("\x14")
    time.sleep(READING)
    type_keys(child, "q")
    assert walk_ending(child) == (1, [])


ASKING = """
import sys, time
from runbook.terminal.dialog import Dialog
print("working", flush=True)
time.sleep(float(sys.argv[1]))
print("Sure?")
try:
    print("GOT", ascii(getattr(Dialog(), sys.argv[2])("> ")), flush=True)
except (KeyboardInterrupt, EOFError) as end:
    print("LEFT", repr(end), flush=True)
"""


def asking(*words: str) -> pexpect.spawn[str]:
    """Start a program that works for so many seconds and then asks, with a method of the dialog."""
    child = terminal(sys.executable, "-c", ASKING, *words, environment=PATHS)
    child.expect("working")
    return child


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([(0, "yes\r")], id="a line"),
        pytest.param([(0, "y"), (0.1, "e"), (0.1, "s"), (0.1, "\r")], id="typed ahead"),
        pytest.param([(0, "yes\r")] + [(0.3, "yes\r")] * 4, id="lines 300 ms apart, over the question"),
        pytest.param([(0.3, "\r")] * 5, id="blank lines 300 ms apart, over the question"),
    ],
)
def test_keys_typed_before_the_question_do_not_answer_it(pieces: Pieces) -> None:
    """They are discarded, and so are keys that follow without a pause."""
    child = asking("1", "line")
    send(child, pieces)
    child.expect("Sure.*?> ")
    type_keys(child, "no")
    assert found(child, "GOT '(.*)'") == "no"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([(0.1, key) for key in "yes\r"], "yes", id="120 words a minute"),
        pytest.param([(0.5, key) for key in "yes\r"], "yes", id="two fingers, slowly"),
        pytest.param([(0.015, key) for key in "yes\r"], "yes", id="fingers that roll over the keys"),
        pytest.param([(0.1, "y"), (0.015, "e"), (0.1, "s"), (0.015, "\r")], "yes", id="some keys rolled"),
        pytest.param([(0.05, key) for key in f"{REF}\r"], REF, id="a name, faster than anyone"),
        pytest.param([(0.03, key) for key in "yse\x7f\x7fes\r"], "yes", id="corrected"),
        pytest.param([(0.03, key) for key in "no no\x17yes\x15ja \x17yes\r"], "yes", id="erased"),
        pytest.param(
            [(0.03, key) for key in ("y", "\x1b[D", "e", "\x1bOC", "s", "\x1b[1;5A", "\r")], "yes", id="arrows"
        ),
        pytest.param([(0.03, f"\x1b[{ord(key)}u") for key in "yes\r"], "yes", id="keys as numbers"),
        pytest.param(
            [(0.03, f"\x1b[{ord(key)};1:1u\x1b[{ord(key)};1:3u") for key in "yes\r"], "yes", id="and releases"
        ),
        pytest.param([(0.05, "\x1b"), (0.3, "y"), (0.05, "e"), (0.05, "s"), (0.05, "\n")], "yes", id="Esc before"),
        pytest.param([(0.05, "wegen Überlast"[at]) for at in range(14)] + [(0.1, "\r")], "wegen Überlast", id="UTF-8"),
        pytest.param([(0.1, "原因不明です"), (0.3, "\r")], "原因不明です", id="an input method"),
        pytest.param(
            [(0.05, "y"), (0.05, "\xad"), (0.05, "e"), (0.05, "s"), (0.05, "\r")], "y\ufffdes", id="invisible"
        ),
    ],
)
def test_typed_answer_is_accepted(pieces: Pieces, expected: str) -> None:
    """At any human speed, with corrections, and with whatever other keys the terminal sends."""
    child = asking("0", "line")
    child.expect("Sure.*?> ")
    send(child, pieces)
    assert found(child, r"GOT ('.*')\r") == ascii(expected)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([(0, f"{BEGIN}a value{END}"), (0.1, "\r")], "a value", id="marked"),
        pytest.param([(0, f"{BEGIN}a value\r{END}"), (0.1, "\r")], "a value", id="marked, with its line end"),
        pytest.param([(0, "a value"), (0.1, "\r")], "a value", id="not marked"),
        pytest.param([(0, "a value\r"), (0.1, "\r")], "a value", id="not marked, with its line end"),
        pytest.param([(0.05, key) for key in "typed\r"], "typed", id="typed"),
    ],
)
@pytest.mark.parametrize("method", ["value", "secret"])
def test_value_may_be_pasted_as_one_line(method: str, pieces: Pieces, expected: str) -> None:
    """Only an Enter that a person types ends it."""
    child = asking("0", method)
    child.expect("Sure.*?> ")
    send(child, pieces)
    assert found(child, "GOT '(.*)'") == expected
    assert (expected in (child.before or "")) == (method == "value")


@pytest.mark.parametrize("gap", [0, 0.06, 0.15, 0.3])
def test_value_is_never_the_first_line_of_many(gap: float) -> None:
    """All lines of the paste are discarded; marked or not."""
    child = asking("0", "value")
    child.expect("Sure.*?> ")
    send(child, lines("one", gap))
    child.expect("discarded")
    child.expect("> ")
    send(child, [(0, f"{BEGIN}one\rtwo\r{END}")])
    child.expect("discarded")
    child.expect("> ")
    type_keys(child, "two")
    assert found(child, "GOT '(.*)'") == "two"


PEM = "-----BEGIN KEY-----\rabc=\rde\tf\r-----END KEY-----\r"
LINES_OF = """
from runbook.terminal.dialog import Dialog
print("GOT", ascii(Dialog().secret_lines("value> ", 500)), flush=True)
"""


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
def test_secret_of_several_lines_is_one_marked_paste(line_end: str) -> None:
    """All of it, with its tab and its last line end; only its size is shown."""
    child = terminal(sys.executable, "-c", LINES_OF, environment=PATHS)
    child.expect("value> ")
    send(child, [(0, BEGIN + PEM.replace("\r", line_end) + END)])
    child.expect(r"\(4 lines, 48 characters\)")
    press(child, "\r")
    assert found(child, r"GOT ('.*')\r") == ascii(PEM.replace("\r", "\n"))
    assert "abc=" not in (child.before or "").partition("GOT")[0]


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([(0, PEM)], id="not marked"),
        pytest.param([(0.3, f"{line}\r") for line in PEM.split("\r")], id="not marked, line by line"),
        pytest.param([(0, BEGIN + PEM + END), (0.1, BEGIN + PEM + END)], id="twice"),
        pytest.param([(0, BEGIN + PEM + END), (0.1, "x")], id="and a letter"),
        pytest.param([(0.1, "x"), (0.1, BEGIN + PEM + END)], id="behind a letter"),
        pytest.param([(0, BEGIN + PEM + "x" * 500 + END)], id="too long"),
    ],
)
def test_secret_of_several_lines_is_never_a_part_of_them(pieces: Pieces) -> None:
    """It is discarded, and asked for again."""
    child = terminal(sys.executable, "-c", LINES_OF, environment=PATHS)
    child.expect("value> ")
    send(child, pieces)
    child.expect("discarded")
    child.expect("\nvalue> ")
    send(child, [(0.5, ""), *((0.1, key) for key in "sesame\r")])
    assert found(child, "GOT '(.*)'") == "sesame"


@pytest.mark.parametrize("odd", ["\x00", "\x0b", "\udcff"])
def test_character_that_a_paste_loses_is_marked(odd: str) -> None:
    """The parameter then refuses the value."""
    child = terminal(sys.executable, "-c", LINES_OF, environment=PATHS)
    child.expect("value> ")
    send(child, [(0, f"{BEGIN}a{odd}\u00a0b{END}"), (0.1, "\r")])
    assert found(child, r"GOT ('.*')\r") == ascii("a\ufffd\u00a0b")


def test_esc_key_does_not_stop_a_countdown() -> None:
    """It may begin a longer sequence, and nothing waits for the rest of it."""
    code = "from runbook.terminal.dialog import Dialog; print('ENDED', Dialog().enter_within(1.0, print))"
    child = terminal(sys.executable, "-c", code, environment=PATHS)
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


@pytest.mark.parametrize(
    ("keys", "number"),
    [("y", 0), ("\r", 0), ("\x03", 0), ("\x04", 0), ("", signal.SIGTERM), ("", signal.SIGHUP), ("", signal.SIGINT)],
)
def test_terminal_is_always_given_back(keys: str, number: int, tmp_path: Path) -> None:
    """Paste marks off and the mode as before: after an answer, Ctrl-C, Ctrl-D and signals."""
    script = python_program(tmp_path, "ask", f"import sys\nsys.argv[1:] = ['0', 'line']\n{ASKING}")
    shell = f"stty -a > before; {script} & echo PID $!; fg > /dev/null; stty -a > after; cmp before after && echo same"
    child = terminal("bash", "--norc", "-mc", shell, environment=PATHS, directory=tmp_path)
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


def test_stopped_by_ctrl_z_and_continued_it_asks_again(tmp_path: Path) -> None:
    """The shell gets its terminal back meanwhile; the half-typed answer is gone, as its screen was."""
    inputrc = tmp_path / "inputrc"
    inputrc.write_text("set enable-bracketed-paste off\n")
    script = python_program(tmp_path, "ask", f"import sys\nsys.argv[1:] = ['0', 'line']\n{ASKING}")
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

    def start(how: str, *questions: str, at_once: int = 2) -> pexpect.spawn[str]:
        for at in range(at_once):
            let_ask(tmp_path, at)
        child = run([sys.executable, "-c", WORKING, how, str(tmp_path), *questions], tmp_path)
        child.expect("working")
        return child

    return start


def let_ask(place: Path, at: int = 0) -> None:
    """Let the command ask its next question; `at` counts from 0."""
    (place / f"ask-{at}").touch()


def run(argv: Sequence[str], directory: Path, **wanted: object) -> pexpect.spawn[str]:
    """Run a step's command with a person's terminal on our side."""
    text = json.dumps({"argv": argv, **wanted})
    environment = {**PATHS, "HOME": str(directory)}
    return terminal(sys.executable, "-m", "support.executing", text, environment=environment, directory=directory)


@pytest.mark.parametrize("how", ["line", "line spinner", "raw", "raw spinner"])
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([(0, "y\r")], id="a line"),
        pytest.param([(0.2, "y"), (0.2, "\r")], id="typed"),
        pytest.param([(0, f"{BEGIN}y\r{END}")], id="a marked paste"),
        pytest.param([(0.05, "y")] * 25, id="a key held down"),
    ],
)
def test_keys_typed_before_a_commands_question_do_not_answer_it(
    how: str, pieces: Pieces, ask: Callable[..., pexpect.spawn[str]], tmp_path: Path
) -> None:
    """They are discarded with a note, and only the person's own answer counts."""
    child = ask(how, QUESTION, at_once=0)
    send(child, pieces)
    child.expect("typed before the question appeared were discarded")
    let_ask(tmp_path)
    child.expect_exact(QUESTION)
    time.sleep(0.5)
    press(child, "n\r")
    assert found(child, r"GOT '(\w+)") == "n"


COMMAND_WAYS: Mapping[str, Pieces] = {
    "a marked line": [(0, f"{BEGIN}y\r{END}")],
    "a marked letter, then Enter": [(0, f"{BEGIN}y{END}"), (0.1, "\r")],
    "a line": [(0, "y\r")],
    "lines at once": [(0, "y\ry\ry\r")],
    "lines 60 ms apart": lines("y", 0.06),
    "lines 300 ms apart": lines("y", 0.3),
    "slow lines 300 ms apart": slow_lines("y", 0.3),
}


@pytest.mark.parametrize("how", ["line", "raw"])
@pytest.mark.parametrize("way", [*COMMAND_WAYS])
def test_nothing_pasted_answers_a_commands_yes_or_no(
    how: str, way: str, ask: Callable[..., pexpect.spawn[str]]
) -> None:
    """Not the first question, and not the next one."""
    child = ask(how, QUESTION, QUESTION)
    child.expect_exact(QUESTION)
    time.sleep(READING)
    send(child, COMMAND_WAYS[way])
    child.expect("discarded")
    time.sleep(0.5)
    press(child, "n\r")
    assert found(child, r"GOT '(\w+)") == "n"
    child.expect_exact(QUESTION)
    press(child, "n\r")
    assert found(child, r"GOT '(\w+)") == "n"


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
