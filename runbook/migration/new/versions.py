"""Choose the version of a new migration: later than every other one, in whatever form that is. Pure.

The CLI orders files by their names, and the history by its versions, both as text. A version of 14 digits is usually
the time, so the current time is later than all others. A version of another length, an impossible date or one from the
future can be in the way.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import datetime, timedelta

from runbook.errors import UsageError

__all__ = ["later_versions"]

_FORM = "%Y%m%d%H%M%S"
_DIGITS = 14


def later_versions(count: int, others: Iterable[str], now: datetime) -> list[str]:
    """Return ascending versions that sort after all others: the current time (UTC), or else the next one possible.

    Each is a valid date and time. Raises UsageError if no date is later, as after `99_name.sql`.
    """
    versions = set(others)
    found: list[str] = []
    for _ in range(count):
        found.append(_later_version(versions, now))
        versions.add(found[-1])
    return found


def _later_version(others: Iterable[str], now: datetime) -> str:
    candidate = now.strftime(_FORM).rjust(_DIGITS, "0")
    for other in sorted(others):
        # `20261127_name.sql` sorts after `20261127120000_name.sql`, because `_` comes after the digits. So the new one
        # must be later in the digits that both have.
        digits = other[:_DIGITS]
        if candidate[: len(digits)] <= digits:
            candidate = _first_after(digits, other)
    return candidate


def _first_after(digits: str, version: str) -> str:
    """Return the first valid time whose beginning is a larger number than these digits."""
    following = str(int(digits) + 1).rjust(len(digits), "0")
    if len(following) > len(digits):
        raise _nothing_later(version)
    year, *parts = _fields(following.ljust(_DIGITS, "0"))
    return _first_valid(max(year, 1), parts, version).strftime(_FORM).rjust(_DIGITS, "0")


def _fields(digits: str) -> list[int]:
    return [int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, _DIGITS, 2))]


def _first_valid(year: int, parts: list[int], version: str) -> datetime:
    """Return the first valid time that isn't before these parts: month, day, hour, minute, second."""
    month, day, *clock = parts
    try:
        if month > 12:
            return datetime(year + 1, 1, 1)
        if month < 1 or day < 1:
            return datetime(year, max(month, 1), 1)
        if day > monthrange(year, month)[1]:
            return datetime(year, month, monthrange(year, month)[1]) + timedelta(days=1)
        limits = (("hours", 23), ("minutes", 59), ("seconds", 59))
        moment = datetime(year, month, day)
        for (unit, most), value in zip(limits, clock, strict=True):
            if value > most:
                return moment + timedelta(**{unit: most + 1})
            moment += timedelta(**{unit: value})
    except (ValueError, OverflowError) as error:
        raise _nothing_later(version) from error
    return moment


def _nothing_later(version: str) -> UsageError:
    return UsageError(
        f"no date sorts after the version {version}",
        hint="Rename that file, or repair the history: runbook show renumber-migration",
    )
