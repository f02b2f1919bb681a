"""The index as values, and as the JSON that is cached and that the site ships."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from runbook.search.words import Vocabulary

__all__ = ["Command", "Entry", "Error", "Form", "Index", "Kind", "Line", "Source"]


class Kind(StrEnum):
    """What is found."""

    PROCEDURE = "procedure"
    ERROR = "error"
    RULE = "rule"
    PATTERN = "pattern"
    PAGE = "page"


class Source(StrEnum):
    """Which part of an entry a line is."""

    TITLE = "title"
    SYMPTOM = "symptom"
    ERROR = "error"
    USE = "use"
    SUMMARY = "summary"
    OTHER = "other"
    """A situation that another procedure isn't for, and this one is."""
    OPTION = "option"
    SIGN = "sign"
    """How to recognize the right answer. It's written for a person who reads the question."""
    STEP = "step"
    MEANS = "means"
    REST = "rest"


class Entry(NamedTuple):
    """Something to find. `page` is where it is on the site, `see` the procedure to run, "" if there is none."""

    kind: Kind
    id: str
    title: str
    page: str
    anchor: str = ""
    see: str = ""
    means: str = ""
    do: tuple[str, ...] = ()
    verdict: str = ""
    is_urgent: bool = False


class Line(NamedTuple):
    """A line that is searched: the entry that it leads to, and its terms by number, in order."""

    entry: int
    source: Source
    text: str
    anchor: str
    label: str
    terms: tuple[int, ...]


class Error(NamedTuple):
    """How to recognize a known error: its SQLSTATEs and its expressions, each with its flags."""

    entry: int
    sqlstates: tuple[str, ...]
    messages: tuple[tuple[str, str], ...]


class Form(NamedTuple):
    """A command with these flags and without those, and what the policy says of it."""

    flags: tuple[str, ...]
    without: tuple[str, ...]
    anchor: str
    verdict: str
    means: str
    do: str


class Command(NamedTuple):
    """A command that the policy has a rule for."""

    entry: int
    program: str
    words: tuple[str, ...]
    forms: tuple[Form, ...]


class Index:
    """All that is searched. Treat it as frozen."""

    def __init__(  # noqa: PLR0913 - all are keywords
        self,
        *,
        vocabulary: Vocabulary,
        entries: list[Entry],
        lines: list[Line],
        terms: list[str],
        weights: list[float],
        errors: list[Error],
        commands: list[Command],
    ) -> None:
        self.vocabulary = vocabulary
        self.entries = entries
        self.lines = lines
        self.terms = terms
        self.weights = weights
        """The weight of each term, by its number."""
        self.errors = errors
        self.commands = commands

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each term."""
        return {term: number for number, term in enumerate(self.terms)}

    @cached_property
    def lines_with(self) -> list[list[int]]:
        """The lines that have a term, by the term's number."""
        found: list[list[int]] = [[] for _ in self.terms]
        for number, line in enumerate(self.lines):
            for term in dict.fromkeys(line.terms):
                found[term].append(number)
        return found

    @property
    def record(self) -> dict[str, Any]:
        """The index as JSON."""
        return {
            "synonyms": self.vocabulary.synonyms,
            "ignored": sorted(self.vocabulary.ignored),
            "entries": self.entries,
            "lines": self.lines,
            "terms": self.terms,
            "weights": self.weights,
            "errors": self.errors,
            "commands": self.commands,
        }

    @classmethod
    def read(cls, record: dict[str, Any]) -> Index:
        """Return the index from its record. Raises KeyError, TypeError or ValueError if the record isn't one."""
        return cls(
            vocabulary=Vocabulary(record["synonyms"], record["ignored"]),
            entries=[
                entry._replace(kind=Kind(entry.kind), do=tuple(entry.do))
                for entry in (Entry(*each) for each in record["entries"])
            ],
            lines=[Line(*each) for each in record["lines"]],
            terms=record["terms"],
            weights=record["weights"],
            errors=[Error(*each) for each in record["errors"]],
            commands=[
                Command(entry, program, words, tuple(Form(*form) for form in forms))
                for entry, program, words, forms in record["commands"]
            ],
        )
