"""Make text show what it contains: a character that a reader can't see, or would mistake, is shown as its number.

The only allow-list is here: letters, digits, punctuation, symbols, the plain space, and line ends. Everything else is
written as `<U+202E>`: control characters, invisible ones, marks that reverse text, other spaces, piles of accents, and
letters of another script that look Latin, inside a Latin name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

__all__ = [
    "counted",
    "described",
    "is_plain_lines",
    "json_text",
    "lines_of",
    "one_line",
    "printable",
    "shortened",
    "span",
    "spelled_out",
    "suspect",
]

_PLAIN = re.compile(
    r"[\n -~\u00a1-\u00ac\u00ae-\u017e\u2010-\u2023\u2025-\u2027\u2190-\u2214\u2216-\u2235\u2237-\u2426\u2500-\u27bf]*"
)
"""Characters that need no closer look: ASCII, Europe's Latin letters, dashes, quotes, arrows, the lines of boxes."""
_NOT_ASCII = re.compile(r"[^ -~]")
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\ufffc\U0001d159")
"""Characters that count as letters, marks or symbols but are invisible."""
_TWINS = frozenset("\u01c0\u01c3\u0251\u0261\u017f\u037e\u1fef\u2024\u2044\u212a\u2215\u2236\u29f8\ua789\ua78c")
"""Characters that no word needs and that look like a Latin letter, or like the dot, slash or colon of an address."""
_LOOK_LATIN = frozenset("аеорсухѕіјѵһԁԛԝӏгпкАВЕЗКМНОРСТУХЅІЈЬҮԀԚԜӀΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορυχϲϳϹ")
"""Cyrillic and Greek letters that look like Latin ones. Other Greek letters are common in units and formulas."""
_SCRIPTS = ("ARMENIAN", "CHEROKEE", "COPTIC", "FULLWIDTH LATIN", "LISU", "MATHEMATICAL", "CYRILLIC")
"""How the Unicode names of letters foreign to a Latin word begin; all but the last count as look-alikes."""
_MOST_MARKS = 3
"""The most accents that any language puts on one letter. A pile of them would cover the lines around it."""
_JOINER, _SELECTORS = "\u200d", "\ufe0e\ufe0f"
_WORD = re.compile(r"[^\W_](?:\w*[^\W_])?|_+")
_NAME = re.compile(r"[\w./:@-]+")
_NAMES = {"\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN", "\x00": "NULL", "\x1b": "ESCAPE"}
"""Names of control characters, which have none in Unicode."""


_OF_PLAIN_LINES = bytes(range(0x20, 0x7F)) + b"\n"


@lru_cache(maxsize=1)  # more than one asks for the same text
def is_plain_lines(text: str) -> bool:
    """Return whether a text has nothing but printable ASCII, in lines. It is quicker than a pattern."""
    if not text.isascii():
        return False
    others = text.encode("ascii").translate(None, _OF_PLAIN_LINES)
    return not others.strip(b"\r") and len(others) == text.count("\r\n")


def printable(text: str) -> str:
    """Return the text in printable form: in lines, with a tab as four spaces."""
    return _rewritten(text.replace("\r\n", "\n").replace("\t", "    "), lambda one: f"<U+{ord(one):04X}>")


def one_line(text: str) -> str:
    """Return the text as one printable line."""
    return printable(re.sub(r"(?:[ \t\n]|\r\n)+", " ", text).strip(" "))


def lines_of(text: str) -> list[str]:
    """Return the lines of a text. Only a line feed ends one, as in a file."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []


def shortened(text: str, longest: int) -> str:
    """Return a text of at most `longest` characters: one that is longer ends after a word, with `…`."""
    if len(text) <= longest:
        return text
    room = text[: longest - 1]
    words = room.rpartition(" ")[0]
    # A single long word, such as an address, is cut where the room ends.
    return f"{words if len(words) > longest // 2 else room[:-1]} …"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 event`, `2 events`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def span(seconds: float) -> str:
    """Return a duration in a person's words: `12 s`, `4 min`, `2 h 05 min`, `3 days`."""
    if seconds < 100:
        return f"{seconds:.1f} s" if 0.05 <= seconds < 9.95 else f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} days"


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON that shows what it contains and reads back as the same value."""
    return _rewritten(json.dumps(value, indent=indent, ensure_ascii=False, default=list), _escaped)


def suspect(text: str, *, allowed: str = "") -> str:
    """Return the number and name of the first character that isn't what it looks like, "" if there is none.

    Names, values and words of commands must not contain one. `allowed` lists the control characters that may occur.
    """
    if _NOT_ASCII.search(text) is None:
        return ""
    kept = "".join(" " if one in allowed else one for one in text)
    places = [kept.index("\n")] if "\n" in kept else []
    places += _hidden(kept)
    return described(kept[min(places)]) if places else ""


def described(character: str) -> str:
    """Return the number and name of a character: `U+0430 CYRILLIC SMALL LETTER A`."""
    return f"U+{ord(character):04X} {_name(character) or _NAMES.get(character, '')}".rstrip()


def spelled_out(word: str) -> str:
    """Return the numbers of a word's letters if it looks Latin but isn't, "" otherwise."""
    letters = [one for one in word if one.isalpha()]
    looks_latin = bool(letters) and all(_is_twin(one) for one in letters)
    return " ".join(f"U+{ord(one):04X}" for one in letters) if looks_latin else ""


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]


def _rewritten(text: str, write: Callable[[str], str]) -> str:
    """Return the text with each character that isn't what it looks like replaced by `write`."""
    if _PLAIN.fullmatch(text):
        return text
    parts: list[str] = []
    end = 0
    for place in _hidden(text):
        parts += (text[end:place], write(text[place]))
        end = place + 1
    return "".join(parts) + text[end:] if parts else text


