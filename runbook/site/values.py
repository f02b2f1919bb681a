"""The values of a page: one field each, checked by its pattern, filling every snippet. Secrets have no field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from runbook.model import Each, Parameter, Tick
from runbook.site.actions import PageContext
from runbook.site.markup import lines, tag, text
from runbook.site.numbering import Placed
from runbook.site.prose import inline
from runbook.site.value_markers import marks_in, name_of

__all__ = ["captured_fields", "form"]

_FALLBACK_PATTERN = r"[A-Za-z0-9_.,:/@+=][A-Za-z0-9_.,:/@+= -]*"
"""What a value may be where the book names no pattern: nothing that a shell or SQL could make something of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    key: str
    ask: str
    example: str = ""
    pattern: str = _FALLBACK_PATTERN
    choices: tuple[str, ...] = ()
    default: str = ""
    many: bool = False
    of: str = ""
    """The key of the list that this is one of."""


_PROJECT = _Field(
    key="project_ref",
    ask="Which project? Its ref: the 20 letters in the dashboard's address.",
    example="abcdefghijklmnopqrst",
    pattern="[a-z]{20}",
)
_ENV_FILE = _Field(
    key="env_file",
    ask="Where is the private file that holds the secret?",
    example="secret.env",
    pattern=r"[A-Za-z0-9_./][A-Za-z0-9_./-]*",
)


def form(page: PageContext) -> str:
    """Render the fields for all values that are known before step 1 and that a snippet of this page uses."""
    fields = [_of_parameter(one.name, one) for one in page.procedure.parameters if not one.secret]
    fields += [one for one in (_PROJECT, _ENV_FILE) if one.key in page.used]
    secrets = [one for one in page.procedure.parameters if one.secret]
    return lines(
        tag("p", "Type a value once: every command on this page follows. Nothing leaves this browser.")
        if fields
        else "",
        tag("div", *(_render(one) for one in fields), class_="rb-values") if fields else "",
        "" if fields else tag("p", "This procedure asks for no values before step 1."),
        *(_secret(one) for one in secrets),
    )


def _secret(parameter: Parameter) -> str:
    name = tag("strong", text(name_of(parameter.name)))
    return tag(
        "p",
        f"{name}: {inline(parameter.ask)} It is a secret, so it has no field here: the walk asks for it without "
        "showing it.",
        class_="rb-secret",
    )


def _of_parameter(key: str, parameter: Parameter) -> _Field:
    return _Field(
        key=key,
        ask=parameter.ask,
        example=parameter.example,
        pattern=parameter.pattern or _FALLBACK_PATTERN,
        choices=parameter.choices,
        default=parameter.default or "",
        many=parameter.many,
    )


def captured_fields(page: PageContext, at: Placed) -> str:
    """Render fields for what this step makes known, where a command further down needs it."""
    return "".join(_render(one) for one in _seen_at(at) if one.key in page.used)


def _seen_at(at: Placed) -> Iterator[_Field]:
    action = at.step.action
    if isinstance(action, Tick) and action.asks is not None:
        yield _of_parameter(at.scope.key(action.asks.name), action.asks)
    if isinstance(action, Each):
        ask = f"Which of {action.over.replace('_', ' ')} is it now?"
        listed = next(iter(marks_in(at.scope.value(action.over))), "")
        yield _Field(key=at.scope.key(action.name), ask=ask, of=listed)
    for capture in at.step.capture:
        ask = f"{capture.name.replace('_', ' ').capitalize()}, from the output of this step"
        yield _Field(key=at.scope.key(capture.name), ask=ask)


def _render(field: _Field) -> str:
    one = f"value-{field.key.replace('.', '-')}"
    label = tag("label", tag("span", text(name_of(field.key)), class_="rb-field__name"), inline(field.ask), for_=one)
    entry = _choices(one, field) if field.choices or field.of else _entry(one, field)
    return tag(
        "div",
        label,
        entry,
        tag("span", "", class_="rb-field__blank", aria_hidden="true"),
        tag("p", _hint(field), class_="rb-field__hint", id=f"{one}-hint"),
        tag("p", "", class_="rb-field__problem", id=f"{one}-problem", role="status"),
        class_="rb-field",
    )


def _hint(field: _Field) -> str:
    example = f"For example {tag('code', text(field.example))}." if field.example else ""
    return " ".join(part for part in (example, "Several: with commas." if field.many else "") if part)


def _entry(one: str, field: _Field) -> str:
    return tag(
        "input",
        type="text",
        id=one,
        value=field.default or None,
        autocomplete="off",
        autocapitalize="none",
        spellcheck="false",
        aria_describedby=f"{one}-hint {one}-problem",
        data_rb_field=field.key,
        data_rb_pattern=field.pattern,
        data_rb_many=field.many,
    )


def _choices(one: str, field: _Field) -> str:
    empty = tag("option", "Choose", value="")
    options = (tag("option", text(choice), value=choice, selected=choice == field.default) for choice in field.choices)
    return tag(
        "select",
        empty,
        *options,
        id=one,
        aria_describedby=f"{one}-hint {one}-problem",
        data_rb_field=field.key,
        data_rb_pattern="|".join(map(re.escape, field.choices)) or _FALLBACK_PATTERN,
        data_rb_of=field.of or None,
    )
