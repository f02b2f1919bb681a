"""A procedure as plain text: for a terminal, a pager, a printer, or a colleague on the phone."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook.markup import plain_prose
from runbook.model import Parameter
from runbook.printable import lines_of, printable
from runbook.rendering.command_text import command_text
from runbook.rendering.outline import outline
from runbook.rendering.shown_procedure import ShownProcedure, change_sentence, headed
from runbook.steps import view

__all__ = ["BLOCKS", "Column", "plain_page"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of text: no line is wider than `width`, unless a single word is; `margin` begins each line."""

    width: int
    margin: str = ""

    def wrapped(self, text: str, first: str = "") -> Iterator[str]:
        """Yield the text as lines; `first` goes before it, and its other lines are indented by the same amount."""
        start = f"{self.margin}{first}"
        # Names, flags and addresses stay whole, to be found and copied; textwrap would break them at a hyphen.
        yield from textwrap.wrap(
            printable(text),
            self.width,
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_on_hyphens=False,
            break_long_words=False,
        ) or [start.rstrip()]

    def blocks(self, blocks: Iterable[view.Block]) -> Iterator[str]:
        """Yield the lines of each block."""
        return (line for block in blocks for line in BLOCKS[type(block)](block, self))


def plain_page(shown: ShownProcedure, width: int = 80) -> str:
    """Return the whole procedure, with no line wider than `width` unless a single word is."""
    return printable("\n".join(_page(shown, Column(max(width, 40)))))


def _page(shown: ShownProcedure, column: Column) -> Iterator[str]:
    one, width = shown.procedure, column.width
    yield f"{one.title}{one.id:>{max(width - len(one.title), len(one.id) + 2)}}"
    yield from column.wrapped(one.summary)
    facts = f"About {one.minutes} min, {one.mode.value}. Owner: {one.owner}. Reviewed {one.reviewed}."
    yield from column.wrapped(f"{facts} Commands as on Supabase CLI {shown.to.major}, production.")
    if one.contact:
        yield from column.wrapped(f"To reach the owner: {one.contact.reached}.")
    # Not wrapped, because readers compare it with the one that the site and a report show.
    yield f"SHA-256 {one.digest}"
    yield from _list("WARNING", one.warnings, column)
    yield from _list("Your team changed this", [change_sentence(each) for each in one.changes], column)
    yield from ("", "At a glance")
    for depth, text in outline(shown):
        yield from column.wrapped(text, "  " * (depth + 1))
    yield from _list("Use it when", one.use_when, column)
    yield from _list("Not for", [f"{other.text}{_arrow(other.see or '')}" for other in one.not_for], column)
    yield from _list("Have at hand", one.needs, column)
    yield from _list("It asks for", [f"{each.name}: {each.ask}{_hint(each)}" for each in one.parameters], column)
    for title, places in (("Before step 1", shown.expansion.before), ("Steps", shown.expansion.steps)):
        if places:
            yield from ("", title)
        for heading, place in headed(places):
            margin = "  " * place.depth
            outer, inner = Column(width, margin), Column(width, f"{margin}     ")
            if heading:
                # The steps of an answer are below its letter, as `a) `; a phase has no such prefix.
                yield from ("", *outer.wrapped(heading, "" if ")" in heading[:2] else "== "))
            minutes = f" ({place.step.minutes:g} min)" if place.step.minutes else ""
            yield from outer.wrapped(f"{shown.title(place)}{minutes}", f"{place.shown_number:>3}  ")
            yield from inner.blocks(shown.blocks(place))
    yield from _list("Afterwards", one.after, column)
    yield from _list("What leads here", (*one.symptoms, *one.errors), column)
    yield from _list("Related", one.related, column)
    yield from ("", f"Walk through it:  runbook run {one.id}")


def _list(title: str, texts: Sequence[str], column: Column) -> Iterator[str]:
    if texts:
        yield from ("", title)
    for text in texts:
        yield from column.wrapped(plain_prose(text), "  - ")


def _hint(one: Parameter) -> str:
    if one.secret:
        return " (secret: asked for without showing it)"
    if one.choices:
        return f" (one of {', '.join(one.choices)})"
    return f" (for example {one.example})" if one.example else ""


