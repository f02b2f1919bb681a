"""Names of migration files: which the CLI applies, in which order, and what is wrong with the others."""

from __future__ import annotations

from datetime import datetime

import pytest

from runbook.migration.check import check_migrations
from runbook.migration.file_names import check_name, read_folder, sort_key, version_time
from runbook.migration.rules import read_setup
from runbook.migration.source import MigrationFile
from runbook.migration_names import parse_name

NOW = datetime(2026, 6, 1, 12)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("20260601120000_add_note.sql", []),
        ("20260601120000_2.sql", []),
        ("no_timestamp.sql", ["skipped-file"]),
        ("20260101000000-dash.sql", ["skipped-file"]),
        ("20260101000000_a.SQL", ["skipped-file"]),
        ("20260101000000.sql", ["skipped-file"]),
        ("001_x.sql", ["file-name"]),
        ("20260230999999_x.sql", ["file-name"]),
        ("20261301000000_x.sql", ["file-name"]),
        ("20260101000062_x.sql", ["file-name"]),
        ("20260101006000_x.sql", ["file-name"]),
        ("20260101000060_one_more_than_59.sql", []),
        ("202601010000000_x.sql", ["file-name"]),
        ("20260101000000_.sql", ["file-name-style"]),
        ("20260101000000_add note.sql", ["file-name-style"]),
        ("20260101000000_größe.sql", ["file-name-style"]),
        ("20260602120000_x.sql", []),
        ("20260602120001_x.sql", ["future-version"]),
    ],
)
def test_a_name_is_checked_as_the_cli_reads_it(name: str, rules: list[str]) -> None:
    """A folder in front doesn't matter."""
    assert [each.rule for each in check_name(f"supabase/migrations/{name}", NOW)] == rules


def test_a_name_has_a_version_and_a_description() -> None:
    """The version is a time in UTC."""
    parts = parse_name("supabase/migrations/20240229235959_leap_day.sql")

    assert parts == ("20240229235959", "leap_day")
    assert version_time("20240229235959") == datetime(2024, 2, 29, 23, 59, 59)
    assert version_time("20230229000000") is None
    assert version_time("٢٠٢٤٠٢٢٩٢٣٥٩٥٩") is None


def test_the_same_version_twice_in_one_folder_is_a_duplicate() -> None:
    """The later name is the one that fails."""
    paths = ["m/20260101000000_b.sql", "m/20260101000000_a.sql", "m/1_x.sql"]

    assert read_folder(paths, NOW).twice == {"m/20260101000000_b.sql": "m/20260101000000_a.sql"}
    assert min(paths, key=sort_key) == "m/1_x.sql"


def test_only_the_first_version_in_the_future_counts() -> None:
    """The CLI refuses an older file, so those after it have to be later."""
    paths = ["m/20990101000000_b.sql", "m/20260101000000_a.sql", "m/20980101000000_c.sql"]
    assert read_folder(paths, NOW).first_ahead == "m/20980101000000_c.sql"
    setup = read_setup(None)
    found = check_migrations([MigrationFile(path, b"select 1;") for path in paths], setup, now=NOW).findings
    assert [each.file for each in found if each.rule == "future-version"] == ["m/20980101000000_c.sql"]
