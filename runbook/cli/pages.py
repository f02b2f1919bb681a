"""The parts of the site that only the command line knows: its own reference, and the screens of a walk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc

import click

from runbook.cli.group import runbook, verbs
from runbook.site.markup import lines, tag, text
from runbook.site.prose import inline
from runbook.site.snippet import code_block

__all__ = ["cli_reference"]

_KEEPS_LINES = "\b\n"
"""How click marks a paragraph that it must not wrap."""


def cli_reference() -> str:
    """Render every command with its usage, its help and its options."""
    context = click.Context(runbook, info_name="runbook")
    parts = [_command(runbook, context, title="runbook")]
    for verb in verbs():
        command = runbook.get_command(context, verb)
        if command is not None:
            parts.append(_tree(command, context, verb))
    return lines(*parts)


def _tree(command: click.Command, parent: click.Context, name: str) -> str:
    context = click.Context(command, info_name=name, parent=parent)
    parts = [_command(command, context, title=context.command_path)]
    if isinstance(command, click.Group):
        parts += [_tree(inner, context, each) for each, inner in command.commands.items()]
    return lines(*parts)


def _command(command: click.Command, context: click.Context, *, title: str) -> str:
    anchor = title.replace(" ", "-")
    usage = command.get_usage(context).removeprefix("Usage: ")
    return lines(
        tag("h2", tag("code", text(title)), id=anchor),
        *_help(command),
        code_block(text(usage), class_="rb-usage"),
        _options(command, context),
    )


def _help(command: click.Command) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", cleandoc(command.help or "")):
        if paragraph.startswith(_KEEPS_LINES):
            yield code_block(text(paragraph.removeprefix(_KEEPS_LINES)))
        elif paragraph:
            yield tag("p", inline(paragraph))


def _options(command: click.Command, context: click.Context) -> str:
    records = [record for one in command.get_params(context) if (record := one.get_help_record(context))]
    rows = (
        tag("tr", tag("th", tag("code", text(names)), scope="row"), tag("td", inline(help_)))
        for names, help_ in records
    )
    return tag("table", _HEADS, tag("tbody", *rows), class_="rb-table rb-options") if records else ""


_HEADS = tag("thead", tag("tr", tag("th", "Option", scope="col"), tag("th", "What it does", scope="col")))
