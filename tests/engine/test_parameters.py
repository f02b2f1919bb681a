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
FIX = procedure(tick("a"), parameters=[NAME, COLOUR, NAMES, TOKEN, SIZE])


@pytest.mark.parametrize(
    ("asked", "text", "problem"),
    [
        pytest.param(NAME, "tasks", "", id="it fits"),
        pytest.param(NAME, "tasks\n", "'tasks\\n' does not match the form of x", id="the whole value must match"),
        pytest.param(NAME, "", "a value is needed", id="nothing is no value"),
        pytest.param(SIZE, "", "a value is needed", id="not even with a default"),
        pytest.param(parameter("x", default=""), "", "", id="unless the default is nothing"),
        pytest.param(COLOUR, "blue", "'blue' is none of red, green", id="one of the choices"),
        pytest.param(NAMES, "a, b,,a", "", id="a list with commas"),
        pytest.param(NAMES, "a,B", "'B' does not match the form of x", id="each of its values is checked"),
        pytest.param(NAMES, " , ", "give at least one value; commas separate several", id="and there must be one"),
        pytest.param(TOKEN, "hunter2", "the value does not match the form of x", id="a secret is not repeated"),
        pytest.param(parameter("x"), "a\0b", "the value holds a character that no command can be given", id="NUL"),
        pytest.param(parameter("x"), "a" * 5000, "the value is too long (5000 characters, 4096 at most)", id="long"),
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
        "RUNBOOK_NAME: 'NO' does not match the form of x",
        "--set colour: 'blue' is none of red, green",
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
    with pytest.raises(UsageError, match="colour: 'blue' is none of"):
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
