"""What a team's changes were written for: each packaged step or text that they rest on, as it was then."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from runbook.errors import BookError, Finding
from runbook.loading.records import Record

__all__ = ["PINS", "Base", "Pin", "bases_of", "difference_from", "pin_of", "plain", "read_pins", "write_pins"]

PINS = "pins.json"
"""The file in `changes/`; `runbook upgrade` writes it."""

_MOVED = "was moved within the procedure"


@dataclass(frozen=True, slots=True)
class Base:
    """One thing in a packaged procedure: a step by its id, or the text of a key.

    `value` is what it contains, as YAML has it. `place` says where a step is: the step that it's part of, the one
    before it and the one after it, "" for none. A text has no place.
    """

    name: str
    value: Any
    place: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """A base as it was when the team wrote a change for it. `text` is YAML for people, `digest` decides."""

    digest: str
    text: str
    place: tuple[str, str, str] | None


def bases_of(procedure: Record) -> Mapping[str, Base]:
    """Return every step of a packaged procedure by its id, and every key's value as `key: NAME`."""
    found = {base.name: base for base in _steps(procedure, "")}
    keys = {f"key: {name}": Base(f"key: {name}", plain(value)) for name, value in procedure.values.items()}
    return {**found, **keys}


def _steps(value: object, parent: str) -> Iterator[Base]:
    """Yield each step in a value, and those inside it."""
    if isinstance(value, Record):
        inside = str(value.values["id"]) if value.shape.name == "step" else parent
        for each in value.values.values():
            yield from _steps(each, inside)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _steps(each, parent)
    elif isinstance(value, tuple):
        ids = ["", *(_id_of(each) for each in value), ""]
        for number, each in enumerate(value, 1):
            if ids[number]:
                yield Base(ids[number], plain(each), (parent, ids[number - 1], ids[number + 1]))
            yield from _steps(each, parent)


def _id_of(value: object) -> str:
    return str(value.values["id"]) if isinstance(value, Record) and value.shape.name == "step" else ""


def plain(value: object) -> Any:
    """Return a value of a record as plain data, in the order of the file."""
    match value:
        case Record():
            return {name: plain(each) for name, each in value.values.items()}
        case dict():
            return {str(name): plain(each) for name, each in value.items()}
        case tuple():
            return [plain(each) for each in value]
        case str() | int() | float():
            return value
    return str(value)  # a date


def pin_of(base: Base) -> Pin:
    """Return the pin of a base as it is now."""
    return Pin(_digest(base.value), _as_yaml(base.value), base.place)


def _as_yaml(value: Any) -> str:
    """Return a value as YAML for people: SQL and other texts of several lines keep their lines."""
    import yaml  # only when something is pinned

    class Dumper(yaml.SafeDumper):
        pass

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)

    Dumper.add_representer(str, text)
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def difference_from(pin: Pin | None, base: Base | None, others: Mapping[str, Base]) -> str:
    """Return how a base differs from its pin, in a few words; "" if it doesn't. `others` are all bases there are now.

    None as `pin` means that nothing was pinned, as `base` that the packaged procedure doesn't have it (any more).
    """
    if base is None:
        renamed = pin and next((each.name for each in others.values() if _is_same_but_id(each, pin)), "")
        now = f"; it seems to be called '{renamed}' now" if renamed else ""
        return f"is gone from the packaged procedure{now}" if pin else "isn't in the packaged procedure"
    if pin is None:
        return "isn't pinned yet"
    if _digest(base.value) != pin.digest:
        return "has changed in the packaged procedure"
    return _MOVED if _has_moved(base, pin) else ""


def _has_moved(base: Base, pin: Pin) -> bool:
    """Tell whether a step is in another one, or has neither of its neighbours any more."""
    if base.place is None or pin.place is None or base.place == pin.place:
        return False
    (parent, before, after), (old_parent, old_before, old_after) = base.place, pin.place
    return parent != old_parent or (before != old_before and after != old_after)


def _is_same_but_id(base: Base, pin: Pin) -> bool:
    import yaml

    was = yaml.safe_load(pin.text)
    return (
        isinstance(was, dict)
        and isinstance(base.value, dict)
        and {**was, "id": ""} == json.loads(json.dumps({**base.value, "id": ""}))
    )


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()


# --- the file -----------------------------------------------------------------------------------------------------


def read_pins(book: Path, shown: str) -> Mapping[str, Mapping[str, Pin]]:
    """Return the pins of a team's book by procedure and base. Raises BookError if the file is damaged."""
    try:
        data = json.loads((book / "changes" / PINS).read_text(encoding="utf-8"))
        return {
            procedure: {name: Pin(pin["digest"], pin["text"], _place(pin.get("place"))) for name, pin in pins.items()}
            for procedure, pins in data.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        message = f"can't be read as pins ({error}); restore it from git, or delete it and run `runbook upgrade`"
        raise BookError([Finding(f"{shown}/changes/{PINS}", 1, 1, message)]) from error


def _place(value: Any) -> tuple[str, str, str] | None:
    return None if value is None else (str(value[0]), str(value[1]), str(value[2]))


def write_pins(book: Path, pins: Mapping[str, Mapping[str, Pin]]) -> Path:
    """Write all pins of a team's book and return the file, which isn't touched if it has these. Raises OSError."""
    data = {
        procedure: {
            name: {"digest": pin.digest, **({"place": pin.place} if pin.place else {}), "text": pin.text}
            for name, pin in sorted(each.items())
        }
        for procedure, each in sorted(pins.items())
        if each
    }
    file = book / "changes" / PINS
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n" if data else ""
    if text == (file.read_text(encoding="utf-8") if file.exists() else ""):
        return file
    beside = file.with_name(f".{PINS}.new")
    beside.write_text(text or "{}\n", encoding="utf-8")
    beside.replace(file)
    return file
