"""The commands of a step as they would run on production, and what policy says of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from runbook.checks.placeholder_uses import Role, commands_of
from runbook.checks.scopes import Scoped, captured_names, scoped_steps
from runbook.errors import UsageError
from runbook.filling import TARGET, UnknownName, argv_of
from runbook.model import Book, Command, Effect, Parameter, Policy, Procedure, Sql, TargetKind, Tick
from runbook.policy.judgement import Judgement, classify, rule_of

__all__ = ["Judged", "JudgedStep", "judged_steps", "worst"]

_NAMES = {"project_ref": "abcdefghijklmnopqrst", "drill_url": "postgresql://postgres@127.0.0.1:5432/postgres"}
_EXAMPLES = {**_NAMES, "env_file": "/run/user/1000/runbook.env"}


@dataclass(frozen=True, slots=True)
class Judged:
    """One command with its role, what policy says of it by major of the CLI, and why it can't be filled in."""

    role: Role
    action: Command | Sql
    judgements: Mapping[int, Judgement]
    problems: tuple[str, ...] = ()
    is_known: bool = True
    """Whether policy has a rule for it, or it only prints help."""

    @property
    def effect(self) -> Effect:
        """The worst that it does on any major, as far as policy knows it."""
        return worst(each.effect for each in self.judgements.values() if each.rule)


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """A step with its commands."""

    scoped: Scoped
    commands: tuple[Judged, ...]

    @property
    def effect(self) -> Effect:
        """The worst that the step itself does; a statement that is said to write does so."""
        own = [each for each in self.commands if each.role is Role.STEP]
        declared = [Effect.WRITES for each in own if isinstance(each.action, Sql) and each.action.writes]
        return worst([*declared, *(each.effect for each in own)])


def worst(effects: Iterable[Effect]) -> Effect:
    """Return the gravest of some effects, `reads` of none."""
    return max(effects, key=lambda effect: effect.rank, default=Effect.READS)


def judged_steps(book: Book) -> Iterator[JudgedStep]:
    """Yield every step of every procedure with its commands; examples stand for the values of placeholders."""
    for procedure in book.procedures.values():
        steps = tuple(scoped_steps(procedure))
        values = _values(procedure, steps)
        for scoped in steps:
            found = commands_of(scoped.step, book.policy.majors)
            yield JudgedStep(scoped, tuple(_judge(*each, values, book.policy) for each in found))


def _judge(
    role: Role, action: Command | Sql, majors: tuple[int, ...], values: Mapping[str, str], policy: Policy
) -> Judged:
    judgements: dict[int, Judgement] = {}
    problems: list[str] = []
    for major in majors:
        try:
            argv = argv_of(action, values, policy=policy, major=major, kind=TargetKind.PRODUCTION, names=_NAMES)
        except UnknownName:
            continue  # check_names says so
        except UsageError as error:
            problems.append(error.message)
            continue
        judgements[major] = classify(argv, policy, major=major)
    return Judged(role, action, judgements, tuple(dict.fromkeys(problems)), _is_known(action, judgements, policy))


def _is_known(action: Command | Sql, judgements: Mapping[int, Judgement], policy: Policy) -> bool:
    if not judgements and isinstance(action, Command):
        return rule_of([word for word in action.words if word != TARGET], policy) is not None
    return all(each.rule or each.effect is Effect.READS for each in judgements.values())


def _values(procedure: Procedure, steps: Iterable[Scoped]) -> dict[str, str]:
    """Return an example for every name of a procedure; a captured value is shown by its own name."""
    asked: list[Parameter] = [*procedure.parameters]
    values = dict(_EXAMPLES)
    for scoped in steps:
        values.update({name: name for name in (*captured_names(scoped.step), *scoped.scope.known)})
        actions = (scoped.step.action, *scoped.step.on_cli.values())
        asked += [action.asks for action in actions if isinstance(action, Tick) and action.asks]
    return values | {each.name: _example(each) for each in asked}


def _example(parameter: Parameter) -> str:
    example = parameter.example.split(",")[0] if parameter.many else parameter.example
    return example.strip() or parameter.name
