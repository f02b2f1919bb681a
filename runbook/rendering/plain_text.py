"""A procedure as plain text: for a terminal, a pager, a printer, or a colleague on the phone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from runbook.model import Action, Choose, Command, Edit, Include, Parameter, Procedure, Sql, Tick, Undo, Wait
from runbook.rendering.command_text import command_text
from runbook.rendering.outline import Entry, Reader, example_values, outline

__all__ = ["plain_page"]


def plain_page(procedure: Procedure, reader: Reader, width: int = 80) -> str:
    """Return the whole procedure, no line wider than `width` except a word that is."""
    return "\n".join(_Page(procedure, reader, max(width, 40)).lines())


class _Page:
    def __init__(self, procedure: Procedure, reader: Reader, width: int) -> None:
        self._procedure, self._reader, self._width = procedure, reader, width
        self._values = example_values(procedure, reader.project_ref)

    def lines(self) -> Iterator[str]:
        yield from self._head()
        yield from self._list("WARNING", self._procedure.warnings)
        yield from self._list("Use it when", self._procedure.use_when)
        see = [f"{one.text}{f' -> {one.see}' if one.see else ''}" for one in self._procedure.not_for]
        yield from self._list("Not for", see)
        yield from self._list("Have at hand", self._procedure.needs)
        yield from self._parameters()
        for title, steps in (("Before step 1", self._procedure.before), ("Steps", self._procedure.steps)):
            entries = list(outline(steps, self._values))
            if entries:
                yield from ("", title)
            for entry in entries:
                yield from self._entry(entry)
        yield from self._list("Afterwards", self._procedure.after)
        yield from self._list("Related", self._procedure.related)
        yield from ("", f"Walk through it:  runbook run {self._procedure.id}")

    def _head(self) -> Iterator[str]:
        one = self._procedure
        yield f"{one.title}{one.id:>{max(self._width - len(one.title), len(one.id) + 2)}}"
        yield from self._wrap(one.summary)
        facts = f"About {one.minutes} min, {one.mode.value}. Owner: {one.owner}. Reviewed {one.reviewed}."
        yield from self._wrap(f"{facts} Commands as on Supabase CLI {self._reader.major}, production.")
        yield f"SHA-256 {one.digest}"

    def _list(self, title: str, texts: Sequence[str]) -> Iterator[str]:
        if texts:
            yield from ("", title)
        for text in texts:
            yield from self._wrap(text, "  - ")

    def _parameters(self) -> Iterator[str]:
        if self._procedure.parameters:
            yield from ("", "It asks for")
        for one in self._procedure.parameters:
            yield from self._wrap(f"{one.name}: {one.ask}{_hint(one)}", "  - ")

    def _entry(self, entry: Entry) -> Iterator[str]:
        margin = "  " * entry.depth
        if entry.heading:
            yield ""
            yield from self._wrap(entry.heading, f"{margin}{'' if ')' in entry.heading[:2] else '== '}")
        step, values = entry.step, entry.values
        minutes = f" ({step.minutes:g} min)" if step.minutes else ""
        yield from self._wrap(f"{self._reader.text(step.title, values)}{minutes}", f"{margin}{entry.number:>3}  ")
        deeper = f"{margin}     "
        texts = (("WARNING: ", step.warning), ("Why: ", step.why))
        yield from self._texts(texts, entry, deeper)
        yield from self._action(entry, step.action_on(self._reader.major), deeper)
        yield from self._texts((("Look for: ", step.look_for), ("Stop if: ", step.stop_if)), entry, deeper)
        yield from self._safety(entry, deeper)

    def _texts(self, texts: Sequence[tuple[str, str | None]], entry: Entry, margin: str) -> Iterator[str]:
        for label, text in texts:
            if text:
                yield from self._wrap(f"{label}{self._reader.text(text, entry.values)}", margin)

    def _action(self, entry: Entry, action: Action, margin: str) -> Iterator[str]:
        match action:
            case Command() | Sql():
                yield from self._command(action, entry, margin)
                yield f"{margin}{self._reader.sentence(entry.step, entry.values)}"
            case Tick():
                text = "" if action.text == entry.step.title else f"[ ] {self._reader.text(action.text, entry.values)} "
                asks = f"Note the value: {action.asks.ask}" if action.asks else ""
                yield from self._wrap(f"{text}{asks}", margin) if text or asks else ()
            case Edit():
                yield from self._edit(action, entry, margin)
            case Wait():
                yield from self._wrap(
                    f"Wait {action.seconds:g} s: {self._reader.text(action.text, entry.values)}", margin
                )
            case Include():
                yield from self._wrap(f"These are the steps of {action.procedure}:", margin)
            case Choose():
                for letter, option in zip("abcdefghijklmnopqrstuvwxyz", action.options, strict=False):
                    yield from self._wrap(f"{letter}) {option.when}{'' if option.steps else ': go on'}", margin)

    def _command(self, action: Command | Sql, entry: Entry, margin: str) -> Iterator[str]:
        yield from command_text(self._reader.argv(action, entry.values), self._width, f"{margin}$ ", f"{margin}    ")

    def _edit(self, edit: Edit, entry: Entry, margin: str) -> Iterator[str]:
        yield from self._wrap(f"Edit {self._reader.text(edit.file, entry.values)}. Begin with:", margin)
        if edit.template is not None:
            yield from (f"{margin}| {line}" for line in self._reader.text(edit.template, entry.values).splitlines())
        else:
            revision = self._reader.text(f"{edit.git_revision}:{edit.git_path}", entry.values)
            yield from self._wrap(f"what git has at {revision}", f"{margin}| ")
        if edit.check:
            yield f"{margin}Check it with:"
            yield from self._command(edit.check, entry, margin)

    def _safety(self, entry: Entry, margin: str) -> Iterator[str]:
        step = entry.step
        if step.verify:
            yield f"{margin}Verify:"
            yield from self._command(step.verify.action, entry, margin)
        if step.undo:
            yield from self._undo(step.undo, entry, margin)
        if step.if_it_fails:
            see = f" -> {step.if_it_fails.see}" if step.if_it_fails.see else ""
            yield from self._texts((("If it fails: ", f"{step.if_it_fails.text}{see}"),), entry, margin)

    def _undo(self, undo: Undo, entry: Entry, margin: str) -> Iterator[str]:
        if isinstance(undo.action, Command | Sql):
            yield f"{margin}Undo:"
            yield from self._command(undo.action, entry, margin)
        elif isinstance(undo.action, Tick):
            yield from self._texts((("Undo: ", undo.action.text),), entry, margin)
        else:
            yield from self._texts((("No undo: ", undo.reason),), entry, margin)

    def _wrap(self, text: str, first: str = "") -> Iterator[str]:
        rest = " " * len(first)
        yield from textwrap.wrap(
            text,
            self._width,
            initial_indent=first,
            subsequent_indent=rest,
            break_on_hyphens=False,
            break_long_words=False,
        ) or [first.rstrip()]


def _hint(one: Parameter) -> str:
    if one.secret:
        return " (secret: asked for without showing it)"
    if one.choices:
        return f" (one of {', '.join(one.choices)})"
    return f" (for example {one.example})" if one.example else ""
