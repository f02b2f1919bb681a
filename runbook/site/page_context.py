"""A procedure laid out for its page: every step at its place, with its blocks on each CLI major, computed once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from itertools import groupby

from runbook.expansion import EveryWay, Expansion, expand
from runbook.filling import fill_text
from runbook.linear_regex import linear_regex
from runbook.model import Book, Capture, Effect, Parameter, Policy, Procedure, TargetKind
from runbook.model.team import REF
from runbook.site.cli_versions import Version, merged
from runbook.site.source import book, for_one_build
from runbook.site.value_markers import mark, marked, marked_scope, marks_in, stand_in
from runbook.steps import view
from runbook.steps.destination import Destination, effect_of, prepare, production
from runbook.steps.scope import BUILT_INS, Branch, Place
from runbook.steps.view import Block, Label, view_of

__all__ = [
    "EFFECT_WORDS",
    "PageContext",
    "Phase",
    "StepView",
    "ValueField",
    "destinations_of",
    "page_context",
    "target_flags",
]

EFFECT_WORDS = {Effect.READS: "Reads", Effect.WRITES: "Writes", Effect.DESTROYS: "Destroys"}

_BELOW_PART, _DEEPEST = 3, 6
"""Levels of headings: the one below a part's, and the last one in HTML."""

_LEADING = frozenset({Label.WARNING, Label.SECOND_PERSON, Label.WHY})
"""Notes above what there is to do; all others are below it."""


# --- Values: each has a field that fills every snippet. Secrets have none. --------------------------------------------

_FALLBACK_PATTERN = r"[A-Za-z0-9_.,:/@+=][A-Za-z0-9_.,:/@+= -]*"
"""What a value may be if the book sets no pattern: nothing that a shell or SQL could interpret."""
_LINE_PATTERN = r"\S.*"
"""What a value may be if it only occurs in files and sentences, which only people read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueField:
    """An input field: its value is typed, or picked from `choices` or from the values typed for the list `of`."""

    key: str
    ask: str
    example: str = ""
    pattern: str = _FALLBACK_PATTERN
    choices: tuple[str, ...] = ()
    default: str = ""
    many: bool = False
    of: str = ""
    """The key of the list that this value is from."""
    repeat: int = 0
    """How many fields above it on the page have the same key: steps of different branches may find the same value."""
    of_site: bool = False
    """Whether the value is asked for once for all pages, like the project."""
    may_be_empty: bool = False
    """Whether nothing is a value, too: an empty field then leaves no place in a command."""

    @property
    def id(self) -> str:
        """Return the id of the field's element."""
        return f"value-{self.key.replace('.', '-')}" + (f"-{self.repeat + 1}" if self.repeat else "")

    @property
    def choice_pattern(self) -> str:
        """Return what a value picked from a list may be; the values of `of` are only known on the page."""
        return "|".join(map(re.escape, self.choices)) or _FALLBACK_PATTERN


_PROJECT = ValueField(
    key="project_ref",
    ask="The project: 20 letters in the dashboard's address.",
    example="abcdefghijklmnopqrst",
    pattern=REF,
    of_site=True,
)
_ENV_FILE = ValueField(
    key="env_file",
    ask="Where is the private file that holds the secret?",
    example="secret.env",
    pattern=r"[A-Za-z0-9_./][A-Za-z0-9_./-]*",
)


def _pattern_of(parameter: Parameter) -> str:
    """Return a single expression for the browser, which has the lookahead that RE2 lacks."""
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
        may_be_empty=parameter.default == "" and not parameter.problem_with(""),
    )


# --- Steps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Phase:
    """Steps under one heading; the first steps of a procedure may have none."""

    title: str
    steps: tuple[StepView, ...]

    @property
    def anchor(self) -> str:
        """The id of the heading."""
        words = "-".join(self.title.lower().split())
        return "phase-" + "".join(each for each in words if each.isalnum() or each == "-")


