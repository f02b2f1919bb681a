"""Classify one argv by the policy's rules. Pure: no clock, no files, no processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runbook.model import Effect, Family, Policy, TargetKind, Verdict

__all__ = ["Judgement", "classify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What policy says of a command (or of a line: then of its worst command).

    `rule` is the id of the deciding rule, empty where none applies. `target` is where the command would land, None
    where it reaches nothing or that can't be told. `commands` are the argvs that were judged.
    """

    verdict: Verdict
    effect: Effect
    rule: str
    reason: str
    instead: str
    family: Family
    target: TargetKind | None
    commands: tuple[tuple[str, ...], ...]


def classify(argv: Sequence[str], policy: Policy, *, major: int | None = None) -> Judgement:
    """Judge one argv. `major` is the Supabase CLI's major where it is known; unknown majors count as the worst."""
    raise NotImplementedError
