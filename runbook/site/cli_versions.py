"""Merge what there is to do on each CLI major: show common parts once, and separate only the words that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from runbook.steps import view
from runbook.steps.view import Block

__all__ = ["Apart", "CommandVersions", "Readings", "Shared", "Words", "merged"]


@dataclass(frozen=True, slots=True)
class Shared:
    """A block that is the same on every major."""

    block: Block


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a command. `label` names the only major that has them; it is empty if all majors do."""

    label: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommandVersions:
    """One command on every major, as runs of words; `lead` says what it is for."""

    lead: str
    runs: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Readings:
    """Looks taken in parallel: for each, the title, the only major that takes it, and how it is taken."""

    looks: tuple[tuple[str, str, tuple[Version, ...]], ...]


@dataclass(frozen=True, slots=True)
class Apart:
    """Blocks that differ in more than the words of a command, by the label of the major."""

    versions: tuple[tuple[str, tuple[Block, ...]], ...]


Version = Shared | CommandVersions | Readings | Apart


def merged(versions: Mapping[str, Sequence[Block]]) -> Iterator[Version]:
    """Yield the blocks of all majors, given by label, in reading order."""
    lists = list(versions.values())
    kinds = {tuple(map(type, blocks)) for blocks in lists}
    if len(kinds) == 1 and len(lists) <= _COMPARED:
        for blocks in zip(*lists, strict=True):
            yield _merged_block(dict(zip(versions, blocks, strict=True)))
    elif all(blocks == lists[0] for blocks in lists):
        yield from map(Shared, lists[0])
    else:
        yield Apart(tuple((label, tuple(blocks)) for label, blocks in versions.items()))


_COMPARED = 2
"""How many majors to compare word by word; if there are more, each has its own command."""


def _merged_block(versions: Mapping[str, Block]) -> Version:
    blocks = tuple(versions.values())
    first, other = blocks[0], blocks[-1]
    match first, other:
        case _ if first == other:
            return Shared(first)
        case view.CommandToRun(), view.CommandToRun() if first.lead == other.lead:
            return CommandVersions(first.lead, tuple(_runs(tuple(versions), first.argv, other.argv)))
        case view.Looks(), view.Looks():
            return Readings(tuple(_looks(tuple(versions), first, other)))
        case _:
            return Apart(tuple((label, (block,)) for label, block in versions.items()))


def _looks(
    labels: Sequence[str], first: view.Looks, other: view.Looks
) -> Iterator[tuple[str, str, tuple[Version, ...]]]:
    ours, theirs = ({one.title: one.blocks for one in looks.readings} for looks in (first, other))
    for title in (*ours, *(title for title in theirs if title not in ours)):
        taken = {label: each[title] for label, each in ((labels[0], ours), (labels[-1], theirs)) if title in each}
        yield title, "" if len(taken) > 1 else next(iter(taken)), tuple(merged(taken))


def _runs(labels: Sequence[str], first: tuple[str, ...], other: tuple[str, ...]) -> Iterator[Words]:
    """Yield runs of words that both commands have, and runs that only one of them has."""
    for kind, begin, end, other_begin, other_end in SequenceMatcher(None, first, other, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Words("", first[begin:end])
            continue
        if begin < end:
            yield Words(labels[0], first[begin:end])
        if other_begin < other_end:
            yield Words(labels[-1], other[other_begin:other_end])
