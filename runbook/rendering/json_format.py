"""JSON that a command printed, made readable: a list of objects as a table, an error as its sentences."""

from __future__ import annotations

import json
import re
import textwrap
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from runbook.diagnosis import without_styles
from runbook.printable import one_line, printable

__all__ = ["json_at_end", "readable", "readable_output"]

_ROWS = 40
_FEW = 3
"""If a table of at most this many rows would have to cut values, each value is shown whole on its own line."""
_GAP = "  "
_NARROWEST = 8
_MOMENTS = range(10**9, 10**11)
"""In seconds: from 2001 to a far future."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_IN_LOG_LINE = frozenset({"timestamp", "level", "event_message", "id", "ts_ms", "source", "severity_text", "service"})
"""What a line of a log shows, and what repeats it or only means something to the platform."""
_HIDDEN = frozenset({"target", "message"})
"""Shown elsewhere (the target is on every screen) or useless to a person, like every name that begins with `_`."""


def readable(document: str, width: int = 80, *, few: int = _FEW) -> str:
    """Return the document as lines of at most `width` columns; return anything that isn't JSON unchanged.

    A table of more than `few` rows cuts values that are too wide.
    """
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        return printable(document.rstrip("\n")) + "\n"
    rows = _rows(value)
    match value:
        # A person reads the sentences of an error; the rest of it is only useful to programs.
        case {"error": {**error}}:
            texts = [without_styles(str(error[name])) for name in ("message", "suggestion") if error.get(name)]
            lines = [line for text in texts for part in printable(text).split("\n") for line in _wrap(part, width)]
        case _ if rows and all(_is_log_line(row) for row in rows):
            lines = [line for row in rows for line in _log_lines(row, width)]
        case _ if rows is not None:
            lines = _table(rows, width, few)
        case dict():
            lines = _fields(value, width)
        case _:
            lines = _wrap(printable(json.dumps(value, ensure_ascii=False)), width)
    return "".join(f"{line}\n" for line in lines)


def readable_output(output: str, width: int = 80) -> str:
    """Return stored output with any document at its end made readable, and nothing cut."""
    document = json_at_end(output)
    before = output[: len(output) - len(document)]
    return printable(before) + (readable(document, width, few=_ROWS) if document else "")


def json_at_end(output: str) -> str:
    """Return the JSON document at the end of an output, "" if there is none."""
    starts = [index for index in (output.find("\n{"), output.find("\n[")) if index >= 0]
    start = 0 if output[:1] in {"{", "["} else min(starts, default=-1) + 1 if starts else -1
    if start < 0:
        return ""
    try:
        json.loads(output[start:])
    except (ValueError, RecursionError):
        return ""
    return output[start:]


def _rows(value: object) -> Sequence[Mapping[str, object]] | None:
    """Return the rows if the value is a list of objects, or an object that contains exactly one list."""
    if isinstance(value, Mapping):
        lists = [part for part in value.values() if isinstance(part, list)]
        scalars = [name for name in value if not _is_hidden(name) and not isinstance(value[name], list)]
        value = lists[0] if len(lists) == 1 and not scalars else None
    if isinstance(value, list) and all(isinstance(row, Mapping) for row in value):
        return value
    return None


def _table(rows: Sequence[Mapping[str, object]], width: int, few: int) -> list[str]:
    if not rows:
        return ["(no rows)"]
    names = list(dict.fromkeys(name for row in rows for name in row))
    # Show the end of a long list, where `migration list` has the newest.
    shown = rows if len(rows) <= _ROWS else rows[-_ROWS:]
    cells = [list(map(one_line, names)), *([_cell(row.get(name, ""), name) for name in names] for row in shown)]
    wanted = [max(len(line[index]) for line in cells) for index in range(len(names))]
    widths = _fit(wanted, width)
    # A text of several lines doesn't fit into a cell, so every row is shown as fields.
    in_lines = any(_has_lines(part) for row in shown for part in row.values())
    if widths is None or in_lines or (widths != wanted and len(shown) <= few):
        return [line for row in shown for line in (*_fields(row, width), "")][:-1]
    cut = [
        [text if len(text) <= size else text[: size - 2] + ".." for text, size in zip(line, widths, strict=True)]
        for line in cells
    ]
    lines = [_GAP.join(text.ljust(size) for text, size in zip(line, widths, strict=True)).rstrip() for line in cut]
    lines.insert(1, _GAP.join("-" * size for size in widths))
    if len(shown) < len(rows):
        lines.append(f"(the last {len(shown)} of {len(rows)} rows)")
    return lines


def _is_log_line(row: Mapping[str, object]) -> bool:
    return isinstance(row.get("event_message"), str) and "timestamp" in row


def _log_lines(row: Mapping[str, object], width: int) -> list[str]:
    """Return a line of a log: when, how bad, what, and below it whatever else the platform says about it."""
    moment = one_line(str(row["timestamp"]))
    if _MOMENT.fullmatch(moment):
        moment = f"{moment[:10]} {moment[11:19]} UTC"
    said = "  ".join(filter(None, (moment, str(row.get("level", "")).upper(), one_line(str(row["event_message"])))))
    rest = {name: part for name, part in row.items() if name not in _IN_LOG_LINE and part not in ({}, [], "", None)}
    return [*_wrap(said, width), *(f"  {line}" for line in (_fields(rest, width - 2) if rest else []))]


def _fit(widths: Sequence[int], room: int) -> list[int] | None:
    """Narrow the widest columns until the table fits; None if it would need columns narrower than `_NARROWEST`."""
    room -= len(_GAP) * (len(widths) - 1)
    if sum(widths) <= room:
        return list(widths)
    # Only narrow the widest, so that short columns, such as versions and ids, stay whole.
    limits = range(_NARROWEST, max(widths))
    limit = _NARROWEST - 1 + bisect_right(limits, room, key=lambda limit: sum(min(width, limit) for width in widths))
    if limit < _NARROWEST:
        return None
    fitted = [min(width, limit) for width in widths]
    # The spare columns go to the last column that was cut.
    spare = room - sum(fitted)
    for index in [index for index, width in enumerate(widths) if width > limit][::-1][:spare]:
        fitted[index] += 1
    return fitted


def _fields(value: Mapping[str, object], width: int) -> list[str]:
    lines: list[str] = []
    room = max(width - 4, 20)
    for name, part in _flat(value):
        rows = _rows(part) if isinstance(part, list) and part else None
        if rows is not None:
            lines += [f"{one_line(name)}:", *(f"    {line}" for line in _table(rows, room, _FEW))]
        elif _has_lines(part):
            # A function's definition keeps its own line breaks and indentation.
            texts = [line.rstrip() for line in printable(str(part)).strip("\n").split("\n")]
            pieces = (piece for text in texts for piece in _broken(text, room))
            lines += [f"{one_line(name)}:", *(f"    {piece}" for piece in pieces)]
        else:
            lines += _wrap(f"{one_line(name)}: {_cell(part, name)}", width)
    return lines or [one_line(str(value.get("message", "(empty)")))]


def _flat(value: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield names and values; those of a nested object get both names: `data.size`."""
    for name, part in value.items():
        if _is_hidden(name):
            continue
        if isinstance(part, Mapping) and part:
            yield from ((f"{name}.{inner}", each) for inner, each in part.items())
        else:
            yield name, part


def _is_hidden(name: str) -> bool:
    return name in _HIDDEN or name.startswith("_")


def _cell(value: object, name: str) -> str:
    """Return a value on one line, with the platform's timestamps (`…_at`, `…_ms` and `…_unix`) in a person's form."""
    seconds = value // 1000 if name.endswith(("_at", "_ms")) and isinstance(value, int) else value
    if name.endswith(("_at", "_ms", "_unix")) and isinstance(seconds, int) and seconds in _MOMENTS:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return printable(value.replace("\n", " ") if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _has_lines(value: object) -> bool:
    return isinstance(value, str) and "\n" in value


def _broken(text: str, room: int) -> list[str]:
    """Break a line of a definition, or of a difference between two; its rest goes below its own text."""
    indent = min(len(text) - len(text.lstrip(" +-")), room // 2)
    return textwrap.wrap(
        text, room, subsequent_indent=" " * (indent + 2), break_on_hyphens=False, replace_whitespace=False
    ) or [""]


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False) or [""]
