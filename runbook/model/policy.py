"""What each command does to its target and what to think of that: the data behind walkthrough, guard and site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from runbook.model.terms import Effect, Position

__all__ = ["Family", "Policy", "Rule", "RuleTest", "SupabaseMajor", "TargetKind", "Variant", "Verdict"]


class TargetKind(StrEnum):
    """Where commands go."""

    PRODUCTION = "production"
    LOCAL = "local"
    DRILL = "drill"


class Family(StrEnum):
    """What a command reaches: a database, the project's API, or neither. It decides how the target is named."""

    DATABASE = "database"
    PROJECT = "project"
    NOTHING = "nothing"


class Verdict(StrEnum):
    """What the guard says of one line. Members are in rising order."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    REFUSE = "refuse"

    @property
    def rank(self) -> int:
        """0 for allow, 1 for confirm, 2 for refuse."""
        return list(Verdict).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A rule's command with certain flags or arguments, where that changes what it does. The first that fits counts.

    `flags`: all of these are given; `without`: none of these is; `arguments`: `none`, `some` or `several`
    positional words (empty ones do not count);
    `words`: a regular expression found in one of the words after the command; `sql`: the statements handed to the
    command do exactly this. `remote` and `local` are the verdicts there; absent parts are inherited from the rule.
    """

    flags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    arguments: str | None = None
    words: str | None = None
    sql: Effect | None = None
    majors: tuple[int, ...] = ()
    effect: Effect | None = None
    remote: Verdict | None = None
    local: Verdict | None = None
    reason: str | None = None
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class RuleTest:
    """A line and the verdict it must get; lives beside the rule and is run by `runbook check` and the tests."""

    line: str
    verdict: Verdict
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one command of one program does. `command` is the subcommand path (empty: the program itself)."""

    id: str
    program: str
    command: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...] = ()
    reaches: Family
    effect: Effect
    remote: Verdict
    local: Verdict
    bare: Mapping[int, TargetKind] = field(default_factory=dict)
    """Per CLI major, where the command goes when no target is named."""
    reason: str
    instead: str = ""
    variants: tuple[Variant, ...] = ()
    value_flags: tuple[str, ...] = ()
    """Flags of this command that take a value in the next word."""
    majors: tuple[int, ...] | None = None
    """The majors of the Supabase CLI that have the command: None for all, none of them where it is an invention."""
    tests: tuple[RuleTest, ...] = ()
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class SupabaseMajor:
    """How one major of the Supabase CLI names a target and asks for SQL.

    `target` maps family and target kind to words; they may hold `{{project_ref}}` and `{{drill_url}}`.
    `query` is the argv for one statement: `{{target}}` and `{{sql}}` are filled in; `query_read` its reading form.
    """

    major: int
    proven: str
    target: Mapping[Family, Mapping[TargetKind, tuple[str, ...]]]
    query: tuple[str, ...]
    query_read: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All rules, and the words by which each program names global flags and targets."""

    rules: tuple[Rule, ...]
    global_value_flags: Mapping[str, tuple[str, ...]]
    """Per program, flags that may stand anywhere and take a value in the next word."""
    remote_flags: tuple[str, ...]
    """Flags that send a Supabase command to a hosted project."""
    majors: Mapping[int, SupabaseMajor]
