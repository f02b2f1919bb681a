"""Names of migration files: read and check one, and find duplicates and versions out of order. Pure.

The CLI applies a file if its name is `VERSION_NAME.sql`, in the order of the versions. It skips every other file with
one line on standard error and exit code 0.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from runbook.migration_names import parse_name
from runbook.printable import counted

__all__ = ["FolderNames", "NameProblem", "check_name", "read_folder", "sort_key", "version_time"]

_PROPER = re.compile(r"\d{14}_[a-z0-9_-]*[a-z0-9][a-z0-9_-]*\.sql")
"""With hyphens, which tools write that name files by a UUID."""
_CUSTOM = 3
"""Files in a folder from which on their own numbering counts as meant."""
_AHEAD = timedelta(days=1)
"""Clocks and time zones differ by less than this."""


class NameProblem(NamedTuple):
    """What is wrong with a name: the rule's id, and a message."""

    rule: str
    message: str


def _split(path: str) -> tuple[str, str]:
    """Return the folder and the name of a path. A folder has hundreds, for which `PurePath` takes a while."""
    folder, _, name = path.replace(os.sep, "/").rpartition("/")
    return folder, name


def version_time(version: str) -> datetime | None:
    """Return the time (UTC) in a 14-digit version, or None if the version isn't a time.

    As in C's strptime, the seconds may be 60 and 61: whoever adds 1 to a version gets them.
    """
    if not re.fullmatch(r"[0-9]{14}", version):
        return None
    year, *parts, seconds = int(version[:4]), *map(int, re.findall("..", version[4:]))
    try:
        minute = datetime(year, *parts)  # type: ignore[arg-type]
    except ValueError:
        return None
    return minute + timedelta(seconds=seconds) if seconds <= _MOST_SECONDS else None


_MOST_SECONDS = 61


def sort_key(path: str) -> tuple[str, str]:
    """Return the key by which the CLI orders files: their names, as text."""
    return _split(path)[1], path


def check_name(path: str, now: datetime) -> Iterator[NameProblem]:
    """Yield what is wrong with the name of one file. `now` is the current time in UTC, without a time zone."""
    base, parts = _split(path)[1], parse_name(_split(path)[1])
    if parts is None:
        yield NameProblem("skipped-file", f"the CLI skips {base}: its name isn't VERSION_NAME.sql")
        return
    time = version_time(parts.version)
    if len(parts.version) != 14:
        digits = counted(len(parts.version), "digit")
        yield NameProblem(
            "file-name", f"the version {parts.version} has {digits}, not 14, and sorts among others by text"
        )
    elif time is None:
        yield NameProblem("file-name", f"the version {parts.version} isn't a date and time")
    elif time > now + _AHEAD:
        yield NameProblem(
            "future-version", f"the version {parts.version} is in the future; it's {now:%Y%m%d%H%M%S} now"
        )
    elif not _PROPER.fullmatch(base):
        yield NameProblem(
            "file-name-style", f"the name '{parts.name}' has more than lower-case letters, digits, _ and -"
        )


class FolderNames(NamedTuple):
    """What the names in one folder say together.

    `twice` has each path whose version an earlier one has, with that one. `have_own_numbers` says that all versions
    have the same number of digits, and not 14. `first_ahead` is the first path with a version in the future: those
    after it have to be later.
    """

    twice: Mapping[str, str]
    have_own_numbers: bool
    first_ahead: str


def read_folder(paths: Iterable[str], now: datetime) -> FolderNames:
    """Return what the names in one folder say together. `now` is the current time in UTC, without a time zone."""
    names = sorted(paths, key=sort_key)
    ahead = (path for path in names if any(each.rule == "future-version" for each in check_name(path, now)))
    return FolderNames(_duplicates(names), _has_own_numbers(names), next(ahead, ""))


def _has_own_numbers(paths: Iterable[str]) -> bool:
    """Whether all versions in a folder have the same number of digits, and there are enough to call it a custom.

    Versions of one length sort as everybody expects, whatever they count.
    """
    lengths = [len(parts.version) for path in paths if (parts := parse_name(_split(path)[1])) is not None]
    return len(lengths) >= _CUSTOM and len(set(lengths)) == 1 and lengths[0] != 14


def _duplicates(paths: Iterable[str]) -> Mapping[str, str]:
    first: dict[str, str] = {}
    found: dict[str, str] = {}
    for path in paths:
        parts = parse_name(_split(path)[1])
        if parts is None:
            continue
        if parts.version in first:
            found[path] = first[parts.version]
        first.setdefault(parts.version, path)
    return found
