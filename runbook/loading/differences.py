"""Compare what a team's changes rest on with what was pinned, and pin it anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from runbook.errors import BookError
from runbook.loading.files import read_file, shown_name
from runbook.loading.overlay import pinned_names
from runbook.loading.pins import Pin, bases_of, difference_from, pin_of, read_pins
from runbook.loading.place import PACKAGED_BOOK
from runbook.loading.records import Record
from runbook.loading.shapes import SHAPES

__all__ = ["Difference", "find_differences", "pins_after"]

_Pins = dict[str, dict[str, Pin]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A packaged step or key that isn't as pinned. `before` is None if it's new, `now` if it's gone."""

    procedure: str
    name: str
    said: str
    before: Pin | None
    now: Pin | None

    @property
    def lines(self) -> Iterator[str]:
        """The difference in the form of `diff -u`, nothing for what is only pinned for the first time or was moved."""
        was, now = self.before.text if self.before else "", self.now.text if self.now else ""
        if self.before:
            heads = (f"{self.procedure}, {self.name}, as pinned", f"{self.procedure}, {self.name}, now")
            yield from unified_diff(was.splitlines(), now.splitlines(), *heads, lineterm="")


def find_differences(book: Path) -> tuple[Difference, ...]:
    """Return everything under a team's changes that isn't as pinned. Raises BookError if a file can't be read."""
    pins = read_pins(book, shown_name(book))
    found = []
    for procedure, own, packaged in _changed_procedures(book):
        bases = bases_of(packaged)
        for name in pinned_names(own):
            base, pin = bases.get(name), pins.get(procedure, {}).get(name)
            if said := difference_from(pin, base, bases):
                found.append(Difference(procedure, name, said, pin, pin_of(base) if base else None))
    return tuple(found)


def pins_after(book: Path, accepted: Iterable[Difference]) -> _Pins:
    """Return all pins of a book with the accepted differences. Pins that no change rests on any more are left out."""
    pins, after = read_pins(book, shown_name(book)), _Pins()
    for procedure, own, _ in _changed_procedures(book):
        known: Mapping[str, Pin] = pins.get(procedure, {})
        after[procedure] = {name: known[name] for name in pinned_names(own) if name in known}
    for one in accepted:
        if one.now:
            after[one.procedure][one.name] = one.now
    return after


def _changed_procedures(book: Path) -> Iterator[tuple[str, Record, Record]]:
    """Yield the id of each procedure that a team changes, with their changes and the packaged procedure."""
    findings = []
    for path in sorted((book / "changes").glob("*.yaml")):
        packaged = PACKAGED_BOOK / "procedures" / path.name
        own = read_file(path, f"{shown_name(book)}/changes/{path.name}", "changes", SHAPES)
        findings += own.findings
        if own.record is None or not packaged.is_file():
            continue  # `runbook check` reports a change of a procedure that doesn't exist
        base = read_file(packaged, f"{shown_name(PACKAGED_BOOK)}/procedures/{path.name}", "procedure", SHAPES)
        findings += base.findings
        if base.record is not None:
            yield path.stem, own.record, base.record
    if findings:
        raise BookError(findings)
