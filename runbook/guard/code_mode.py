"""Read the JavaScript with which an agent calls several tools at once: the calls of `tools.NAME(…)` in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from runbook.guard.shell.texts import ANY_WORDS

__all__ = ["NestedCall", "calls_in"]

_CALL = re.compile(r"\btools\s*(?:\?\.)?(?:\.\s*(\w+)|\[\s*(['\"`])([\w.-]+)\2\s*\])\s*(?:\?\.)?\(")
_CONSTANT = re.compile(r"\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*(?::[^=\n]*)?=(?!=)\s*")
_ASSIGNED = re.compile(r"(?<![\w$.])([A-Za-z_$][\w$]*)\s*[-+*/|&?]{0,2}=(?![=>])")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER = re.compile(r"-?\d[\d_.eE+-]*")
_BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_LITERALS = {"true": True, "false": False, "null": None, "undefined": None}
_DEEPEST = 20


class NestedCall(NamedTuple):
    """A call of a tool. `is_read` says whether every argument is written out in it."""

    tool: str
    arguments: Any
    is_read: bool


class _NotLiteralError(Exception):
    """The value isn't a literal."""


def calls_in(code: str) -> Iterator[NestedCall]:
    """Yield the calls of tools in a code, in the order in which they are written."""
    constants = _constants_in(code)
    for found in _CALL.finditer(code):
        reader = _Reader(code, found.end(), constants)
        try:
            value = reader.value(0)
            is_read = reader.is_read
        except (_NotLiteralError, IndexError):
            value, is_read = {}, False
        yield NestedCall(found[1] or found[3], value, is_read)


def _constants_in(code: str) -> Mapping[str, Any]:
    """Return the names that get one value, a literal. Those that get several aren't known."""
    found: dict[str, Any] = {}
    several = set()
    assigned = Counter(_ASSIGNED.findall(code))
    for constant in _CONSTANT.finditer(code):
        name = constant[1]
        reader = _Reader(code, constant.end(), {})
        try:
            value = reader.value(0)
        except (_NotLiteralError, IndexError):
            continue
        if name in found or assigned[name] > 1 or not reader.is_read or not reader.ends_here():
            several.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in several}


class _Reader:
    """Reads one value. What isn't a literal inside an object or a list is left out, and `is_read` becomes false."""

    def __init__(self, code: str, at: int, constants: Mapping[str, Any]) -> None:
        self._code = code
        self._at = at
        self._constants = constants
        self.is_read = True

    def ends_here(self) -> bool:
        """Whether the value that was read ends, and isn't a part of an expression."""
        at = _end_of_blanks(self._code, self._at)
        return at >= len(self._code) or self._code[at] in ",)}];" or "\n" in self._code[self._at : at]

    def value(self, depth: int) -> Any:
        self._at = _end_of_blanks(self._code, self._at)
        letter = self._code[self._at]
        if depth > _DEEPEST:
            raise _NotLiteralError
        if letter == "{":
            return self._object(depth)
        if letter == "[":
            return self._list(depth)
        if letter in "'\"`":
            return self._joined(self._string())
        if found := _NUMBER.match(self._code, self._at):
            self._at = found.end()
            return found[0]
        if found := _NAME.match(self._code, self._at):
            self._at = found.end()
            if found[0] in _LITERALS:
                return _LITERALS[found[0]]
            if found[0] in self._constants and self.ends_here():
                return self._constant(found[0])
        raise _NotLiteralError

    def _joined(self, text: str) -> str:
        """Return a text with what is added to it."""
        while self._code[(at := _end_of_blanks(self._code, self._at)) : at + 1] == "+":
            self._at = _end_of_blanks(self._code, at + 1)
            if self._code[self._at : self._at + 1] in tuple("'\"`"):
                text += self._string()
            elif found := _NAME.match(self._code, self._at):
                text += self._inserted(found[0])
                self._at = found.end()
            else:
                raise _NotLiteralError
        if not self.ends_here():
            raise _NotLiteralError
        return text

    def _inserted(self, expression: str) -> str:
        """Return the value of an expression inside a text."""
        value = self._constant(expression.strip())
        return value if isinstance(value, str) else ANY_WORDS

    def _constant(self, name: str) -> Any:
        """Return the value of a name, None if it isn't known. In a function, the name may mean something else."""
        self.is_read = False
        return self._constants.get(name)

    def _string(self) -> str:
        quote = self._code[self._at]
        self._at += 1
        parts: list[str] = []
        while (letter := self._code[self._at]) != quote:
            if quote == "`" and self._code.startswith("${", self._at):
                start = self._at + 2
                self._at = start
                self._skip_value()
                parts.append(self._inserted(self._code[start : self._at]))
                self._at += 1
                continue
            if letter == "\\":
                parts.append(self._escape())
                continue
            parts.append(letter)
            self._at += 1
        self._at += 1
        text = "".join(parts)
        # Whoever starts with something unknown may start any program.
        if text.startswith(ANY_WORDS):
            raise _NotLiteralError
        return text

    def _escape(self) -> str:
        found = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\})").match(
            self._code, self._at
        )
        if found:
            self._at = found.end()
            number = int(found[1] or found[2] or found[3], 16)
            return chr(number) if number < 0x110000 else "\ufffd"
        letter = self._code[self._at + 1]
        self._at += 2
        return _ESCAPES.get(letter, letter)

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._at += 1
        while not self._closes("}"):
            name = self._key()
            if name is None:
                self._skip_value()
            elif self._code[self._at] == ":":
                self._at += 1
                self._put(found, name, depth)
            elif name in self._constants:  # `{cmd}` is `{cmd: cmd}`
                found[name] = self._constant(name)
            else:
                self.is_read = False
                self._skip_value()
        return found

    def _key(self) -> str | None:
        name: str | None = None
        if self._code[self._at] in "'\"":
            name = self._string()
        elif found := _NAME.match(self._code, self._at):
            name = found[0]
            self._at = found.end()
        else:
            self.is_read = False
        self._at = _end_of_blanks(self._code, self._at)
        return name

    def _list(self, depth: int) -> list[Any]:
        found: dict[int, Any] = {}
        self._at += 1
        while not self._closes("]"):
            self._put(found, len(found), depth)
        return list(found.values())

    def _put(self, found: dict[Any, Any], name: Any, depth: int) -> None:
        start = self._at
        try:
            found[name] = self.value(depth + 1)
        except _NotLiteralError:
            self.is_read = False
            self._at = start
            self._skip_value()

    def _closes(self, bracket: str) -> bool:
        """Step over blanks and a comma, and tell whether the bracket is next (and step over it)."""
        self._at = _end_of_blanks(self._code, self._at)
        if self._code[self._at] == ",":
            self._at = _end_of_blanks(self._code, self._at + 1)
        if self._code[self._at] != bracket:
            return False
        self._at += 1
        return True

    def _skip_value(self) -> None:
        """Step over an expression, up to the comma or the bracket after it."""
        depth = 0
        start = self._at
        while depth or self._code[self._at] not in ",}])":
            letter = self._code[self._at]
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(letter, 0)
            if letter in "'\"`":
                self._skip_string(letter)
            else:
                self._at += 1
        # A bracket that closes nothing would be met again and again.
        if self._at == start and self._code[self._at] != ",":
            raise _NotLiteralError

    def _skip_string(self, quote: str) -> None:
        self._at += 1
        while self._code[self._at] != quote:
            self._at += 2 if self._code[self._at] == "\\" else 1
        self._at += 1


def _end_of_blanks(code: str, at: int) -> int:
    found = _BLANK.match(code, at)
    return found.end() if found else at
