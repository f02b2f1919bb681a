"""The documents at the top of the repository lead where they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
NAMED = re.compile(r"`((?:tests|docs|runbook|scripts|benchmarks)/[\w./-]+)`")
EXTRA = re.compile(r"`runbook/(\w+)/` \| extra:")
"""A line of the contributors' guide. If an extra is deleted, mentions of its files lead nowhere."""
TOPS = ("runbook", "tests")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_no_link_and_no_named_file_is_missing(name: str) -> None:
    """A file that moved takes its mentions with it."""
    text = (ROOT / name).read_text(encoding="utf-8")
    mentioned = {*LINK.findall(text), *NAMED.findall(text)}
    extras = EXTRA.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    deleted = {f"{top}/{extra}" for extra in extras if not (ROOT / "runbook" / extra).exists() for top in TOPS}
    mentioned = {path for path in mentioned if "/".join(path.split("/")[:2]) not in deleted}

    assert [path for path in sorted(mentioned) if not (ROOT / path.split()[0]).exists()] == []
