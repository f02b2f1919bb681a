"""The table of verbs, from the core and the extras. `--help` reads it without importing any of them."""

from __future__ import annotations

from importlib import import_module

import click

from runbook import __version__
from runbook.extras import installed

__all__ = ["runbook", "verbs"]

_CORE: dict[str, str] = {
    "list": "List all procedures, the one for an emergency first.",
    "find": "Find the page for an error, a symptom or a command.",
    "show": "Show one procedure: its overview, its steps and commands.",
    "run": "Walk through a procedure, step by step, on the real target.",
    "resume": "Continue a run that stopped or was cut off.",
    "status": "Show what is running now, and at which step it is.",
    "history": "List past runs.",
    "report": "Write the report of a run, for a postmortem.",
    "journal": "Check, back up and export the record of all runs.",
    "check": "Check the book: syntax, references, safety.",
    "function": "Show what a deploy of an edge function takes from here.",
    "schema": "Print the JSON Schema of the book's files.",
    "init": "Start your team's own book in this project.",
    "new": "Create a new procedure.",
    "upgrade": "Show what changed under your team's changes to the book.",
    "site": "Build, serve or zip the documentation site.",
    "doctor": "Show what this machine has and what it lacks.",
    "completion": "Print the shell completion script.",
}
"""Each verb of the core with its line of help. Verb `x` is the click command `command` in `runbook.cli.x`."""


def verbs() -> dict[str, str]:
    """Return every verb with its line of help, with the verbs of the extras in their places."""
    listed: dict[str, str] = {}
    for verb, summary in _CORE.items():
        extras = installed().items()
        listed.update({name: extra.summary for name, extra in extras if extra.listed_before == verb})
        listed[verb] = summary
    return listed


class _VerbGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _CORE:
            command: click.Command = import_module(f"runbook.cli.{cmd_name}").command
            return command
        extra = installed().get(cmd_name)
        return extra.load_command() if extra else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(verbs().items()))

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from runbook.cli.welcome import emergency_line

        super().format_help_text(ctx, formatter)
        if line := emergency_line(ctx.params.get("book")):
            with formatter.indentation():
                formatter.write_text("")
                formatter.write_text(f"In an emergency: {line}")


@click.group(
    cls=_VerbGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="runbook")
@click.option("--book", metavar="DIR", envvar="RUNBOOK_BOOK", help="Use another team's book (or set RUNBOOK_BOOK).")
@click.pass_context
def runbook(ctx: click.Context, book: str | None) -> None:
    """Walk through database migrations and edge function deploys without losing production."""
    ctx.obj = book
    if ctx.invoked_subcommand is None:
        from runbook.cli.welcome import welcome

        click.echo("\n".join(welcome(book)))
