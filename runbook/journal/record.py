"""The record of runs: everything in a journal or an export that can be read, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from runbook.errors import JournalError
from runbook.journal.chain import Damage, Head, Link, problems
from runbook.journal.codec import from_json
from runbook.journal.events import Event

__all__ = ["Contents", "findings_in", "from_lines", "last_event", "replay", "to_lines"]


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything in a journal that can be read; `unreadable` names the rest."""

    links: Sequence[Link]
    heads: Mapping[str, Head]
    unreadable: Sequence[Damage] = ()

    @property
    def runs(self) -> Sequence[str]:
        """Every run that has an entry or an event, oldest first."""
        return tuple(dict.fromkeys((*self.heads, *(link.run for link in self.links))))

    @property
    def unproven(self) -> int:
        """How many events were recorded by a version without hashes."""
        return sum(max(0, head.unproven) for head in self.heads.values())

    def by_run(self) -> Mapping[str, Sequence[Link]]:
        """Return each run's events in the order of their numbers."""
        found: dict[str, list[Link]] = {run: [] for run in self.runs}
        for link in sorted(self.links, key=lambda link: link.number):
            found[link.run].append(link)
        return found

    def findings(self) -> Iterator[Damage]:
        """Yield the damage, run by run."""
        yield from self.unreadable
        for run, links in self.by_run().items():
            yield from findings_in(run, links, self.heads.get(run))


def findings_in(run: str, links: Sequence[Link], head: Head | None) -> Iterator[Damage]:
    """Yield what is wrong with one run: the damage, or else the events that this version can't read."""
    found = list(problems(run, links, head))
    yield from found
    yield from () if found else _unknown_events(run, links)


def last_event(head: Head, link: Link | None, before: str) -> Event | None:
    """Return the event that ends a run, None if it can't be read or isn't the one that was recorded as the last.

    `before` is the stored hash of the event before it; empty if it's the first.
    """
    found = problems(head.run, [] if link is None else [link], head, before=before, first=head.events)
    if link is None or next(found, None) is not None:
        return None
    try:
        return from_json(link.body.decode())
    except (JournalError, ValueError):
        return None


def _unknown_events(run: str, links: Iterable[Link]) -> Iterator[Damage]:
    for link in links:
        try:
            from_json(link.body.decode())
        except (JournalError, ValueError) as error:
            yield Damage(run, link.number, f"it is as it was recorded, but {error}")


def replay(run: str, links: Sequence[Link], head: Head | None) -> Sequence[Event]:
    """Return a run's events in order. Raises JournalError if there is no such run, or its record is damaged."""
    if not links and head is None:
        raise JournalError(f"there is no run called '{run}'", hint="`runbook history` lists them all.")
    found = next(problems(run, links, head), None)
    if found is not None:
        raise JournalError(
            f"the record of run {run} is damaged: {found}",
            hint=f"It can't be resumed. `runbook journal check` names all damage. "
            f"`runbook journal export {run}` prints what can be read.",
        )
    return tuple(from_json(link.body.decode()) for link in links)


# --- lines of JSON ------------------------------------------------------------------------------------------------


def to_lines(record: Contents, runs: Iterable[str]) -> Iterator[str]:
    """Yield a line of JSON for each event, and after the last event of a run a line for the end of its chain.

    That line has a digest of all of them, because hashes don't cover what isn't part of an event, such as `sequence`.
    """
    by_run = record.by_run()
    for run in runs:
        lines = [_line(link) for link in by_run.get(run, ())]
        yield from lines
        head = record.heads.get(run)
        if head is not None:
            end = {"run": run, "events": head.events, "head": head.hash, "unproven": head.unproven}
            yield json.dumps({**end, "lines": _digest(lines, head)})


def _line(link: Link) -> str:
    body = link.body.decode("utf-8", "surrogateescape")
    return json.dumps(
        {"run": link.run, "number": link.number, "at": link.at, "body": body, "hash": link.hash}
        | {"sequence": link.sequence}
    )


def _digest(lines: Iterable[str], head: Head) -> str:
    return sha256("\n".join([*lines, str(head.unproven)]).encode("utf-8", "surrogateescape")).hexdigest()


def from_lines(lines: Iterable[str]) -> Contents:
    """Return the record that `to_lines` wrote; `unreadable` lists the lines that it can't have written."""
    links: list[Link] = []
    heads: dict[str, Head] = {}
    unreadable: list[Damage] = []
    read: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        try:
            said = json.loads(line)
            if "body" in said:
                run, event, at, body, hashed, sequence = _values(said, _EVENT)
                read.setdefault(run, []).append(line)
                links.append(Link(run, event, at, body.encode("utf-8", "surrogateescape"), hashed, sequence))
            else:
                *end, digest = _values(said, _END)
                head = heads[end[0]] = Head(*end)
                if digest != _digest(read.get(head.run, ()), head):
                    unreadable.append(Damage(head.run, 0, "the lines of the export aren't those that were written"))
        except (ValueError, KeyError, TypeError, RecursionError):
            unreadable.append(Damage("", 0, f"line {number} isn't from an export"))
    return Contents(links, heads, unreadable)


_EVENT = {"run": str, "number": int, "at": str, "body": str, "hash": str, "sequence": int}
_END = {"run": str, "events": int, "head": str, "unproven": int, "lines": str}


def _values(said: Mapping[str, Any], kinds: Mapping[str, type]) -> list[Any]:
    """Return the values in the order of `kinds`. Raises KeyError, and TypeError for a value of another type."""
    values = [said[name] for name in kinds]
    if [type(value) for value in values] != list(kinds.values()):
        raise TypeError
    return values
