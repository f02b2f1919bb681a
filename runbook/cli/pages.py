"""The command-line reference for the site. It's here because only the command line knows its own verbs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc
from typing import NamedTuple

import click
from markupsafe import Markup

from runbook.cli.group import runbook
from runbook.cli.screenshots import first_screen
from runbook.cli.verbs import verbs
from runbook.reports.json_format import KEYS
from runbook.site import procedure_page
from runbook.site.templating import render
from runbook.variables import OWN_VARIABLES

__all__ = ["CommandHelp", "Paragraph", "cli_reference", "procedure", "report_keys", "variables"]

_KEEPS_LINES = "\b\n"
"""How click marks a paragraph that it must not wrap."""


def procedure(name: str, *, after: str = "", through: str = "") -> str:
    """Render a procedure's page below its title: all parts, or the ones after `after` up to `through`."""
    return procedure_page.page(name, screen=first_screen, after=after, through=through)


class Paragraph(NamedTuple):
    """A paragraph of a help text, and whether its lines stay as they are."""

    text: str
    keeps_lines: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHelp:
    """What `--help` says about one command. `options` pairs the names of an option with what it does."""

    path: str
    usage: str
    paragraphs: tuple[Paragraph, ...]
    options: tuple[tuple[str, str], ...]


def cli_reference() -> Markup:
    """Render every command with its usage, its help and its options."""
    context = click.Context(runbook, info_name="runbook", **runbook.context_settings)
    helps = [_help(runbook, context)]
    for verb in verbs():
        command = runbook.get_command(context, verb)
        if command is not None:
            helps += _tree(command, context, verb)
    return render("reference/command_line.html", commands=helps)


def report_keys() -> Markup:
    """Render the keys of a report in JSON, with what each holds."""
    return render("reference/report_keys.html", keys=KEYS.items())


def variables() -> Markup:
    """Render the environment variables that are settings of the program."""
    return render("reference/variables.html", variables=OWN_VARIABLES.items())


def _tree(command: click.Command, parent: click.Context, name: str) -> Iterator[CommandHelp]:
    context = click.Context(command, info_name=name, parent=parent)
    yield _help(command, context)
    if isinstance(command, click.Group):
        for inner_name, inner in command.commands.items():
            yield from _tree(inner, context, inner_name)


def _help(command: click.Command, context: click.Context) -> CommandHelp:
    records = (one.get_help_record(context) for one in command.get_params(context))
    return CommandHelp(
        path=context.command_path,
        usage=command.get_usage(context).removeprefix("Usage: "),
        paragraphs=tuple(_paragraphs(command.help or "")),
        options=tuple(record for record in records if record),
    )


def _paragraphs(text: str) -> Iterator[Paragraph]:
    for paragraph in re.split(r"\n\s*\n", cleandoc(text)):
        if paragraph:
            yield Paragraph(paragraph.removeprefix(_KEEPS_LINES), paragraph.startswith(_KEEPS_LINES))
