"""Regular expressions from books and policies, which run in linear time, whatever the expression and the text.

Python's own `re` backtracks: `(a+)+$` against thirty letters can take minutes, and a book's expressions search the
output of any program. RE2 never backtracks. In exchange, it has no lookaround and no backreferences.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import re2

__all__ = ["LinearRegex", "RegexError", "RegexMatch", "linear_regex"]

_NOT_OFFERED = {"invalid perl operator", "invalid escape sequence"}
_SYNTAX = "https://github.com/google/re2/wiki/Syntax"


class RegexError(ValueError):
    """RE2 can't compile the expression. `offset` is the start of the part that the message names."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class RegexMatch(NamedTuple):
    """A match: the whole text, and its first group (None if there is no group or it didn't take part)."""

    whole: str
    group: str | None


class LinearRegex:
    """A compiled expression. Get one from `linear_regex`."""

    def __init__(self, text: str, *, lines: bool = False) -> None:
        # Only a command that uses an expression pays for loading the library.
        import re2

        options = re2.Options()
        options.log_errors = False  # it would print to the terminal by itself
        # Use bytes: in a str, the library counts the characters before each match, which takes longer than the search.
        source = f"(?m){text}" if lines else text
        try:
            self._compiled: re2._Regexp = re2.compile(source.encode("utf-8", "surrogatepass"), options)
        except re2.error as error:
            raise _regex_error(text, error) from None

    @property
    def groups(self) -> int:
        """How many groups it has."""
        return int(self._compiled.groups)

    def search(self, text: str) -> RegexMatch | None:
        """Return the first place where it matches, None if there is none."""
        match = self._compiled.search(_encoded(text))
        if match is None:
            return None
        group = match[1] if self.groups else None
        return RegexMatch(_decoded(match[0]), None if group is None else _decoded(group))

    def find_all(self, text: str) -> list[RegexMatch]:
        """Return every place where it matches, in order."""
        return [
            RegexMatch(_decoded(match[0]), None if not self.groups or match[1] is None else _decoded(match[1]))
            for match in self._compiled.finditer(_encoded(text))
        ]

    def matches_whole(self, text: str) -> bool:
        """Return whether it matches the text from its beginning to its end."""
        return self._compiled.fullmatch(_encoded(text)) is not None


@lru_cache(maxsize=512)
def linear_regex(text: str, *, lines: bool = False) -> LinearRegex:
    r"""Compile an expression; with `lines`, `^` and `$` also match at each line's ends.

    `\d`, `\w`, `\s` and `\b` know ASCII only. Raises RegexError.
    """
    return LinearRegex(text, lines=lines)


def _encoded(text: str) -> bytes:
    # Output that isn't UTF-8 contains lone surrogates. No expression matches them, and none may fail because of them.
    return text.encode("utf-8", "surrogatepass")


def _decoded(part: bytes) -> str:
    return part.decode("utf-8", "surrogatepass")


def _regex_error(text: str, error: Any) -> RegexError:
    said = error.args[0] if error.args else ""
    message = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    kind, _, part = message.partition(": ")
    if kind in _NOT_OFFERED:
        message = f"'{part}' isn't part of the RE2 syntax ({_SYNTAX})"
    return RegexError(message, max(text.find(part), 0))
