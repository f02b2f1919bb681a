"""A loaded step: its action, and everything that a person needs around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runbook.model.action import Action, Becomes, Role, Use
from runbook.model.expectation import Capture, Expectation
from runbook.model.fields import (
    EFFECT,
    KEBAB,
    LINE,
    LINE_TEMPLATE,
    MAJOR,
    NAME,
    TEMPLATE,
    Duration,
    Either,
    MapOf,
    Number,
    ProcedureId,
    Shaped,
    Truth,
    key,
)
from runbook.model.terms import Effect, Position

if TYPE_CHECKING:
    from runbook.model.procedure import Procedure

__all__ = ["Check", "Recovery", "Step", "Undo"]


@dataclass(frozen=True, slots=True)
class Check:
    """A reading action and what it must show. It decides what became of a step whose end is unknown."""

    action: Action
    expect: Expectation
    at: Position

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its texts that may hold placeholders; `at` is the place of the step."""
        yield from self.action.uses(at)
        yield from self.expect.uses(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How to undo a step (`action`), or why that can't be done (`reason`)."""

    action: Action | None = None
    reason: str | None = None
    check: Check | None = None

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its texts that may hold placeholders; `at` is the place of the step."""
        if self.reason:
            yield Use(self.reason, at)
        if self.action:
            yield from self.action.uses(at)
        if self.check:
            yield from self.check.uses(at)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What to do when the step fails, and the procedure (an id) that takes over, if any."""

    text: str = key(TEMPLATE, "What to do.")
    see: str | None = key(ProcedureId(), "The id of the procedure that takes over.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action of a procedure, with everything around it. `timeout` is in seconds, `minutes` in minutes."""

    id: str = key(KEBAB, "The step's name; unique in the procedure.")
    title: str = key(LINE_TEMPLATE, "What to do, in the imperative.", required=True)
    action: Action
    at: Position
    phase: str | None = key(LINE, "Title of the phase that begins here. A phase has at most nine steps.", default=None)
    why: str | None = key(TEMPLATE, "Why the step is needed.", default=None)
    look_for: str | None = key(
        TEMPLATE,
        "What to look for in the output. Without `expect` or `verify`, the walk waits for a person to judge it.",
        default=None,
    )
    warning: str | None = key(TEMPLATE, "What can go wrong, shown before the step.", default=None)
    stop_if: str | None = key(TEMPLATE, "When the operator must stop.", default=None)
    if_it_fails: Recovery | None = key(
        Either(TEMPLATE, Shaped("recovery")),
        "What to do when the step fails.",
        default=None,
        read=lambda found: Recovery(found) if isinstance(found, str) else found,
    )
    minutes: float | None = key(Number(), "How long it takes.", default=None)
    timeout: float | None = key(Duration(), "How long the command may take before it counts as hung.", default=None)
    effect: Effect | None = key(
        EFFECT,
        "The effect, if the step needs more care than policy asks for. It never lowers policy's own effect.",
        default=None,
        read=Effect,
    )
    effect_found: str | None = key(
        LINE_TEMPLATE,
        "A captured value that says what the step does, such as `{{file_effect}}`: reads, writes or destroys. It never"
        " lowers the effect. Any other value counts as destroys.",
        default=None,
    )
    second_person: bool = key(
        Truth(),
        "Whether somebody else must confirm it from another terminal before it runs on production. That needs a shared"
        " journal.",
        default=False,
    )
    expect: Expectation = key(
        Shaped("expect"), "What must be true for the step to pass.", default=Expectation, said="exit code 0"
    )
    capture: tuple[Capture, ...] = key(
        MapOf(NAME, Shaped("capture")),
        "Values to keep from the output, for later steps.",
        default=(),
        read=lambda found: tuple(found.values()),
    )
    verify: Check | None = key(
        Shaped("check"), "A command that only reads, and shows whether the step worked.", default=None
    )
    undo: Undo | None = key(Shaped("undo"), "How to undo the step, or why that can't be done.", default=None)
    on_cli: Mapping[int, Action] = key(
        MapOf(MAJOR, Shaped("action")), "The action to use instead on that major of the Supabase CLI.", default=dict
    )

    def action_on(self, major: int) -> Action:
        """Return the action for that major of the Supabase CLI."""
        return self.on_cli.get(major, self.action)

    def with_includes(self, resolved: Callable[[str], Procedure]) -> Step:
        """Return the step with the steps of included procedures filled in."""
        action = self.action.with_includes(resolved)
        return self if action is self.action else replace(self, action=action)

    @property
    def actions(self) -> tuple[Action, ...]:
        """Everything that the step may do, on any major."""
        return (self.action, *self.on_cli.values())

    @property
    def captures(self) -> tuple[str, ...]:
        """Names that the step fills: from its output, or by what a person sees."""
        asked = (action.asks.name for action in self.actions if action.asks)
        found = (name for action in self.actions for name in action.finds)
        return tuple(dict.fromkeys((*(each.name for each in self.capture), *asked, *found)))

    def commands(self, majors: Sequence[int]) -> Iterator[tuple[Role, Action, tuple[int, ...]]]:
        """Yield everything that the step runs, each with its role and the majors of the CLI that it is for."""
        others = tuple(major for major in majors if major not in self.on_cli)
        for action, own in ((self.action, others), *((each, (major,)) for major, each in self.on_cli.items())):
            yield from ((role, each, action.majors_of(each, own)) for role, each in action.commands())
        if self.verify:
            yield Role.CHECK, self.verify.action, tuple(majors)
        if self.undo and self.undo.action:
            yield from ((Role.UNDO, each, tuple(majors)) for _, each in self.undo.action.commands())
        if self.undo and self.undo.check:
            yield Role.CHECK, self.undo.check.action, tuple(majors)

    def uses(self) -> Iterator[Use]:
        """Yield the texts of the step that may contain placeholders, but not those of the steps inside it."""
        failing = self.if_it_fails.text if self.if_it_fails else None
        for text in (self.title, self.why, self.look_for, self.warning, self.stop_if, failing):
            if text:
                yield Use(text, self.at)
        for action in self.actions:
            yield from action.uses(self.at)
        if self.effect_found:
            yield Use(self.effect_found, self.at, Becomes.COMPARED)
        yield from self.expect.uses(self.at)
        yield from (Use(each.json, self.at, Becomes.COMPARED) for each in self.capture if each.json)
        if self.verify:
            yield from _late(self.verify.uses(self.at))
        if self.undo:
            yield from _late(self.undo.uses(self.at))


def _late(uses: Iterator[Use]) -> Iterator[Use]:
    return (Use(use.text, use.at, use.becomes, True, use.env_file) for use in uses)
