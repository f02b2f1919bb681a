"""What the output of a step must show, and the values that are kept from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from runbook.model.action import Becomes, Use
from runbook.model.fields import (
    LITERAL,
    NAME,
    MapOf,
    Regex,
    Text,
    Whole,
    key,
)
from runbook.model.terms import Position

__all__ = ["Capture", "Expectation"]

_PART = r"(?:\*|[A-Za-z0-9_-]+|[a-z_]+=(?:[A-Za-z0-9_-]+|\{\{[a-z][a-z0-9_]*\}\}))"
_PATH = Text(rf"{_PART}(?:\.{_PART})*", "a path such as migrations.0.local", template=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the output must be for a step to pass. Parts that are left out aren't compared.

    `output` must occur literally, `lacks` must not (both are templates), `matches` and `absent` are regular expressions
    that must and must not occur. `in_words` says for a person what all of this asks for. `json` pairs a dotted path
    (`migrations.0.local`, `0.count`, `migrations.*.remote`) with the value expected there, as text (a template).
    `differs` pairs such a path with a value that must not be there; some other value must. A part
    `slug=complete-task` (the value is a template) picks the items of a list whose field has that value. `sha256` pairs
    such a path with a secret parameter: the digest of the secret's value must be there.
    """

    exit: int = key(Whole(), "The exit code.", default=0, said="0")
    output: str | None = key(LITERAL, "Text that must occur in the output.", default=None)
    lacks: str | None = key(LITERAL, "Text that must not occur in the output.", default=None)
    matches: str | None = key(Regex(), "A regular expression that must occur in the output.", default=None)
    absent: str | None = key(Regex(), "A regular expression that must not occur in the output.", default=None)
    in_words: str | None = key(
        Text(),
        "What the output must show, as a clause for readers: 'no file waits'.",
        default=None,
        said="each part of the comparison",
    )
    json: tuple[tuple[str, str], ...] = key(
        MapOf(_PATH, Text(template=True, empty=True)),
        "Paths into the JSON output, such as 0.count, each with the value expected there, as text.",
        default=(),
        read=lambda found: tuple(found.items()),
    )
    differs: tuple[tuple[str, str], ...] = key(
        MapOf(_PATH, Text(template=True, empty=True)),
        "Paths into the JSON output, each with a value that must not be there. Some other value must be there.",
        default=(),
        read=lambda found: tuple(found.items()),
    )

    sha256: tuple[tuple[str, str], ...] = key(
        MapOf(_PATH, NAME),
        "Paths into the JSON output, each with the secret parameter whose SHA-256 digest (hexadecimal) must be there.",
        default=(),
        read=lambda found: tuple(found.items()),
    )

    @property
    def compares(self) -> bool:
        """True if anything besides the exit code is compared."""
        return self != Expectation(exit=self.exit)

    def clauses(self, fill: Callable[[str], str]) -> list[str]:
        """Say each part as a clause, with code in backticks, or all parts as the author's one.

        An exit code of 0 goes without saying.
        """
        found = [f"it exits with {self.exit}"] if self.exit else []
        if self.in_words is not None:
            return [*found, self.in_words]
        if self.output is not None:
            found.append(f"the output has {_code(fill(self.output))}")
        if self.lacks is not None:
            found.append(f"the output has no {_code(fill(self.lacks))}")
        found += [f"the output matches {_code(one)}" for one in (self.matches,) if one is not None]
        found += [f"the output doesn't match {_code(one)}" for one in (self.absent,) if one is not None]
        found += [f"{_path_in_words(path, fill)} is {_code(fill(value))}" for path, value in self.json]
        found += [f"{_path_in_words(path, fill)} is no longer {_code(fill(value))}" for path, value in self.differs]
        found += [f"{_path_in_words(path, fill)} is the digest of {_code(name)}" for path, name in self.sha256]
        return found

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its texts that may contain placeholders."""
        for text in (self.output, self.lacks, *(text for pair in (*self.json, *self.differs) for text in pair)):
            if text:
                yield Use(text, at, Becomes.COMPARED)
        for path, name in self.sha256:
            yield Use(path, at, Becomes.COMPARED)
            yield Use(name, at, Becomes.SECRET)


@dataclass(frozen=True, slots=True)
class Capture:
    """A variable filled from the output: by a JSON path (as in an expectation), or by a regular expression's group.

    `becomes` translates what was found: a value that is not in it counts as not found.
    """

    name: str
    json: str | None = key(_PATH, "A path into the JSON output, such as migrations.-1.remote.", default=None)
    pattern: str | None = key(Regex(groups=1), "A regular expression; its first group is the value.", default=None)
    becomes: Mapping[str, str] = key(
        MapOf(Text(says="a value"), Text(says="a value")),
        "What to capture instead of each value that can be found. Any other value counts as not found.",
        default=dict,
        said="each value as it is",
    )

    def place_in_words(self, fill: Callable[[str], str]) -> str:
        """Say where in the output a person finds it, with code in backticks; empty for a regular expression."""
        if self.json is None:
            return ""
        *outer, last = self.json.split(".")
        found = _code(fill(last))
        for part in reversed(outer):
            found += _within(part, fill)
            # A picked item is enough: nobody has to know which list it is in.
            if "=" in part:
                break
        return found


def _code(value: str) -> str:
    return f"`{value}`" if value else "empty"


def _path_in_words(path: str, fill: Callable[[str], str]) -> str:
    """Describe a path as a person reads the output: which column, of which row, of which list."""
    *outer, last = path.split(".")
    return _code(fill(last)) + "".join(_within(part, fill) for part in reversed(outer))


def _within(part: str, fill: Callable[[str], str]) -> str:
    name, picks, value = part.partition("=")
    if picks:
        return f" where {_code(name)} is {_code(fill(value))}"
    if part == "*":
        return " in one of the rows"
    if part == "-1":
        return " in the last row"
    if part.isdigit():
        return "" if part == "0" else f" in row {int(part) + 1}"
    return f" of {_code(fill(part))}"
