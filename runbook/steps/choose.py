"""`choose`: a question whose answer picks the branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from runbook.filling import Values, fill_text
from runbook.model import Action, Effect, Position, Procedure, Step, Use
from runbook.model.fields import KEBAB, LINE, TEMPLATE, ListOf, Shaped, Truth, key
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.performing import Work
from runbook.steps.scope import Branch, Known, Place, Scope

__all__ = ["Choose", "Option"]


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of a `Choose` step, and the steps that it leads to (none: continue)."""

    when: str = key(LINE, "The answer, as the operator reads it.")
    steps: tuple[Step, ...] = key(ListOf(Shaped("step"), 0), "The steps it leads to. None: continue.", default=())
    symptom: str | None = key(LINE, "How a person recognizes that this is the answer.", default=None)
    back_to: str = key(KEBAB, "The id of an earlier step to go back to.", default="")
    usual: bool = key(
        Truth(),
        "The answer to give if nothing suggests another one. An unattended drill takes it unless its answers name one.",
        default=False,
        said="false",
    )
    at: Position = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Choose(Action):
    """A question whose answer picks the branch."""

    word: ClassVar = "Decide"
    symbol: ClassVar = "choose"
    enter_does: ClassVar = ""

    options: tuple[Option, ...] = key(
        ListOf(Shaped("option"), 2), "A question (the title); its answer picks what comes next.", name="choose"
    )
    suggested: str = key(TEMPLATE, "The option to suggest, usually the name that a survey captures.", default="")
    because: str = key(TEMPLATE, "Why to suggest that option.", default="")

    @property
    def usual(self) -> str:
        """The answer to give if nothing suggests another one, "" if only a person can know."""
        return next((option.when for option in self.options if option.usual), "")

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        """Return the steps of each option."""
        return tuple(option.steps for option in self.options)

    def with_includes(self, resolved: Callable[[str], Procedure]) -> Choose:
        """Return it with the includes in its options resolved."""
        options = (
            replace(option, steps=tuple(step.with_includes(resolved) for step in option.steps))
            for option in self.options
        )
        return replace(self, options=tuple(options))

    def enter(self, place: Place, known: Known) -> Iterator[Branch]:
        """Yield the options that are taken, with their letters."""
        taken = known.taken(place.path, [option.when for option in self.options], self.usual)
        for letter, option in zip(view.LETTERS, self.options, strict=False):
            if option.when in taken:
                number = f"{place.number}{letter}"
                yield Branch(
                    steps=option.steps,
                    scope=place.scope,
                    path=f"{place.path}/",
                    number=f"{number}.",
                    anchor=place.anchor_prefix,
                    procedure=place.procedure,
                    letter=number,
                    title=option.when,
                    symptom=option.symptom or "",
                )

    @property
    def ways_back(self) -> tuple[str, ...]:
        """The earlier steps that its options lead back to."""
        return tuple(option.back_to for option in self.options if option.back_to)

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield what is suggested, and why."""
        yield from (Use(text, at) for text in (self.suggested, self.because) if text)

    def leave(self, scope: Scope, step: Step, ends: Sequence[Scope]) -> Scope:
        """Return the scope after it, with what all options captured that were taken and lead there."""
        if len(ends) == len(self.options):
            ends = [end for end, option in zip(ends, self.options, strict=True) if not option.back_to]
        return scope.joined(step.id, ends)

    def is_settled(self, choice: str | None, *, passed: bool) -> bool:
        """Tell whether the option that was chosen still exists."""
        return passed and choice is not None and self._has(choice)

    def perform(self, work: Work, answer: str) -> None:
        """Take the option, if there is one of that name."""
        for option in self.options:
            if option.when == answer:
                work.choose(answer, option.back_to)

    def runs_dry(self, effect: Effect, *, is_complete: bool) -> bool:
        """Return True: a question can be answered in a dry run."""
        del effect, is_complete
        return True

    def suggestion(self, values: Values) -> tuple[str, str]:
        """Return the option that a survey found to be likely, and the finding."""
        suggested = fill_text(self.suggested, values)
        return (suggested, fill_text(self.because, values)) if self._has(suggested) else ("", "")

    def _has(self, answer: str) -> bool:
        return any(option.when == answer for option in self.options)

    @property
    def wants_answer(self) -> bool:
        """True: it runs nothing and takes an answer."""
        return True

    def read_answer(self, typed: str) -> tuple[str, str]:
        """Return the option with that number, or with exactly that text."""
        if typed.isdecimal() and 0 < int(typed) <= len(self.options):
            return self.options[int(typed) - 1].when, ""
        exact = [option.when for option in self.options if option.when.lower() == typed.lower()]
        return (exact[0], "") if exact else ("", f"Type a number from 1 to {len(self.options)}.")

    def answer_problem(self, step: Step, answers: Sequence[str]) -> str:
        """Return which of a drill's answers isn't an option, "" if all are."""
        known = [option.when for option in self.options]
        wrong = [answer for answer in answers if answer not in known]
        return f"'{step.id}' has no option '{wrong[0]}'; it has: {'; '.join(known)}" if wrong else ""

    def leads_back(self, answers: Sequence[str]) -> bool:
        """Tell whether one of those options leads to an earlier step."""
        return any(option.back_to and option.when in answers for option in self.options)

    def drill_answer(self, given: Callable[..., str | None], draft: str) -> str:
        """Return the option that the drill takes."""
        del draft
        return given(one_of=[option.when for option in self.options], is_needed=not self.usual) or self.usual

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield the answers."""
        del to
        suggested = fill_text(self.suggested, values)
        yield view.Options(
            tuple(
                view.Choice(
                    option.when, option.symptom or "", option.back_to, bool(option.steps), option.when == suggested
                )
                for option in self.options
            ),
            fill_text(self.because, values),
        )
