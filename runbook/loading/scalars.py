"""Read single values: text, numbers, dates, durations, regular expressions and commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import yaml

from runbook.linear_regex import RegexError, linear_regex
from runbook.loading.source_text import Problems
from runbook.loading.yaml_nodes import Listing, Node, Scalar
from runbook.model import Position
from runbook.model.fields import (
    Choice,
    CommandLine,
    Day,
    Duration,
    Number,
    ProcedureId,
    Regex,
    Text,
    Truth,
    Type,
    Whole,
)
from runbook.model.templates import WHOLE, Flaw, command_flaws, command_words, names_in, template_flaws

__all__ = ["place_in", "plain_value", "read_scalar"]

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNIT_NAMES = {"s": "30s", "m": "5m", "h": "2h", "d": "90d"}


def read_scalar(node: Scalar, kind: Type, problems: Problems) -> object | None:
    """Return the value of a scalar as that type, or None (with a problem noted) if it isn't of that type."""
    value, flaws = _READERS[type(kind)](node, kind)
    for flaw in flaws:
        problems.add(place_in(node, flaw.offset, problems), flaw.message, width=flaw.width)
    return None if flaws else value


def place_in(node: Scalar, offset: int, problems: Problems) -> Position:
    """Return where a character of the value is in the file (WHOLE: where the value is).

    The place is as exact as quoting and folding allow.
    """
    if offset == WHOLE:
        return node.at
    raw = problems.source.text[node.start : node.end]
    shift = raw.find(node.text.rstrip("\n"))
    if shift < 0:
        token = node.text[offset : offset + 2]
        found = raw.find(token) if token.strip() else -1
        return problems.source.position(node.start + found) if found > 0 else node.at
    return problems.source.position(node.start + shift + offset)


def plain_value(node: Node) -> object:
    """Return any node as plain values: text, whole numbers, true and false, lists and mappings."""
    if isinstance(node, Listing):
        return tuple(plain_value(item) for item in node.items)
    if not isinstance(node, Scalar):
        return {entry.key.text: plain_value(entry.value) for entry in node.entries}
    if node.kind == "int" and re.fullmatch(r"0|[1-9][0-9]{0,17}", node.text):
        return int(node.text)
    if node.kind == "float" and re.fullmatch(r"-?(?:0|[1-9][0-9]{0,9})\.[0-9]{1,9}", node.text):
        return float(node.text)
    return node.text == "true" if node.text in {"true", "false"} and node.kind == "bool" else node.text


Outcome = tuple[object, list[Flaw]]


def _whole(node: Scalar, message: str) -> Outcome:
    return "", [Flaw(message, WHOLE, node.width)]


def _text_of(node: Scalar) -> tuple[str, list[Flaw]]:
    if node.kind == "str":
        return node.text, []
    return "", [Flaw(_oddity(node), WHOLE, node.width)]


def _oddity(node: Scalar) -> str:
    if node.kind == "null":
        return f"{node.text} reads as nothing: quote it" if node.text else "has no value; leave the key out"
    try:
        value = yaml.safe_load(node.text)
    except (yaml.YAMLError, ValueError):
        return f"{node.text} isn't text: quote it"
    if isinstance(value, bool):
        return f"{node.text} reads as {str(value).lower()}: quote it"
    if isinstance(value, int | float):
        return f"{node.text} reads as the number {value}: quote it"
    return f"{node.text} reads as a date: quote it" if isinstance(value, date) else f"quote {node.text}"


def _read_text(node: Scalar, kind: Text) -> Outcome:
    text, flaws = _text_of(node)
    if flaws:
        return text, flaws
    if not text.strip() and not kind.empty:
        return _whole(node, f"is empty; expected {kind.says}")
    if kind.longest and len(text) > kind.longest:
        return _whole(node, f"is longer than {kind.longest} characters")
    if kind.pattern and not re.fullmatch(kind.pattern, text):
        return _whole(node, f"'{_short(text)}' is not {kind.says}")
    if kind.template:
        return text, template_flaws(text)
    return text, [Flaw(f"{{{{{name}}}}} is not filled in here", WHOLE) for name in names_in(text)[:1] if kind.prose]


def _read_regex(node: Scalar, kind: Regex) -> Outcome:
    text, flaws = _text_of(node)
    if flaws:
        return text, flaws
    try:
        groups = linear_regex(text).groups
    except RegexError as error:
        return "", [Flaw(f"not a regular expression: {error}", error.offset)]
    if groups < kind.groups:
        return _whole(node, "needs a group in (…): its text is what is kept")
    # An expression with a placeholder's braces would never match: a check for its absence could not fail.
    return text, [Flaw(f"{{{{{name}}}}} is not filled into an expression", WHOLE) for name in names_in(text)[:1]]


def _read_command(node: Scalar, _kind: CommandLine) -> Outcome:
    text, flaws = _text_of(node)
    flaws = flaws or command_flaws(text)
    return ((), flaws) if flaws else (command_words(text), [])


def _read_choice(node: Scalar, kind: Choice) -> Outcome:
    if node.text in kind.options:
        return node.text, []
    return _whole(node, f"'{_short(node.text)}' isn't one of {', '.join(kind.options)}")


def _read_procedure_id(node: Scalar, _kind: ProcedureId) -> Outcome:
    return _read_text(node, Text(says="the id of a procedure"))


def _read_whole(node: Scalar, kind: Whole) -> Outcome:
    if not re.fullmatch(r"0|[1-9][0-9]{0,8}", node.text) or node.kind != "int":
        return _whole(node, f"'{_short(node.text)}' is not a whole number")
    number = int(node.text)
    return (number, []) if number >= kind.minimum else _whole(node, f"{number} is less than {kind.minimum}")


def _read_number(node: Scalar, _kind: Number) -> Outcome:
    if not re.fullmatch(r"(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{1,3})?", node.text) or float(node.text) == 0:
        return _whole(node, f"'{_short(node.text)}' is not a number above zero")
    return float(node.text), []


def _read_truth(node: Scalar, _kind: Truth) -> Outcome:
    if node.text in {"true", "false"} and node.kind == "bool":
        return node.text == "true", []
    return _whole(node, f"'{_short(node.text)}' is neither true nor false")


def _read_day(node: Scalar, _kind: Day) -> Outcome:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", node.text):
            return date.fromisoformat(node.text), []
    except ValueError:
        pass
    return _whole(node, f"'{_short(node.text)}' is not a date such as 2026-11-23")


def _read_duration(node: Scalar, kind: Duration) -> Outcome:
    match = _DURATION.fullmatch(node.text)
    if match and match[2] in kind.units and int(match[1]):
        return float(int(match[1]) * _SECONDS[match[2]]), []
    examples = " or ".join(_UNIT_NAMES[unit] for unit in kind.units)
    return _whole(node, f"'{_short(node.text)}' is not a duration such as {examples}")


def _short(text: str) -> str:
    line = text.split("\n", 1)[0]
    return line if len(line) <= 60 and line == text else f"{line[:57]}..."


_READERS: dict[type, Callable[[Scalar, Any], Outcome]] = {
    Text: _read_text,
    Regex: _read_regex,
    CommandLine: _read_command,
    Choice: _read_choice,
    ProcedureId: _read_procedure_id,
    Whole: _read_whole,
    Number: _read_number,
    Truth: _read_truth,
    Day: _read_day,
    Duration: _read_duration,
}
