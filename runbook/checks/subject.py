"""Lay out a book for its checks: every step with its names, every command as it would run on production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from runbook.errors import UsageError
from runbook.expansion import EveryWay, expand
from runbook.filling import TARGET, UnknownName
from runbook.model import Action, Book, Effect, Parameter, Policy, Procedure, Role, Step, Value
from runbook.model.evidence import Evidence
from runbook.policy.judgement import Judgement, rule_of
from runbook.steps.destination import effect_of, production
from runbook.steps.scope import Place, Scope

__all__ = ["JudgedCommand", "JudgedStep", "Subject"]

_BUILT_INS = {"project_ref": "abcdefghijklmnopqrst", "env_file": "/run/user/1000/runbook.env"}
_NAMES = {**_BUILT_INS, "drill_url": "postgresql://postgres@127.0.0.1:5432/postgres"}


@dataclass(frozen=True, slots=True)
class JudgedCommand:
    """One command with its role, policy's judgement for each major of the CLI, and why it can't be filled in."""

    role: Role
    action: Action
    judgements: Mapping[int, Judgement]
    problems: tuple[str, ...] = ()
    is_known: bool = True
    """Whether policy has a rule for it, or it only prints help."""

    @property
    def effect(self) -> Effect:
        """The worst effect that it has on any major, as far as policy knows."""
        known = (each.effect for each in self.judgements.values() if each.rule)
        return effect_of(None, self.action.declared, *known)


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """A step with its commands."""

    place: Place
    commands: tuple[JudgedCommand, ...]

    @property
    def effect(self) -> Effect:
        """The worst effect of the step itself, including the one that its author declares."""
        own = [each for each in self.commands if each.role is Role.STEP]
        declared = (action.declared for action in self.place.step.actions)
        return effect_of(None, *declared, *(each.effect for each in own))


class Subject:
    """A book, with everything that its checks look at computed once."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._every_place: dict[str, tuple[Place, ...]] = {}

    @cached_property
    def places(self) -> tuple[tuple[Procedure, Place], ...]:
        """Every step, with the procedure that it's written in. Included steps are checked in their own file."""
        return tuple(
            (procedure, place)
            for procedure in self.book.procedures.values()
            for place in expand(procedure, _Examples(_example_or_name), _scope(procedure)).own
        )

    @cached_property
    def places_by_procedure(self) -> Mapping[str, Sequence[Place]]:
        """The steps of each procedure, by its id, those without any included."""
        found: dict[str, list[Place]] = {each.id: [] for each in self.book.procedures.values()}
        for procedure, place in self.places:
            found[procedure.id].append(place)
        return found

    @cached_property
    def steps(self) -> tuple[JudgedStep, ...]:
        """Every step with its commands, whose placeholders are filled in with examples."""
        majors = tuple(self.book.policy.majors)
        return tuple(
            JudgedStep(
                place,
                tuple(self._judge(_values(place, role), role, action, on) for role, action, on in commands),
            )
            for _, place in self.places
            for commands in [place.step.commands(majors)]
        )

    @cached_property
    def evidence(self) -> tuple[tuple[Evidence, JudgedCommand], ...]:
        """Every look at the target that runs record, with what it runs."""
        majors = tuple(self.book.policy.majors)
        return tuple((look, self._judge(_BUILT_INS, Role.CHECK, look.action, majors)) for look in self.book.evidence)

    def captured(self, procedure: Procedure) -> Mapping[str, str]:
        """Return every name that a procedure's own steps capture, with the id of the first step that does."""
        return self._captured[procedure.id]

    def every_place(self, procedure: Procedure) -> tuple[Place, ...]:
        """Return every step of a procedure that some run may reach, including those of included procedures."""
        if procedure.id not in self._every_place:
            self._every_place[procedure.id] = expand(procedure, EveryWay(), Scope()).places
        return self._every_place[procedure.id]

    @cached_property
    def _captured(self) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {each.id: {} for each in self.book.procedures.values()}
        for procedure, place in self.places:
            for name in place.step.captures:
                found[procedure.id].setdefault(name, place.step.id)
        return found

    def _judge(self, values: Mapping[str, Value], role: Role, action: Action, majors: tuple[int, ...]) -> JudgedCommand:
        policy, judgements, problems = self.book.policy, dict[int, Judgement](), list[str]()
        for major in majors:
            to = production(policy, major, _NAMES)
            try:
                argv = action.argv(action.example_values(values), to)
            except UnknownName:
                continue  # the check of placeholders reports it
            except UsageError as error:
                problems.append(error.message)
                continue
            judgement = action.judge(argv, to)
            if judgement is not None:
                judgements[major] = judgement
        return JudgedCommand(
            role, action, judgements, tuple(dict.fromkeys(problems)), _is_known(action, judgements, policy)
        )


def _values(place: Place, role: Role) -> Mapping[str, Value]:
    return place.scope.values if role is Role.STEP else place.after.values


class _Examples(EveryWay):
    """What is known about any run, with an example for each value."""

    def found(self, path: str, step: Step, prefix: str) -> Mapping[str, Value]:
        """Return an example of each name that the step captures: a value from `becomes`, if there are any."""
        stated = {one.name: next(iter(one.becomes.values())) for one in step.capture if one.becomes}
        return {**super().found(path, step, prefix), **stated}


def _is_known(action: Action, judgements: Mapping[int, Judgement], policy: Policy) -> bool:
    if not judgements and action.words:
        return rule_of([word for word in action.words if word != TARGET], policy) is not None
    return all(each.rule or each.effect is Effect.READS for each in judgements.values())


def _scope(procedure: Procedure) -> Scope:
    values = {each.name: _example(each) for each in procedure.parameters if not each.secret}
    return Scope(values={**_BUILT_INS, **values}, secrets=_secrets(procedure))


def _secrets(procedure: Procedure) -> dict[str, str]:
    return {each.name: each.name for each in procedure.parameters if each.secret}


def _example(parameter: Parameter) -> Value:
    if parameter.many:
        return tuple(part.strip() for part in parameter.example.split(",")) or (parameter.name,)
    return parameter.example.strip() or parameter.name


def _example_or_name(_prefix: str, name: str, asks: Parameter | None) -> str:
    return (asks.example if asks else "") or name
