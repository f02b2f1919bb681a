"""Apply a team's changes to a packaged procedure before it is built, so that it is a procedure like any other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runbook.loading.pins import Base, Pin, bases_of, difference_from
from runbook.loading.records import Record
from runbook.loading.source_text import Problems
from runbook.model import Position
from runbook.model.overlay import STEP_TEXTS
from runbook.model.procedure import TeamChange

__all__ = ["Overlaid", "apply_overlay", "pinned_names"]

_IN_PLACE = ("instead_of", "remove", "change")
"""What is done to a step itself. Only one of these can be done to one step."""
_SET_FREELY = frozenset({"owner", "reviewed", "review_every"})
"""Keys that are the team's own business, so that a new value of ours changes nothing for them."""


@dataclass(frozen=True, slots=True)
class Overlaid:
    """A packaged procedure with a team's changes in it, and what they are."""

    record: Record
    changes: tuple[TeamChange, ...]


def apply_overlay(base: Record, own: Record, pins: Mapping[str, Pin], problems: Problems) -> Overlaid:
    """Return the packaged procedure `base` with the changes `own`. Changes that can't be applied become problems.

    A change whose base isn't as pinned is applied if it still fits, and says so in `TeamChange.stale`.
    """
    bases = bases_of(base)
    edits = _edits_by_step(own, bases, pins, problems)
    values = {**base.values, **_values(own, "set")}
    places = {**base.places, **_places(own, "set")}
    for name, more in _values(own, "add").items():
        values[name] = (*values.get(name, ()), *more)
        places.setdefault(name, own.at)
    for name in ("before", "steps"):
        if name in values:
            values[name] = _with_steps(values[name], edits)
    _add_parameters(values, places, own, problems)
    _change_drills(values, places, own, problems)
    _check_ids(values, problems)
    changed = replace(base, values=values, places=places)
    return Overlaid(changed, tuple(_described(own, bases, pins)))


def pinned_names(own: Record) -> tuple[str, ...]:
    """Return the bases that a team's changes rest on: each step that they name, and each key that they set."""
    keys = (f"key: {name}" for name in _values(own, "set") if name not in _SET_FREELY)
    return tuple(dict.fromkeys((*keys, *(_step_of(edit) for edit in _edits(own)))))


# --- steps --------------------------------------------------------------------------------------------------------


def _edits(own: Record) -> tuple[Record, ...]:
    found = own.values.get("steps", ())
    return tuple(each for each in found if isinstance(each, Record)) if isinstance(found, tuple) else ()


def _step_of(edit: Record) -> str:
    return str(edit.values[edit.kind])


