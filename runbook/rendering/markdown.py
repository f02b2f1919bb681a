"""A procedure as Markdown, for an incident channel or a pull request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from runbook.markup import markdown_code, markdown_fence, markdown_prose, markdown_text
from runbook.rendering.command_text import quoted
from runbook.rendering.shown_procedure import ShownProcedure, change_sentence, headed
from runbook.steps import view

__all__ = ["BLOCKS", "markdown_page"]


def markdown_page(shown: ShownProcedure) -> str:
    """Return the procedure as Markdown with tick boxes and fenced commands."""
    return "\n".join(_lines(shown))


def _lines(shown: ShownProcedure) -> Iterator[str]:
    one = shown.procedure
    yield from (f"# {markdown_prose(one.title)}", "", markdown_prose(one.summary), "")
    yield f"`{one.id}`, about {one.minutes} min, owner {markdown_text(one.owner)}, reviewed {one.reviewed}. "
    yield f"Commands as on Supabase CLI {shown.to.major}, production. SHA-256 `{one.digest}`."
    if one.contact:
        yield from ("", f"To reach the owner: {markdown_text(one.contact.reached)}.")
    yield from _list("Your team changed this", [markdown_prose(change_sentence(each)) for each in one.changes])
    yield from _list("Warnings", [f"**{markdown_prose(text)}**" for text in one.warnings])
    yield from _list("Use it when", map(markdown_prose, one.use_when))
    not_for = ((markdown_prose(other.text), f": `{other.see}`" if other.see else "") for other in one.not_for)
    yield from _list("Not for", map("".join, not_for))
    yield from _list("Have at hand", map(markdown_prose, one.needs))
    yield from _list("Values", [f"`{each.name}`: {markdown_prose(each.ask)}" for each in one.parameters])
    for title, places in (("Before step 1", shown.expansion.before), ("Steps", shown.expansion.steps)):
        if places:
            yield from ("", f"## {title}")
        for heading, place in headed(places):
            if heading:
                yield from ("", f"### {markdown_prose(heading)}")
            yield from ("", f"- [ ] **{place.shown_number}. {markdown_prose(shown.title(place))}**")
            yield from _blocks(shown.blocks(place))
    yield from _list("Afterwards", [f"[ ] {markdown_prose(text)}" for text in one.after])
    seen = (*map(markdown_prose, one.symptoms), *map(markdown_code, one.errors))
    yield from _list("What leads here", seen)


def _list(title: str, texts: Iterable[str]) -> Iterator[str]:
    if items := [f"- {text}" for text in texts]:
        yield from ("", f"## {title}", "", *items)


def _blocks(blocks: Iterable[view.Block]) -> Iterator[str]:
    return (line for block in blocks for line in BLOCKS[type(block)](block))


def _said(markdown: str) -> Iterator[str]:
    yield from ("", f"  {markdown}")


def _fence(text: str, language: str) -> Iterator[str]:
    yield from ("", *markdown_fence(text, language, indent="  "))


# --- blocks -------------------------------------------------------------------------------------------------------


def _note(block: view.Note) -> Iterator[str]:
    return _said(f"{block.label}: {markdown_prose(block.text)}{f' See `{block.see}`.' if block.see else ''}")


def _command(block: view.CommandToRun) -> Iterator[str]:
    if block.lead:
        yield from _said(markdown_prose(block.lead))
    yield from _fence(" ".join(map(quoted, block.argv)), "sh")


def _private_file(block: view.PrivateFile) -> Iterator[str]:
    names = ", ".join(map(markdown_code, block.names))
    return _said(f"`<env_file>` is a private file that sets {names}. A run writes and deletes it.")


def _file(block: view.File) -> Iterator[str]:
    if block.content is None:
        path, origin = markdown_code(block.path), markdown_code(block.origin)
        yield from _said(f"Edit {path}. Begin with what git has at {origin}.")
    else:
        yield from _said(f"Edit {markdown_code(block.path)}. Begin with:")
        yield from _fence(block.content, "sql" if block.path.endswith(".sql") else "")


def _request(block: view.HttpRequest) -> Iterator[str]:
    lines = [f"{block.method} {block.url}", *(f"{name}: {value}" for name, value in block.headers)]
    return _fence("\n".join([*lines, *(("", block.body) if block.body else ())]), "http")


def _options(block: view.Options) -> Iterator[str]:
    yield ""
    for letter, answer in block.lettered:
        symptom = f" ({markdown_prose(answer.symptom)})" if answer.symptom else ""
        yield f"  - {letter}) {markdown_prose(answer.text)}{symptom}{f': {answer.leads}' if answer.leads else ''}"


def _looks(block: view.Looks) -> Iterator[str]:
    for one in block.readings:
        yield from _said(f"{markdown_prose(one.title)}:")
        yield from _blocks(one.blocks)


def _expected(block: view.Expected | view.Verification) -> Iterator[str]:
    return _said(f"Expected: {'; '.join(map(markdown_prose, block.clauses))}")


def _verification(block: view.Verification) -> Iterator[str]:
    yield from (*_said("Verify:"), *_blocks(block.blocks))
    if block.clauses:
        yield from _expected(block)


def _undo(block: view.UndoWay) -> Iterator[str]:
    if block.reason:
        yield from _said(f"No undo: {markdown_prose(block.reason)}")
    match block.blocks:
        case (view.Prose(text),):
            yield from _said(f"Undo: {markdown_prose(text)}")
        case (_, *_):
            yield from (*_said("Undo:"), *_blocks(block.blocks))
    if block.check:
        yield from _verification(block.check)


def _repeat(block: view.Repeat) -> Iterator[str]:
    return _said(f"Repeat these steps for each of `{block.over}`: {markdown_text(block.listed)}")


# Each of them is below its step's tick box, indented by two, which keeps it in the list item.
BLOCKS: Mapping[type[view.Block], Callable[[Any], Iterable[str]]] = {
    view.Note: _note,
    view.Prose: lambda prose: _said(markdown_prose(prose.text)),
    view.CommandToRun: _command,
    view.EffectNote: lambda note: _said(markdown_prose(note.text)),
    view.Statement: lambda _: (),  # the command above contains it
    view.PrivateFile: _private_file,
    view.File: _file,
    view.HttpRequest: _request,
    view.Options: _options,
    view.Ask: lambda ask: _said(f"Note the value: {markdown_prose(ask.parameter.ask)}"),
    view.Pause: lambda pause: _said(f"Wait {pause.seconds:g} s: {markdown_prose(pause.text)}"),
    view.Looks: _looks,
    view.Repeat: _repeat,
    view.Included: lambda included: _said(f"These are the steps of `{included.procedure}`."),
    view.Expected: _expected,
    view.Verification: _verification,
    view.UndoWay: _undo,
}
