"""Turn a step into a short list of blocks. Terminal, HTML, Markdown and plain text render them in their own way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from runbook.filling import Values, fill_text
from runbook.model import Action, Check, Effect, Expectation, Family, Parameter, Step, Undo

if TYPE_CHECKING:
    from runbook.steps.destination import Destination, Prepared

__all__ = [
    "LETTERS",
    "Ask",
    "Block",
    "Choice",
    "CommandToRun",
    "EffectNote",
    "Expected",
    "File",
    "HttpRequest",
    "Included",
    "Label",
    "Looks",
    "Note",
    "Options",
    "Pause",
    "PrivateFile",
    "Prose",
    "Reading",
    "Repeat",
    "Statement",
    "UndoWay",
    "Verification",
    "effect_sentence",
    "notes_of",
    "view_of",
]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
"""The letters of the answers to a question, in order."""


class Label(StrEnum):
    """The label of a note."""

    WARNING = "Warning"
    SECOND_PERSON = "Second person"
    WHY = "Why"
    LOOK_FOR = "Look for"
    STOP_IF = "Stop if"
    IF_IT_FAILS = "If it fails"


@dataclass(frozen=True, slots=True)
class Note:
    """A text beside the action; `see` is the id of the procedure that it leads to."""

    label: Label
    text: str
    see: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """What to do, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class CommandToRun:
    """An argv to run; `lead` says what for, if that isn't obvious."""

    argv: tuple[str, ...]
    lead: str = ""


@dataclass(frozen=True, slots=True)
class EffectNote:
    """The step's effect on its target, also as a sentence."""

    effect: Effect
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The SQL of a query command on its own, to paste where SQL is expected."""

    sql: str


@dataclass(frozen=True, slots=True)
class PrivateFile:
    """A file with secrets that exists while the command runs: the names of the variables in it."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file to write. It starts with `content`, or with what git has at `origin` (`revision:path`)."""

    path: str
    content: str | None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. `headers` contains no secrets: a secret is shown as its name in angle brackets."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str
    secrets: tuple[str, ...] = ()
    """The names of the headers whose value is such a secret."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a question: its text, how a person recognizes it, and where it leads."""

    text: str
    symptom: str = ""
    back_to: str = ""
    """The id of an earlier step that the walk goes back to."""
    has_steps: bool = False
    is_suggested: bool = False

    @property
    def leads(self) -> str:
        """Where it leads, in a few words, if no steps follow. Empty if some do."""
        if self.back_to:
            return f"go back to {self.back_to}"
        return "" if self.has_steps else "continue"


@dataclass(frozen=True, slots=True)
class Options:
    """The answers to a question. If one of them is suggested, `because` says why."""

    answers: tuple[Choice, ...]
    because: str = ""

    @property
    def lettered(self) -> Iterator[tuple[str, Choice]]:
        """Each answer, after its letter."""
        return zip(LETTERS, self.answers, strict=False)

    @property
    def suggestion(self) -> str:
        """The suggested answer and the reason, as a sentence. Empty if no answer is suggested."""
        found = next((answer.text for answer in self.answers if answer.is_suggested), "")
        return f"{found}. {self.because}".rstrip(". ") + "." if found else ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One of several looks that are taken at the same time: its title, and what it runs."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks that are taken at the same time."""

    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """A value that a person notes down here."""

    parameter: Parameter


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait of `seconds`, and its purpose."""

    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """Steps that are done once for each value of a list: the `name` of the value here, and the list."""

    name: str
    over: str
    listed: str


@dataclass(frozen=True, slots=True)
class Included:
    """Steps that belong to another procedure (an id)."""

    procedure: str
    is_whole: bool = False
    """True if nothing that they do depends on the procedure that includes them."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be true for the step to pass, as clauses."""

    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """A check that only reads, and what it must show."""

    blocks: tuple[Block, ...]
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UndoWay:
    """How to undo the step, with its check, or (`reason`) why that can't be done."""

    blocks: tuple[Block, ...]
    reason: str = ""
    check: Verification | None = None


