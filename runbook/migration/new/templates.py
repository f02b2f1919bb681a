"""Make files from the book's patterns: the safe SQL, with names of one's own instead of those in the example.

A pattern says which words of its SQL are names (`names` in patterns.yaml), so the page shows SQL that runs, and a new
file has the same SQL. A name that isn't given becomes `<name>`, which nothing can apply by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from runbook.definitions.changes import path_at
from runbook.errors import UsageError
from runbook.filling import Shown, fill_text, placeholders
from runbook.model.book import Pattern
from runbook.policy.sql_names import quoted_name
from runbook.policy.sql_tokens import TokenKind, tokens
from runbook.printable import one_line, suspect

__all__ = [
    "REPLACE_FUNCTION",
    "TemplatePart",
    "asked_names",
    "examples_of",
    "fill_pattern",
    "is_template",
    "name_problems",
]

REPLACE_FUNCTION = "replace-function"
"""The pattern whose file starts from a function that exists."""

_DEFAULT_SCHEMA = "public"
_LONGEST_NAME = 63
"""In bytes. PostgreSQL cuts off the rest."""
_WAIVER = re.compile(r"(?:^--.*\n)*^--\s*runbook:\s*allow\b.*\n?", re.MULTILINE | re.IGNORECASE)
"""A waiver with the comment above it. Whoever writes the file must give a reason, so the example's isn't copied."""


class TemplatePart(NamedTuple):
    """One file of a pattern: its SQL without a header, and what undoes it ("" if the pattern doesn't say)."""

    sql: str
    rollback: str


class _Name(NamedTuple):
    """A value for a name. One that isn't a plain name is SQL, and has no schema."""

    schema: str
    written: str
    plain: str
    """The name alone, for other names that are made of it."""
    is_name: bool = True


def is_template(pattern: Pattern) -> bool:
    """Return whether a new file can be made from the pattern."""
    return bool(pattern.names) or pattern.id == REPLACE_FUNCTION


def asked_names(pattern: Pattern) -> Mapping[str, str]:
    """Return the names that a person must give, with their examples; the others are made of these."""
    return {name: text for name, text in examples_of(pattern).items() if not placeholders(pattern.names[name])}


def examples_of(pattern: Pattern) -> dict[str, str]:
    """Return every name as it is in the safe SQL."""
    found: dict[str, str] = {}
    for name, text in pattern.names.items():
        found[name] = fill_text(text, found)
    return found


def fill_pattern(pattern: Pattern, given: Mapping[str, str]) -> list[TemplatePart]:
    """Return the pattern's files with these values. A name without one becomes `<name>`.

    A table may be given with its schema. The other names are then in the same schema, unless they have their own.

    Raises UsageError for an unknown name and for a value that can't be one.
    """
    _refuse_unknown(pattern, given)
    values = _values(pattern, given)
    first = next(iter(values.values()), None)
    schema = first.schema if first and first.schema else _DEFAULT_SCHEMA
    replaced = {example: values[name] for name, example in examples_of(pattern).items()}
    rollbacks = (*pattern.rollback, *("" for _ in pattern.files))
    return [
        TemplatePart(_replaced(_WAIVER.sub("", sql), replaced, schema), _replaced(rollback, replaced, schema))
        for sql, rollback in zip(pattern.files, rollbacks, strict=False)
    ]


def _refuse_unknown(pattern: Pattern, given: Mapping[str, str]) -> None:
    unknown = [name for name in given if name not in pattern.names]
    if unknown:
        known = ", ".join(pattern.names) or "none"
        raise UsageError(
            f"the pattern '{pattern.id}' has no name '{unknown[0]}' to set", hint=f"Its names are: {known}."
        )


def _values(pattern: Pattern, given: Mapping[str, str]) -> dict[str, _Name]:
    found: dict[str, _Name] = {}
    for name, text in pattern.names.items():
        if name in given:
            found[name] = _read(name, given[name])
            continue
        plain = {each: value.plain for each, value in found.items() if value.plain}
        if not placeholders(text):
            found[name] = _Name("", f"<{name}>", "")
        elif all(part in plain for part in placeholders(text)):
            found[name] = _made(name, fill_text(text, plain))
        else:
            found[name] = _Name("", fill_text(text, Shown(plain)), "")
    return found


def _made(name: str, value: str) -> _Name:
    if len(value.encode()) > _LONGEST_NAME:
        raise UsageError(
            f"the name '{value}' would have more than {_LONGEST_NAME} characters",
            hint=f"Choose a shorter one: --set {name}=…",
        )
    return _Name("", quoted_name(value), value)


def _read(name: str, text: str) -> _Name:
    """Return a value: a name as SQL writes it, with its schema if it has one, or other SQL as it is."""
    value = text.strip()
    found = suspect(value)
    if found or not value:
        raise UsageError(f"--set {name}: the value {f'contains {found}' if found else 'is empty'}: {one_line(text)}")
    words = list(tokens(value))
    broken = next((word for word in words if word.kind in _NOT_IN_VALUES or word.text == ";"), None)
    if broken is not None:
        raise UsageError(
            f"--set {name}: '{value}' can't be a part of a statement",
            hint="A value has no comment and no semicolon, and its quotes are closed.",
        )
    path, end = path_at(words, 0)
    if path is None or end < len(words):
        return _Name("", value, _slug(value), is_name=False)
    schema = path.schema if end > 1 else ""
    return _Name(schema, quoted_name(path.name), _slug(path.name))


_NOT_IN_VALUES = frozenset({TokenKind.BROKEN, TokenKind.COMMENT, TokenKind.META})


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _replaced(sql: str, values: Mapping[str, _Name], schema: str) -> str:
    """Return SQL with the examples replaced, where they are whole words. `public.` before one is its schema."""
    longest_first = sorted(values, key=len, reverse=True)
    if not longest_first:
        return sql
    words = "|".join(map(re.escape, longest_first))
    place = re.compile(rf"(?<![\w$])(?P<schema>{_DEFAULT_SCHEMA}\.)?(?P<example>{words})(?![\w$])")

    def written(found: re.Match[str]) -> str:
        value = values[found["example"]]
        if not found["schema"] or not value.is_name:
            return f"{found['schema'] or ''}{value.written}"
        return f"{quoted_name(value.schema or schema)}.{value.written}"

    return place.sub(written, sql)


def name_problems(pattern: Pattern) -> Iterator[str]:
    """Yield what is wrong with a pattern's names and rollback notes."""
    for name, text in pattern.names.items():
        earlier = list(pattern.names)[: list(pattern.names).index(name)]
        unknown = [part for part in placeholders(text) if part not in earlier]
        if unknown:
            yield f"the name {name} is made of {unknown[0]}, which isn't an earlier name"
            return
    examples = examples_of(pattern)
    for name, example in examples.items():
        if not re.search(rf"(?<![\w$]){re.escape(example)}(?![\w$])", pattern.safe):
            yield f"the safe SQL doesn't contain '{example}', the example of {name}"
        if list(examples.values()).count(example) > 1:
            yield f"'{example}' is the example of more than one name"
    if pattern.rollback and len(pattern.rollback) != len(pattern.files):
        yield f"there are {len(pattern.rollback)} rollback notes for {len(pattern.files)} files"
