"""Expand words from nodes to the texts that a command gets, in every way that is known."""

from __future__ import annotations

import re
from itertools import islice, product
from typing import TYPE_CHECKING

from runbook.guard.shell.nodes import Opaque, ParameterPart, Part, ProcessPipe, Substitution, TextPart, Word
from runbook.guard.shell.parameter_expansion import Value, value_of
from runbook.guard.shell.shell_state import ANY_LIST, Lists, ShellState, scalar
from runbook.guard.shell.texts import (
    ANY,
    ANY_WORDS,
    UNKNOWN,
    Texts,
    bounded,
    concatenated,
    loose,
    plain,
    tight,
    without_patterns,
)

if TYPE_CHECKING:
    from runbook.guard.shell.shell_machine import Machine

__all__ = ["expand_arithmetic", "expand_text", "expand_words"]


# --- braces: `{a,b}` and `{1..3}` turn one word into several, before anything else is expanded -----------------------


_SEQUENCE = re.compile(r"^(?:(?=-?\d+\.\.-?\d)|(?=[A-Za-z]\.\.[A-Za-z]))(-?\w+)\.\.(-?\w+)(?:\.\.(-?\d+))?$")
_MOST = 256
_MOST_OPENINGS = 64  # beyond that, finding the closing ones is quadratic, and nobody writes that on purpose


def expand_braces(word: Word) -> list[Word]:
    """Return the words that a word expands to, at most 256. A word without braces expands to itself."""
    openings = sum(part.value.count("{") for part in word if isinstance(part, TextPart) and not part.quoted)
    if openings == 0:
        return [word]
    if openings > _MOST_OPENINGS:
        return [(Opaque(()), *(part for part in word if not isinstance(part, TextPart)))]
    # Single characters, so that a brace is found whatever stands before its end: `{a,$x}`, `{a,'b c'}`.
    atoms: list[Part] = []
    for part in word:
        if isinstance(part, TextPart) and not part.quoted:
            atoms.extend(TextPart(character, quoted=False) for character in part.value)
        else:
            atoms.append(part)
    return [_joined(expanded) for expanded in _expand(atoms)]


def _expand(atoms: list[Part]) -> list[list[Part]]:
    for start, atom in enumerate(atoms):
        found = _alternatives(atoms, start) if atom == _OPENING else None
        if found is not None:
            choices, end = found
            rests = _expand(atoms[end + 1 :])
            heads = list(islice((head for choice in choices for head in _expand(choice)), _MOST))
            # Limit the pairs while they are created: two long sequences have too many for memory.
            return [atoms[:start] + head + rest for head, rest in islice(product(heads, rests), _MOST)]
    return [atoms]


_OPENING, _CLOSING, _COMMA = (TextPart(character, quoted=False) for character in "{},")


def _alternatives(atoms: list[Part], start: int) -> tuple[list[list[Part]], int] | None:
    """Return the choices of the brace that opens at `start`, and where it closes; None if it isn't an expansion."""
    depth = 0
    cuts = [start]
    for at in range(start, len(atoms)):
        depth += (atoms[at] == _OPENING) - (atoms[at] == _CLOSING)
        if depth == 1 and atoms[at] == _COMMA:
            cuts.append(at)
        if depth == 0:
            choices = [atoms[left + 1 : right] for left, right in zip(cuts, [*cuts[1:], at], strict=True)]
            return (choices, at) if len(choices) > 1 else _sequence(choices[0], at)
    return None


def _sequence(inside: list[Part], end: int) -> tuple[list[list[Part]], int] | None:
    """Return the words of `{1..9..2}` or `{a..e}`."""
    texts = [atom.value for atom in inside if isinstance(atom, TextPart) and not atom.quoted]
    match = _SEQUENCE.match("".join(texts)) if len(texts) == len(inside) else None
    if match is None:
        return None
    first, last, step = match[1], match[2], abs(int(match[3] or 1)) or 1
    numbers = first.lstrip("-").isdigit()
    low, high = (int(first), int(last)) if numbers else (ord(first[0]), ord(last[0]))
    way = range(low, high + 1, step) if low <= high else range(low, high - 1, -step)
    return [[TextPart(str(each) if numbers else chr(each), quoted=False)] for each in way[:_MOST]], end


def _joined(atoms: list[Part]) -> Word:
    """Join characters again, so that a word has few parts."""
    parts: list[Part] = []
    for atom in atoms:
        last = parts[-1] if parts else None
        if isinstance(atom, TextPart) and isinstance(last, TextPart) and atom.quoted == last.quoted:
            parts[-1] = TextPart(last.value + atom.value, atom.quoted)
        else:
            parts.append(atom)
    return tuple(parts)


# --- words -----------------------------------------------------------------------------------------------------------


_NAME = re.compile(r"[A-Za-z_]\w*")
# As in the state: paths multiply with each unquoted variable.
_MOST_LISTS = 24
_MOST_WORDS = 2000
_WORDS_PER_UNIT = 64
_LETTERS_PER_UNIT = 1024


