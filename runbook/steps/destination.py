"""Describe where commands go: the policy, the CLI's major, and the words for `{{target}}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from runbook.errors import UsageError
from runbook.filling import TARGET, Shown, Values, fill_command, target_words
from runbook.model import Action, Effect, Policy, SupabaseMajor, TargetKind, Verdict
from runbook.policy.judgement import Judgement, classify
from runbook.steps.migration_files import MigrationFile

__all__ = ["Destination", "Prepared", "effect_of", "prepare", "production"]


@dataclass(frozen=True, slots=True)
class Destination:
    """What an action needs to know to become an argv. `words` returns the words for `{{target}}` in a command."""

    policy: Policy
    major: int
    words: Callable[[Sequence[str]], tuple[str, ...]]
    functions_url: Callable[[], str] = lambda: ""
    """The URL of the target's edge functions, without a slash at its end."""
    migrations: Callable[[], tuple[MigrationFile, ...]] = lambda: ()
    """The migration files of the project that commands run in, empty if there is no project."""

    @property
    def cli(self) -> SupabaseMajor:
        """How this major of the CLI runs SQL. Raises UsageError if the book doesn't know the major."""
        if self.major not in self.policy.majors:
            known = ", ".join(str(each) for each in sorted(self.policy.majors)) or "none"
            raise UsageError(f"the book doesn't support CLI {self.major}", hint=f"It supports {known}.")
        return self.policy.majors[self.major]

    def fill(self, words: Sequence[str], values: Values) -> tuple[str, ...]:
        """Return an argv with its values and the target's words filled in. Raises what `fill_command` raises."""
        target = self.words(words) if TARGET in words else ()
        return fill_command(words, values, target=target)

    def judge(self, argv: Sequence[str]) -> Judgement:
        """Return policy's judgement of an argv."""
        return _judged(tuple(argv), _Same(self.policy), self.major)


class _Same(NamedTuple):
    """A policy that equals only itself: comparing all of its rules would take longer than judging."""

    policy: Policy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.policy is other.policy

    def __hash__(self) -> int:
        return id(self.policy)


@lru_cache(maxsize=4096)  # a page, its search entries and its checks ask for the same commands
def _judged(argv: tuple[str, ...], same: _Same, major: int) -> Judgement:
    return classify(argv, same.policy, major=major)


def production(policy: Policy, major: int, names: Values) -> Destination:
    """Return production as a page or a check shows it. `names` has the `project_ref`, real or made up."""

    def words(template: Sequence[str]) -> tuple[str, ...]:
        return target_words(template, policy=policy, major=major, kind=TargetKind.PRODUCTION, names=names)

    return Destination(policy, major, words, lambda: f"https://{names['project_ref']}.supabase.co/functions/v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An action filled in and judged. One that runs nothing has no argv."""

    argv: tuple[str, ...] = ()
    effect: Effect = Effect.READS
    judgement: Judgement | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables that its command gets besides the target's. They may contain secrets."""
    env_file: tuple[str, ...] = field(default=(), repr=False)
    """Lines of the private file. They contain secrets."""
    is_complete: bool = True
    """False in a dry run if a value that a skipped step would have found is shown as `<name>`."""

    @property
    def needs_person(self) -> bool:
        """True if policy wants a person to confirm, whatever the effect."""
        return self.judgement is not None and self.judgement.verdict is not Verdict.ALLOW


def prepare(action: Action, values: Values, to: Destination, *, care: Effect | None = None) -> Prepared:
    """Fill in an action and judge it, without its secrets. `care` is an effect that the author declares.

    Raises UnknownName, and UsageError if a value isn't allowed where it is used.
    """
    argv = action.argv(values, to)
    # An action that is only shown is judged with an example of what a walk would fill in.
    judged = action.argv(action.example_values(values), to) if isinstance(values, Shown) else argv
    judgement = action.judge(judged, to)
    effect = effect_of(judgement, action.declared, care)
    return Prepared(argv=argv, effect=effect, judgement=judgement, environment=action.environment())


def effect_of(judgement: Judgement | None, *more_care: Effect | None) -> Effect:
    """Return the worst effect that policy or the author declares. A program that policy doesn't know writes."""
    effects = [effect for effect in more_care if effect is not None]
    if judgement is not None:
        effects.append(judgement.effect)
        if not judgement.rule:
            effects.append(Effect.WRITES)
    return max(effects, key=lambda effect: effect.rank, default=Effect.READS)
