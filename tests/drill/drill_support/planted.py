"""Old mistakes of a migration guide, planted one at a time into a copy of the book, each with who must notice it.

The table is tests/drill/data/mutations.yaml; each of its mistakes is one that somebody made.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runbook.loading import PACKAGED_BOOK

__all__ = ["TABLE", "DoesNotFitError", "Planted", "changed", "lists_of", "plant", "planted", "rewritten"]

TABLE = Path(__file__).parents[1] / "data" / "mutations.yaml"

_Step = dict[str, Any]


class DoesNotFitError(Exception):
    """A mistake is to be made at something that the book no longer has; the table must follow the book."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One mistake: where, what is done to the YAML, and who must notice.

    `by` is `check`, `guide` (the map of the guide finds an item without a home), the name of a drill, or nobody in
    particular; `because` is a part of what it then says, so that nothing is taken for caught that fails for another
    reason.
    """

    procedure: str
    mistake: str
    change: dict[str, Any]
    by: str
    because: str
    drilled: str
    """The procedure whose drill `by` is: another one where the changed procedure is included there."""

    @property
    def id(self) -> str:
        """Name it for a report."""
        return f"{self.procedure}: {self.mistake}"


def planted() -> list[Planted]:
    """Read the table."""
    table = yaml.load(TABLE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return [_entry(procedure, dict(entry)) for procedure, entries in table.items() for entry in entries]


def _entry(procedure: str, entry: dict[str, Any]) -> Planted:
    told = {key: str(entry.pop(key, "")) for key in ("mistake", "by", "because", "in")}
    return Planted(procedure, told["mistake"], entry, told["by"], told["because"], told["in"] or procedure)


def plant(mistake: Planted, directory: Path) -> Path:
    """Write a book with that mistake into a directory that is not there yet, and return it."""
    document = changed(mistake)
    shutil.copytree(PACKAGED_BOOK, directory)
    _write(directory / "procedures" / f"{mistake.procedure}.yaml", document)
    return directory


def changed(mistake: Planted) -> dict[str, Any]:
    """Return the procedure with that mistake. Raises DoesNotFitError if the procedure no longer has the place."""
    document = deepcopy(_packaged(mistake.procedure))
    _change(document, deepcopy(mistake.change))
    return document


@cache
def _packaged(procedure: str) -> dict[str, Any]:
    return _read(PACKAGED_BOOK / "procedures" / f"{procedure}.yaml")


def rewritten(directory: Path) -> Path:
    """Write the packaged book as it is, each procedure through the same YAML writer, and return the directory."""
    shutil.copytree(PACKAGED_BOOK, directory)
    for file in (directory / "procedures").glob("*.yaml"):
        _write(file, _read(file))
    return directory


class _Writer(yaml.SafeDumper):
    """Writes no anchors: a book has none."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return document


def _write(file: Path, document: object) -> None:
    text = yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=10_000)
    file.write_text(text, encoding="utf-8")


# --- what is done -----------------------------------------------------------------------------------------------


def _change(document: dict[str, Any], change: dict[str, Any]) -> None:
    step = _step(document, change.pop("at")) if "at" in change else document
    for verb, what in change.items():
        if verb not in _VERBS:
            raise DoesNotFitError(f"no such change: {verb}")
        _VERBS[verb](document, step, what)


def _drop(document: dict[str, Any], _at: _Step, name: str) -> None:
    steps, place = _find(document, name)
    del steps[place]


def _swap(document: dict[str, Any], _at: _Step, names: tuple[str, str]) -> None:
    (first, one), (second, other) = (_find(document, name) for name in names)
    first[one], second[other] = second[other], first[one]


def _set(_document: dict[str, Any], at: _Step, parts: Mapping[str, object]) -> None:
    for path, value in parts.items():
        holder, key = _holder(at, path)
        holder[key] = value


def _unset(_document: dict[str, Any], at: _Step, paths: list[str]) -> None:
    for path in paths:
        holder, key = _holder(at, path)
        if key not in holder:
            raise DoesNotFitError(f"'{at.get('id')}' has no '{path}'")
        del holder[key]


def _replace(_document: dict[str, Any], at: _Step, texts: Mapping[str, tuple[str, str]]) -> None:
    for path, (old, new) in texts.items():
        holder, key = _holder(at, path)
        if old not in str(holder.get(key)):
            raise DoesNotFitError(f"'{at.get('id')}' has no '{old}' in '{path}'")
        holder[key] = str(holder[key]).replace(old, new)


_VERBS: Mapping[str, Callable[[dict[str, Any], _Step, Any], None]] = {
    "drop": _drop,
    "swap": _swap,
    "unset": _unset,
    "set": _set,
    "replace": _replace,
}


def _step(document: dict[str, Any], name: str) -> _Step:
    steps, place = _find(document, name)
    return steps[place]


def _find(document: dict[str, Any], name: str) -> tuple[list[_Step], int]:
    for steps in (document.get("before", []), *lists_of(document["steps"])):
        for place, step in enumerate(steps):
            if step["id"] == name:
                return steps, place
    raise DoesNotFitError(f"no step is called '{name}'")


def lists_of(steps: list[_Step]) -> Iterator[list[_Step]]:
    """Yield a list of steps and, one after the other, those within."""
    yield steps
    for step in steps:
        for inner in (*(option.get("steps", []) for option in step.get("choose", ())), step.get("steps", [])):
            yield from lists_of(inner)


def _holder(step: _Step, path: str) -> tuple[dict[str, Any], str]:
    """Return the mapping that holds the last part of a path such as `survey/2/sql`, and that part."""
    *way, key = path.split("/")
    holder: Any = step
    for part in way:
        place = int(part) if isinstance(holder, list) else part
        try:
            holder = holder[place]
        except (KeyError, IndexError):
            raise DoesNotFitError(f"'{step.get('id')}' has no '{path}'") from None
    return holder, key
