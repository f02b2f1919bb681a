"""House rules: the header, names that PostgreSQL cuts, secrets, and data that a migration can't copy."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from runbook.migration.context import Migration
from runbook.migration.detectors.registry import detects, detects_in_file
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement
from runbook.migration.syntax_tree import calls_in, walk
from runbook.policy.secret_shapes import MASK, Shapes, has_beginning
from runbook.policy.sql_tokens import TokenKind

__all__: list[str] = []

_HEADER = ("Migration", "Purpose", "Rollback")
_EMPTY = re.compile(
    r"\W*(?:todo|tbd|fixme|xxx|n/?a|none|see git|(?:previous (?:function )?version in )?git(?: history)?|\(.*\))?\W*",
    re.IGNORECASE,
)
"""What isn't a note. Templates have theirs in parentheses."""
_LONGEST_NAME = 63
"""In bytes: PostgreSQL cuts longer names (NAMEDATALEN - 1)."""


@detects_in_file("header")
def find_header(migration: Migration) -> Iterator[Hit]:
    """Report a file without `-- Migration:`, `-- Purpose:` and `-- Rollback:` at its top, and placeholders in them."""
    if not migration.parsed.statements and not migration.parsed.broken:
        return
    begin = migration.parsed.statements[0].start if migration.parsed.statements else 0
    head = migration.source.text[: begin or None]
    missing, empty = [], []
    for name in _HEADER:
        found = re.search(rf"^\s*(?:--|/?\*+)\s*{name}:[^\S\n]*(.*)$", head, re.MULTILINE | re.IGNORECASE)
        if found is None:
            missing.append(name)
        elif _EMPTY.fullmatch(found[1]) and not _continues(head, found.end()):
            empty.append((found.start(1), name))
    if missing:
        yield Hit(0, f"the header doesn't say: {', '.join(missing)}")
    for offset, name in empty:
        yield Hit(offset, f"'{name}' in the header says nothing that helps")


def _continues(head: str, at: int) -> bool:
    """Whether a key of the header goes on in the next line of the comment."""
    following = head[at + 1 :].split("\n", 1)[0]
    return bool(re.match(r"\s*--\s+[^\s:]+(?:\s+[^\s:]+)+", following)) and ":" not in following.split("--", 1)[-1][:14]


@detects_in_file("name-too-long")
def find_long_name(migration: Migration) -> Iterator[Hit]:
    """Report a name that PostgreSQL cuts."""
    text, every = migration.source.text, migration.parsed.statements
    pattern = _LONG_ASCII if text.isascii() else _LONG_WORD
    if not _may_have_long_name(text, pattern):
        return
    for found in pattern.finditer(text):
        length = len(found.group().encode())
        if length <= _LONGEST_NAME:
            continue
        at = bisect_right(every, found.start(), key=lambda each: each.end)
        for token in every[at].tokens if at < len(every) else ():
            is_name = token.kind in {TokenKind.WORD, TokenKind.NAME} and token.start == found.start()
            if is_name and (length := len(token.text.encode())) > _LONGEST_NAME:
                yield Hit(token.start, f"this name has {length} bytes; PostgreSQL cuts it after {_LONGEST_NAME}")


def _may_have_long_name(text: str, pattern: re.Pattern[str]) -> bool:
    """Whether a part of a text that is long enough has a name. Splitting takes a fraction of a pattern's time."""
    parts = [*text.split(), *(f'"{each}"' for each in text.split('"') if "\n" not in each)]
    if text.isascii():
        return any(pattern.search(each) for each in parts if len(each) > _LONGEST_NAME)
    return any(pattern.search(each) for each in parts if len(each.encode()) > _LONGEST_NAME)


_LONG_ASCII = re.compile(r"\"[^\"\n]{64,}\"|[^\W\d][\w$]{63,}")
_LONG_WORD = re.compile(r"\"[^\"\n]{22,}\"|[^\W\d][\w$]{21,}")
"""A quick look: in UTF-8, 22 characters can have more than 63 bytes."""

_PASSWORD = re.compile(r"\bpassword\s+(?:'|e')(?!\s*')", re.IGNORECASE)
_VAULT = re.compile(r"\bvault\.(?:create|update)_secret\s*\(\s*'[^']+'", re.IGNORECASE)
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.([\w-]{8,})\.[\w-]{8,}")


@detects_in_file("secret")
def find_secret(migration: Migration) -> Iterator[Hit]:
    """Report what looks like a password, a key or a token."""
    text = migration.source.text
    lower = text.lower()  # looking for a word takes a fraction of the time of a pattern
    for word, pattern, what in (("password", _PASSWORD, "a password"), ("vault.", _VAULT, "a secret")):
        for found in pattern.finditer(text) if word in lower else ():
            if not _is_comment(migration, found.start()):
                yield Hit(found.start(), f"{what} in a migration is in git, in the history table and in backups")
    shapes, offset = Shapes(), 0
    for line in text.split("\n") if has_beginning(text) else ():
        masked = shapes.mask(line)
        if masked != line and not _is_public(line):
            at = next((i for i, (a, b) in enumerate(zip(line, masked, strict=False)) if a != b), 0)
            if MASK in masked and not masked[:at].rstrip().endswith(("--token", "TOKEN=")):
                yield Hit(
                    offset + at, "this looks like a key or a token; it is in git, in the history table and in backups"
                )
        offset += len(line) + 1


def _is_public(line: str) -> bool:
    """Whether the token in a line is public: its role is anon, or every local stack has it."""
    found = _TOKEN.search(line)
    if found is None:
        return False
    import base64
    import json

    try:
        payload = json.loads(base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)))
    except ValueError:
        return False
    return isinstance(payload, dict) and (payload.get("role") == "anon" or payload.get("iss") == "supabase-demo")


def _is_comment(migration: Migration, offset: int) -> bool:
    line = migration.source.line(migration.source.place(offset)[0])
    return line.lstrip().startswith("--")


@detects("copy-data", "CopyStmt")
def find_copy(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report COPY from standard input, which a migration doesn't have, and from files of the server."""
    if statement.node.get("is_program") or "filename" in statement.node:
        yield Hit(statement.start, "COPY with a file or a program runs on the server, which hosted projects refuse")
    elif statement.node.get("is_from"):
        yield Hit(statement.start, "COPY FROM STDIN needs rows from psql; a push sends none, and the file fails")


@detects("select-shows-nothing", "SelectStmt")
def find_select(statement: Statement, _migration: Migration) -> Iterator[Hit]:
    """Report a SELECT that only reads: a push prints no result."""
    is_call = any(True for _ in calls_in(statement.node.get("targetList")))
    from_function = any(kind == "RangeFunction" for kind, _ in walk(statement.node.get("fromClause", [])))
    changes = "withClause" in statement.node or "intoClause" in statement.node or bool(statement.inside)
    if not is_call and not from_function and not changes:
        yield Hit(statement.start, "a push prints no result, so this SELECT proves nothing")
