"""Put the steps of included procedures in their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256

from runbook.errors import Finding
from runbook.model import Procedure, Step

__all__ = ["included_by", "resolve_includes"]


DEPTH_LIMIT = 8
"""The deepest nesting of included procedures."""
STEP_LIMIT = 2000
"""The most steps of a procedure with its includes. A few nested includes can multiply to any number."""


def resolve_includes(procedures: Mapping[str, Procedure]) -> tuple[dict[str, Procedure], list[Finding]]:
    """Return the procedures whose includes all exist, complete with steps and digests, and the findings."""
    resolver = _Resolver(procedures)
    for name in procedures:
        resolver.resolve(name, ())
    whole = {name: procedure for name, procedure in resolver.done.items() if procedure is not None}
    return {name: whole[name] for name in procedures if name in whole}, resolver.findings


def included_by(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield the steps that include a procedure, in branches too."""
    for step in steps:
        if step.action.included:
            yield step
        for branch in step.action.branches():
            yield from included_by(branch)


class _Resolver:
    def __init__(self, procedures: Mapping[str, Procedure]) -> None:
        self._procedures = procedures
        self._sizes: dict[str, int] = {}
        self.done: dict[str, Procedure | None] = {}
        self.findings: list[Finding] = []

    def resolve(self, name: str, within: tuple[str, ...]) -> Procedure | None:
        """Return the procedure with all its includes, or None if one is missing, broken or circular."""
        if name not in self.done:
            procedure = self._procedures.get(name)
            self.done[name] = self._complete(procedure, (*within, name)) if procedure else None
        return self.done[name]

    def _complete(self, procedure: Procedure, within: tuple[str, ...]) -> Procedure | None:
        whole, steps = True, 0
        for step in included_by(procedure.all_steps):
            included = self._included(step, within)
            whole = included is not None and whole
            if included:
                for problem in step.action.binding_problems(included):
                    self._note(step, problem)
                steps += self._sizes[included.id]
                if steps > STEP_LIMIT:
                    self._note(step, f"with what it includes, '{procedure.id}' has more than {STEP_LIMIT} steps")
                    return None
        self._sizes[procedure.id] = steps + _count(procedure.all_steps)
        return self._filled(procedure) if whole else None

    def _included(self, step: Step, within: tuple[str, ...]) -> Procedure | None:
        if step.action.included in within:
            self._note(step, f"includes form a cycle: {' > '.join((*within, step.action.included))}")
            return None
        if len(within) > DEPTH_LIMIT:
            self._note(step, f"includes are nested more than {DEPTH_LIMIT} deep: nobody could follow them")
            return None
        return self.resolve(step.action.included, within)

    def _note(self, step: Step, message: str) -> None:
        self.findings.append(Finding(step.at.file, step.at.line, step.at.column, message))

    def _filled(self, procedure: Procedure) -> Procedure:
        names = sorted({step.action.included for step in included_by(procedure.all_steps)})
        if not names:
            return procedure
        digest = sha256(procedure.source.encode())
        for name in names:
            digest.update(f"\0{name}\0{self._whole(name).digest}".encode())
        before, steps = (
            tuple(step.with_includes(self._whole) for step in each) for each in (procedure.before, procedure.steps)
        )
        return replace(procedure, before=before, steps=steps, digest=digest.hexdigest())

    def _whole(self, name: str) -> Procedure:
        procedure = self.done[name]
        assert procedure is not None  # _complete has seen all of them
        return procedure


def _count(steps: tuple[Step, ...]) -> int:
    return sum(1 + sum(_count(branch) for branch in step.action.branches()) for step in steps)
