"""Brace expansion: `{a,b}` and `{1..3}` turn one word into several, before anything else is expanded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook.guard.shell.nodes import Opaque, Part, Text, Word

__all__ = ["expand_braces"]

_SEQUENCE = re.compile(r"^(?:(?=-?\d+\.\.-?\d)|(?=[A-Za-z]\.\.[A-Za-z]))(-?\w+)\.\.(-?\w+)(?:\.\.(-?\d+))?$")
_MOST = 256
_MOST_OPENINGS = 64  # beyond that finding the closing ones is quadratic, and nobody means it


def expand_braces(word: Word) -> list[Word]:
    """Return the words that a word stands for: itself, where it has no braces. At most 256."""
    openings = sum(part.value.count("{") for part in word if isinstance(part, Text) and not part.quoted)
    if openings == 0:
        return [word]
    if openings > _MOST_OPENINGS:
        return [(Opaque(()), *(part for part in word if not isinstance(part, Text)))]
    return [_joined(atoms) for atoms in _expand(_atoms(word))[:_MOST]]


def _atoms(word: Word) -> list[Part]:
    """Cut unquoted text into single characters, so that braces can be found across parts."""
    atoms: list[Part] = []
    for part in word:
        if isinstance(part, Text) and not part.quoted:
            atoms.extend(Text(character, quoted=False) for character in part.value)
        else:
            atoms.append(part)
    return atoms


def _is(atom: Part, character: str) -> bool:
    return isinstance(atom, Text) and not atom.quoted and atom.value == character


def _expand(atoms: list[Part]) -> list[list[Part]]:
    for start, atom in enumerate(atoms):
        if not _is(atom, "{"):
            continue
        found = _alternatives(atoms, start)
        if found is None:
            continue
        choices, end = found
        rests = _expand(atoms[end + 1 :])
        heads = [head for choice in choices for head in _expand(choice)]
        return [atoms[:start] + head + rest for head in heads[:_MOST] for rest in rests[:_MOST]][:_MOST]
    return [atoms]


def _alternatives(atoms: list[Part], start: int) -> tuple[list[list[Part]], int] | None:
    """Find the choices of the brace that opens at `start`, and where it closes; None if it is no brace expansion."""
    depth = 0
    cuts = [start]
    for at in range(start, len(atoms)):
        depth += _is(atoms[at], "{") - _is(atoms[at], "}")
        if depth == 1 and _is(atoms[at], ","):
            cuts.append(at)
        if depth == 0:
            choices = [atoms[left + 1 : right] for left, right in zip(cuts, [*cuts[1:], at], strict=True)]
            return (choices, at) if len(choices) > 1 else _sequence(choices[0], at)
    return None


def _sequence(inside: list[Part], end: int) -> tuple[list[list[Part]], int] | None:
    if not all(isinstance(atom, Text) and not atom.quoted for atom in inside):
        return None
    match = _SEQUENCE.match("".join(atom.value for atom in inside if isinstance(atom, Text)))
    if match is None:
        return None
    return [[Text(item, quoted=False)] for item in _steps(match)], end


def _steps(match: re.Match[str]) -> Iterator[str]:
    first, last, step = match[1], match[2], abs(int(match[3] or 1)) or 1
    numbers = first.lstrip("-").isdigit()
    low, high = (int(first), int(last)) if numbers else (ord(first[0]), ord(last[0]))
    way = range(low, high + 1, step) if low <= high else range(low, high - 1, -step)
    for number in way[:_MOST]:
        yield str(number) if numbers else chr(number)


def _joined(atoms: list[Part]) -> Word:
    """Glue characters together again, so that a word has few parts."""
    parts: list[Part] = []
    for atom in atoms:
        last = parts[-1] if parts else None
        if isinstance(atom, Text) and isinstance(last, Text) and atom.quoted == last.quoted:
            parts[-1] = Text(last.value + atom.value, atom.quoted)
        else:
            parts.append(atom)
    return tuple(parts)