Block = (
    Note
    | Prose
    | CommandToRun
    | EffectNote
    | Statement
    | PrivateFile
    | File
    | HttpRequest
    | Options
    | Ask
    | Pause
    | Looks
    | Repeat
    | Included
    | Expected
    | Verification
    | UndoWay
)


def view_of(  # noqa: PLR0913 - one step, in all that it depends on
    step: Step,
    action: Action,
    values: Values,
    later: Values,
    to: Destination,
    *,
    effect: EffectNote | None = None,
    is_titled: bool = True,
) -> Iterator[Block]:
    """Yield everything about a step except its title, in reading order. `values` has a value for every name.

    `later` has the values once the step has run: its check and its undo know what it found. `effect` goes below the
    action. If the title is shown (`is_titled`), the action doesn't repeat it.
    Raises UsageError for a value that isn't allowed where it is used.
    """
    said = Prose(fill_text(step.title, values)) if is_titled else None
    yield from _notes(values, (Label.WARNING, step.warning))
    yield from _second_person(step)
    yield from _notes(values, (Label.WHY, step.why))
    yield from (block for block in action.view(values, to) if block != said)
    if effect:
        yield effect
    yield from _notes(values, (Label.LOOK_FOR, step.look_for))
    if clauses := _clauses(action, step.expect, values):
        yield Expected(clauses)
    yield from _notes(values, (Label.STOP_IF, step.stop_if))
    if step.if_it_fails:
        yield Note(Label.IF_IT_FAILS, fill_text(step.if_it_fails.text, values), step.if_it_fails.see or "")
    if step.verify:
        yield _verification(step.verify, later, to)
    if step.undo:
        yield _undo(step.undo, later, to)


def notes_of(step: Step, values: Values) -> Iterator[Block]:
    """Yield the notes beside a step, without what it runs."""
    yield from _notes(values, (Label.WARNING, step.warning))
    yield from _second_person(step)
    yield from _notes(values, (Label.WHY, step.why), (Label.LOOK_FOR, step.look_for))
    yield from _notes(values, (Label.STOP_IF, step.stop_if))
    if step.if_it_fails:
        yield Note(Label.IF_IT_FAILS, fill_text(step.if_it_fails.text, values), step.if_it_fails.see or "")


def _second_person(step: Step) -> Iterator[Note]:
    if step.second_person:
        text = "On production, somebody else must confirm this step from another terminal before it runs."
        yield Note(Label.SECOND_PERSON, text)


def _notes(values: Values, *labelled: tuple[Label, str | None]) -> Iterator[Note]:
    return (Note(label, fill_text(text, values)) for label, text in labelled if text)


def _clauses(action: Action, own: Expectation, values: Values) -> tuple[str, ...]:
    return tuple(action.expectation(own).clauses(lambda template: fill_text(template, values)))


def _verification(check: Check, values: Values, to: Destination) -> Verification:
    return Verification(tuple(check.action.view(values, to)), _clauses(check.action, check.expect, values))


def _undo(undo: Undo, values: Values, to: Destination) -> UndoWay:
    blocks = tuple(undo.action.view(values, to)) if undo.action else ()
    check = _verification(undo.check, values, to) if undo.check else None
    return UndoWay(blocks, fill_text(undo.reason or "", values), check)


def effect_sentence(prepared: Prepared, target: str = "") -> str:
    """Return what the command does to what, and whether it asks by itself. `target` is the target's name, if known."""
    asks = prepared.judgement is not None and prepared.judgement.asks
    return f"{_effect_itself(prepared, target)}{' The CLI asks once more: answer y.' if asks else ''}"


def _effect_itself(prepared: Prepared, target: str) -> str:
    here = prepared.judgement is not None and prepared.judgement.family is Family.NOTHING
    if prepared.effect is Effect.READS:
        return "Reads only." if here or not target else f"Reads {target}, changes nothing."
    verb = prepared.effect.value.upper()
    if here:
        return f"{verb} files on this machine" + (f", not {target}." if target else ".")
    if prepared.judgement is not None and prepared.judgement.writes_files:
        return f"Reads {target or 'the target'} and {verb} files on this machine."
    return (
        f"{verb} to {target}."
        if prepared.effect is Effect.WRITES and target
        else (f"{verb} data on {target}." if target else f"{verb} data.")
    )
