"""Track what names mean at each place of a procedure, also for the steps within a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from runbook.filling import UnknownName, fill_text
from runbook.model.parameter import Parameter, Value

if TYPE_CHECKING:
    from runbook.model import Step

__all__ = ["BUILT_INS", "Branch", "Known", "Place", "Scope", "Source"]


BUILT_INS = frozenset({"target", "project_ref", "env_file"})
"""Names that nobody declares. The walk itself fills them in, in included procedures too."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: the path of a step, and the name that it has there."""

    path: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names at one place. Don't change it in place: steps that learn nothing share it with their neighbours."""

    values: Mapping[str, Value] = field(default_factory=dict)
    """What is known already."""
    names: Mapping[str, Parameter | None] = field(default_factory=dict)
    """All names that have a value by then on every way there. Those that are asked for have their parameter."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """The source of each name that isn't asked for before step 1."""
    doubtful: Mapping[str, str] = field(default_factory=dict)
    """Names that only some branches capture, each with the id of the step that branches."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """The names of secrets here → the run's own names for them."""
    home: str = ""
    """Where to keep a value that a person gives because no step here has found it: the path of the `include` or of the
    round that the place is in, empty for the procedure itself."""
    prefix: str = ""
    """The path to the included procedure. It tells apart two variables with the same name on one page."""

    def learn(self, path: str, step: Step, found: Mapping[str, Value]) -> Scope:
        """Return what is known after a step that captures. `found` has the values that it captured."""
        captured = step.captures
        if not captured:
            return self
        asked = {action.asks.name: action.asks for action in step.actions if action.asks}
        return replace(
            self,
            values={**self.values, **found},
            names={**self.names, **{name: self.names.get(name, asked.get(name)) for name in captured}},
            sources={**self.sources, **{name: Source(path, name) for name in captured}},
            doubtful={name: by for name, by in self.doubtful.items() if name not in captured},
        )

    def source_of(self, name: str) -> Source:
        """Return where to look for the value of a name."""
        return self.sources.get(name) or Source(self.home, name)

    def within(self, path: str, given: Mapping[str, Value]) -> Scope:
        """Return the scope of the steps at that path. `given` has values that a person gave for them."""
        return replace(self, home=path, values={**self.values, **given})

    def with_value(self, name: str, value: Value) -> Scope:
        """Return the scope with one more name, which has that value."""
        return replace(self, values={**self.values, name: value}, names={**self.names, name: None})

    def bound(self, templates: Mapping[str, str], parameters: Sequence[Parameter], prefix: str) -> Scope:
        """Return the scope of an included procedure, whose parameters are bound to templates of this one.

        A value that isn't known yet keeps its source, under the name that it has there.
        """
        declared = {parameter.name: parameter for parameter in parameters}
        values = {name: value for name, value in self.values.items() if name in BUILT_INS}
        sources: dict[str, Source] = {}
        secrets: dict[str, str] = {}
        for name, template in templates.items():
            only = template.strip("{} ")
            if only in self.secrets:
                secrets[name] = self.secrets[only]
            elif isinstance(self.values.get(only), tuple):
                values[name] = self.values[only]
            else:
                try:
                    values[name] = fill_text(template, self.values)
                except UnknownName as unknown:
                    sources[name] = self.source_of(unknown.name)
        return Scope(
            values=values,
            names={name: declared.get(name) for name in templates},
            sources=sources,
            secrets=secrets,
            prefix=prefix,
        )

    def joined(self, step_id: str, ends: Sequence[Scope]) -> Scope:
        """Return what is known where branches come together again: only names that all of them have."""
        if not ends:
            return self
        every = dict.fromkeys(name for end in ends for name in end.names if name not in self.names)
        shared = [name for name in every if all(name in end.names for end in ends)]
        some = {name: step_id for name in every if name not in shared}
        sources = {name: end.sources[name] for end in ends for name in every if name in end.sources}
        gained = {name: end.values[name] for end in ends for name in every if name in end.values}
        return replace(
            self,
            values={**self.values, **gained},
            names={**self.names, **{name: ends[0].names[name] for name in shared}},
            sources={**self.sources, **sources},
            doubtful={**self.doubtful, **{name: by for end in ends for name, by in end.doubtful.items()}, **some},
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """A step at one place. An `each` has its steps once per value, an `include` those of another procedure."""

    step: Step
    path: str
    """The ids from the procedure's top down, joined by `/`. It may begin with `before/`; `each` adds `[value]`."""
    number: str
    """`5`, or `5b.1` in the second answer to step 5. Steps before step 1 have numbers such as `0.1`."""
    scope: Scope
    """What is known before the step."""
    after: Scope
    """The same, with what the step itself finds. Its check and its undo know that too."""
    procedure: str
    """The id of the procedure that it is written in."""
    anchor_prefix: str = ""
    """A prefix that makes the anchors of an included procedure's steps unique on the page."""
    depth: int = 0
    is_before: bool = False
    branches: tuple[Branch, ...] = ()
    """The branches in it, already expanded."""

    @property
    def shown_number(self) -> str:
        """The number, without the `0.` of steps before step 1: those have a heading of their own."""
        return self.number.removeprefix("0.")

    @property
    def anchor(self) -> str:
        """Its unique name on the procedure's page."""
        return f"{self.anchor_prefix}{self.step.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A list of steps within a step. `places` has them at their places, once they are expanded."""

    steps: tuple[Step, ...]
    scope: Scope
    path: str
    """What their paths begin with. The same goes for numbers and anchors."""
    number: str
    anchor: str
    procedure: str
    letter: str = ""
    """For an answer: its number, such as `5b`."""
    title: str = ""
    """For an answer: its text."""
    symptom: str = ""
    """For an answer: how a person recognizes it."""
    places: tuple[Place, ...] = ()


class Known(Protocol):
    """What is known while the steps of a procedure are expanded: from one run, a drill's answers, or any run."""

    def found(self, path: str, step: Step, prefix: str) -> Mapping[str, Value]:
        """Return the values that a step captured."""

    def taken(self, path: str, answers: Sequence[str], usual: str = "") -> Sequence[str]:
        """Return which of the answers to the question at that path are followed. `usual` is one of the answers."""

    def items(self, path: str, name: str, value: Value | None, prefix: str) -> Sequence[tuple[str, Value]]:
        """Return the values of a list one by one, each with the form that paths show."""
