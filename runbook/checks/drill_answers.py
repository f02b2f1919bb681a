"""Check drills: the unattended operator's answers name what the procedure asks for, and are accepted there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from runbook.checks.findings import Notes
from runbook.checks.parameters import fits
from runbook.checks.subject import Subject
from runbook.expansion import EveryWay, expand, plain_path
from runbook.model import Answer, Book, Drill, Procedure, Step
from runbook.steps.scope import Place, Scope

__all__ = ["check_answers", "places_reached", "switched_to"]

TAKE_OVER = "take-over"
"""The reaction for a target that somebody else has locked."""
START = "start"
"""The place of an event that happens before the first step."""
_TURNS = ("back", "switch", "skip", "stop", "undo")
"""Reactions after which the walk no longer follows the answers."""


def check_answers(subject: Subject, notes: Notes) -> None:
    """Report answers that name nothing that asks, answers that aren't accepted, and questions without an answer.

    The steps that reactions, events and proofs name are checked too.
    """
    for procedure in subject.book.procedures.values():
        for drill in procedure.drills:
            for problem, *place in _problems(subject, procedure, drill):
                notes.add(procedure.at, problem, "drills:", f"name: {drill.name}", *place)


def places_reached(procedure: Procedure, drill: Drill) -> Sequence[Place]:
    """Return the steps that a drill reaches with its answers, including those of included procedures."""
    return expand(procedure, _ByAnswers(drill), Scope()).places


class _ByAnswers(EveryWay):
    """What is known about a drill: it takes the options that its answers name."""

    def __init__(self, drill: Drill) -> None:
        super().__init__()
        self.answers = {plain_path(name): answer for name, answer in drill.answers.items()}

    def taken(self, path: str, answers: Sequence[str], usual: str = "") -> Sequence[str]:
        """Return the answers that the drill gives there, the usual one if it gives none."""
        plain = plain_path(path)
        names = (plain, plain.rpartition("/")[2])
        given = next((self.answers[name] for name in names if name in self.answers), usual)
        return [answer for answer in answers if answer in _items(given)]

    def answer(self, place: Place) -> Answer:
        """Return the drill's answer to a step, empty if it has none."""
        return next((self.answers[name] for name in _names_of(place) if name in self.answers), ())


@dataclass(frozen=True, slots=True)
class _Way:
    """The steps of a procedure by the names that a drill can use for them, and the steps that it reaches."""

    named: Mapping[str, Sequence[Step]]
    met: Sequence[Place]
    known: _ByAnswers


def _names_of(place: Place) -> tuple[str, ...]:
    """Return the names that an answer can use for a step: its path, its id, and the value that it asks for."""
    asks = place.step.action.asks
    return (plain_path(place.path), place.step.id, *([asks.name] if asks else []))


def _way(subject: Subject, procedures: Sequence[Procedure], drill: Drill) -> _Way:
    named: dict[str, list[Step]] = {}
    for procedure in procedures:
        for place in subject.every_place(procedure):
            for name in _names_of(place):
                named.setdefault(name, []).append(place.step)
    return _Way(named, places_reached(procedures[0], drill), _ByAnswers(drill))


def _problems(subject: Subject, procedure: Procedure, drill: Drill) -> Iterator[tuple[str, ...]]:
    """Yield each problem of a drill, with the texts that lead to its place."""
    procedures = (procedure, *switched_to(subject.book, drill))
    way = _way(subject, procedures, drill)
    for name, answer in drill.answers.items():
        problem = _problem(procedures, way.named, name, answer)
        if problem:
            yield problem, "answers:", name
    yield from _unknown(way, drill)
    yield from _unchecked(way, drill)
    yield from _unwalked(way, drill)
    yield from _unanswered(procedure, way, drill)


def _unknown(way: _Way, drill: Drill) -> Iterator[tuple[str, ...]]:
    """Yield reactions and events at steps that don't exist."""
    reactions = [("reactions:", name) for name in drill.reactions if name != TAKE_OVER]
    events = [("events:", event.at) for event in drill.scenario.events if event.at != START]
    for key, name in (*reactions, *events):
        plain = plain_path(name)
        if plain not in way.named:
            close = get_close_matches(plain, way.named, n=1)
            yield f"no step is called '{name}'" + (f"; did you mean '{close[0]}'?" if close else ""), key, name


def switched_to(book: Book, drill: Drill) -> tuple[Procedure, ...]:
    """Return the procedures that a drill's operator switches to."""
    reactions = (item for answer in drill.reactions.values() for item in _items(answer))
    names = (item.removeprefix("switch:").strip() for item in reactions if item.startswith("switch:"))
    return tuple(book.procedures[name] for name in names if name in book.procedures)


def _items(answer: Answer) -> tuple[str, ...]:
    return (answer,) if isinstance(answer, str) else answer


def _problem(procedures: Sequence[Procedure], named: Mapping[str, Sequence[Step]], name: str, answer: Answer) -> str:
    parameters = {parameter.name: parameter for procedure in procedures for parameter in procedure.parameters}
    if name in parameters:
        text = ",".join(_items(answer))
        return "" if fits(parameters[name], text) else f"'{text}' is not a value that '{name}' takes"
    steps = named.get(plain_path(name), ())
    if not steps:
        close = get_close_matches(name, [*named, *parameters], n=1)
        return f"no parameter and no step is called '{name}'" + (f"; did you mean '{close[0]}'?" if close else "")
    # Several steps of included procedures may share an id: the answer must be right for one of them.
    problems = [step.action.answer_problem(step, _items(answer)) for step in steps]
    return "" if "" in problems else problems[0]


def _unchecked(way: _Way, drill: Drill) -> Iterator[tuple[str, ...]]:
    """Yield the steps that a proof calls checked, but that don't exist or compare nothing."""
    for name in (name for proof in drill.prove for name in proof.checked or ()):
        steps = way.named.get(name, ())
        if not steps:
            yield f"no step is called '{name}'", name
        elif not any(step.verify or step.action.expectation(step.expect).compares for step in steps):
            yield f"step '{name}' compares nothing, so it can't have been checked", name


def _unwalked(way: _Way, drill: Drill) -> Iterator[tuple[str, ...]]:
    """Yield the steps of proofs that the drill doesn't reach in that order. Drills with detours are left out."""
    turns = any(item.startswith(_TURNS) for answer in drill.reactions.values() for item in _items(answer))
    turns = turns or any(place.step.action.leads_back(_items(way.known.answer(place))) for place in way.met)
    for proof in drill.prove if not turns else ():
        at = 0
        for name in proof.walked or ():
            met = range(at, len(way.met))
            found = next((index for index in met if name in _names_of(way.met[index])), None)
            if found is None:
                yield f"the drill '{drill.name}' does not reach '{name}' there", name
            at = at if found is None else found + 1


def _unanswered(procedure: Procedure, way: _Way, drill: Drill) -> Iterator[tuple[str, ...]]:
    for parameter in procedure.parameters:
        if parameter.default is None and parameter.name not in drill.answers:
            yield (f"the drill '{drill.name}' has no answer for the parameter '{parameter.name}'",)
    for place in way.met:
        action = place.step.action
        if action.wants_answer and not action.usual and not _items(way.known.answer(place)):
            yield (f"the drill '{drill.name}' reaches '{plain_path(place.path)}' and has no answer for it",)
