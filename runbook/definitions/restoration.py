"""The values that restorers work with: the object that a person asks for, and how to restore it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from runbook.definitions.changes import ObjectName
from runbook.definitions.routines import argument_types
from runbook.errors import UsageError
from runbook.policy.secret_shapes import MASK
from runbook.policy.sql_tokens import tokens

__all__ = ["Asked", "Restoration", "refuse_masked", "resolve"]

_ASKED = re.compile(
    r'(?:(?P<schema>"(?:[^"]|"")+"|[^".(]+)\.)?(?P<name>"(?:[^"]|"")+"|[^"(]+?)\s*(?:\((?P<arguments>.*)\))?'
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An object as a person names it: `name`, `schema.name`, `"Name"`, and for a function `name(types)`."""

    schema: str
    name: str
    arguments: tuple[str, ...] | None = None

    @classmethod
    def read(cls, text: str) -> Asked:
        """Read a name. Names without quotes keep their case."""
        found = _ASKED.fullmatch(text.strip())
        if found is None:
            return cls("", text.strip())
        arguments = found["arguments"]
        types = None if arguments is None else argument_types(list(tokens(arguments)))
        return cls(_unquoted(found["schema"] or ""), _unquoted(found["name"]), types)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.strip()


@dataclass(slots=True)
class Restoration:
    """How to restore one object."""

    what: str
    source: str
    """The version of the migration that has the earlier definition."""
    now: str
    before: str
    statements: list[str]
    notes: list[str] = field(default_factory=list)
    wanted: dict[str, Any] = field(default_factory=dict)
    """What must be true afterwards; see `runbook.definitions.proving`."""
    parts: dict[str, str] = field(default_factory=dict)
    """Parts of the statement that a file's template puts together itself."""


def refuse_masked(texts: Iterable[str]) -> None:
    """Raise UsageError if one of these texts has a masked secret: it can't be compared, and must not be restored."""
    if any(MASK in text for text in texts):
        raise UsageError(
            "its definition contains what looks like a secret, which is masked here",
            hint="Copy the earlier definition from git by hand, and move the secret to Vault afterwards.",
        )


def resolve(asked: Asked, names: Iterable[ObjectName], kind: str) -> ObjectName:
    """Return the object that was asked for. An exact match of case wins, then the schema `public`."""
    known = set(names)
    fits = [name for name in known if asked.schema in {"", name.schema}]
    found = [name for name in fits if name.name == asked.name]
    found = found or [name for name in fits if name.name.lower() == asked.name.lower()]
    chosen = [name for name in found if name.schema == "public"] if len(found) > 1 else found
    if len(chosen) == 1:
        return chosen[0]
    if found:
        listed = ", ".join(sorted(name.sql for name in found))
        raise UsageError(f"several objects have this name: {listed}", hint="Name the schema too, as in app.name.")
    raise UsageError(f"neither the database nor its migrations have a {kind} called '{asked.name}'")
