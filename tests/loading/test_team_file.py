"""A team's file that is read alone: the same team as from the whole book."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.books import POLICY, PROCEDURE, write_book

from runbook.errors import BookError
from runbook.loading import read_book
from runbook.loading.files import LAZY_SHAPES, SHARED, read_team
from runbook.loading.place import TEAM_FILE
from runbook.loading.shapes import FILES, SHAPES
from runbook.model.fields import Shape, Shaped

TEAM = """\
name: Harbour
channel: '#incidents'
projects:
  production: {ref: abcdefghijklmnopqrst}
contacts:
  database: {name: The rota, page: https://example.com/page}
links: {Status: https://example.com/status}
cli: 3.1.0
drill_every: 30d
journal: postgresql://db.example.com/runbook
notify:
  - slack: SLACK_URL
  - {program: tell-them, on: [stuck]}
migrations:
  large_table: {rows: 5000, megabytes: 20}
  levels:
    set-not-null: {level: notice, because: Our tables are small.}
"""


def test_a_team_read_alone_is_the_team_of_the_whole_book(tmp_path: Path) -> None:
    """Also its receivers of notifications and its settings of the migration check."""
    book = team_book(tmp_path, TEAM)
    team = read_team(book)
    assert team is not None
    assert team.notify
    assert team.migrations is not None
    assert team == read_book(book).team


def test_problems_of_a_team_file_that_is_read_alone_are_those_of_the_whole_book(tmp_path: Path) -> None:
    """They have the same words at the same lines."""
    book = team_book(tmp_path, TEAM.replace("slack: SLACK_URL", "slak: SLACK_URL"))
    with pytest.raises(BookError) as alone:
        read_team(book)
    with pytest.raises(BookError) as whole:
        read_book(book)
    assert [(each.file, each.line, each.message) for each in alone.value.findings] == [
        (each.file, each.line, each.message) for each in whole.value.findings if each.file.endswith(TEAM_FILE)
    ]


def test_files_that_are_read_alone_find_every_table_that_they_can_contain() -> None:
    """A table that a key mentions is never missing, and none is listed that no key mentions."""
    roots = [FILES[name] for name in (*SHARED, TEAM_FILE)]
    reached: dict[str, Shape] = {}
    while roots:
        name = roots.pop()
        if name not in reached:
            reached[name] = SHAPES[name]
            roots.extend(contained(SHAPES[name]))
    assert dict(LAZY_SHAPES) == reached


def contained(shape: Shape) -> Iterator[str]:
    """Yield the names of the tables that the fields of a table mention."""
    types: list[object] = [field.type for field in shape.by_name.values()]
    while types:
        kind = types.pop()
        if isinstance(kind, Shaped):
            yield kind.shape
        elif isinstance(kind, tuple):  # the parts of a type are types
            types.extend(kind)


def team_book(directory: Path, team: str) -> Path:
    """Write a book with that file of a team."""
    book = write_book(directory, {"add": PROCEDURE}, policy=POLICY)
    (book / TEAM_FILE).write_text(team)
    return book
