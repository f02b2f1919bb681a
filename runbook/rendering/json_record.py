"""A procedure as data, for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from runbook.expansion import plain_path
from runbook.model import Contact, Parameter
from runbook.rendering.shown_procedure import ShownProcedure, headed
from runbook.steps import view
from runbook.steps.scope import Place

__all__ = ["BLOCKS", "record_of"]

_Record = dict[str, object]


def record_of(shown: ShownProcedure) -> _Record:
    """Return everything that is shown of a procedure; keys for missing parts of a step are left out."""
    procedure = shown.procedure
    return {
        "id": procedure.id,
        "title": procedure.title,
        "summary": procedure.summary,
        "section": procedure.section.value,
        "minutes": procedure.minutes,
        "mode": procedure.mode.value,
        "owner": procedure.owner,
        "contact": _contact(procedure.contact),
        "changes": [{"text": one.text, "reason": one.reason, "stale": one.stale} for one in procedure.changes],
        "reviewed": procedure.reviewed.isoformat(),
        "review_days": procedure.review_days,
        "digest": procedure.digest,
        "cli": shown.to.major,
        "use_when": procedure.use_when,
        "symptoms": procedure.symptoms,
        "errors": procedure.errors,
        "not_for": [{"text": one.text, "see": one.see} for one in procedure.not_for],
        "needs": procedure.needs,
        "warnings": procedure.warnings,
        "parameters": [_parameter(one) for one in procedure.parameters],
        "before": [_step(heading, place, shown) for heading, place in headed(shown.expansion.before)],
        "steps": [_step(heading, place, shown) for heading, place in headed(shown.expansion.steps)],
        "after": procedure.after,
        "related": procedure.related,
        "drills": [drill.name for drill in procedure.drills],
    }


def _contact(one: Contact | None) -> _Record | None:
    return {name: getattr(one, name) for name in ("name", "channel", "page", "hours")} if one else None


def _parameter(one: Parameter) -> _Record:
    names = ("name", "ask", "example", "pattern", "excludes", "choices", "default", "secret", "many")
    return _present(**{name: getattr(one, name) for name in names if not (one.secret and name == "example")})


def _step(heading: str, place: Place, shown: ShownProcedure) -> _Record:
    return _present(
        number=place.shown_number,
        id=place.step.id,
        path=plain_path(place.path),
        heading=heading,
        title=shown.title(place),
        **_merged(shown.blocks(place, is_titled=False)),
        minutes=place.step.minutes,
        timeout=place.step.timeout,
    )


def _merged(blocks: Iterable[view.Block]) -> _Record:
    merged: _Record = {}
    for block in blocks:
        merged |= BLOCKS[type(block)](block)
    return merged


def _present(**parts: object) -> _Record:
    # A 0, such as the minutes that nobody has given, is dropped too: it equals False.
    return {name: part for name, part in parts.items() if part not in (None, "", [], {}, (), False)}


# --- blocks -------------------------------------------------------------------------------------------------------


def _verification(block: view.Verification) -> _Record:
    inner = _merged(block.blocks)
    return _present(verify=inner.get("argv", inner), verify_expect=list(block.clauses))


def _undo(block: view.UndoWay) -> _Record:
    check = _verification(block.check) if block.check else {}
    return {"undo": {**_merged(block.blocks), **_present(none=block.reason), **check}}


# Each of them adds to the record of its step. Programs read these keys, so they stay the same, whatever a block's name.
BLOCKS: Mapping[type[view.Block], Callable[[Any], _Record]] = {
    view.Note: lambda note: {
        note.label.name.lower(): {"text": note.text, "see": note.see or None}
        if note.label is view.Label.IF_IT_FAILS
        else note.text
    },
    view.Prose: lambda prose: {"tick": prose.text},
    # A command with a lead only accompanies what there is to do.
    view.CommandToRun: lambda command: {"check" if command.lead else "argv": list(command.argv)},
    view.EffectNote: lambda note: {"effect": note.effect.value},
    view.Statement: lambda statement: {"sql": statement.sql},
    view.PrivateFile: lambda file: {"env_file": list(file.names)},
    view.File: lambda file: _present(edit=file.path, template=file.content, git=file.origin),
    view.HttpRequest: lambda one: {
        "request": _present(method=one.method, url=one.url, headers=dict(one.headers), body=one.body)
    },
    view.Options: lambda options: {"choose": [answer.text for answer in options.answers]},
    view.Ask: lambda ask: {"asks": _parameter(ask.parameter)},
    view.Pause: lambda pause: {"wait": pause.seconds, "for": pause.text},
    view.Looks: lambda looks: {"looks": [{"look": one.title, **_merged(one.blocks)} for one in looks.readings]},
    view.Repeat: lambda repeat: {"each": repeat.over, "as": repeat.name},
    view.Included: lambda included: {"include": included.procedure},
    view.Expected: lambda expected: {"expect": list(expected.clauses)},
    view.Verification: _verification,
    view.UndoWay: _undo,
}
