"""The values of a page: one field each, checked by its pattern, filling every snippet. Secrets have no field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from runbook.model import Each, Parameter, Tick
from runbook.site.actions import PageContext
from runbook.site.numbering import Placed
from runbook.site.templating import render
from runbook.site.value_markers import marks_in

__all__ = ["ValueField", "captured_fields", "form"]

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


_PROJECT = ValueField(
    key="project_ref",
    ask="Which project? Its ref: the 20 letters in the dashboard's address.",
    example="abcdefghijklmnopqrst",
    pattern="[a-z]{20}",
)
_ENV_FILE = ValueField(
    key="env_file",
    ask="Where is the private file that holds the secret?",
    example="secret.env",
    pattern=r"[A-Za-z0-9_./][A-Za-z0-9_./-]*",
)


def form(page: PageContext) -> Markup:
    """Render the fields for all values that are known before step 1 and that a snippet of this page uses."""
    fields = [_of_parameter(one.name, one) for one in page.procedure.parameters if not one.secret]
    fields += [one for one in (_PROJECT, _ENV_FILE) if one.key in page.used]
    secrets = [one for one in page.procedure.parameters if one.secret]
    return render("procedure/values.html", fields=fields, secrets=secrets)


def _of_parameter(key: str, parameter: Parameter) -> ValueField:
    return ValueField(
        key=key,
        ask=parameter.ask,
        example=parameter.example,
        pattern=parameter.pattern or _FALLBACK_PATTERN,
        choices=parameter.choices,
        default=parameter.default or "",
        many=parameter.many,
    )


def captured_fields(page: PageContext, at: Placed) -> Markup:
    """Render fields for what this step makes known, where a command further down needs it."""
    fields = [one for one in _known_after(at) if one.key in page.used]
    return render("procedure/captured_fields.html", fields=fields)


def _known_after(at: Placed) -> Iterator[ValueField]:
    action = at.step.action
    if isinstance(action, Tick) and action.asks is not None:
        yield _of_parameter(at.scope.key(action.asks.name), action.asks)
    if isinstance(action, Each):
        ask = f"Which of {action.over.replace('_', ' ')} is it now?"
        listed = next(iter(marks_in(at.scope.value(action.over))), "")
        yield ValueField(key=at.scope.key(action.name), ask=ask, of=listed)
    for capture in at.step.capture:
        ask = f"{capture.name.replace('_', ' ').capitalize()}, from the output of this step"
        yield ValueField(key=at.scope.key(capture.name), ask=ask)
