"""A procedure as Markdown: for an incident's channel or a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runbook.model import Action, Choose, Command, Edit, Include, Procedure, Sql, Tick, Wait
from runbook.rendering.command_text import quoted
from runbook.rendering.outline import Entry, Reader, example_values, outline

__all__ = ["markdown_page"]


def markdown_page(procedure: Procedure, reader: Reader) -> str:
    """Return the procedure as Markdown with tick boxes and fenced commands."""
    return "\n".join(_lines(procedure, reader))


def _lines(procedure: Procedure, reader: Reader) -> Iterator[str]:
    values = example_values(procedure, reader.project_ref)
    yield from (f"# {procedure.title}", "", procedure.summary, "")
    yield f"`{procedure.id}`, about {procedure.minutes} min, owner {procedure.owner}, reviewed {procedure.reviewed}. "
    yield f"Commands as on Supabase CLI {reader.major}, production. SHA-256 `{procedure.digest}`."
    yield from _list("Warnings", [f"**{text}**" for text in procedure.warnings])
    yield from _list("Use it when", procedure.use_when)
    yield from _list("Not for", [f"{one.text}{f': `{one.see}`' if one.see else ''}" for one in procedure.not_for])
    yield from _list("Have at hand", procedure.needs)
    yield from _list("Values", [f"`{one.name}`: {one.ask}" for one in procedure.parameters])
    for title, steps in (("Before step 1", procedure.before), ("Steps", procedure.steps)):
        if steps:
            yield from ("", f"## {title}")
        for entry in outline(steps, values):
            yield from _entry(entry, reader)
    yield from _list("Afterwards", [f"[ ] {text}" for text in procedure.after])


def _list(title: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield from ("", f"## {title}", "", *(f"- {text}" for text in texts))


def _entry(entry: Entry, reader: Reader) -> Iterator[str]:
    step, values = entry.step, entry.values
    if entry.heading:
        yield from ("", f"### {entry.heading}")
    yield from ("", f"- [ ] **{entry.number}. {reader.text(step.title, values)}**")
    for label, text in (("Warning", step.warning), ("Why", step.why)):
        yield from _note(label, text, entry, reader)
    yield from _action(entry, step.action_on(reader.major), reader)
    for label, text in (("Look for", step.look_for), ("Stop if", step.stop_if)):
        yield from _note(label, text, entry, reader)
    yield from _safety(entry, reader)


def _safety(entry: Entry, reader: Reader) -> Iterator[str]:
    step = entry.step
    if step.verify:
        yield from ("", "  Verify:", *_fence(step.verify.action, entry, reader))
    if step.undo and isinstance(step.undo.action, Command | Sql):
        yield from ("", "  Undo:", *_fence(step.undo.action, entry, reader))
    elif step.undo and isinstance(step.undo.action, Tick):
        yield from _note("Undo", step.undo.action.text, entry, reader)
    elif step.undo:
        yield from _note("No undo", step.undo.reason, entry, reader)
    if step.if_it_fails:
        see = f" See `{step.if_it_fails.see}`." if step.if_it_fails.see else ""
        yield from _note("If it fails", f"{step.if_it_fails.text}{see}", entry, reader)


def _note(label: str, text: str | None, entry: Entry, reader: Reader) -> Iterator[str]:
    if text:
        yield from ("", f"  {label}: {reader.text(text, entry.values)}")


def _action(entry: Entry, action: Action, reader: Reader) -> Iterator[str]:
    match action:
        case Command() | Sql():
            yield from (*_fence(action, entry, reader), "", f"  {reader.sentence(entry.step, entry.values)}")
        case Tick() if action.text != entry.step.title:
            yield from ("", f"  {reader.text(action.text, entry.values)}")
        case Edit():
            yield from ("", f"  Edit `{reader.text(action.file, entry.values)}`.")
            if action.template is not None:
                yield from _block(reader.text(action.template, entry.values), "sql")
        case Wait():
            yield from ("", f"  Wait {action.seconds:g} s: {reader.text(action.text, entry.values)}")
        case Include():
            yield from ("", f"  These are the steps of `{action.procedure}`.")
        case Choose():
            yield from ("", *(f"  - {option.when}" for option in action.options))


def _fence(action: Command | Sql, entry: Entry, reader: Reader) -> Iterator[str]:
    yield from _block(" ".join(map(quoted, reader.argv(action, entry.values))), "sh")


def _block(text: str, language: str) -> Iterator[str]:
    yield from ("", f"  ```{language}", *(f"  {line}".rstrip() for line in text.splitlines()), "  ```")
