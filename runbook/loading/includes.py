"""Puts the steps of included procedures in their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256

from runbook.errors import Finding
from runbook.model import Action, Choose, Each, Include, Procedure, Step

__all__ = ["branches", "included_by", "resolve_includes"]


DEPTH_LIMIT = 8
"""Procedures, one within the other."""
STEP_LIMIT = 2000
"""Steps of a procedure with all that it includes; a few includes within each other grow without end."""


def resolve_includes(procedures: Mapping[str, Procedure]) -> tuple[dict[str, Procedure], list[Finding]]:
    """Return the procedures whose includes are all there, complete with steps and digests, and what is wrong."""
    resolver = _Resolver(procedures)
    for name in procedures:
        resolver.resolve(name, ())
    whole = {name: procedure for name, procedure in resolver.done.items() if procedure is not None}
    return {name: whole[name] for name in procedures if name in whole}, resolver.findings


def included_by(steps: tuple[Step, ...]) -> Iterator[tuple[Step, Include]]:
    """Yield the steps that include a procedure, in branches too, with their actions."""
    for step in steps:
        if isinstance(step.action, Include):
            yield step, step.action
        for branch in branches(step.action):
            yield from included_by(branch)


def branches(action: Action) -> Iterator[tuple[Step, ...]]:
    """Yield the lists of steps that are written within an action: not those of an included procedure."""
    if isinstance(action, Choose):
        yield from (option.steps for option in action.options)
    elif isinstance(action, Each):
        yield action.steps


class _Resolver:
    def __init__(self, procedures: Mapping[str, Procedure]) -> None:
        self._procedures = procedures
        self._sizes: dict[str, int] = {}
        self.done: dict[str, Procedure | None] = {}
        self.findings: list[Finding] = []

    def resolve(self, name: str, within: tuple[str, ...]) -> Procedure | None:
        """Return the procedure with all its includes; None where one is missing, broken or circular."""
        if name not in self.done:
            procedure = self._procedures.get(name)
            self.done[name] = self._complete(procedure, (*within, name)) if procedure else None
        return self.done[name]

    def _complete(self, procedure: Procedure, within: tuple[str, ...]) -> Procedure | None:
        whole, steps = True, 0
        for step, include in included_by(procedure.steps):
            included = self._included(step, include, within)
            whole = included is not None and whole
            if included:
                self._check_values(step, include, included)
                steps += self._sizes[included.id]
                if steps > STEP_LIMIT:
                    self._note(step, f"with what it includes, '{procedure.id}' has more than {STEP_LIMIT} steps")
                    return None
        self._sizes[procedure.id] = steps + _count(procedure.steps)
        return self._filled(procedure) if whole else None

    def _included(self, step: Step, include: Include, within: tuple[str, ...]) -> Procedure | None:
        if include.procedure in within:
            self._note(step, f"an include goes in a circle: {' > '.join((*within, include.procedure))}")
            return None
        if len(within) > DEPTH_LIMIT:
            self._note(step, f"an include within {DEPTH_LIMIT} others: nobody could follow it")
            return None
        return self.resolve(include.procedure, within)

    def _check_values(self, step: Step, include: Include, included: Procedure) -> None:
        known = {parameter.name for parameter in included.parameters}
        needed = known - set(_defaults(included))
        for name in sorted(set(include.values) - known):
            self._note(step, f"'{included.id}' has no parameter '{name}'")
        for name in sorted(needed - set(include.values)):
            self._note(step, f"'{included.id}' needs its parameter '{name}' under 'with'")

    def _note(self, step: Step, message: str) -> None:
        self.findings.append(Finding(step.at.file, step.at.line, step.at.column, message))

    def _filled(self, procedure: Procedure) -> Procedure:
        names = sorted({include.procedure for _, include in included_by(procedure.steps)})
        if not names:
            return procedure
        digest = sha256(procedure.source.encode())
        for name in names:
            digest.update(f"\0{name}\0{self._whole(name).digest}".encode())
        return replace(procedure, steps=self._steps(procedure.steps), digest=digest.hexdigest())

    def _whole(self, name: str) -> Procedure:
        procedure = self.done[name]
        assert procedure is not None  # _complete has seen all of them
        return procedure

    def _steps(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(replace(step, action=self._action(step.action)) for step in steps)

    def _action(self, action: Action) -> Action:
        if isinstance(action, Include):
            included = self._whole(action.procedure)
            return replace(action, steps=included.steps, values={**_defaults(included), **action.values})
        if isinstance(action, Choose):
            return Choose(tuple(replace(option, steps=self._steps(option.steps)) for option in action.options))
        if isinstance(action, Each):
            return replace(action, steps=self._steps(action.steps))
        return action


def _count(steps: tuple[Step, ...]) -> int:
    return sum(1 + sum(_count(branch) for branch in branches(step.action)) for step in steps)


def _defaults(procedure: Procedure) -> dict[str, str]:
    # A list's default is text with commas; within an include only {{name}} can stand for a list.
    return {each.name: each.default for each in procedure.parameters if each.default is not None and not each.many}
