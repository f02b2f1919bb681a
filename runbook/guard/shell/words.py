"""Expand words: nodes to the texts that a command gets, in all the ways that can be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from runbook.guard.shell.nodes import Chain, Opaque, ParameterPart, Part, ProcessPipe, Substitution, TextPart, Word
from runbook.guard.shell.parameters import Value, value_of
from runbook.guard.shell.state import ANY_LIST, Lists, ShellState, scalar
from runbook.guard.shell.texts import ANY, ANY_WORDS, UNKNOWN, Texts, concatenated, loose, plain, tight

__all__ = ["Runner", "expand_arithmetic", "expand_braces", "expand_text", "expand_words"]


# --- braces: `{a,b}` and `{1..3}` turn one word into several, before anything else is expanded -----------------------


_SEQUENCE = re.compile(r"^(?:(?=-?\d+\.\.-?\d)|(?=[A-Za-z]\.\.[A-Za-z]))(-?\w+)\.\.(-?\w+)(?:\.\.(-?\d+))?$")
_MOST = 256
_MOST_OPENINGS = 64  # beyond that finding the closing ones is quadratic, and nobody means it


def expand_braces(word: Word) -> list[Word]:
    """Return the words that a word stands for: itself, where it has no braces. At most 256."""
    openings = sum(part.value.count("{") for part in word if isinstance(part, TextPart) and not part.quoted)
    if openings == 0:
        return [word]
    if openings > _MOST_OPENINGS:
        return [(Opaque(()), *(part for part in word if not isinstance(part, TextPart)))]
    return [_joined(atoms) for atoms in _expand(_atoms(word))[:_MOST]]


def _atoms(word: Word) -> list[Part]:
    """Cut unquoted text into single characters, so that braces can be found across parts."""
    atoms: list[Part] = []
    for part in word:
        if isinstance(part, TextPart) and not part.quoted:
            atoms.extend(TextPart(character, quoted=False) for character in part.value)
        else:
            atoms.append(part)
    return atoms


def _is(atom: Part, character: str) -> bool:
    return isinstance(atom, TextPart) and not atom.quoted and atom.value == character


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
    if not all(isinstance(atom, TextPart) and not atom.quoted for atom in inside):
        return None
    match = _SEQUENCE.match("".join(atom.value for atom in inside if isinstance(atom, TextPart)))
    if match is None:
        return None
    return [[TextPart(item, quoted=False)] for item in _steps(match)], end


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
        if isinstance(atom, TextPart) and isinstance(last, TextPart) and atom.quoted == last.quoted:
            parts[-1] = TextPart(last.value + atom.value, atom.quoted)
        else:
            parts.append(atom)
    return tuple(parts)


# --- words -----------------------------------------------------------------------------------------------------------


_NAME = re.compile(r"[A-Za-z_]\w*")
_PATTERN = re.compile(r"\[[^\]]+\]|[*?]")
_MOST_LISTS = 24
_MOST_WORDS = 2000


class Runner(Protocol):
    """Runs what stands inside words."""

    def output(self, body: Chain, state: ShellState) -> Texts:
        """Run a command substitution and return what it may print."""

    def path_to(self, pipe: ProcessPipe, state: ShellState) -> str:
        """Run a process substitution and return the path that it is known by."""

    def evaluate(self, texts: Texts, state: ShellState) -> None:
        """Run what texts substitute that a shell expands once more."""


def expand_words(words: tuple[Word, ...], state: ShellState, runner: Runner) -> Lists:
    """Return the word lists that a command may get. Too many ways become words that can't be told."""
    lists: Lists = ((),)
    for written in words:
        for word in expand_braces(written):
            fields = _fields(word, state, runner)
            if len(lists) * len(fields) > _MOST_LISTS:
                fields = ANY_LIST
            lists = tuple(dict.fromkeys((*left, *right) for left in lists for right in fields))
    return lists if all(len(items) <= _MOST_WORDS for items in lists) else ANY_LIST


def expand_text(word: Word, state: ShellState, runner: Runner) -> Texts:
    """Return what a word may be where it stays one: assigned, redirected to, compared, fed as text."""
    texts: Texts = ("",)
    for part in word:
        if isinstance(part, TextPart):
            pieces: Texts = (tight(part.value),)
        else:
            pieces = tuple(tight(" ".join(items)) for items in _values(part, state, runner).lists)
        texts = concatenated(texts, pieces)
    return texts


