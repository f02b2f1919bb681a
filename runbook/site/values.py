"""The values of a page: one field each, checked by its pattern, filling every snippet. Secrets have no field."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runbook.model import Parameter

__all__ = ["ENV_FILE", "PROJECT", "ValueField", "field_of"]

_FALLBACK_PATTERN = r"[A-Za-z0-9_.,:/@+=][A-Za-z0-9_.,:/@+= -]*"
"""What a value may be where the book names no pattern: nothing that a shell or SQL could make something of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueField:
    """An entry field: typed into, or picked from `choices` or from what was typed for the list `of`."""

    key: str
    ask: str
    example: str = ""
    pattern: str = _FALLBACK_PATTERN
    choices: tuple[str, ...] = ()
    default: str = ""
    many: bool = False
    of: str = ""
    """The key of the list that this is one of."""

    @property
    def id(self) -> str:
        """Return the id of the field's element."""
        return f"value-{self.key.replace('.', '-')}"

    @property
    def choice_pattern(self) -> str:
        """Return what a value may be that is picked from a list; one of `of` is known only on the page."""
        return "|".join(map(re.escape, self.choices)) or _FALLBACK_PATTERN


PROJECT = ValueField(
    key="project_ref",
    ask="Which project? Its ref: the 20 letters in the dashboard's address.",
    example="abcdefghijklmnopqrst",
    pattern="[a-z]{20}",
)
ENV_FILE = ValueField(
    key="env_file",
    ask="Where is the private file that holds the secret?",
    example="secret.env",
    pattern=r"[A-Za-z0-9_./][A-Za-z0-9_./-]*",
)


def field_of(parameter: Parameter, key: str) -> ValueField:
    """Return the field of a parameter under its key on the page."""
    return ValueField(
        key=key,
        ask=parameter.ask,
        example=parameter.example,
        pattern=parameter.pattern or _FALLBACK_PATTERN,
        choices=parameter.choices,
        default=parameter.default or "",
        many=parameter.many,
    )
