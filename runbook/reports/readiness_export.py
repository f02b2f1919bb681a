"""The readiness of a team as JSON, which the site shows, and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from runbook.printable import json_text
from runbook.reports.readiness import Drilled, ProcedureReadiness, Readiness, Review, command_of

__all__ = ["as_csv", "as_json", "from_json"]

_FORMAT = 1
"""It changes only if a key is removed or changes its meaning."""
_COLUMNS = ("procedure", "title", "operator", "at", "result", "scenario", "run", "due", "is_due", "every_days", "next")


def as_json(readiness: Readiness) -> str:
    """Return everything as a JSON object, with all times in UTC."""
    procedures = [
        {
            "procedure": one.procedure,
            "title": one.title,
            "every_days": one.every,
            "passed": _drill(one.passed) if one.passed else None,
            "latest": [_drill(drill) for drill in one.latest],
            "due": one.due.isoformat() if one.due else None,
            "is_due": one.is_due,
            "scenario": one.scenario,
            "next": command_of(one),
        }
        for one in readiness.procedures
    ]
    found = {
        "format": _FORMAT,
        "today": readiness.today.isoformat(),
        "operator": readiness.operator,
        "procedures": procedures,
        "reviews": [{**asdict(one), "due": one.due.isoformat()} for one in readiness.reviews],
        "gone": [_drill(one) for one in readiness.gone],
        "later": [_drill(one) for one in readiness.later],
        "unread": readiness.unread,
        "people": readiness.people,
    }
    return json_text(found, indent=2) + "\n"


def from_json(text: str) -> Readiness:
    """Return what `as_json` wrote. Raises ValueError for anything else, without saying where."""
    try:
        read = json.loads(text)
        if read["format"] != _FORMAT:
            raise ValueError("it has another format")
        return Readiness(
            today=date.fromisoformat(read["today"]),
            operator=_text(read, "operator"),
            procedures=tuple(map(_read_procedure, read["procedures"])),
            reviews=tuple(
                Review(
                    **{name: _text(one, name) for name in ("procedure", "title", "owner")},
                    due=date.fromisoformat(one["due"]),
                )
                for one in read["reviews"]
            ),
            gone=tuple(map(_read_drill, read["gone"])),
            later=tuple(map(_read_drill, read["later"])),
            unread=_texts(read, "unread"),
            people=_texts(read, "people"),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("a key is missing or has the wrong type") from error


def as_csv(readiness: Readiness) -> str:
    """Return a line for each procedure and person, or for the procedure alone if nobody has drilled it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in _rows(readiness):
        writer.writerow([_cell(row.get(name, "")) for name in _COLUMNS])
    return out.getvalue()


def _rows(readiness: Readiness) -> Iterator[Mapping[str, object]]:
    for one in readiness.procedures:
        about = {
            "procedure": one.procedure,
            "title": one.title,
            "due": one.due or "",
            "is_due": "yes" if one.is_due else "no",
            "every_days": one.every,
            "next": command_of(one),
        }
        for drill in one.latest:
            yield {**about, **_drill(drill), "result": "passed" if drill.passed else "failed"}
        if not one.latest:
            yield about


def _cell(value: object) -> str:
    # A spreadsheet would run a name that begins like a formula.
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _drill(one: Drilled) -> dict[str, object]:
    return {**asdict(one), "at": one.at.isoformat()}


def _read_drill(read: Mapping[str, Any]) -> Drilled:
    return Drilled(
        **{name: _text(read, name) for name in ("run", "procedure", "scenario", "operator")},
        at=datetime.fromisoformat(read["at"]).astimezone(UTC),
        passed=_typed(read, "passed", bool),
    )


def _read_procedure(read: Mapping[str, Any]) -> ProcedureReadiness:
    return ProcedureReadiness(
        **{name: _text(read, name) for name in ("procedure", "title", "scenario")},
        every=_typed(read, "every_days", int),
        passed=_read_drill(read["passed"]) if read["passed"] is not None else None,
        latest=tuple(map(_read_drill, read["latest"])),
        due=date.fromisoformat(read["due"]) if read["due"] is not None else None,
        is_due=_typed(read, "is_due", bool),
    )


def _text(read: Mapping[str, Any], name: str) -> str:
    return str(_typed(read, name, str))


def _texts(read: Mapping[str, Any], name: str) -> tuple[str, ...]:
    if not all(type(one) is str for one in read[name]):
        raise TypeError(name)
    return tuple(read[name])


def _typed(read: Mapping[str, Any], name: str, kind: Callable[..., Any]) -> Any:
    value = read[name]
    if type(value) is not kind:
        raise TypeError(name)
    return value
