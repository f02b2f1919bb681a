"""Compare the expansion of words with real bash."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.guard.outline import outline_of
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.shell_machine import Machine
from runbook.guard.shell.shell_state import ShellState
from runbook.guard.shell.texts import UNKNOWN, Texts, is_known, may_be
from runbook.model import Policy

EXPRESSIONS = (
    "a b",
    "'a b'",
    '"a b"',
    "a\\ b",
    "$'a\\tb'",
    "$'\\x72\\145\\u0073et'",
    "$'it\\'s'",
    '"a\\$b\\"c\\\\d\\e"',
    "a'b'\"c\"d",
    "''",
    '""',
    "a''b",
    "{a,b}",
    "x{a,b}y",
    "{a,b}{c,d}",
    "{1..4}",
    "{a..e..2}",
    "{a}",
    "{a,'b c'}",
    "a{,b}",
    '"{a,b}"',
    "{a,{b,c}}",
    "{3..1}",
    "\\{a,b}",
    "{a,b",
    "x{a,b}{1..2}",
    "{a..3}",
    "{,}",
    "a,b",
    "{a,b}\\{c,d}",
    "$A",
    '"$A"',
    "${A}x",
    "$B",
    '"$B"',
    "x$B'y'",
    "$B$A",
    '"$B $A"',
    "${A:-z}",
    "${E:-z}",
    "${E-z}",
    "${A:+z}",
    "${E:+z}",
    "${A#r}",
    "${A%t}",
    "${A##res}",
    "${A/s/x}",
    "${A//e/x}",
    "${A/#r/x}",
    "${A/%t/x}",
    "${A^}",
    "${A^^}",
    "${U,,}",
    "${U,}",
    "${A:1}",
    "${A:1:2}",
    "${A: -2}",
    "${!N}",
    '"${L[@]}"',
    "${L[@]}",
    '"${L[*]}"',
    "${L[1]}",
    "${L[0]}",
    "${L[-1]}",
    '"${L[@]:1}"',
    '"${L[@]:0:2}"',
    "$@",
    '"$@"',
    '"$*"',
    "$1 $2",
    '"${@:2}"',
    '"x$@y"',
    "$(echo a b)",
    '"$(echo a b)"',
    "`echo a`",
    '"$(printf "%s-%s" a b)"',
    "$(echo 'a  b')",
    "x$(echo a b)y",
    "$E",
    '"$E"',
    "$E$A",
    "a$E",
    "${A}${B}",
    "$(base64 -d <<< YWI=)",
    "$(cat <<< 'x y')",
    '"$(echo -e "a\\tb")"',
    '"$(echo -n a)"',
    '$(printf "%5s|%-3s" a b)',
    '"$(printf "%s\\n" a b)"',
    '"$(printf "%b" "a\\x41")"',
    "${L[@]/o/0}",
    "${A:0:-1}",
    "~+x",
    "a#b",
    "a=b",
    "\\a\\b",
)
SETUP = "A=reset; B='x y  z'; E=; U=RESET; N=A; L=(one 'two 2' three); set -- p 'q r' s; "
ANSI_PIECES = (
    "a",
    "7",
    "\\n",
    "\\t",
    "\\\\",
    "\\'",
    '\\"',
    '"',
    "\\x41",
    "\\x4",
    "\\101",
    "\\7",
    "\\u42",
    "\\U43",
    "\\e",
    "\\q",
    " ",
)
SEPARATORS = ("-", ",", ":", "x,", " ", "\t:")


class Recorder:
    """An examiner that only records the words of `show`."""

    outline = outline_of(Policy())

    def __init__(self) -> None:
        self.shown: list[tuple[str, ...]] = []

    def command(self, call: Call, *, major: int | None) -> None:
        """Ignore a command: there is none."""

    def doubt(self, doubt: Doubt, subject: str) -> None:
        """Ignore a doubt."""

    def stand_at(self, line: int, column: int) -> None:
        """Ignore a place."""

    def start(self, call: Call) -> Texts:
        """Keep the words of `show`. All other programs are handled as usual."""
        from runbook.guard.programs.starting import start_command

        if call.words[0] == "show":
            self.shown.append(call.words[1:])
            return UNKNOWN
        return start_command(call)


def expanded(text: str) -> list[tuple[str, ...]]:
    """Return every list of words that `show` may get."""
    recorder = Recorder()
    Machine(recorder.start, recorder, lambda _path: None).text(text, ShellState())
    return recorder.shown


def by_bash(text: str) -> tuple[str, ...]:
    """Return the words that `show` really gets."""
    script = "show() { for word; do printf '%s\\036' \"$word\"; done; }\n" + text
    ran = subprocess.run(["bash", "-c", script], capture_output=True, check=False, cwd="/")
    output = ran.stdout.decode("utf-8", "surrogateescape")
    return tuple(output.split("\036")[:-1])


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_becomes_what_bash_makes_of_it(expression: str) -> None:
    """What is computed is right, and everything else is marked as unknown."""
    real = by_bash(f"{SETUP}show {expression}")
    ways = expanded(f"{SETUP}show {expression}")

    assert any(_covers(way, real) for way in ways), (ways, real)


def test_most_expressions_are_computed() -> None:
    """This makes sure that the guard doesn't just call everything unknown."""
    exact = [text for text in EXPRESSIONS if expanded(f"{SETUP}show {text}") == [by_bash(f"{SETUP}show {text}")]]
    assert len(exact) > 0.85 * len(EXPRESSIONS)


def _covers(words: tuple[str, ...], real: tuple[str, ...]) -> bool:
    """Whether words, of which some may be unknown, could be the real ones."""
    if all(is_known(word) for word in words):
        return words == real
    return may_be("\036".join(words), "\036".join(real)) or "\ue001" in "".join(words)


@pytest.mark.parametrize("separators", SEPARATORS)
def test_words_fall_apart_at_the_shells_separators(separators: str) -> None:
    """`IFS` decides where an unquoted expansion is split."""
    text = f"IFS={separators!r}; X='a,b:c-d e'; show $X"
    assert expanded(text) == [by_bash(text)]


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet="ab{},.1 '\"", max_size=12).filter(
        lambda text: text.count("'") % 2 == 0 and text.count('"') % 2 == 0
    )
)
def test_random_braces_and_quotes_are_expanded_as_bash_does(text: str) -> None:
    """Brace expansion comes first, and quotes prevent it."""
    line = f"show {text}"
    assert expanded(line) in ([by_bash(line)], []), text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ANSI_PIECES), max_size=8).map("".join))
def test_random_ansi_c_quotes_are_decoded_as_bash_does(text: str) -> None:
    """`$'…'` has escapes of its own."""
    line = f"show $'{text}'"
    assert expanded(line) == [by_bash(line)], text