def _hidden(text: str) -> list[int]:
    """Return the positions of characters that aren't what they look like, in order."""
    characters = frozenset(text)
    places = set(_places_of({one for one in characters if _is_hidden(one)}, text))
    if any(_is_foreign(one) for one in characters) and any(_is_latin(one) for one in characters):
        places.update(_mixed(text))
    if any(_is_mark(one) for one in characters):
        places.update(_loose_marks(text))
    return sorted(places)


def _places_of(characters: set[str], text: str) -> Iterator[int]:
    if characters:
        wanted = re.compile("[" + "".join(f"\\U{ord(one):08x}" for one in characters) + "]")
        yield from (found.start() for found in wanted.finditer(text))


def _name(character: str) -> str:
    # Most texts are plain, so the tables are only loaded if one isn't; otherwise every start would pay for them.
    import unicodedata

    return unicodedata.name(character, "")


def _category(character: str) -> str:
    import unicodedata

    return unicodedata.category(character)


@lru_cache(maxsize=4096)
def _is_hidden(character: str) -> bool:
    """Return True if a character is invisible, looks like another, or moves the text around it."""
    category = _category(character)
    if character in _BLANK or character in _TWINS:
        return True
    if category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}:
        return character not in {" ", "\n", _JOINER}
    return category == "Mn" and character not in _SELECTORS and "VARIATION SELECTOR" in _name(character)


# --- letters of another script ----------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _is_latin(character: str) -> bool:
    if character.isascii():
        return character.isalpha()
    return _name(character).startswith("LATIN ")


@lru_cache(maxsize=4096)
def _is_twin(character: str) -> bool:
    return character in _LOOK_LATIN or (character.isalpha() and _name(character).startswith(_SCRIPTS[:-1]))


@lru_cache(maxsize=4096)
def _is_foreign(character: str) -> bool:
    return _is_twin(character) or (character.isalpha() and _name(character).startswith(_SCRIPTS))


def _mixed(text: str) -> Iterator[int]:
    """Yield the positions of foreign letters in Latin words, and of words in Latin names that only look Latin."""
    for name in _NAME.finditer(text):
        if not any(_is_latin(one) for one in name[0]) or not any(_is_foreign(one) for one in name[0]):
            continue
        for word in _WORD.finditer(name[0]):
            letters = [one for one in word[0] if one.isalpha()]
            if any(_is_latin(one) for one in letters) or all(_is_twin(one) for one in letters):
                start = name.start() + word.start()
                yield from (start + at for at, one in enumerate(word[0]) if _is_foreign(one))


# --- marks and joiners: which characters they may follow --------------------------------------------------------


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    return character == _JOINER or (_category(character) in {"Mn", "Me"} and not _is_hidden(character))


def _loose_marks(text: str) -> Iterator[int]:
    """Yield the positions of accents without a letter, of too many on one, and of joiners outside an emoji."""
    marks, base = 0, ""
    for place, one in enumerate(text):
        if not _is_mark(one):
            marks, base = 0, one
        elif one == _JOINER:
            if not (_is_picture(base) and _is_picture(text[place + 1 : place + 2])):
                yield place
        elif one in _SELECTORS:
            if not (_is_picture(base) or (base and base in "#*0123456789" and text[place + 1 : place + 2] == "\u20e3")):
                yield place
        elif not _carries_marks(base):
            yield place
        else:
            marks += 1
            if marks > _MOST_MARKS:
                yield place


@lru_cache(maxsize=4096)
def _carries_marks(character: str) -> bool:
    return character.isalnum() or _is_picture(character) or _category(character or " ") == "Mc"


@lru_cache(maxsize=4096)
def _is_picture(character: str) -> bool:
    return bool(character) and _category(character) in {"So", "Sm", "Sk"} and not character.isascii()
