"""Handle partly known texts, and sets of texts that may be in one place.

What can't be told is a private-use character inside the text. So it survives being quoted, written to a file, given to
another shell and parsed again; a line that brings such characters itself is only judged more strictly.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import TypeAlias

ANY = "\ue000"
"""Any characters, within one word."""
ANY_WORDS = "\ue001"
"""Any characters, in any number of words (an unquoted expansion)."""
ONE_WORD = "\ue004"
"""Any characters, within one word, even outside quotes: what another program has filled in already."""
PRINTED = "\ue002"
"""The settings that a program like `ssh-agent -s` prints for `eval`."""
MAYBE = "\ue003"
"""Not a character: its text is only one reading (a default that applies if a variable is unset)."""

Texts: TypeAlias = tuple[str, ...]
"""What may be in one place: one of these."""

NOTHING: Texts = ("",)
UNKNOWN: Texts = (ANY,)

# Sets multiply when they are joined. Beyond this, one unknown text stands for all.
_MOST = 24
LONGEST = 64 * 1024
"""The longest text that is followed. It is parsed up to here, too: shfmt needs 18 s for a line of 1 MB."""
_MARKS = re.compile(f"[{ANY}{ANY_WORDS}{ONE_WORD}{PRINTED}]")
# Two unknown parts in a row become one. Without this, texts that double in a loop would only grow.
_PATTERN = re.compile(r"\[[^\]]+\]|[*?]")
_RUNS = re.compile(f"{ANY}{{2,}}")


def is_known(text: str) -> bool:
    """Whether every character is known."""
    return _MARKS.search(text) is None


def is_whole_unknown(text: str) -> bool:
    """Whether nothing but unknown parts is in the text."""
    return bool(text) and not _MARKS.sub("", text).strip()


def loose(text: str) -> str:
    """Return the text as an unquoted expansion: its unknown parts may fall into several words."""
    return text.replace(ANY, ANY_WORDS)


def tight(text: str) -> str:
    """Return the text as inside quotes: its unknown parts stay within one word."""
    return text.replace(ANY_WORDS, ANY)


def without_patterns(text: str) -> str:
    """Return the text with an unknown part in place of each pattern that a shell matches with names of files."""
    return _PATTERN.sub(ANY, text)


def plain(text: str) -> str:
    """Return the text without the sign that it is only one reading."""
    return text.replace(MAYBE, "")


def shown(text: str) -> str:
    """Return the text for a person, with `…` for unknown parts."""
    return _MARKS.sub("…", plain(text))


def may_be(text: str, candidate: str) -> bool:
    """Whether a partly known text could be that candidate."""
    if is_known(text):
        return plain(text) == candidate
    pieces = [re.escape(piece) for piece in _MARKS.split(plain(text))]
    return re.fullmatch(".*".join(pieces), candidate, re.DOTALL) is not None


def either(*sets: Texts) -> Texts:
    """Return the texts of a place that has one of several contents. Too many become unknown."""
    merged = tuple(dict.fromkeys(text for texts in sets for text in texts))
    return merged if len(merged) <= _MOST else UNKNOWN


def concatenated(*sets: Texts) -> Texts:
    """Return the texts of a place that has several contents one after another."""
    result = NOTHING
    for texts in sets:
        if texts == NOTHING:
            continue
        if len(result) * len(texts) > _MOST:
            return UNKNOWN
        # Most texts have no run. `in` finds that out in a fraction of the time of `sub`.
        added = [_RUNS.sub(ANY, text) if 2 * ANY in text else text for text in texts]
        result = tuple(dict.fromkeys(_joined(left, right) for left in result for right in added))
    return result if all(len(text) <= LONGEST for text in result) else UNKNOWN


def _joined(left: str, right: str) -> str:
    # A run can only arise where they meet.
    return left + (right.lstrip(ANY) if left.endswith(ANY) else right)


def bounded(text: str) -> str:
    """Return the text, or an unknown text if it is longer than LONGEST."""
    return text if len(text) <= LONGEST else ANY


def quoted_words(words: Iterable[str]) -> str:
    """Return words as text that a shell reads as the same words; what may be several words stays bare."""
    return " ".join(plain(word) if ANY_WORDS in word else shlex.quote(plain(word)) for word in words)
