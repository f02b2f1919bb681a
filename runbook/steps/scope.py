"""Which names mean what at one place of a procedure, and how the steps within a step come to theirs."""

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
"""Names that nobody declares: the walk itself fills them in, within an included procedure too."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes to be known: the path of a step, and the name that it has there."""

    path: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names at one place. Never changed in place: steps that learn nothing share theirs with their neighbours."""

    values: Mapping[str, Value] = field(default_factory=dict)
    """What is known already."""
    names: Mapping[str, Parameter | None] = field(default_factory=dict)
    """All names that have a value by then on every way there; those that are asked for with their parameter."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Where a name comes from that is not asked for before step 1."""
    doubtful: Mapping[str, str] = field(default_factory=dict)
    """Names that only some branches capture, with the id of the step that branches."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Names by which secrets are called here → the run's own names of them."""
    home: str = ""
    """Where a value is kept that a person gives because no step here has found it: the path of the `include` or of the
    round that the place is in, empty for the procedure itself."""
    prefix: str = ""
    """What keeps two variables of one name apart on one page: the way to the included procedure they belong to."""

    def learn(self, path: str, step: Step, found: Mapping[str, Value]) -> Scope:
        """Return what is known behind a step that captures; `found` are the values that it has given."""
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
        """Return where the value of a name is looked for."""
        return self.sources.get(name) or Source(self.home, name)

    def within(self, path: str, given: Mapping[str, Value]) -> Scope:
        """Return the scope of the steps at that path; `given` are values that a person gave for them."""
        return replace(self, home=path, values={**self.values, **given})

    def with_value(self, name: str, value: Value) -> Scope:
        """Return the scope in which one more name stands for that value."""
        return replace(self, values={**self.values, name: value}, names={**self.names, name: None})

    def bound(self, templates: Mapping[str, str], parameters: Sequence[Parameter], prefix: str) -> Scope:
        """Return the scope of an included procedure, whose parameters stand for templates of this one.

        A value that is not known yet keeps its source, under the name that it has there.
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
        """Return what is known where branches come together again: names that all of them have, no others."""
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
    """A step at one place of the way: an `each` has its steps once per value, an `include` those of another."""

    step: Step
    path: str
    """The ids from the procedure's top down, joined by `/`; `before/` leads, an `each` adds `[value]` to its id."""
    number: str
    """`5`, or within the second answer to step 5 `5b.1`. One that comes before step 1 is `0.1`."""
    scope: Scope
    """What is known before the step."""
    after: Scope
    """The same with what the step itself finds: its check and its undo know that too."""
    procedure: str
    """The id of the procedure that it is written in."""
    anchor_prefix: str = ""
    """What keeps the anchors of an included procedure's steps apart from others on the page."""
    depth: int = 0
    is_before: bool = False
    branches: tuple[Branch, ...] = ()
    """What is within it, gone through already."""

    @property
    def shown_number(self) -> str:
        """The number without the `0.` that keeps those before step 1 apart: they stand below a title of their own."""
        return self.number.removeprefix("0.")

    @property
    def anchor(self) -> str:
        """A name of its own on the procedure's page."""
        return f"{self.anchor_prefix}{self.step.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A list of steps within a step. `places` are they at their places, once they were gone through."""

    steps: tuple[Step, ...]
    scope: Scope
    path: str
    """What their paths begin with, and so on with numbers and anchors."""
    number: str
    anchor: str
    procedure: str
    letter: str = ""
    """Of an answer: `5b`."""
    title: str = ""
    """Of an answer: the answer."""
    symptom: str = ""
    """Of an answer: how a person recognizes it."""
    places: tuple[Place, ...] = ()


class Known(Protocol):
    """What is known of a procedure while its steps are laid out: of one run, of a drill's answers, or of any run."""

    def found(self, path: str, step: Step, prefix: str) -> Mapping[str, Value]:
        """Return the values that a step has given."""

    def taken(self, path: str, answers: Sequence[str], usual: str = "") -> Sequence[str]:
        """Return the answers, of those to the question at that path, that are gone into; `usual` is one of them."""

    def items(self, path: str, name: str, value: Value | None, prefix: str) -> Sequence[tuple[str, Value]]:
        """Return the values of a list one by one, each as it is shown in a path."""