# No slots, because `cached_property` couldn't store its value; equal only to itself, because it contains its page.
@dataclass(frozen=True, kw_only=True, eq=False)
class StepView:
    """A step at its place on a page. `versions` are its blocks by CLI major, the newest first."""

    page: PageContext = field(repr=False)
    place: Place
    effect: Effect
    """Its worst effect on any major."""
    versions: Mapping[int, tuple[Block, ...]]

    @cached_property
    def title(self) -> str:
        """Its title, with markers for values."""
        return fill_text(self.place.step.title, self.place.scope.values)

    @property
    def symbol(self) -> str:
        """The name of the icon for what it does."""
        return self.place.step.action.symbol or self.effect.value

    @property
    def word(self) -> str:
        """The word beside that icon."""
        return self.place.step.action.word or EFFECT_WORDS[self.effect]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks on the newest major; those beside the action are the same on every major."""
        return next(iter(self.versions.values()))

    @property
    def leading(self) -> tuple[Block, ...]:
        """What to read before doing it."""
        return tuple(each for each in self.blocks if isinstance(each, view.Note) and each.label in _LEADING)

    @property
    def facts(self) -> tuple[Block, ...]:
        """What to watch while doing it and afterwards. What must hold stands together, wherever it is from."""
        clauses = tuple(clause for each in self.blocks if isinstance(each, view.Expected) for clause in each.clauses)
        apart = (*self.leading, self.failure)
        notes = [each for each in self.blocks if isinstance(each, view.Note) and each not in apart]
        seen = [each for each in notes if each.label is Label.LOOK_FOR]
        held = [view.Expected(clauses)] if clauses else []
        return (*seen, *held, *(each for each in notes if each not in seen))

    @property
    def failure(self) -> view.Note | None:
        """What to do if it fails."""
        notes = (each for each in self.blocks if isinstance(each, view.Note))
        return next((each for each in notes if each.label is Label.IF_IT_FAILS), None)

    @property
    def question(self) -> view.Options | None:
        """The answers that lead to the steps inside it."""
        return next((each for each in self.blocks if isinstance(each, view.Options)), None)

    @property
    def check(self) -> view.Verification | None:
        """The check that shows whether it was done."""
        return next((each for each in self.blocks if isinstance(each, view.Verification)), None)

    @property
    def undo(self) -> view.UndoWay | None:
        """How to undo the step."""
        return next((each for each in self.blocks if isinstance(each, view.UndoWay)), None)

    @property
    def level(self) -> int:
        """The level of its heading."""
        return self.page.levels[self.place]

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches inside it on this page: none if another page shows the same."""
        return () if self.elsewhere else self.place.branches

    @property
    def elsewhere(self) -> str:
        """The procedure (an id) whose page shows the steps inside it, because they don't depend on this procedure."""
        block = next((each for each in self.blocks if isinstance(each, view.Included)), None)
        return block.procedure if block and block.is_whole else ""

    def versions_of(self, part: str) -> tuple[Version, ...]:
        """Return what there is to do on each CLI major. `part` is `do`, `check`, `undo` or `undo-check`."""
        found = {f"CLI {major}": tuple(_part(part, blocks)) for major, blocks in self.versions.items()}
        return tuple(merged(found))

    @property
    def sources(self) -> tuple[tuple[str, str, StepView], ...]:
        """The names in its files that no field fills, each with its meaning and the step that finds it."""
        names = dict.fromkeys(key for block in self.blocks for key in _file_marks(block))
        found = ((key, self.page.source_of(key, self.place)) for key in names if key in self.page.lines)
        return tuple((key, step.meaning_of(key), step) for key, step in found if step)

    def meaning_of(self, key: str) -> str:
        """Return what a value that it finds means, for a person who does it by hand; empty if unknown."""
        step, known = self.place.step, self.place.after.values
        found = (one.json or "" for one in step.capture if _key(known[one.name]) == key)
        return step.action.by_hand.get(next(found, ""), "")

    @cached_property
    def round(self) -> ValueField | None:
        """The field for the current value, if its steps are repeated for each value of a list."""
        repeat = next((each for each in self.blocks if isinstance(each, view.Repeat)), None)
        if repeat is None:
            return None
        of = "".join(marks_in(repeat.listed)[:1])
        ask = f"Which of {repeat.over.replace('_', ' ')} is it now?"
        return ValueField(key=_key(self.place.branches[0].scope.values[repeat.name]), ask=ask, of=of)

    @property
    def fields(self) -> tuple[ValueField, ...]:
        """Fields for the values that it finds, if something on the page needs them."""
        above = self.page.keys_above[self.place]
        return tuple(replace(each, repeat=above[each.key]) for each in self.own_fields)

    @cached_property
    def own_fields(self) -> tuple[ValueField, ...]:
        """Its fields, as if the page had no others."""
        step, known = self.place.step, self.place.after.values
        asked = {action.asks.name: action.asks for action in step.actions if action.asks}
        found = [_field_of(parameter, _key(known[name])) for name, parameter in asked.items()]
        found += [self.round] if self.round else []
        captured = ((_key(known[one.name]), one) for one in step.capture)
        needed = self.page.used - self.page.lines
        return (*found, *(self._captured_field(key, one) for key, one in captured if key in needed))

    def _captured_field(self, key: str, capture: Capture) -> ValueField:
        place = capture.place_in_words(lambda template: fill_text(template, self.place.scope.values))
        ask = self.meaning_of(key) or (f"From this step's output: {place}." if place else "From this step's output.")
        if capture.becomes:
            ask += f" Choose {', '.join(f'`{to}` if it is `{value}`' for value, to in capture.becomes.items())}."
        nothing = linear_regex(capture.pattern).search("") if capture.pattern else None
        return ValueField(
            key=key,
            ask=f"{ask} If the output is empty, leave this empty." if nothing else ask,
            pattern=_FALLBACK_PATTERN if key in self.page.copied else _LINE_PATTERN,
            choices=tuple(dict.fromkeys(capture.becomes.values())),
            may_be_empty=nothing is not None,
        )


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
    """The book, opened at one procedure. The text of its steps contains a marker wherever a value belongs."""

    def __init__(self, book: Book, procedure: Procedure) -> None:
        self.book = book
        self.procedure = procedure

    @cached_property
    def expansion(self) -> Expansion:
        """The steps at their places, in every branch."""
        return expand(self.procedure, EveryWay(stand_in), marked_scope(self.procedure.parameters))

    @cached_property
    def destinations(self) -> Mapping[int, Destination]:
        """Production by CLI major, the newest first."""
        return destinations_of(self.book.policy)

    @cached_property
    def views(self) -> Mapping[Place, StepView]:
        """Every step of the page by its place, in reading order."""
        return {view.place: view for view in self._views((*self.expansion.before, *self.expansion.steps))}

    def _views(self, places: Sequence[Place]) -> Iterator[StepView]:
        for place in places:
            step, values, later = place.step, place.scope.values, place.after.values
            versions, effects = dict[int, tuple[Block, ...]](), list[Effect]()
            # Majors may run different words, so a step's effect is the worst on any of them.
            for major, to in self.destinations.items():
                action = step.action_on(major)
                versions[major] = tuple(view_of(step, action, values, later, to))
                effects.append(prepare(action, values, to, care=step.effect).effect)
            shown = StepView(page=self, place=place, effect=effect_of(None, *effects), versions=versions)
            yield shown
            for branch in shown.branches:
                yield from self._views(branch.places)

    @cached_property
    def levels(self) -> Mapping[Place, int]:
        """The level of each step's heading: below its phase's, or below that of the step around it."""
        found: dict[Place, int] = {}

        def note(places: Sequence[Place], level: int) -> None:
            for place in places:
                found[place] = level
                for branch in self.views[place].branches:
                    note(branch.places, min(level + 1, _DEEPEST))

        note(self.expansion.before, _BELOW_PART)
        for phase in self.phases(self.expansion.steps):
            note([each.place for each in phase.steps], _BELOW_PART + bool(phase.title))
        return found

    @cached_property
    def has_versions(self) -> bool:
        """True if any step differs between CLI majors."""
        return any(blocks != step.blocks for step in self.views.values() for blocks in step.versions.values())

    def place_of(self, anchor: str) -> Place:
        """Return the place of the step with that anchor."""
        return next(place for place in self.views if place.anchor == anchor)

    def phases(self, places: Sequence[Place]) -> Iterator[Phase]:
        """Yield the steps of a list by phase; a step that names none belongs to the phase before it."""
        title, titled = "", list[tuple[str, StepView]]()
        for place in places:
            title = place.step.phase or title
            titled.append((title, self.views[place]))
        for name, group in groupby(titled, key=lambda pair: pair[0]):
            yield Phase(name, tuple(each for _, each in group))

    # --- values -------------------------------------------------------------------------------------------------------

    @cached_property
    def used(self) -> frozenset[str]:
        """The keys of all values that occur on this page."""
        titles = (text for step in self.views.values() for text in (step.title, *map(_title, step.branches)))
        texts = (text for block in self._blocks for text in _texts(block))
        return frozenset(key for text in (*titles, *texts) for key in marks_in(text))

    @cached_property
    def copied(self) -> frozenset[str]:
        """The keys of all values that occur in something to copy on this page."""
        return frozenset(key for text in self._copied for key in marks_in(text))

    @cached_property
    def lines(self) -> frozenset[str]:
        """The keys of values that only fill whole lines of files: a statement, not a word to type."""
        contents = [block.content or "" for block in self._blocks if isinstance(block, view.File)]
        lines = {line.strip() for content in contents for line in content.splitlines()}
        whole = {key for line in lines for key in marks_in(line) if line == mark(key)}
        return frozenset(whole - self.copied)

    def source_of(self, key: str, place: Place) -> StepView | None:
        """Return the step above a place whose output contains the value of that key."""
        order = list(self.views)
        above = [self.views[one] for one in order[: order.index(place)] if _is_beside(one, place)]
        names = ((step, step.place.after.values) for step in reversed(above))
        return next(
            (step for step, known in names for one in step.place.step.capture if _key(known[one.name]) == key), None
        )

    @cached_property
    def fields(self) -> tuple[ValueField, ...]:
        """Fields for all values that are known before step 1."""
        own = [_field_of(each, each.name) for each in self.procedure.parameters if not each.secret]
        project, file = (tuple(each for each in (field,) if each.key in self.used) for field in (_PROJECT, _ENV_FILE))
        return (*project, *own, *file)

    @cached_property
    def keys_above(self) -> Mapping[Place, Counter[str]]:
        """How many fields of each key are above each step's own."""
        seen, above = Counter(field.key for field in self.fields), {}
        for place, step in self.views.items():
            above[place] = seen.copy()
            seen.update(field.key for field in step.own_fields)
        return above

    @cached_property
    def reaches_production(self) -> bool:
        """True if any command names production."""
        return any(text.partition("=")[0] in self.target_flags for text in self._copied)

    @cached_property
    def sends_requests(self) -> bool:
        """True if any step sends an HTTP request. It goes to production, although no flag says so."""
        return any(isinstance(block, view.HttpRequest) for block in self._blocks)

    @cached_property
    def target_flags(self) -> frozenset[str]:
        """The flags by which any CLI major names production."""
        majors = self.book.policy.majors
        return frozenset().union(*(target_flags(self.book.policy, major) for major in majors))

    @cached_property
    def _copied(self) -> frozenset[str]:
        return frozenset(text for block in self._blocks for text in _copied(block))

    @cached_property
    def _blocks(self) -> tuple[Block, ...]:
        return tuple(block for step in self.views.values() for blocks in step.versions.values() for block in blocks)


