"""A procedure as data, for programs."""

from __future__ import annotations

from runbook.model import Choose, Command, Edit, Parameter, Procedure, Sql, Tick, Undo, Wait
from runbook.rendering.outline import Entry, Reader, example_values, outline

__all__ = ["record_of"]


def record_of(procedure: Procedure, reader: Reader) -> dict[str, object]:
    """Return everything that is shown of a procedure; keys of absent parts are left out."""
    values = example_values(procedure, reader.project_ref)
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
        "cli": reader.major,
        "use_when": procedure.use_when,
        "not_for": [{"text": one.text, "see": one.see} for one in procedure.not_for],
        "needs": procedure.needs,
        "warnings": procedure.warnings,
        "parameters": [_parameter(one) for one in procedure.parameters],
        "before": [_step(entry, reader) for entry in outline(procedure.before, values)],
        "steps": [_step(entry, reader) for entry in outline(procedure.steps, values)],
        "after": procedure.after,
        "related": procedure.related,
        "drills": [drill.name for drill in procedure.drills],
    }


def _parameter(one: Parameter) -> dict[str, object]:
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


def _step(entry: Entry, reader: Reader) -> dict[str, object]:
    step, values = entry.step, entry.values
    effect = reader.effect(step, values)
    texts = {
        name: reader.text(text, values)
        for name, text in (
            ("title", step.title),
            ("why", step.why),
            ("look_for", step.look_for),
            ("warning", step.warning),
            ("stop_if", step.stop_if),
        )
        if text
    }
    recovery = step.if_it_fails
    return _present(
        number=entry.number,
        id=step.id,
        heading=entry.heading,
        **texts,
        **_action(entry, reader),
        effect=effect.value if effect else "",
        verify=list(reader.argv(step.verify.action, values)) if step.verify else [],
        undo=_undo(step.undo, entry, reader) if step.undo else {},
        if_it_fails={"text": reader.text(recovery.text, values), "see": recovery.see} if recovery else {},
        minutes=step.minutes,
        timeout=step.timeout,
    )


def _action(entry: Entry, reader: Reader) -> dict[str, object]:
    action = entry.step.action_on(reader.major)
    match action:
        case Command() | Sql():
            return {"argv": list(reader.argv(action, entry.values))}
        case Tick():
            asks = {"asks": _parameter(action.asks)} if action.asks else {}
            return {"tick": reader.text(action.text, entry.values), **asks}
        case Edit():
            return {"edit": reader.text(action.file, entry.values)}
        case Wait():
            return {"wait": action.seconds, "for": reader.text(action.text, entry.values)}
        case Choose():
            return {"choose": [option.when for option in action.options]}
    return {}


def _undo(undo: Undo, entry: Entry, reader: Reader) -> dict[str, object]:
    if isinstance(undo.action, Command | Sql):
        return {"argv": list(reader.argv(undo.action, entry.values))}
    if isinstance(undo.action, Tick):
        return {"tick": reader.text(undo.action.text, entry.values)}
    return {"none": reader.text(undo.reason or "", entry.values)}


def _present(**parts: object) -> dict[str, object]:
    return {name: part for name, part in parts.items() if part not in (None, "", [], {}, (), False)}
