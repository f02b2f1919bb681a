"""Puts the steps of included procedures in their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256

from runbook.errors import Finding
from runbook.model import Action, Choose, Each, Include, Procedure, Step

__all__ = ["included_by", "resolve_includes"]


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
        action = step.action
        if isinstance(action, Include):
            yield step, action
        elif isinstance(action, Choose):
            for option in action.options:
                yield from included_by(option.steps)
        elif isinstance(action, Each):
            yield from included_by(action.steps)


class _Resolver:
    def __init__(self, procedures: Mapping[str, Procedure]) -> None:
        self._procedures = procedures
        self.done: dict[str, Procedure | None] = {}
        self.findings: list[Finding] = []

    def resolve(self, name: str, within: tuple[str, ...]) -> Procedure | None:
        """Return the procedure with all its includes; None where one is missing, broken or circular."""
        if name not in self.done:
            procedure = self._procedures.get(name)
            self.done[name] = self._complete(procedure, (*within, name)) if procedure else None
        return self.done[name]

    def _complete(self, procedure: Procedure, within: tuple[str, ...]) -> Procedure | None:
        whole = True
        for step, include in included_by(procedure.steps):
            if include.procedure in within:
                self._note(step, f"an include goes in a circle: {' > '.join((*within, include.procedure))}")
                whole = False
                continue
            included = self.resolve(include.procedure, within)
            whole = included is not None and whole
            if included:
                self._check_values(step, include, included)
        return self._filled(procedure) if whole else None

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


def _defaults(procedure: Procedure) -> dict[str, str]:
    # A list's default is text with commas; within an include only {{name}} can stand for a list.
    return {each.name: each.default for each in procedure.parameters if each.default is not None and not each.many}
