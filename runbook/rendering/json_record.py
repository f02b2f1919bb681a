"""A procedure as data, for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from runbook.expansion import plain_path
from runbook.model import Parameter
from runbook.rendering.reader import Reader, headed
from runbook.steps import view
from runbook.steps.scope import Place

__all__ = ["BLOCKS", "record_of"]

_Record = dict[str, object]


def record_of(reader: Reader) -> _Record:
    """Return everything that is shown of a procedure; keys of absent parts of a step are left out."""
    procedure = reader.procedure
    return {
        "id": procedure.id,
        "title": procedure.title,
        "summary": procedure.summary,
        "section": procedure.section.value,
        "minutes": procedure.minutes,
        "mode": procedure.mode.value,
        "owner": procedure.owner,
        "reviewed": procedure.reviewed.isoformat(),
        "review_days": procedure.review_days,
        "digest": procedure.digest,
        "cli": reader.to.major,
        "use_when": procedure.use_when,
        "not_for": [{"text": one.text, "see": one.see} for one in procedure.not_for],
        "needs": procedure.needs,
        "warnings": procedure.warnings,
        "parameters": [_parameter(one) for one in procedure.parameters],
        "before": [_step(heading, place, reader) for heading, place in headed(reader.expansion.before)],
        "steps": [_step(heading, place, reader) for heading, place in headed(reader.expansion.steps)],
        "after": procedure.after,
        "related": procedure.related,
        "drills": [drill.name for drill in procedure.drills],
    }


def _parameter(one: Parameter) -> _Record:
    return _present(
        name=one.name,
        ask=one.ask,
        example="" if one.secret else one.example,
        pattern=one.pattern,
        choices=one.choices,
        default=one.default,
        secret=one.secret,
        many=one.many,
    )


def _step(heading: str, place: Place, reader: Reader) -> _Record:
    return _present(
        number=place.shown_number,
        id=place.step.id,
        path=plain_path(place.path),
        heading=heading,
        title=reader.title(place),
        **_merged(reader.blocks(place, is_titled=False)),
        minutes=place.step.minutes,
        timeout=place.step.timeout,
    )


def _merged(blocks: Iterable[view.Block]) -> _Record:
    merged: _Record = {}
    for block in blocks:
        merged |= BLOCKS[type(block)](block)
    return merged


def _present(**parts: object) -> _Record:
    return {name: part for name, part in parts.items() if part not in (None, "", [], {}, (), False)}


# --- blocks -------------------------------------------------------------------------------------------------------


def _note(block: view.Note) -> _Record:
    if block.label is view.Label.IF_IT_FAILS:
        return {"if_it_fails": {"text": block.text, "see": block.see or None}}
    return {block.label.name.lower(): block.text}


def _prose(block: view.Prose) -> _Record:
    return {"tick": block.text}


def _command(block: view.Command) -> _Record:
    # A command with a lead only goes with what there is to do.
    return {"check" if block.lead else "argv": list(block.argv)}


def _effect(block: view.EffectNote) -> _Record:
    return {"effect": block.effect.value}


def _statement(block: view.Statement) -> _Record:
    return {"sql": block.sql}


def _private_file(block: view.PrivateFile) -> _Record:
    return {"env_file": list(block.names)}


def _file(block: view.File) -> _Record:
    return _present(edit=block.path, template=block.content, git=block.origin)


def _request(block: view.Request) -> _Record:
    request = _present(method=block.method, url=block.url, headers=dict(block.headers), body=block.body)
    return {"request": request}


def _options(block: view.Options) -> _Record:
    return {"choose": [answer for answer, _ in block.answers]}


def _ask(block: view.Ask) -> _Record:
    return {"asks": _parameter(block.parameter)}


def _pause(block: view.Pause) -> _Record:
    return {"wait": block.seconds, "for": block.text}


def _repeat(block: view.Repeat) -> _Record:
    return {"each": block.over, "as": block.name}


def _included(block: view.Included) -> _Record:
    return {"include": block.procedure}


def _expected(block: view.Expected) -> _Record:
    return {"expect": list(block.clauses)}


def _verification(block: view.Verification) -> _Record:
    inner = _merged(block.blocks)
    return _present(verify=inner.get("argv", inner), verify_expect=list(block.clauses))


def _undo(block: view.UndoWay) -> _Record:
    check = _verification(block.check) if block.check else {}
    return {"undo": {**_merged(block.blocks), **_present(none=block.reason), **check}}


BLOCKS: Mapping[type[view.Block], Callable[[Any], _Record]] = {
    view.Note: _note,
    view.Prose: _prose,
    view.Command: _command,
    view.EffectNote: _effect,
    view.Statement: _statement,
    view.PrivateFile: _private_file,
    view.File: _file,
    view.Request: _request,
    view.Options: _options,
    view.Ask: _ask,
    view.Pause: _pause,
    view.Repeat: _repeat,
    view.Included: _included,
    view.Expected: _expected,
    view.Verification: _verification,
    view.UndoWay: _undo,
}
"""What each block adds to its step's record."""
