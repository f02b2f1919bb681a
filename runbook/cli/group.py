"""The command line: its verbs are imported only when they are used."""

from __future__ import annotations

from importlib import import_module

import click

from runbook import __version__
from runbook.cli.verbs import CORE_VERBS, DESCRIPTION, verbs
from runbook.extras import installed

__all__ = ["runbook"]


class _VerbGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in CORE_VERBS:
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
    help=DESCRIPTION,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="runbook")
@click.option("--book", metavar="DIR", envvar="RUNBOOK_BOOK", help="Use another team's book (or set RUNBOOK_BOOK).")
@click.pass_context
def runbook(ctx: click.Context, book: str | None) -> None:
    """Run a verb, or print the welcome without one."""
    ctx.obj = book
    if ctx.invoked_subcommand is None:
        from runbook.cli.welcome import welcome

        click.echo("\n".join(welcome(book)))
