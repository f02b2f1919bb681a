"""A procedure laid out for its page: every step at its place, with its blocks on each CLI major, calculated once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

from runbook.expansion import EveryWay, Expansion, expand
from runbook.filling import fill_text
from runbook.model import Book, Effect, Parameter, Policy, Procedure, TargetKind
from runbook.site.source import book, for_one_build
from runbook.site.value_markers import marked_scope, marks_in, stand_in
from runbook.steps import view
from runbook.steps.destination import Destination, effect_of, prepare, production
from runbook.steps.scope import BUILT_INS, Place
from runbook.steps.view import Block, Label, view_of

__all__ = ["EFFECT_WORDS", "PageContext", "Phase", "StepView", "ValueField", "page_context", "target_flags"]

EFFECT_WORDS = {Effect.READS: "Reads", Effect.WRITES: "Writes", Effect.DESTROYS: "Destroys"}

_LEADING = frozenset({Label.WARNING, Label.WHY})
"""Notes above what there is to do; all others stand below it."""


# --- Values: a field each, which fills every snippet. Secrets have none. ----------------------------------------------

_FALLBACK_PATTERN = r"[A-Za-z0-9_.,:/@+=][A-Za-z0-9_.,:/@+= -]*"
"""What a value may be where the book names no pattern: nothing that a shell or SQL could make something of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueField:
    """An entry field: typed into, or picked from `choices` or from what was typed for the list `of`."""

    key: str
    ask: str
    example: str = ""
    pattern: str = _FALLBACK_PATTERN
    choices: tuple[str, ...] = ()
    default: str = ""
    many: bool = False
    of: str = ""
    """The key of the list that this is one of."""
    repeat: int = 0
    """How many fields above it on the page have the same key: steps of different branches may find one value."""

    @property
    def id(self) -> str:
        """Return the id of the field's element."""
        return f"value-{self.key.replace('.', '-')}" + (f"-{self.repeat + 1}" if self.repeat else "")

    @property
    def choice_pattern(self) -> str:
        """Return what a value may be that is picked from a list; one of `of` is known only on the page."""
        return "|".join(map(re.escape, self.choices)) or _FALLBACK_PATTERN


_PROJECT = ValueField(
    key="project_ref",
    ask="Which project? Its ref: the 20 letters in the dashboard's address.",
    example="abcdefghijklmnopqrst",
    pattern="[a-z]{20}",
)
_ENV_FILE = ValueField(
    key="env_file",
    ask="Where is the private file that holds the secret?",
    example="secret.env",
    pattern=r"[A-Za-z0-9_./][A-Za-z0-9_./-]*",
)


def _pattern_of(parameter: Parameter) -> str:
    """Return one expression for the browser, whose expressions have the lookahead that RE2 lacks."""
    pattern = parameter.pattern or _FALLBACK_PATTERN
    return pattern if parameter.excludes is None else rf"(?![\s\S]*(?:{parameter.excludes}))(?:{pattern})"


def _field_of(parameter: Parameter, key: str) -> ValueField:
    return ValueField(
        key=key,
        ask=parameter.ask,
        example=parameter.example,
        pattern=_pattern_of(parameter),
        choices=parameter.choices,
        default=parameter.default or "",
        many=parameter.many,
    )


# --- Steps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Phase:
    """Steps under one heading; the first ones of a procedure may have none."""

    title: str
    steps: tuple[StepView, ...]

    @property
    def anchor(self) -> str:
        """The id of the heading."""
        words = "-".join(self.title.lower().split())
        return "phase-" + "".join(each for each in words if each.isalnum() or each == "-")