def expand_words(words: tuple[Word, ...], state: ShellState, machine: Machine) -> Lists:
    """Return the word lists that a command may get. If there are too many, the words become unknown."""
    lists: Lists = ((),)
    is_too_long = False
    for written in words:
        for word in expand_braces(written):
            # Each word copies those before it.
            machine.spend(1 + sum(map(len, lists)) // _WORDS_PER_UNIT)
            fields = _fields(word, state, machine)
            # If one word has too many readings, it becomes unknown, and the others stay known.
            if len(lists) * len(fields) > _MOST_LISTS:
                fields = ANY_LIST
            # Beyond the limit no word is known, but every substitution in them still runs.
            if not is_too_long:
                lists = tuple(dict.fromkeys((*left, *right) for left in lists for right in fields))
                is_too_long = any(len(items) > _MOST_WORDS for items in lists)
    return ANY_LIST if is_too_long else lists


def expand_text(word: Word, state: ShellState, machine: Machine) -> Texts:
    """Return what a word may be if it stays one word: assigned, redirected to, compared, fed as text."""
    texts: Texts = ("",)
    for part in word:
        if isinstance(part, TextPart):
            # An unknown part can't become several words if there is only one.
            pieces: Texts = (tight(part.value),)
        else:
            pieces = tuple(tight(" ".join(items)) for items in _values(part, state, machine).lists)
        # Each part copies the text before it.
        machine.spend(sum(map(len, texts)) // _LETTERS_PER_UNIT)
        texts = concatenated(texts, pieces)
    return texts


def expand_arithmetic(word: Word, state: ShellState, machine: Machine) -> Texts:
    """Return what a word of an expression may be, and run what the values of the variables that it names substitute.

    Bash takes a variable's value for an expression again: with `a='x[$(reboot)]'`, `$((a))` reboots.
    """
    texts = expand_text(word, state, machine)
    todo, seen = list(texts), set[str]()
    while todo:
        text = todo.pop()
        machine.evaluate((text,), state)
        for name in set(_NAME.findall(text)) & state.variables.keys() - seen:
            seen.add(name)
            todo += state.variables[name].first()
    return texts


def _values(part: Part, state: ShellState, machine: Machine) -> Value:
    """Return what an expansion may give: lists of words, and whether they stay apart inside quotes."""
    if isinstance(part, Substitution):
        output = machine.output(part.body, state)
        # A substitution drops the newlines at the end.
        return Value(tuple((text.rstrip("\n"),) for text in output), apart=False)
    if isinstance(part, ProcessPipe):
        return Value(((machine.path_to(part, state),),), apart=False)
    if isinstance(part, ParameterPart):
        expand = expand_arithmetic if part.operator == "slice" else expand_text
        operands = tuple(expand(operand, state, machine) for operand in part.operands)
        subscript = expand_arithmetic(part.subscript, state, machine) if part.subscript is not None else None
        return value_of(part, state, subscript, operands)
    if isinstance(part, Opaque):
        for inner in part.inner:
            expand_arithmetic(inner, state, machine)
        for name in part.sets:
            state.variables[name] = scalar(UNKNOWN)
    return Value((UNKNOWN,), apart=False)


_Pieces = tuple[str | None, ...]
"""What one part adds to a word list: between two pieces a word ends; None adds nothing, but may end a word."""


def _fields(word: Word, state: ShellState, machine: Machine) -> Lists:
    """Return the word lists that one written word may become: `a"$x"$y` is one word, or several, or none."""
    # In each way: the finished words, and the one that goes on (None: not begun).
    ways: list[tuple[tuple[str, ...], str | None]] = [((), None)]
    for part in word:
        choices = _pieces(part, state, machine)
        if len(ways) * len(choices) > _MOST_LISTS:
            return ANY_LIST
        machine.spend(sum(len(piece or "") for pieces in choices for piece in pieces) // _LETTERS_PER_UNIT)
        ways = [_joined_on(*way, pieces) for way in ways for pieces in choices]
    return tuple(dict.fromkeys(done if current is None else (*done, current) for done, current in ways))


def _joined_on(done: tuple[str, ...], current: str | None, pieces: _Pieces) -> tuple[tuple[str, ...], str | None]:
    for number, piece in enumerate(pieces):
        if number and current is not None:
            done, current = (*done, current), None
        if piece is not None:
            current = bounded((current or "") + piece)
    return done, current


def _pieces(part: Part, state: ShellState, machine: Machine) -> list[_Pieces]:
    """Return what a part adds, in each way that it may be expanded."""
    if isinstance(part, TextPart):
        return [(tight(part.value) if part.quoted else loose(without_patterns(part.value)),)]
    value = _values(part, state, machine)
    if not getattr(part, "quoted", True):
        return [_split(items, state) for items in value.lists]
    if value.apart:  # `"$@"` keeps its words; an unknown number of them stays unknown even inside quotes
        return [tuple(each if each == ANY_WORDS else tight(each) for each in items) or (None,) for items in value.lists]
    if "IFS" in state.variables and any(len(items) > 1 for items in value.lists):
        return [(ANY,)]  # "$*" joins by a separator of its own
    return [(tight(" ".join(items)),) for items in value.lists]


def _split(items: tuple[str, ...], state: ShellState) -> _Pieces:
    """Split texts outside quotes at the separators. An unknown separator may split anywhere."""
    separators = " \t\n"
    if "IFS" in state.variables:
        texts = state.variables["IFS"].first()
        if len(texts) != 1 or set(texts[0]) & {ANY, ANY_WORDS}:
            return (ANY_WORDS,)
        separators = plain(texts[0])
    blanks = re.escape("".join(set(separators) & set(" \t\n")))
    others = re.escape("".join(set(separators) - set(" \t\n")))
    # A blank separator counts once however long; each other one ends a word, even an empty one.
    one = f"[{blanks}]*[{others}][{blanks}]*" if others and blanks else f"[{others}]" if others else ""
    pattern = "|".join(filter(None, [one, f"[{blanks}]+" if blanks else ""]))
    pieces: list[str | None] = []
    for item in map(loose, items):
        pieces += [piece or None for piece in re.split(pattern, item)] if pattern else [item or None]
    return tuple(pieces) or (None,)
