"""A value that a procedure asks for, and the only check of whether an answer fits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runbook.linear_regex import linear_regex
from runbook.model.fields import LINE, LINES, NAME, Choice, Field, Regex, Shape, Text, Truth, fields_of, key
from runbook.model.terms import Position
from runbook.printable import printable, suspect

__all__ = ["SHAPES", "Parameter", "Value", "split_values"]

Value = str | tuple[str, ...]
"""One value, or those of a list."""

_LONGEST = 4096
"""The most characters of a one-line value. A longer line doesn't fit into a terminal's input buffer."""
_LONGEST_LINES = 24_576
"""The most characters of a value of several lines: the largest secret that the hosted platform takes."""
_BEGIN, _END = re.compile(r"-----BEGIN "), re.compile(r"-----END [^\n-]*-----")
"""How a PEM block begins, and its last line."""
_FORBIDDEN = re.compile(r"[\x00\ud800-\udfff]")
"""Characters that no argument can contain, even in a secret: NUL and lone surrogates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value asked for before step 1, or, at a step, the value that the operator sees.

    `pattern` is a regular expression that the whole value must match, `excludes` one that no part of it may match. A
    `secret` is never shown, stored or put into an argv. A `many` parameter is a list of values, written with commas.
    With `lines: many` a secret may have several lines, such as a PEM key: pasted as a whole, or read from a file.
    """

    name: str
    ask: str = key(LINE, "The question, as the operator reads it.")
    pattern: str | None = key(Regex(), "A regular expression that the whole value must match.", default=None)
    excludes: str | None = key(Regex(), "A regular expression that must not match any part of the value.", default=None)
    choices: tuple[str, ...] = key(LINES, "The only values it may have.", default=())
    example: str = key(
        Text(empty=True), "A realistic value; the page shows it.", default="", required=True, unless="choices"
    )
    default: str | None = key(Text(empty=True), "The value if the operator gives none.", default=None)
    pick: str = key(
        Text(
            r"functions|migrations|migration-files|tables|database-functions|[a-z0-9][a-z0-9-]*/.+",
            "functions, migrations, migration-files, tables, database-functions or STEP/PATH",
        ),
        "What to list, so that the operator can pick a number instead of typing the value: the project's edge "
        "functions, the versions or files of its migrations, the tables or database functions that they create, or "
        "STEP/PATH: the values at that path (as in expect: json) in the output of an earlier step. Any other value "
        "that fits can still be typed.",
        default="",
    )
    secret: bool = key(
        Truth(), "It is never shown or stored, and never part of a command.", default=False, said="false"
    )
    many: bool = key(Truth(), "It is a list of values, written with commas.", default=False, said="false")
    lines: str = key(
        Choice(("one", "many")),
        "many: a secret that may have several lines; it can be pasted whole, or read from a file as @path.",
        default="one",
        said="one",
    )
    at: Position
    offered: tuple[str, ...] = ()
    """The values to pick from, collected when the operator is asked; never written in a book."""

    @property
    def takes_lines(self) -> bool:
        """True if a value may have several lines."""
        return self.lines == "many"

    @property
    def longest(self) -> int:
        """How many characters a value may have."""
        return _LONGEST_LINES if self.takes_lines else _LONGEST

    def problem_with(self, text: str) -> str:
        """Return in one sentence what is wrong with a value, "" if nothing is. A secret is never repeated."""
        if not self.many:
            return self._problem_with_one(text)
        values = split_values(text)
        if not values:
            return "give at least one value; commas separate several"
        return next((problem for value in values if (problem := self._problem_with_one(value))), "")

    def _problem_with_one(self, text: str) -> str:
        short = printable(text if len(text) <= 60 else f"{text[:60]}…").replace("\n", "\\n")
        shown = "the value" if self.secret else f"'{short}'"
        if not text and self.default != "":
            return "a value is needed"
        if len(text) > self.longest:
            return f"the value is too long ({len(text)} characters, {self.longest} at most)"
        if self.secret and (problem := self._incomplete(text)):
            return problem
        if unfit := self._unfit(text, shown):
            return unfit
        if self.choices and text not in self.choices:
            return f"{shown} isn't one of {', '.join(self.choices)}"
        return self._problem_with_form(text, shown)

    def _incomplete(self, text: str) -> str:
        """Return which part of a secret is missing, "" if it looks complete."""
        has_lines = "\n" in text.rstrip("\n")
        if has_lines and not self.takes_lines:
            return "the value has several lines, but only one is allowed here"
        if "\ufffd" in text:
            return "the value has a character that was damaged on the way. Read it from a file: type @ and its path"
        whole = "Paste it whole, or read it from a file: type @ and its path" if self.takes_lines else "Paste it whole"
        if len(_BEGIN.findall(text)) != len(_END.findall(text)):
            return f"the value begins a PEM block without ending it, or ends one without beginning it. {whole}"
        begins_json = text.strip() == "{" or (has_lines and text.lstrip().startswith("{"))
        if begins_json and not text.rstrip().endswith("}"):
            return f"the value begins like JSON but doesn't end with }}. {whole}"
        return ""

    def _problem_with_form(self, text: str, shown: str) -> str:
        if self.pattern is not None and not linear_regex(self.pattern).matches_whole(text):
            # An example says more than a regular expression to somebody in a hurry.
            return f"{shown} doesn't fit: expected a value like {self.example or self.pattern}"
        found = linear_regex(self.excludes).search(text) if self.excludes is not None else None
        if found is None:
            return ""
        return f"{shown} can't be used here" + ("" if self.secret else f": it contains '{found.whole}'")

    def _unfit(self, text: str, shown: str) -> str:
        """Return which character a value can't contain, "" if there is none. A secret may contain nearly any."""
        if _FORBIDDEN.search(text):
            return "the value contains a character that can't be passed to a command"
        found = "" if self.secret else suspect(text, allowed="\n\t")
        return f"{shown} contains {found}. Type the value instead of pasting it" if found else ""

    def could_be(self, text: str) -> bool:
        """Tell whether a text was clearly meant as this value: it is one of the choices, or has the required form."""
        return text in self.choices or (self.pattern is not None and not self._problem_with_one(text))


def split_values(text: str) -> tuple[str, ...]:
    """Split a list that is written with commas; return each value once, without the spaces around it."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _build(_kind: str, values: dict[str, Any]) -> Parameter:
    choices = values.get("choices", ())
    known = {name: value for name, value in values.items() if not name.endswith("_at")}
    return Parameter(**{**known, "example": values.get("example") or next(iter(choices), "")})


def _shape(name: str, noun: str, doc: str, fields: tuple[Field, ...], **more: Any) -> Shape:
    build: Callable[[str, dict[str, Any]], object] = _build
    return Shape(name, noun, doc, fields, build=build, **more)


_OF_A_VALUE_SEEN = {"ask", "pattern", "excludes", "choices", "pick", "example"}
_ASKED = tuple(field for field in fields_of(Parameter) if field.name in _OF_A_VALUE_SEEN)
_NAMED = Field("name", NAME, "The name by which later steps use it.", required=True, attribute="name")

SHAPES = (
    _shape(
        "parameter",
        "a parameter",
        "A value asked for before step 1. It fills {{name}} in commands and texts.",
        fields_of(Parameter),
        keyed_by="name",
    ),
    _shape(
        "asks",
        "a value to note",
        "A value that the operator sees at a step. It is kept, and fills {{name}} in later steps.",
        (_NAMED, *_ASKED),
    ),
)
"""A parameter, and the value that a step asks a person to note."""