# Without slots, where `cached_property` has no place to keep its value; equal only to itself, since it holds its page.
@dataclass(frozen=True, kw_only=True, eq=False)
class StepView:
    """A step at its place on a page. `versions` are its blocks by CLI major, the newest first."""

    page: PageContext = field(repr=False)
    place: Place
    effect: Effect
    """The worst that it does on any major."""
    versions: Mapping[int, tuple[Block, ...]]

    @cached_property
    def title(self) -> str:
        """Its title, with marks for values."""
        return fill_text(self.place.step.title, self.place.scope.values)

    @property
    def symbol(self) -> str:
        """The name of the drawing for what it does."""
        return self.place.step.action.symbol or self.effect.value

    @property
    def word(self) -> str:
        """The word beside that drawing."""
        return self.place.step.action.word or EFFECT_WORDS[self.effect]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks on the newest major: those beside the action are the same on each."""
        return next(iter(self.versions.values()))

    @property
    def leading(self) -> tuple[Block, ...]:
        """What must be read before it is done."""
        return tuple(each for each in self.blocks if isinstance(each, view.Note) and each.label in _LEADING)

    @property
    def facts(self) -> tuple[Block, ...]:
        """What to mind while and after it is done."""
        beside = view.Note | view.Expected | view.UndoWay
        return tuple(each for each in self.blocks if isinstance(each, beside) and each not in self.leading)

    @property
    def question(self) -> view.Options | None:
        """The answers that lead to the steps within it."""
        return next((each for each in self.blocks if isinstance(each, view.Options)), None)

    @property
    def check(self) -> view.Verification | None:
        """The check that tells whether it was done."""
        return next((each for each in self.blocks if isinstance(each, view.Verification)), None)

    @property
    def undo(self) -> view.UndoWay | None:
        """How to undo the step."""
        return next((each for each in self.blocks if isinstance(each, view.UndoWay)), None)

    def panes(self, part: str) -> Sequence[tuple[str, Sequence[Block]]]:
        """Return what there is to do by the label of its tab: for each CLI major, and SQL for an editor.

        `part` is `do`, `check`, `undo` or `undo-check`. Majors that do not differ share one pane.
        """
        found = [(f"CLI {major}", tuple(_part(part, blocks))) for major, blocks in self.versions.items()]
        statement = next((each for _, blocks in found for each in blocks if isinstance(each, view.Statement)), None)
        if statement:
            lines = [(label, [each for each in blocks if each != statement]) for label, blocks in found]
            return [*lines, ("SQL editor", [statement])]
        return found[:1] if all(blocks == found[0][1] for _, blocks in found) else found

    @cached_property
    def round(self) -> ValueField | None:
        """The field for the value that its steps are done with now, where they are done once for each."""
        repeat = next((each for each in self.blocks if isinstance(each, view.Repeat)), None)
        if repeat is None:
            return None
        of = "".join(marks_in(repeat.listed)[:1])
        ask = f"Which of {repeat.over.replace('_', ' ')} is it now?"
        return ValueField(key=_key(self.place.branches[0].scope.values[repeat.name]), ask=ask, of=of)

    @property
    def fields(self) -> tuple[ValueField, ...]:
        """Fields for what it makes known, where a command of the page needs it."""
        above = self.page.keys_above[self.place]
        return tuple(replace(each, repeat=above[each.key]) for each in self.own_fields)

    @cached_property
    def own_fields(self) -> tuple[ValueField, ...]:
        """Its fields as if there were no others on the page."""
        step, known = self.place.step, self.place.after.values
        asked = {action.asks.name: action.asks for action in step.actions if action.asks}
        found = [_field_of(parameter, _key(known[name])) for name, parameter in asked.items()]
        found += [self.round] if self.round else []
        for capture in step.capture:
            ask = f"{capture.name.replace('_', ' ').capitalize()}, from the output of this step"
            found.append(ValueField(key=_key(known[capture.name]), ask=ask))
        return tuple(each for each in found if each.key in self.page.used)


def _key(value: str | tuple[str, ...]) -> str:
    return marks_in(str(value))[0]


def _part(name: str, blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        match block:
            case view.Verification():
                yield from block.blocks if name == "check" else ()
            case view.UndoWay():
                yield from block.blocks if name == "undo" else ()
                yield from block.check.blocks if name == "undo-check" and block.check else ()
            case view.Note() | view.Expected() | view.Options():
                pass
            case _ if name == "do":
                yield block


class PageContext:
    """The book, opened at one procedure. Text in its steps holds a mark wherever a value belongs."""

    def __init__(self, book: Book, procedure: Procedure) -> None:
        self.book = book
        self.procedure = procedure

    @cached_property
    def expansion(self) -> Expansion:
        """The steps at their places, into every branch."""
        return expand(self.procedure, EveryWay(stand_in), marked_scope(self.procedure.parameters))

    @cached_property
    def destinations(self) -> Mapping[int, Destination]:
        """Production by CLI major, the newest first."""
        policy, names = self.book.policy, {name: marked_scope(()).values[name] for name in BUILT_INS}
        return {major: production(policy, major, names) for major in sorted(policy.majors, reverse=True)}

    @cached_property
    def views(self) -> Mapping[Place, StepView]:
        """Every step of the page by its place, in reading order."""
        views = {}
        for place in self.expansion.places:
            step, values, later = place.step, place.scope.values, place.after.values
            versions, effects = dict[int, tuple[Block, ...]](), list[Effect]()
            # A major may run other words, so what a step does is the worst of what it does on any of them.
            for major, to in self.destinations.items():
                action = step.action_on(major)
                versions[major] = tuple(view_of(step, action, values, later, to))
                effects.append(prepare(action, values, to, care=step.effect).effect)
            views[place] = StepView(page=self, place=place, effect=effect_of(None, *effects), versions=versions)
        return views

    def phases(self, places: Sequence[Place]) -> Iterator[Phase]:
        """Yield the steps of a list by phase; one that names none belongs to the phase before it."""
        title, titled = "", list[tuple[str, StepView]]()
        for place in places:
            title = place.step.phase or title
            titled.append((title, self.views[place]))
        for name, group in groupby(titled, key=lambda pair: pair[0]):
            yield Phase(name, tuple(each for _, each in group))

    # --- values -------------------------------------------------------------------------------------------------------

    @cached_property
    def used(self) -> frozenset[str]:
        """The keys of all values that something to copy on this page needs."""
        return frozenset(key for text in self._copied for key in marks_in(text))

    @cached_property
    def fields(self) -> tuple[ValueField, ...]:
        """Fields for all values that are known before step 1."""
        own = [_field_of(each, each.name) for each in self.procedure.parameters if not each.secret]
        return (*own, *(each for each in (_PROJECT, _ENV_FILE) if each.key in self.used))

    @cached_property
    def keys_above(self) -> Mapping[Place, Counter[str]]:
        """How many fields of each key stand above each step's own."""
        seen, above = Counter(field.key for field in self.fields), {}
        for place, step in self.views.items():
            above[place] = seen.copy()
            seen.update(field.key for field in step.own_fields)
        return above

    @cached_property
    def reaches_production(self) -> bool:
        """True when any command names production."""
        # A flag may carry its value behind `=`.
        return any(text.partition("=")[0] in self.target_flags for text in self._copied)

    @cached_property
    def sends_requests(self) -> bool:
        """True when any step sends an HTTP request. It goes to production, though no flag says so."""
        blocks = (block for step in self.views.values() for block in step.blocks)
        return any(isinstance(block, view.HttpRequest) for block in blocks)

    @cached_property
    def target_flags(self) -> frozenset[str]:
        """The flags by which any CLI major names production."""
        majors = self.book.policy.majors
        return frozenset().union(*(target_flags(self.book.policy, major) for major in majors))

    @cached_property
    def _copied(self) -> frozenset[str]:
        blocks = (block for step in self.views.values() for blocks in step.versions.values() for block in blocks)
        return frozenset(text for block in blocks for text in _copied(block))


def _copied(block: Block) -> Iterator[str]:
    """Yield the texts that a reader copies from a block."""
    match block:
        case view.CommandToRun():
            yield from block.argv
        case view.File():
            yield block.path
        case view.HttpRequest():
            yield from (block.url, block.body, *(value for _, value in block.headers))
        case view.Looks():
            yield from (text for one in block.readings for each in one.blocks for text in _copied(each))
        case view.Verification() | view.UndoWay():
            inner = block.blocks if isinstance(block, view.Verification) else (*block.blocks, block.check)
            yield from (text for each in inner if each for text in _copied(each))


@for_one_build
def page_context(name: str) -> PageContext:
    """Open the book at a procedure. Raises UsageError naming the closest ones if there is none of that name."""
    return PageContext(book(), book().procedure(name))


def target_flags(policy: Policy, major: int) -> frozenset[str]:
    """Return the flags by which that CLI major names production."""
    families = policy.majors[major].target.values()
    words = (word for kinds in families for word in kinds.get(TargetKind.PRODUCTION, ()))
    return frozenset(word for word in words if word.startswith("-"))
