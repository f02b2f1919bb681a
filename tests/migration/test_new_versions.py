"""A new version is a valid time in UTC, and sorts after every other one as the CLI sorts."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.errors import UsageError
from runbook.migration.file_names import version_time
from runbook.migration.new.versions import later_versions

NOW = datetime(2026, 11, 27, 14, 0, 0)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ((), "20261127140000"),
        (("20261127135959",), "20261127140000"),
        (("20261127140000",), "20261127140001"),
        (("001", "0", "2024"), "20261127140000"),
        (("20260230999999",), "20261127140000"),
        (("20991231235959",), "21000101000000"),
        (("20270230999999",), "20270301000000"),
        (("20270228235960",), "20270301000000"),
        (("20271301000000",), "20280101000000"),
        (("20270000000000",), "20270101000000"),
        (("2026112714000099",), "20261127140001"),
    ],
)
def test_it_is_now_or_the_first_valid_time_after_the_others(others: tuple[str, ...], expected: str) -> None:
    """An impossible date, or one from the future, is followed by the next date that exists."""
    assert later_versions(1, others, NOW) == [expected]


@pytest.mark.parametrize(("short", "expected"), [("20261127", "20261128000000"), ("2026", "20270101000000")])
def test_a_short_version_that_is_a_beginning_of_now_still_comes_first(short: str, expected: str) -> None:
    """`20261127_a.sql` sorts after `20261127140000_b.sql`, because the underscore comes after the digits."""
    assert later_versions(1, [short], NOW) == [expected]
    assert f"{short}_a.sql" < f"{expected}_b.sql"


def test_several_versions_ascend() -> None:
    """Files of one pattern are applied in their order."""
    assert later_versions(3, ["20261231235958"], NOW) == ["20261231235959", "20270101000000", "20270101000001"]


@pytest.mark.parametrize("last", ["9", "99", "99991231235959"])
def test_if_no_date_is_later_it_names_the_version_in_the_way(last: str) -> None:
    """Nothing that is a date can follow it, so the file has to be renamed first."""
    with pytest.raises(UsageError, match=rf"after the version {last}$"):
        later_versions(1, [last], NOW)


@given(st.lists(st.from_regex(r"[0-8][0-9]{0,15}", fullmatch=True), max_size=8))
def test_whatever_the_others_are_each_is_a_time_and_sorts_last(others: list[str]) -> None:
    """Both as a version in the history and as the name of a file."""
    found = later_versions(2, others, NOW)
    assert all(version_time(version) for version in found)
    assert found[0] < found[1]
    assert all(f"{other}_z.sql" < f"{version}_a.sql" for other in others for version in found)
    assert all(other < version for other in others for version in found)
