"""The way through a procedure, laid flat: its steps in order, given the choices made and the values known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from runbook.engine.state import RunState
from runbook.engine.step_record import Status
from runbook.filling import UnknownName, Values, fill_text
from runbook.model import Choose, Each, Include, Option, Procedure, Step

__all__ = ["BEFORE", "BEFORE_TITLE", "Instance", "Values", "chosen", "instances", "number_of", "phase_of"]

BEFORE = "before"
"""First part of the path of a step that comes before step 1."""

BEFORE_TITLE = "Before you start"
"""Title shown for the steps of `before`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One step at one place of the way: an `each` has its steps once per value, an `include` those of another."""

    path: str
    step: Step
    values: Values
    """What its placeholders may stand for: parameters, captures of the steps before it, `each` and include names."""
    secrets: Mapping[str, str]
    """Names by which it calls secrets → the run's own names of them."""
    captures: Mapping[str, str]
    """Variables that steps before it capture → the path of the step that does."""
    is_before: bool = False
    phase: int = 0
    """Number of its phase; 0 in `before`."""


@dataclass(slots=True)
class _Scope:
    """What is known while the way is laid; it grows from step to step."""

    values: dict[str, str | tuple[str, ...]]
    secrets: dict[str, str]
    captures: dict[str, str] = field(default_factory=dict)

    def inner(self, **bound: str) -> _Scope:
        return _Scope({**self.values, **bound}, dict(self.secrets), dict(self.captures))

    def learn(self, path: str, step: Step, captured: Mapping[str, str]) -> None:
        self.captures.update(dict.fromkeys(_captured_names(step), path))
        self.values.update(captured)


def _captured_names(step: Step) -> Iterator[str]:
    yield from (capture.name for capture in step.capture)
    asks = (getattr(action, "asks", None) for action in (step.action, *step.on_cli.values()))
    yield from (asked.name for asked in asks if asked is not None)


def instances(procedure: Procedure, state: RunState) -> tuple[Instance, ...]:
    """Return the steps from first to last. Behind an open choice only what all its options share is known."""
    secrets = {parameter.name: parameter.name for parameter in procedure.parameters if parameter.secret}
    scope = _Scope(dict(state.parameters), secrets)
    before = [replace(one, is_before=True) for one in _walk(procedure.before, f"{BEFORE}/", scope, state)]
    return (*before, *_number_phases(_walk(procedure.steps, "", scope, state)))


def _walk(steps: Sequence[Step], prefix: str, scope: _Scope, state: RunState) -> Iterator[Instance]:
    for step in steps:
        path = f"{prefix}{step.id}"
        if isinstance(step.action, Each):
            yield from _each(step, step.action, path, scope, state)
        elif isinstance(step.action, Include):
            yield from _opening(step, _include(step.action, path, scope, state))
        else:
            yield _instance(path, step, scope)
            if isinstance(step.action, Choose):
                option = chosen(step.action, path, state)
                yield from _walk(option.steps if option else (), f"{path}/", scope, state)
            scope.learn(path, step, state.step(path).captured)


def _instance(path: str, step: Step, scope: _Scope) -> Instance:
    return Instance(
        path=path,
        step=step,
        values=dict(scope.values),
        secrets=dict(scope.secrets),
        captures=dict(scope.captures),
    )


def _each(step: Step, each: Each, path: str, scope: _Scope, state: RunState) -> Iterator[Instance]:
    over = scope.values.get(each.over, ())
    for value in (over,) if isinstance(over, str) else over:
        inner = scope.inner(**{each.name: value})
        yield from _opening(step, _walk(each.steps, f"{path}[{value}]/", inner, state))


def _include(include: Include, path: str, scope: _Scope, state: RunState) -> Iterator[Instance]:
    inner = _Scope({}, {})
    for name, template in include.values.items():
        secret = scope.secrets.get(template.strip("{} "))
        whole_list = scope.values.get(template.strip("{} "))
        if secret is not None:
            inner.secrets[name] = secret
        elif isinstance(whole_list, tuple):
            inner.values[name] = whole_list
        else:
            _bind(inner, name, template, scope)
    yield from _walk(include.steps, f"{path}/", inner, state)


def _bind(inner: _Scope, name: str, template: str, scope: _Scope) -> None:
    """Bind an included procedure's parameter, unless what it rests on is not known (yet)."""
    try:
        inner.values[name] = fill_text(template, scope.values)
    except UnknownName as unknown:
        source = scope.captures.get(unknown.name)
        if source is not None:
            inner.captures[name] = source


def _opening(step: Step, inner: Iterator[Instance]) -> Iterator[Instance]:
    """Let the first step inside a container open the container's own phase."""
    for index, one in enumerate(inner):
        opens = index == 0 and step.phase is not None and one.step.phase is None
        yield replace(one, step=replace(one.step, phase=step.phase)) if opens else one


def _number_phases(steps: Iterator[Instance]) -> Iterator[Instance]:
    phase = 1
    for index, one in enumerate(steps):
        phase += one.step.phase is not None and index > 0
        yield replace(one, phase=phase)


def chosen(choose: Choose, path: str, state: RunState) -> Option | None:
    """Return the option taken at that `choose` step, None while it is open or its option no longer exists."""
    if state.step(path).status is not Status.PASSED:
        return None
    return next((option for option in choose.options if option.when == state.choices.get(path)), None)


def number_of(steps: Sequence[Instance], path: str) -> tuple[int, int]:
    """Return (number, total) of a step among those of its part: `before` is numbered on its own."""
    here = next((one for one in steps if one.path == path), None)
    part = [one.path for one in steps if here is not None and one.is_before == here.is_before]
    return (part.index(path) + 1, len(part)) if path in part else (0, len(steps))


def phase_of(steps: Sequence[Instance], path: str) -> tuple[int, int, str]:
    """Return (number, count, title) of the phase that a step is in."""
    count = max((one.phase for one in steps), default=0)
    here = next((one for one in steps if one.path == path), None)
    if here is None or here.is_before:
        return (0, count, BEFORE_TITLE)
    title = next((one.step.phase for one in steps if one.phase == here.phase and one.step.phase), "")
    return (here.phase, count, title or "")
