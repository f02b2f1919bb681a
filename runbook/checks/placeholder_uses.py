"""Every text of a step that may hold placeholders, with where it stands and what becomes of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

from runbook.model import Action, Command, Each, Edit, Expectation, Include, Position, Sql, Step, Tick, Undo, Wait

__all__ = ["Becomes", "Role", "Use", "commands_of", "uses_of"]


class Becomes(Enum):
    """What a text with placeholders is used for."""

    SHOWN = auto()
    ARGV = auto()
    SQL = auto()
    FILE = auto()
    COMPARED = auto()
    BOUND = auto()
    """The value of an included procedure's parameter."""
    NAME = auto()
    """Not a template: the bare name of a parameter."""
    SECRET = auto()
    """The bare name of a parameter that goes into a private file."""


class Role(Enum):
    """What a command is there for."""

    STEP = auto()
    CHECK = auto()
    """`verify` of a step or of an undo, `check` of an edit: it only reads."""
    UNDO = auto()


@dataclass(frozen=True, slots=True)
class Use:
    """One text. With `late` the step's own captures are known to it. `env_file`: its command has a private file."""

    text: str
    at: Position
    becomes: Becomes = Becomes.SHOWN
    late: bool = False
    env_file: bool = False


def commands_of(step: Step, majors: Collection[int]) -> Iterator[tuple[Role, Command | Sql, tuple[int, ...]]]:
    """Yield what a step itself runs and checks, with its role and the majors of the CLI that it is for."""
    others = tuple(major for major in majors if major not in step.on_cli)
    for action, own in ((step.action, others), *((each, (major,)) for major, each in step.on_cli.items())):
        if isinstance(action, Command | Sql):
            yield Role.STEP, action, own
        if isinstance(action, Edit) and action.check:
            yield Role.CHECK, action.check, own
    if step.verify:
        yield Role.CHECK, step.verify.action, tuple(majors)
    if step.undo and isinstance(step.undo.action, Command | Sql):
        yield Role.UNDO, step.undo.action, tuple(majors)
    if step.undo and step.undo.check:
        yield Role.CHECK, step.undo.check.action, tuple(majors)


def uses_of(step: Step) -> Iterator[Use]:
    """Yield the texts of a step, but not those of the steps within it."""
    failing = step.if_it_fails.text if step.if_it_fails else None
    for text in (step.title, step.why, step.look_for, step.warning, step.stop_if, failing):
        if text:
            yield Use(text, step.at)
    for action in (step.action, *step.on_cli.values()):
        yield from _of_action(action, step.at)
    yield from _of_expectation(step.expect, step.at)
    yield from (Use(capture.json, step.at, Becomes.COMPARED) for capture in step.capture if capture.json)
    if step.verify:
        yield from _late(_of_action(step.verify.action, step.at))
        yield from _late(_of_expectation(step.verify.expect, step.verify.at))
    if step.undo:
        yield from _late(_of_undo(step.undo, step.at))


def _late(uses: Iterator[Use]) -> Iterator[Use]:
    return (replace(use, late=True) for use in uses)


def _of_undo(undo: Undo, at: Position) -> Iterator[Use]:
    if undo.reason:
        yield Use(undo.reason, at)
    if undo.action:
        yield from _of_action(undo.action, at)
    if undo.check:
        yield from _of_action(undo.check.action, at)
        yield from _of_expectation(undo.check.expect, undo.check.at)


def _of_action(action: Action, at: Position) -> Iterator[Use]:
    match action:
        case Command():
            yield from _of_command(action)
        case Sql():
            yield Use(action.statement, action.at, Becomes.SQL)
        case Tick() | Wait():
            yield Use(action.text, at)
        case Edit():
            yield from _of_edit(action, at)
        case Each():
            yield Use(action.over, at, Becomes.NAME)
        case Include():
            yield from (Use(value, at, Becomes.BOUND) for value in action.values.values())
        case _:
            return


def _of_command(command: Command) -> Iterator[Use]:
    has_file = bool(command.env_file)
    yield from (Use(word, command.at, Becomes.ARGV, env_file=has_file) for word in command.words)
    for key, secret in command.env_file:
        yield Use(key, command.at, Becomes.ARGV)
        yield Use(secret, command.at, Becomes.SECRET)


def _of_edit(edit: Edit, at: Position) -> Iterator[Use]:
    for text in (edit.file, edit.template, edit.git_revision, edit.git_path):
        if text:
            yield Use(text, at, Becomes.FILE)
    if edit.check:
        yield from _of_command(edit.check)


def _of_expectation(expect: Expectation, at: Position) -> Iterator[Use]:
    for text in (expect.output, *(text for pair in (*expect.json, *expect.differs) for text in pair)):
        if text:
            yield Use(text, at, Becomes.COMPARED)