def _arrow(see: str) -> str:
    return f" -> {see}" if see else ""


# --- blocks -------------------------------------------------------------------------------------------------------


def _note(block: view.Note, column: Column) -> Iterator[str]:
    # The one label that must stand out in a terminal without colours.
    label = block.label.upper() if block.label is view.Label.WARNING else block.label
    return column.wrapped(f"{label}: {plain_prose(block.text)}{_arrow(block.see)}")


def _command(block: view.CommandToRun, column: Column) -> Iterator[str]:
    if block.lead:
        yield from column.wrapped(block.lead)
    yield from command_text(block.argv, column.width, f"{column.margin}$ ", f"{column.margin}    ")


def _private_file(block: view.PrivateFile, column: Column) -> Iterator[str]:
    names = ", ".join(block.names)
    return column.wrapped(f"<env_file> is a private file that sets {names}. A run writes and deletes it.")


def _file(block: view.File, column: Column) -> Iterator[str]:
    yield from column.wrapped(f"Edit {block.path}. Begin with:")
    if block.content is None:
        yield from column.wrapped(f"what git has at {block.origin}", "| ")
    else:
        # The content of a file is never wrapped, because a line broken here would be typed as two.
        yield from (f"{column.margin}| {line}" for line in lines_of(block.content))


def _request(block: view.HttpRequest, column: Column) -> Iterator[str]:
    yield from column.wrapped(f"{block.method} {block.url}")
    for name, value in block.headers:
        yield from column.wrapped(f"{name}: {value}", "  ")
    yield from (f"{column.margin}  {line}" for line in lines_of(block.body))


def _options(block: view.Options, column: Column) -> Iterator[str]:
    for letter, answer in block.lettered:
        symptom = f" ({answer.symptom})" if answer.symptom else ""
        yield from column.wrapped(f"{letter}) {answer.text}{symptom}{f': {answer.leads}' if answer.leads else ''}")


def _looks(block: view.Looks, column: Column) -> Iterator[str]:
    for one in block.readings:
        yield f"{column.margin}{one.title}:"
        yield from column.blocks(one.blocks)


def _expected(block: view.Expected | view.Verification, column: Column) -> Iterator[str]:
    return column.wrapped(f"Expected: {'; '.join(block.clauses)}")


def _verification(block: view.Verification, column: Column) -> Iterator[str]:
    yield f"{column.margin}Verify:"
    yield from column.blocks(block.blocks)
    if block.clauses:
        yield from _expected(block, column)


def _undo(block: view.UndoWay, column: Column) -> Iterator[str]:
    if block.reason:
        yield from column.wrapped(f"No undo: {block.reason}")
    match block.blocks:
        case (view.Prose(text),):
            yield from column.wrapped(f"Undo: {plain_prose(text)}")
        case (_, *_):
            yield f"{column.margin}Undo:"
            yield from column.blocks(block.blocks)
    if block.check:
        yield from _verification(block.check, column)


BLOCKS: Mapping[type[view.Block], Callable[[Any, Column], Iterable[str]]] = {
    view.Note: _note,
    view.Prose: lambda prose, column: column.wrapped(f"[ ] {plain_prose(prose.text)}"),
    view.CommandToRun: _command,
    view.EffectNote: lambda note, column: column.wrapped(note.text),
    # The command above contains it, and on paper it makes no difference which one people copy.
    view.Statement: lambda _statement, _column: (),
    view.PrivateFile: _private_file,
    view.File: _file,
    view.HttpRequest: _request,
    view.Options: _options,
    view.Ask: lambda ask, column: column.wrapped(f"Note the value: {ask.parameter.ask}"),
    view.Pause: lambda pause, column: column.wrapped(f"Wait {pause.seconds:g} s: {pause.text}"),
    view.Looks: _looks,
    view.Repeat: lambda one, column: column.wrapped(f"Repeat these steps for each of {one.over}: {one.listed}"),
    view.Included: lambda included, column: column.wrapped(f"These are the steps of {included.procedure}:"),
    view.Expected: _expected,
    view.Verification: _verification,
    view.UndoWay: _undo,
}