def _edits_by_step(
    own: Record, bases: Mapping[str, Base], pins: Mapping[str, Pin], problems: Problems
) -> Mapping[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for edit in _edits(own):
        name, at = _step_of(edit), edit.places[edit.kind]
        if name not in bases:
            message = f"the step '{name}' {difference_from(pins.get(name), None, bases)}{_close(name, bases, pins)}"
            problems.add(at, message, width=len(name))
        elif edit.kind in _IN_PLACE and any(other.kind in _IN_PLACE for other in found[name]):
            problems.add(at, f"something else is already done to the step '{name}'", width=len(name))
        else:
            found[name].append(edit)
    return found


def _close(name: str, bases: Mapping[str, Base], pins: Mapping[str, Pin]) -> str:
    from difflib import get_close_matches  # most names are right

    if name in pins:
        return ". `runbook upgrade` shows what it was"
    close = get_close_matches(name, [each for each in bases if ": " not in each], n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _with_steps(value: Any, edits: Mapping[str, list[Record]]) -> Any:
    """Return a value with the edits done to every step in it."""
    if isinstance(value, Record):
        return replace(value, values={name: _with_steps(each, edits) for name, each in value.values.items()})
    if isinstance(value, dict):
        return {name: _with_steps(each, edits) for name, each in value.items()}
    if not isinstance(value, tuple):
        return value
    found: list[Any] = []
    phase: tuple[str, Position] | None = None
    for each in value:
        if not isinstance(each, Record) or each.shape.name != "step":
            found.append(_with_steps(each, edits))
            continue
        step = _with_steps(each, edits)
        group, phase = _edited(step, edits.get(str(step.values["id"]), ()), phase)
        found += group
    return tuple(found)


def _edited(
    step: Record, edits: Iterable[Record], phase: tuple[str, Position] | None
) -> tuple[list[Record], tuple[str, Position] | None]:
    """Return what stands in a step's place, and the phase that the next step begins, if this one's is without steps.

    A phase begins with its first step, so its title goes to whatever is first now.
    """
    by_kind: dict[str, list[Record]] = defaultdict(list)
    for edit in edits:
        by_kind[edit.kind].append(edit)
    itself = [step]
    for edit in by_kind["change"]:
        texts = {name: value for name, value in edit.values.items() if name in STEP_TEXTS}
        places = {name: edit.places[name] for name in texts}
        itself = [replace(step, values={**step.values, **texts}, places={**step.places, **places})]
    if by_kind["remove"] or by_kind["instead_of"]:
        itself = [new for edit in by_kind["instead_of"] for new in _new_steps(edit)]
    before = [new for edit in by_kind["before"] for new in _new_steps(edit)]
    after = [new for edit in by_kind["after"] for new in _new_steps(edit)]
    group = [*before, *itself, *after]
    if "phase" in step.values:
        phase = (str(step.values["phase"]), step.places["phase"])
        group = [_without_phase(each) if each.at == step.at else each for each in group]
    if phase is None or not group:
        return group, phase
    if "phase" not in group[0].values:
        values, places = {**group[0].values, "phase": phase[0]}, {**group[0].places, "phase": phase[1]}
        group[0] = replace(group[0], values=values, places=places)
    return group, None


def _without_phase(step: Record) -> Record:
    return replace(step, values={name: value for name, value in step.values.items() if name != "phase"})


def _new_steps(edit: Record) -> tuple[Record, ...]:
    steps = edit.values.get("steps")
    return steps if isinstance(steps, tuple) else ()


def _check_ids(values: Mapping[str, object], problems: Problems) -> None:
    """Report each of the team's steps whose id another step has."""
    seen: set[str] = set()
    steps = [*_all_steps(values.get("before")), *_all_steps(values.get("steps"))]
    # The packaged steps first, so that the problem is at the team's.
    for step in sorted(steps, key=lambda step: step.at.file == problems.source.name):
        name = str(step.values["id"])
        if name in seen:
            problems.add(step.places["id"], f"a step called '{name}' is already in the procedure", width=len(name))
        seen.add(name)


def _all_steps(value: object) -> Iterator[Record]:
    if isinstance(value, Record):
        if value.shape.name == "step":
            yield value
        for each in value.values.values():
            yield from _all_steps(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _all_steps(each)
    elif isinstance(value, dict):
        yield from _all_steps(tuple(value.values()))


# --- parameters and drills ----------------------------------------------------------------------------------------


def _add_parameters(values: dict[str, Any], places: dict[str, Position], own: Record, problems: Problems) -> None:
    more: Mapping[str, Record] = own.values.get("parameters", {})  # type: ignore[assignment]
    known: Mapping[str, Record] = values.get("parameters", {})
    for name, parameter in more.items():
        if name in known:
            problems.add(parameter.at, f"the packaged procedure already has a parameter '{name}'", width=len(name))
    if more:
        values["parameters"] = {**more, **known}
        places.setdefault("parameters", own.places["parameters"])


def _change_drills(values: dict[str, Any], places: dict[str, Position], own: Record, problems: Problems) -> None:
    """Leave out the packaged drills that no longer fit, answer at the team's steps in the others, and add theirs."""
    packaged: tuple[Record, ...] = values.get("drills", ())
    added: tuple[Record, ...] = own.values.get("drills", ())  # type: ignore[assignment]
    dropped: Mapping[str, str] = own.values.get("without_drills", {})  # type: ignore[assignment]
    answers: Mapping[str, object] = own.values.get("drill_answers", {})  # type: ignore[assignment]
    names = {str(drill.values["name"]) for drill in packaged}
    for name in dropped:
        if name not in names:
            problems.add(own.places["without_drills"], f"the packaged procedure has no drill '{name}'")
    for drill in added:
        if drill.values["name"] in names - set(dropped):
            problems.add(drill.places["name"], f"a drill called '{drill.values['name']}' is already in the procedure")
    kept = tuple(_answering(drill, answers) for drill in packaged if drill.values["name"] not in dropped)
    if kept or added:
        values["drills"] = (*kept, *added)
        places.setdefault("drills", own.at)
    else:
        values.pop("drills", None)


def _answering(drill: Record, answers: Mapping[str, object]) -> Record:
    if not answers:
        return drill
    known: Mapping[str, object] = drill.values.get("answers", {})  # type: ignore[assignment]
    places = {"answers": drill.at, **drill.places}
    return replace(drill, values={**drill.values, "answers": {**answers, **known}}, places=places)


# --- what was changed ---------------------------------------------------------------------------------------------


def _described(own: Record, bases: Mapping[str, Base], pins: Mapping[str, Pin]) -> Iterator[TeamChange]:
    """Yield a sentence for each change, with the team's reason and what became of its base."""
    if free := [name for name in _values(own, "set") if name in _SET_FREELY]:
        said = " and ".join(filter(None, (", ".join(map(_said, free[:-1])), _said(free[-1]))))
        yield TeamChange(f"Sets its own {said}.", "", _places(own, "set")[free[0]])
    for name in (each for each in _values(own, "set") if each not in _SET_FREELY):
        pinned = f"key: {name}"
        stale = difference_from(pins.get(pinned), bases[pinned], bases) if pinned in bases else ""
        at = _places(own, "set")[name]
        yield TeamChange(f"Sets its own {_said(name)}.", "", at, f"'{name}' {stale}" if stale else "")
    for name in _values(own, "add"):
        yield TeamChange(f"Adds to {_said(name)}.", "", _places(own, "add")[name])
    for edit in _edits(own):
        step = _step_of(edit)
        if step in bases:
            stale = difference_from(pins.get(step), bases[step], bases)
            reason = str(edit.values.get("reason", ""))
            at = edit.places[edit.kind]
            yield TeamChange(_sentence(edit, step), reason, at, f"the step '{step}' {stale}" if stale else "")
    dropped: Mapping[str, str] = own.values.get("without_drills", {})  # type: ignore[assignment]
    for name, reason in dropped.items():
        yield TeamChange(f"Leaves out the drill `{name}`.", reason, own.places["without_drills"])


def _sentence(edit: Record, step: str) -> str:
    new = ", ".join(f"`{each.values['id']}`" for each in _new_steps(edit))
    match edit.kind:
        case "before" | "after":
            return f"Adds {new} {edit.kind} `{step}`."
        case "instead_of":
            return f"Does {new} instead of `{step}`."
        case "remove":
            return f"Leaves out the step `{step}`."
    return f"Words the step `{step}` differently."


_WORDS = {
    "reviewed": "review date",
    "review_every": "time until the next review",
    "use_when": "situations",
    "not_for": "other situations",
    "after": "list of what is left to do",
    "needs": "list of what to have at hand",
    "related": "related procedures",
}


def _said(name: str) -> str:
    return _WORDS.get(name, name)


def _values(own: Record, name: str) -> Mapping[str, Any]:
    part = own.values.get(name)
    return part.values if isinstance(part, Record) else {}


def _places(own: Record, name: str) -> Mapping[str, Position]:
    part = own.values.get(name)
    return part.places if isinstance(part, Record) else {}