def _is_beside(one: Place, other: Place) -> bool:
    """Tell whether two steps are on the same path, so that the second knows what the first found."""
    return other.path.startswith(one.path.rpartition("/")[0])


def _title(branch: Branch) -> str:
    return marked(branch.title)


def _texts(value: object) -> Iterator[str]:
    """Yield all texts of a block."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        yield from (text for each in value for text in _texts(each))
    elif is_dataclass(value):
        yield from (text for each in fields(value) for text in _texts(getattr(value, each.name)))


def _file_marks(block: Block) -> tuple[str, ...]:
    return marks_in(block.content or "") if isinstance(block, view.File) else ()


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


def destinations_of(policy: Policy) -> Mapping[int, Destination]:
    """Return production by CLI major, the newest first, with a marker for each name that belongs to the project."""
    names = {name: marked_scope(()).values[name] for name in BUILT_INS}
    return {major: production(policy, major, names) for major in sorted(policy.majors, reverse=True)}


@for_one_build
def page_context(name: str) -> PageContext:
    """Open the book at a procedure. Raises UsageError, naming the closest ones, if it doesn't exist."""
    return PageContext(book(), book().procedure(name))


def target_flags(policy: Policy, major: int) -> frozenset[str]:
    """Return the flags by which that CLI major names production."""
    families = policy.majors[major].target.values()
    words = (word for kinds in families for word in kinds.get(TargetKind.PRODUCTION, ()))
    return frozenset(word.partition("=")[0] for word in words if word.startswith("-"))
