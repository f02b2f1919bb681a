"""Which names each step may use: parameters, and what the steps before it have captured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runbook.loading.includes import branches
from runbook.model import Choose, Each, Option, Parameter, Procedure, Step, Tick

__all__ = ["BUILT_INS", "Scope", "Scoped", "captured_names", "scoped_steps", "variables"]

BUILT_INS = frozenset({"target", "project_ref", "env_file"})
"""Names that the walk itself fills in."""


@dataclass(slots=True)
class Scope:
    """The names known at a step. `doubtful` maps those that only some branch captures to that branch's step."""

    known: dict[str, Parameter | None]
    doubtful: dict[str, str] = field(default_factory=dict)
    later: Mapping[str, str] = field(default_factory=dict)
    """All names captured anywhere in the procedure, with the id of the step that does."""

    def copy(self) -> Scope:
        """Return a scope of its own for a branch."""
        return Scope(dict(self.known), dict(self.doubtful), self.later)

    def learn(self, step: Step) -> None:
        """Add what a step captures."""
        for name in captured_names(step):
            self.known.setdefault(name, None)
            self.doubtful.pop(name, None)


@dataclass(frozen=True, slots=True)
class Scoped:
    """A step with the names it may use; `own` are those that it captures itself, for its check and its undo."""

    step: Step
    scope: Scope
    is_before: bool = False

    @property
    def own(self) -> frozenset[str]:
        """Names that the step itself captures."""
        return frozenset(captured_names(self.step))


def captured_names(step: Step) -> Iterator[str]:
    """Yield the names that a step fills from its output or asks for at its tick."""
    yield from (capture.name for capture in step.capture)
    yield from (
        action.asks.name for action in (step.action, *step.on_cli.values()) if isinstance(action, Tick) and action.asks
    )


def variables(procedure: Procedure) -> Mapping[str, str]:
    """Return every captured name of a procedure's own steps with the id of the first step that captures it."""
    found: dict[str, str] = {}
    for scoped in _own_steps((*procedure.before, *procedure.steps)):
        for name in captured_names(scoped):
            found.setdefault(name, scoped.id)
    return found


def _own_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        for branch in branches(step.action):
            yield from _own_steps(branch)


def scoped_steps(procedure: Procedure) -> Iterator[Scoped]:
    """Yield a procedure's own steps in order, in branches too, each with the names it may use.

    The steps of included procedures are not among them: those are checked in their own file.
    """
    scope = Scope({parameter.name: parameter for parameter in procedure.parameters}, later=variables(procedure))
    yield from _walk(procedure.before, scope, is_before=True)
    yield from _walk(procedure.steps, scope, is_before=False)


def _walk(steps: tuple[Step, ...], scope: Scope, *, is_before: bool) -> Iterator[Scoped]:
    for step in steps:
        yield Scoped(step, scope.copy(), is_before)
        if isinstance(step.action, Choose):
            yield from _walk_options(step, step.action.options, scope, is_before=is_before)
        elif isinstance(step.action, Each):
            inner = scope.copy()
            inner.known[step.action.name] = None
            yield from _walk(step.action.steps, inner, is_before=is_before)
        scope.learn(step)


def _walk_options(step: Step, options: tuple[Option, ...], scope: Scope, *, is_before: bool) -> Iterator[Scoped]:
    ends = []
    for option in options:
        inner = scope.copy()
        yield from _walk(option.steps, inner, is_before=is_before)
        ends.append(inner)
    for name in sorted({name for end in ends for name in end.known} - set(scope.known)):
        if all(name in end.known for end in ends):
            scope.known[name] = None
        else:
            scope.doubtful[name] = step.id
