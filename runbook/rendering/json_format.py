"""JSON that a command printed, as a person reads it: a list of objects as a table, an error as its sentences."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

__all__ = ["readable", "readable_output"]

_ROWS = 40
_FEW = 3
"""Of so few rows every value is shown whole, one a line, where a table would have to cut some."""
_GAP = "  "
_MOMENTS = range(10**9, 10**11)
"""In seconds: from 2001 to a far future."""
_HIDDEN = frozenset({"target", "message", "_tag"})
"""Shown elsewhere (the target is on every screen), or of no use to a person."""


def readable(document: str, width: int = 80, *, few: int = _FEW) -> str:
    """Return the document as lines of at most `width` columns; what is not JSON comes back as it is.

    A table of more than `few` rows cuts what is too wide for it.
    """
    try:
        value = json.loads(document)
    except ValueError:
        return document.rstrip("\n") + "\n"
    lines = _lines(value, width, few)
    return "\n".join(lines) + "\n" if lines else ""


def readable_output(output: str, width: int = 80) -> str:
    """Return output as it was kept, with the document that may stand at its end made readable, and nothing cut."""
    starts = [index for index in (output.find("\n{"), output.find("\n[")) if index >= 0]
    start = 0 if output[:1] in {"{", "["} else min(starts, default=-1) + 1 if starts else -1
    if start < 0:
        return output
    try:
        json.loads(output[start:])
    except ValueError:
        return output
    return output[:start] + readable(output[start:], width, few=_ROWS)


def _lines(value: object, width: int, few: int) -> list[str]:
    if isinstance(value, Mapping) and isinstance(value.get("error"), Mapping):
        return _error(value["error"], width)
    rows = _rows(value)
    if rows is not None:
        return _table(rows, width, few)
    if isinstance(value, Mapping):
        return _fields(value, width)
    return _wrap(json.dumps(value, ensure_ascii=False), width)


def _rows(value: object) -> Sequence[Mapping[str, object]] | None:
    """Return the rows where the value is a list of objects, or an object with exactly one list in it."""
    if isinstance(value, Mapping):
        lists = [part for part in value.values() if isinstance(part, list)]
        scalars = [name for name in value if name not in _HIDDEN and not isinstance(value[name], list)]
        value = lists[0] if len(lists) == 1 and not scalars else None
    if isinstance(value, list) and all(isinstance(row, Mapping) for row in value):
        return value
    return None


def _table(rows: Sequence[Mapping[str, object]], width: int, few: int) -> list[str]:
    if not rows:
        return ["(no rows)"]
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown = rows if len(rows) <= _ROWS else rows[-_ROWS:]
    cells = [list(names), *([_cell(row.get(name, ""), name) for name in names] for row in shown)]
    wanted = [max(len(line[index]) for line in cells) for index in range(len(names))]
    widths = _fit(wanted, width)
    in_lines = any("\n" in part for row in shown for part in row.values() if isinstance(part, str))
    if widths is None or in_lines or (widths != wanted and len(shown) <= few):
        return [line for row in shown for line in (*_fields(row, width), "")][:-1]
    lines = [
        _GAP.join(_cut(text, size).ljust(size) for text, size in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    lines.insert(1, _GAP.join("-" * size for size in widths))
    if len(shown) < len(rows):
        lines.append(f"(the last {len(shown)} of {len(rows)} rows)")
    return lines


def _fit(widths: Sequence[int], room: int) -> list[int] | None:
    """Narrow the widest columns until the table fits; None if it would need columns under eight characters."""
    room -= len(_GAP) * (len(widths) - 1)
    widths = list(widths)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=widths.__getitem__)
        if widths[widest] <= 8:
            return None
        widths[widest] -= 1
    return widths


def _fields(value: Mapping[str, object], width: int) -> list[str]:
    lines: list[str] = []
    for name, part in _flat(value):
        rows = _rows(part) if isinstance(part, list) and part else None
        if rows is not None:
            lines += [f"{name}:", *(f"    {line}" for line in _table(rows, max(width - 4, 20), _FEW))]
        elif isinstance(part, str) and "\n" in part:
            lines += [f"{name}:", *_block(part, width)]
        else:
            lines += _wrap(f"{name}: {_cell(part, name)}", width)
    return lines or [str(value.get("message", "(empty)"))]


def _flat(value: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield names and values, those of an object within under both names: `data.size`."""
    for name, part in value.items():
        if name in _HIDDEN:
            continue
        if isinstance(part, Mapping) and part:
            yield from ((f"{name}.{inner}", each) for inner, each in part.items())
        else:
            yield name, part


def _error(error: Mapping[str, object], width: int) -> list[str]:
    parts = [str(error.get(name)) for name in ("message", "suggestion") if error.get(name)]
    return [line for part in parts for text in part.splitlines() for line in _wrap(text, width)]


def _cell(value: object, name: str) -> str:
    """Return a value on one line; a moment as the platform counts it (`…_at` in ms, `…_unix` in s) as a person does."""
    seconds = value // 1000 if name.endswith("_at") and isinstance(value, int) else value
    if name.endswith(("_at", "_unix")) and isinstance(seconds, int) and seconds in _MOMENTS:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return value.replace("\n", " ") if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 2] + ".."


def _block(text: str, width: int) -> list[str]:
    """Return a text of several lines (a function's definition) with its own line breaks and indentation."""
    room = max(width - 4, 20)
    lines = [line.expandtabs(4).rstrip() for line in text.strip("\n").splitlines()]
    return [f"    {line[start : start + room]}" for line in lines for start in range(0, max(len(line), 1), room)]


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False) or [""]
