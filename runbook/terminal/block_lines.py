"""What a step shows about itself: each kind of block as lines for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rich.text import Text

from runbook.engine.ports import Screen
from runbook.markup import plain_prose
from runbook.model import Effect
from runbook.rendering.command_text import quoted
from runbook.steps import view
from runbook.steps.view import Label
from runbook.terminal.lines import Band, Lines, band, command_lines, wrap

__all__ = ["brief_options", "in_words", "labelled", "lines_of_blocks", "notes", "render_block"]

_SUGGESTED = "  Suggested, marked >: "
_WORTH_IT = 24
"""The fewest columns in which the beginning of a symptom helps."""


def render_block(block: view.Block, width: int) -> Band:
    """Return the lines of one block, and how many of them must stay if room is short."""
    return _RENDERERS[type(block)](block, width)


def notes(screen: Screen, *labels: Label) -> Iterator[view.Note]:
    """Yield the step's notes of these kinds, in the order in which they are read."""
    return (block for block in screen.blocks if isinstance(block, view.Note) and block.label in labels)


def labelled(label: str, text: str, width: int) -> Lines:
    """Return a text after its label; nothing for an empty text."""
    return wrap(text, width, first=f"  {label} ", rest="      ") if text else []


def _note(note: view.Note, width: int) -> Band:
    if note.label is Label.WARNING:
        return band(wrap(plain_prose(note.text), width, first="  WARNING: ", style="bold yellow"), 2)
    return band(labelled(f"{note.label}:", plain_prose(note.text), width), 1)


def _command(command: view.CommandToRun, width: int) -> Band:
    lines = command_lines(command.argv, width)
    return band([*wrap(command.lead, width, first="  "), *lines], 0) if command.lead else band(lines, 2)


def _effect_note(note: view.EffectNote, width: int) -> Band:
    style = {Effect.READS: "green", Effect.WRITES: "bold yellow", Effect.DESTROYS: "bold red"}[note.effect]
    return band(wrap(note.text, width, first="  ", style=style))


def _request(request: view.HttpRequest, width: int) -> Band:
    lines = wrap(f"{request.method} {request.url}", width, first="  ", rest="    ", style="bold")
    for name, value in request.headers:
        lines += wrap(f"{name}: {value}", width, first="    ")
    return band([*lines, *(wrap(request.body, width, first="    ") if request.body else [])], 2)


def _options(options: view.Options, width: int) -> Band:
    lines: Lines = []
    if options.suggestion:
        lines += [*wrap(options.suggestion, width, first=_SUGGESTED, rest="      ", style="bold"), Text()]
    for number, answer in enumerate(options.answers, start=1):
        mark = ">" if answer.is_suggested else " "
        lines += wrap(answer.text, width, first=f" {mark}{number:>2}  ", style="bold" if answer.is_suggested else "")
        lines += wrap(plain_prose(answer.symptom), width, first="      ", style="dim") if answer.symptom else []
    return band(lines)


def brief_options(options: view.Options, width: int) -> Lines:
    """Return each answer on a line of its own, with as much of its symptom as fits there."""
    lines: Lines = []
    if options.suggestion:
        lines += wrap(options.suggestion, width, first=_SUGGESTED, rest="      ", style="bold", most=2)
    for number, answer in enumerate(options.answers, start=1):
        mark = ">" if answer.is_suggested else " "
        style = "bold" if answer.is_suggested else ""
        line = wrap(answer.text, width, first=f" {mark}{number:>2}  ", style=style, most=1)[0]
        if answer.symptom and width - line.cell_len >= _WORTH_IT:
            symptom = plain_prose(answer.symptom)
            line = line + Text("   ") + wrap(symptom, width - line.cell_len - 3, style="dim", most=1)[0]
        lines.append(line)
    return lines


def _verification(check: view.Verification, width: int) -> Band:
    return band([Text("  Verify:"), *lines_of_blocks((*check.blocks, view.Expected(check.clauses)), width)])


def _undo_way(way: view.UndoWay, width: int) -> Band:
    check = (way.check,) if way.check else ()
    if not way.blocks:
        return band(labelled("No undo:", way.reason, width))
    if all(isinstance(block, view.Prose) for block in way.blocks):
        return band([*labelled("Undo:", in_words(way), width), *lines_of_blocks(check, width)])
    return band([Text("  Undo:"), *lines_of_blocks((*way.blocks, *check), width)])


def lines_of_blocks(blocks: Iterable[view.Block], width: int) -> Lines:
    """Return all lines of several blocks."""
    return [line for block in blocks for line in render_block(block, width).lines]


_RENDERERS: Mapping[type[view.Block], Callable[[Any, int], Band]] = {
    view.Note: _note,
    view.Prose: lambda prose, width: band(wrap(plain_prose(prose.text), width, first="  "), 1),
    view.CommandToRun: _command,
    view.EffectNote: _effect_note,
    view.Statement: lambda _block, _width: band([]),  # the command already shows it
    view.PrivateFile: lambda file, width: band(labelled("Private file with:", ", ".join(file.names), width)),
    view.File: lambda file, width: band(wrap(f"File: {file.path}", width, first="  ")),
    view.HttpRequest: _request,
    view.Options: _options,
    view.Ask: lambda ask, width: band(wrap(ask.parameter.ask, width, first="  Value: ")),
    view.Pause: lambda pause, width: band(wrap(f"Wait {pause.seconds:g} s: {pause.text}", width, first="  "), 1),
    view.Looks: lambda looks, width: band(
        line for one in looks.readings for line in wrap(one.title, width, first="  - ")
    ),
    view.Repeat: lambda _block, _width: band([]),  # the walk goes straight to the steps inside
    view.Included: lambda _block, _width: band([]),
    view.Expected: lambda expected, width: band(labelled("Expected:", "; ".join(expected.clauses), width)),
    view.Verification: _verification,
    view.UndoWay: _undo_way,
}


def in_words(way: view.UndoWay) -> str:
    """Return what the undo does; if it is a SQL statement, the statement itself."""
    # The statement is listed beside the command that runs it, and says more in one line.
    for block in sorted(way.blocks, key=lambda block: not isinstance(block, view.Statement)):
        match block:
            case view.Statement(sql):
                return sql
            case view.Prose(text):
                return plain_prose(text)
            case view.CommandToRun(argv):
                return " ".join(map(quoted, argv))
            case view.HttpRequest(method, url):
                return f"{method} {url}"
    return ""
