"""Paths into a command's JSON: items picked by a field, and values that must have changed."""

from __future__ import annotations

import pytest

from runbook.engine.comparison import capture, compare, values_at
from runbook.model import Capture, Expectation

FUNCTIONS = '{"functions":[{"slug":"create-task","version":7},{"slug":"complete-task","version":3}]}'
VALUES = {"name": "complete-task", "before": "2"}


def fill(text: str) -> str:
    """Put the test's values into a template."""
    for name, value in VALUES.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def test_a_part_picks_the_items_whose_field_has_the_value() -> None:
    """`slug=…` goes on with the matching items alone."""
    document = {"functions": [{"slug": "a", "version": 1}, {"slug": "b", "version": 2}, "odd"]}
    assert values_at(document, "functions.slug=b.version") == ("2",)
    assert values_at(document, "functions.slug=c.version") == ()


def test_a_dot_in_a_value_does_not_make_two_parts() -> None:
    """Values are put in after the path was taken apart."""
    document = [{"file": "a.sql", "size": 4}]
    assert values_at(document, "file={{name}}.size", lambda part: part.replace("{{name}}", "a.sql")) == ("4",)


def test_a_capture_follows_a_path_with_a_value_in_it() -> None:
    """The version of the function that the run is about is kept, not that of the first one."""
    found, problem = capture([Capture("version", json="functions.slug={{name}}.version")], FUNCTIONS, fill)
    assert (found, problem) == ({"version": "3"}, "")


@pytest.mark.parametrize(("before", "is_met"), [("2", True), ("3", False)])
def test_a_value_must_differ_from_the_one_before(before: str, *, is_met: bool) -> None:
    """`differs` fails where the value is still the old one."""
    expect = Expectation(differs=(("functions.slug=complete-task.version", before),))
    assert compare(expect, 0, FUNCTIONS, fill).is_met is is_met


def test_a_value_that_is_not_there_does_not_count_as_changed() -> None:
    """`differs` asks for a value, so that a deploy that made nothing is no success."""
    expect = Expectation(differs=(("functions.slug=gone.version", "2"),))
    seen = compare(expect, 0, FUNCTIONS, fill)
    assert not seen.is_met
    assert "nothing there" in seen.evidence
