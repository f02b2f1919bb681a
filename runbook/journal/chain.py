"""The hash chain of a run: each event's hash covers the event and all events before it.

A changed byte breaks it, and so does a missing, added or moved event, including the last ones. It proves nothing
against someone who can write the file and recomputes the hashes; to prove more, keep the last hash elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from runbook.printable import one_line

__all__ = ["Damage", "Head", "Link", "hash_of", "problems", "start_of"]


@dataclass(frozen=True, slots=True)
class Link:
    """An event as it is stored: its JSON text in `body`, and the hash that was computed when it was recorded."""

    run: str
    number: int
    at: str
    body: bytes
    hash: str
    sequence: int = 0
    """Its number among the events of all runs; 0 if that isn't known."""


@dataclass(frozen=True, slots=True)
class Head:
    """A run's entry in the list of runs: how many events it has, and the hash of the last."""

    run: str
    events: int
    hash: str
    unproven: int = 0
    """How many of its first events were recorded by a version without hashes; their hashes were computed later."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something wrong in a journal. `run` is empty and `event` is 0 if it concerns none in particular."""

    run: str
    event: int
    what: str

    def __str__(self) -> str:
        """Render as `run RUN, event 3: what`, on one line, even if the run's name is damaged."""
        run = one_line(self.run)
        where = ", ".join([f"run {run}"] * bool(run) + [f"event {self.event}"] * bool(self.event))
        return f"{where}: {self.what}" if where else self.what


def start_of(run: str) -> str:
    """Return the seed for the hash of a run's first event, so that no chain fits another run."""
    return _digest("runbook journal, chain 1", run)


def hash_of(previous: str, run: str, number: int, at: str, body: bytes | str) -> str:
    """Return the hash of an event that follows the one with the hash `previous`."""
    return _digest(previous, run, str(number), at, body)


def problems(
    run: str, links: Sequence[Link], head: Head | None, *, first: int = 1, before: str = ""
) -> Iterator[Damage]:
    """Yield the damage in a run's events, which must be in the order of their numbers.

    Each is checked against the stored hash of the one before it, so one damaged event doesn't implicate all later ones.
    For the end of a run alone, `first` is the number of its first event, and `before` the hash of the one before it.
    """
    if head is None:
        yield Damage(run, 0, "its entry in the list of runs is missing or damaged")
    previous, expected = before or start_of(run), first
    for link in links:
        if link.number != expected:
            yield Damage(run, expected, _gap(expected, link.number))
        if link.hash != hash_of(previous, run, link.number, link.at, link.body):
            yield Damage(run, link.number, "it isn't what was recorded, or the event before it has changed")
        previous, expected = link.hash, link.number + 1
    if head is None:
        return
    if expected - 1 < head.events:
        yield Damage(run, expected, f"{_gap(expected, head.events + 1)}: the record has lost its end")
    elif expected - 1 > head.events:
        yield Damage(run, head.events + 1, "it was added after the run's last event")
    elif previous != head.hash:
        yield Damage(run, head.events, "it isn't the one that was recorded as the last")


def _gap(expected: int, found: int) -> str:
    if found <= expected:
        return "its number is out of order"
    return "it is missing" if found == expected + 1 else f"it and the next {found - expected - 1} are missing"


def _digest(*parts: str | bytes) -> str:
    digest = sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        # The length comes first, so two different lists of parts never give the same bytes.
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()
