"""Values for parameters: one check for all of them, wherever they come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.walks import FakeOperator, parameter, procedure, tick

import runbook
from runbook.engine.parameters import ask, gather, parse, supplied
from runbook.errors import UsageError
from runbook.extras import installed
from runbook.model import Parameter
from runbook.variables import OWN_VARIABLES

NAME = parameter("name", pattern="[a-z_]+")
COLOUR = parameter("colour", choices=("red", "green"))
NAMES = parameter("names", many=True, pattern="[a-z]+")
TOKEN = parameter("token", secret=True, pattern="[a-z]{3}")
SIZE = parameter("size", default="10")
LINES = parameter("key", secret=True, lines="many")
PEM = "-----BEGIN KEY-----\nabc=\n-----END KEY-----\n"
FIX = procedure(tick("a"), parameters=[NAME, COLOUR, NAMES, TOKEN, SIZE])


@pytest.mark.parametrize(
    ("asked", "text", "problem"),
    [
        pytest.param(NAME, "tasks", "", id="it fits"),
        pytest.param(
            NAME, "tasks\n", "'tasks\\n' doesn't fit: expected a value like x", id="the whole value must match"
        ),
        pytest.param(NAME, "", "a value is needed", id="nothing is no value"),
        pytest.param(SIZE, "", "a value is needed", id="not even with a default"),
        pytest.param(parameter("x", default=""), "", "", id="unless the default is nothing"),
        pytest.param(COLOUR, "blue", "'blue' isn't one of red, green", id="one of the choices"),
        pytest.param(NAMES, "a, b,,a", "", id="a list with commas"),
        pytest.param(NAMES, "a,B", "'B' doesn't fit: expected a value like x", id="each of its values is checked"),
        pytest.param(NAMES, " , ", "give at least one value; commas separate several", id="and there must be one"),
        pytest.param(TOKEN, "hunter2", "the value doesn't fit: expected a value like x", id="a secret is not repeated"),
        pytest.param(
            parameter("x"), "a\0b", "the value contains a character that can't be passed to a command", id="NUL"
        ),
        pytest.param(parameter("x"), "a" * 5000, "the value is too long (5000 characters, 4096 at most)", id="long"),
        pytest.param(LINES, PEM, "", id="several lines"),
        pytest.param(LINES, "a" * 24_576, "", id="as long as the platform takes"),
        pytest.param(
            LINES, "a" * 24_577, "the value is too long (24577 characters, 24576 at most)", id="longer than that"
        ),
        pytest.param(
            TOKEN, PEM, "the value has several lines, but only one is allowed here", id="several lines for one"
        ),
        pytest.param(LINES, '{"a": {"b": 1}}', "", id="JSON"),
        pytest.param(LINES, "{sesame", "", id="a password with a brace"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_in_a_sentence(asked: Parameter, text: str, problem: str) -> None:
    """An empty sentence means that nothing is."""
    assert asked.problem_with(text) == problem


def test_a_list_keeps_its_order_and_no_value_twice() -> None:
    """Each value has its steps once."""
    assert parse(NAMES, "b, a ,b") == ("b", "a")


def test_every_problem_of_the_command_line_is_told_at_once() -> None:
    """With the flag or the variable that it came by."""
    flags = {"nmae": "x", "colour": "blue", "token": "abc"}

    with pytest.raises(UsageError) as error:
        supplied(FIX, flags, {"RUNBOOK_NAME": "NO", "RUNBOOK_SIZE": "9"})

    assert error.value.message.splitlines() == [
        "--set nmae: no parameter has this name; did you mean name?",
        "RUNBOOK_NAME: 'NO' doesn't fit: expected a value like x",
        "--set colour: 'blue' isn't one of red, green",
        "--set token: other users can read a secret on a command line; set RUNBOOK_TOKEN",
    ]


def test_a_flag_goes_before_the_environment() -> None:
    """A secret may come through the environment."""
    texts = supplied(FIX, {"name": "flag"}, {"RUNBOOK_NAME": "variable", "RUNBOOK_TOKEN": "abc"})

    assert texts == {"name": "flag", "token": "abc"}


@pytest.mark.parametrize("variable", sorted(OWN_VARIABLES))
def test_a_setting_of_the_program_fills_no_parameter(variable: str) -> None:
    """Its value was meant for something else; the flag still counts."""
    name = variable.removeprefix("RUNBOOK_").lower()
    asked = procedure(tick("a"), parameters=[parameter(name)])

    assert supplied(asked, {}, {variable: "/opt/node_modules"}) == {}
    assert supplied(asked, {name: "given"}, {variable: "/opt/node_modules"}) == {name: "given"}


def test_every_setting_of_the_program_is_listed() -> None:
    """Each variable that begins with RUNBOOK_ in the sources stands in the one list, and none that is not used."""
    root = Path(runbook.__file__).parents[1]
    sources = [*(root / "runbook").rglob("*.py"), *(root / "tests").rglob("*.py"), root / "mkdocs.yml"]
    sources += [
        file for place in ("scripts", "benchmarks", ".ci") for file in (root / place).iterdir() if file.is_file()
    ]
    read = re.compile(r"""(?:environ\.get\(|environ\[|getenv\(|envvar=|!ENV \[)["']?(RUNBOOK_\w+)|\$\{?(RUNBOOK_\w+)""")
    used = {one[1] or one[2] for source in sources for one in read.finditer(source.read_text(encoding="utf-8"))}

    of_no_extra = {name for name in OWN_VARIABLES if not name.startswith("RUNBOOK_DRILL_") or "drill" in installed()}

    assert of_no_extra <= used <= OWN_VARIABLES.keys()


def test_an_empty_text_is_an_answer_where_the_default_is_empty() -> None:
    """Nothing is asked again: neither after `--set note=` nor after RUNBOOK_NOTE without a value."""
    asked = procedure(tick("a"), parameters=[parameter("note", default="")])
    for texts in (supplied(asked, {"note": ""}, {}), supplied(asked, {}, {"RUNBOOK_NOTE": ""})):
        operator = FakeOperator()

        assert gather(asked, texts, {}, operator).values == {"note": ""}
        assert operator.log == []


def test_what_is_missing_is_asked_for_until_it_fits() -> None:
    """Enter takes the default; secrets are kept apart from the values."""
    operator = FakeOperator(values={"name": ["", "tasks"], "names": "a,b", "token": "abc", "size": ""})

    given_values = gather(FIX, {"colour": "red"}, {}, operator)

    assert given_values.values == {"name": "tasks", "colour": "red", "names": ("a", "b"), "size": "10"}
    assert given_values.secrets == {"token": "abc"}
    assert [entry[1:] for entry in operator.log][:2] == [("name", ""), ("name", "a value is needed")]


def test_ten_misfits_end_it() -> None:
    """An operator that answers by itself does not loop."""
    with pytest.raises(UsageError, match="colour: 'blue' isn't one of"):
        ask(COLOUR, FakeOperator(values={"colour": "blue"}))


def test_a_linked_project_that_does_not_fit_is_asked_for() -> None:
    """What comes from the link goes through the same check."""
    asked = procedure(tick("a"), parameters=[parameter("project_ref", pattern="[a-z]{20}")])
    operator = FakeOperator(values={"project_ref": "a" * 20})

    assert gather(asked, {}, {"project_ref": "short"}, operator).values == {"project_ref": "a" * 20}


@given(text=st.text(max_size=50))
def test_no_text_is_too_odd_to_be_judged(text: str) -> None:
    """Whatever it is, it fits or there is a sentence of one line."""
    for asked in FIX.parameters:
        assert "\n" not in asked.problem_with(text)


@pytest.mark.parametrize("text", [PEM[:19], PEM[:-3], PEM.split("\n", 1)[1], "{", '{\n"a": 1', "abc\ufffd"])
def test_a_secret_that_was_cut_is_refused(text: str) -> None:
    """The first line of a key, a file without its end, a character that the terminal lost."""
    assert LINES.problem_with(text)
    assert text not in LINES.problem_with(text)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        pytest.param(PEM.encode(), PEM, id="as it is"),
        pytest.param(PEM.replace("\n", "\r\n").encode(), PEM, id="with the line ends of Windows"),
        pytest.param(b"sesame\n", "sesame", id="one line, without the editor's line end"),
        pytest.param("schl\u00fcssel".encode(), "schl\u00fcssel", id="UTF-8"),
    ],
)
def test_a_secret_is_read_from_a_file(tmp_path: Path, content: bytes, value: str) -> None:
    """`@path` begins at the project's directory, and only where a value may have several lines."""
    (tmp_path / "key.pem").write_bytes(content)
    asked = procedure(tick("a"), parameters=[LINES])

    for typed in ("@key.pem", f"@{tmp_path}/key.pem"):
        operator = FakeOperator(values={"key": typed})
        assert gather(asked, {}, {}, operator, directory=str(tmp_path)).secrets == {"key": value}
    assert ask(parameter("token", secret=True), FakeOperator(values={"token": "@key.pem"})) == "@key.pem"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        pytest.param("@nowhere", "there is no such file", id="no file"),
        pytest.param("@", "that is a directory", id="a directory"),
        pytest.param("@\0", "there is no such file", id="no path at all"),
        pytest.param("@~nobody-at-all/key", "the file can't be read", id="nobody's home"),
        pytest.param("@large", "the file has more than 24,576 characters", id="too large"),
        pytest.param("@binary", "the file isn't UTF-8 text", id="not text"),
        pytest.param("@cut", "the value begins a PEM block", id="not whole"),
    ],
)
def test_a_file_that_is_no_secret_is_asked_for_again(tmp_path: Path, typed: str, problem: str) -> None:
    """What was typed is not repeated: it may be a password that begins with @."""
    (tmp_path / "large").write_bytes(b"a" * 200_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\n")
    (tmp_path / "cut").write_text(PEM[:30])
    operator = FakeOperator(values={"key": [typed, PEM]})

    assert ask(LINES, operator, directory=str(tmp_path)) == PEM
    said = [str(entry[2]) for entry in operator.log]
    assert said[0] == ""
    assert problem in said[1]
    assert typed == "@" or typed[1:] not in said[1]
