"""Turn any text into the terms that search compares: noise is dropped, endings are cut, synonyms become one term."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["LONGEST", "Vocabulary", "clean", "lines_that_matter", "stem", "words_of"]

LONGEST = 200_000
"""How many characters of a search are read: enough for the log of a long run."""

_STYLE = re.compile(r"\x1b\[[0-9;?]{0,30}[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NOISE = (
    (re.compile(r"https?://[^ /\"'`<>|)]+"), " "),
    (re.compile(r"\[[0-9a-f]{1,4}:[0-9a-f:]{2,40}\]|\((?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\)"), " ipv6 "),
    (re.compile(r"[0-9]{8,20}_[a-z0-9_]+(?:\.sql)?"), " "),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), " "),
    (re.compile(r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}t?"), " "),
    (re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?z?"), " "),
    (re.compile(r"[0-9]{6,}"), " "),
    (re.compile(r"(?<![a-z])[a-z]{20}(?![a-z])"), " "),
    (re.compile(r":[0-9]+:[0-9]+"), " "),
    (re.compile(r"[\u2018\u2019']"), ""),
)
"""What means nothing in a search: hosts, versions, dates, ids, project refs, positions in files."""
_HUMP = re.compile(r"([a-z0-9])([A-Z][a-z])")
_FRAME = re.compile(r"[ \t]*at .{0,300}[:(<].*")
_WORD = re.compile(r"[a-z0-9]+")
_TELLING = re.compile(
    r"error|fatal|fail|denied|cannot|can't|could not|not found|refus|timeout|timed out|unable|exception|unsupported"
    r"|invalid|warn|blocked|skipping|violates|must be|exceeded"
)
"""A line with one of these is probably what a long paste is about."""
_DOUBLE = re.compile(r"([bcdfgkmnprtv])\1$")


def clean(line: str) -> str:
    """Return a line in lower case, without what is specific to a machine, a project or a day."""
    text = _HUMP.sub(r"\1 \2", _CONTROL.sub(" ", line)).lower()
    for noise, instead in _NOISE:
        text = noise.sub(instead, text)
    return text


def lines_that_matter(text: str) -> list[tuple[str, bool]]:
    """Return the lines of a search without colours and stack frames, each with whether it looks like an error.

    If none does, all count the same.
    """
    plain = _STYLE.sub("", text[:LONGEST])
    found = [line for line in plain.split("\n") if line.strip(" \t\r")]
    kept = [line for line in found if not _FRAME.fullmatch(line)] or found
    telling = [bool(_TELLING.search(line.lower())) for line in kept]
    return list(zip(kept, telling if any(telling) else [True] * len(kept), strict=True))


def words_of(text: str) -> list[str]:
    """Return the words of a cleaned text, with their endings cut."""
    return [stem(word) for word in _WORD.findall(text)]


def stem(word: str) -> str:
    """Cut the common endings of an English word: `migrations`, `migrated` and `migrating` are one word."""
    if len(word) < 4 or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = f"{word[:-3]}y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word.endswith("ing") and len(word) > 5:
        word = _DOUBLE.sub(r"\1", word[:-3])
    elif word.endswith("ed") and len(word) > 4 and not word.endswith("eed"):
        word = _DOUBLE.sub(r"\1", word[:-2])
    elif word.endswith(("tion", "sion")) and len(word) > 6:
        word = word[:-3]
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


class Vocabulary:
    """Which words mean the same, and which to ignore."""

    def __init__(self, synonyms: Mapping[str, str], ignored: Iterable[str]) -> None:
        self.synonyms = synonyms
        """The stem that replaces each phrase of one to three stems, joined by spaces."""
        self.ignored = frozenset(ignored)

    @classmethod
    def written(cls, groups: Iterable[Sequence[str]], ignored: Iterable[str]) -> Vocabulary:
        """Return the vocabulary of groups of synonyms. Each group becomes its first word."""
        synonyms = {}
        for first, *others in groups:
            meant = " ".join(words_of(clean(first)))
            synonyms.update({" ".join(words_of(clean(other))): meant for other in others})
        return cls(synonyms, (stem(word) for word in ignored))

    def terms(self, line: str) -> list[str]:
        """Return the terms of a line in order."""
        words = words_of(clean(line))
        found, at = [], 0
        while at < len(words):
            for length in (3, 2, 1):
                meant = self.synonyms.get(" ".join(words[at : at + length])) if at + length <= len(words) else None
                if meant is not None:
                    break
            else:
                length, meant = 1, words[at]
            if meant not in self.ignored:
                found.append(meant)
            at += length
        return found