def expand_arithmetic(word: Word, state: ShellState, runner: Runner) -> Texts:
    """Return what a word of an expression may be, and run what the values of the variables that it names substitute.

    Bash takes a variable's value for an expression again: with `a='x[$(reboot)]'`, `$((a))` reboots.
    """
    texts = expand_text(word, state, runner)
    todo, seen = list(texts), set[str]()
    while todo:
        text = todo.pop()
        runner.evaluate((text,), state)
        for name in set(_NAME.findall(text)) & state.variables.keys() - seen:
            seen.add(name)
            todo += state.variables[name].first()
    return texts


def _values(part: Part, state: ShellState, runner: Runner) -> Value:
    """Return what an expansion may give: lists of words, and whether they stay apart inside quotes."""
    if isinstance(part, Substitution):
        output = runner.output(part.body, state)
        return Value(tuple((text.rstrip("\n"),) for text in output), apart=False)
    if isinstance(part, ProcessPipe):
        return Value(((runner.path_to(part, state),),), apart=False)
    if isinstance(part, ParameterPart):
        expand = expand_arithmetic if part.operator == "slice" else expand_text
        operands = tuple(expand(operand, state, runner) for operand in part.operands)
        subscript = expand_arithmetic(part.subscript, state, runner) if part.subscript is not None else None
        return value_of(part, state, subscript, operands)
    if isinstance(part, Opaque):
        for inner in part.inner:
            expand_arithmetic(inner, state, runner)
        for name in part.sets:
            state.variables[name] = scalar(UNKNOWN)
    return Value((UNKNOWN,), apart=False)


class _Field:
    """A word list being built: finished words, and the one that goes on (None: not begun)."""

    def __init__(self, done: tuple[str, ...] = (), current: str | None = None) -> None:
        self.done = done
        self.current = current

    def plus(self, pieces: tuple[str | None, ...]) -> _Field:
        """Return this with pieces joined on; between two pieces a word ends."""
        done, current = self.done, self.current
        for number, piece in enumerate(pieces):
            if number and current is not None:
                done, current = (*done, current), None
            if piece is not None:
                current = (current or "") + piece
        return _Field(done, current)

    def words(self) -> tuple[str, ...]:
        """Return all words, the last one finished."""
        return self.done if self.current is None else (*self.done, self.current)


def _fields(word: Word, state: ShellState, runner: Runner) -> Lists:
    ways = [_Field()]
    for part in word:
        pieces = _pieces(part, state, runner)
        if len(ways) * len(pieces) > _MOST_LISTS:
            return ANY_LIST
        ways = [way.plus(piece) for way in ways for piece in pieces]
    return tuple(dict.fromkeys(way.words() for way in ways))


def _pieces(part: Part, state: ShellState, runner: Runner) -> list[tuple[str | None, ...]]:
    if isinstance(part, TextPart):
        return [(tight(part.value) if part.quoted else loose(_PATTERN.sub(ANY, part.value)),)]
    value = _values(part, state, runner)
    quoted = getattr(part, "quoted", True)
    if not quoted:
        return [_split(items, state) for items in value.lists]
    if not value.apart and "IFS" in state.variables and any(len(items) > 1 for items in value.lists):
        return [(ANY,)]  # "$*" joins by a separator of its own
    return [_kept(items, apart=value.apart) for items in value.lists]


def _kept(items: tuple[str, ...], *, apart: bool) -> tuple[str | None, ...]:
    """Inside quotes: `"$@"` keeps its words, everything else is one word."""
    if not apart:
        return (tight(" ".join(items)),)
    # An unknown number of words stays unknown even inside quotes.
    return tuple(item if item == ANY_WORDS else tight(item) for item in items) or (None,)


def _split(items: tuple[str, ...], state: ShellState) -> tuple[str | None, ...]:
    """Outside quotes: every text falls apart at the separators."""
    separators = _separators(state)
    if separators is None:
        return (ANY_WORDS,)
    pieces: list[str | None] = []
    for item in items:
        pieces += _split_one(loose(item), separators)
    return tuple(pieces) or (None,)


def _separators(state: ShellState) -> str | None:
    variable = state.variables.get("IFS")
    if variable is None:
        return " \t\n"
    texts = variable.first()
    return plain(texts[0]) if len(texts) == 1 and not set(texts[0]) & {ANY, ANY_WORDS} else None


def _split_one(text: str, separators: str) -> list[str | None]:
    if not text:
        return [None]
    if not separators:
        return [text]
    blanks = re.escape("".join(set(separators) & set(" \t\n")))
    others = re.escape("".join(set(separators) - set(" \t\n")))
    # A blank separator counts once however long; each other one ends a word, even an empty one.
    one = f"[{blanks}]*[{others}][{blanks}]*" if others and blanks else f"[{others}]" if others else ""
    pattern = "|".join(filter(None, [one, f"[{blanks}]+" if blanks else ""]))
    return [piece or None for piece in re.split(pattern, text)]
