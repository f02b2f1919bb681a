"""`runbook drill`: practise a procedure on a throwaway target, by hand or unattended."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import click

from runbook.cli.run_options import complete_procedure, require_person
from runbook.drill import console
from runbook.drill.tools import provide_tools
from runbook.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from runbook.model import Book, Drill, Procedure

__all__ = ["command"]


@click.command("drill")
@click.argument("procedure", required=False, shell_complete=complete_procedure)
@click.option("--scenario", metavar="NAME", help="Play this scenario (default: the procedure's first).")
@click.option("--surprise", is_flag=True, help="Play any scenario. Something else may go wrong too.")
@click.option("--auto", is_flag=True, help="Answer from the book instead of asking a person.")
@click.option("--all", "every", is_flag=True, help="With --auto: run all scenarios (of the procedure, or the book).")
@click.option(
    "--cli",
    "major",
    type=click.Choice(["2", "3", "both", "both-if-different"]),
    default="3",
    show_default=True,
    help="CLI major. With --all: both, or 3 and also 2 where a drill's steps differ there.",
)
@click.option("--postgres", "url", metavar="URL", help="Use this server on loopback (or set RUNBOOK_DRILL_DATABASE).")
@click.option("--keep", is_flag=True, help="Keep the sandbox running, and show how to get in.")
@click.option("--end", metavar="ID", help="Remove a sandbox that was kept ('all' removes all).")
@click.option("--list", "listing", is_flag=True, help="List all drills.")
@click.option("--results", metavar="FILE", help="Write the results of --all to this file.")
@click.option("--record", "recording", metavar="FILE", help="Like --auto, and write each screen and key to FILE.")
@click.option("--verbose", "-v", is_flag=True, help="With --auto: show what the commands print.")
@click.pass_context
def command(  # noqa: PLR0917 - click gives every option by its name
    ctx: click.Context,
    procedure: str | None,
    scenario: str | None,
    surprise: bool,
    auto: bool,
    every: bool,
    major: str,
    url: str | None,
    keep: bool,
    end: str | None,
    listing: bool,
    results: str | None,
    recording: str | None,
    verbose: bool,
) -> int:
    """Practise a procedure on a throwaway database and project, with the real Supabase CLI.

    You walk through the same screens as with `runbook run` and confirm the same steps. At the end the drill proves that
    everything is as it should be, and removes its database and project. It reaches nothing beyond this machine.
    """
    if end is not None:
        from runbook.drill.registry import end_kept

        for record in end_kept(None if end == "all" else end):
            click.echo(f"ended {record.id} ({record.about.get('drill', '')})")
        return ExitCode.DONE
    from runbook.checks import open_book

    book = open_book(ctx.obj)
    if listing:
        return console.list_drills(book)
    database = url or os.environ.get("RUNBOOK_DRILL_DATABASE")
    if every:
        if not auto:
            raise UsageError("--all requires --auto", hint="Add --auto, or name one procedure to drill by hand.")
        provide_tools((int(major),) if major.isdigit() else (3, 2), url=database)
        return console.hold_all(book, procedure, cli=major, url=database, results=results)
    if not major.isdigit():
        raise UsageError(f"--cli {major} requires --all", hint="For one drill, use --cli 2 or --cli 3.")
    chosen, drill = _choose(book, procedure, scenario, surprise=surprise)
    auto = auto or recording is not None
    if not auto:
        if not drill.practice:
            what = f"'{drill.name}' can't be drilled by hand: its own answers contain the mistake"
            raise UsageError(what, hint="Add --auto.")
        require_person()
    provide_tools((int(major),), url=database)
    return console.hold(
        book,
        chosen,
        drill,
        auto=auto,
        major=int(major),
        url=database,
        keep=keep,
        verbose=verbose,
        recording=recording,
    )


def _choose(book: Book, name: str | None, scenario: str | None, *, surprise: bool) -> tuple[Procedure, Drill]:
    from runbook.drill.stage import choose_drill, pick_surprise

    procedure = None if name is None else book.procedure(name)
    if surprise:
        return pick_surprise(book, procedure, Random())  # noqa: S311 - it only needs to be a surprise
    if procedure is None:
        raise UsageError("no procedure given", hint="`runbook drill --list` shows all drills.")
    return procedure, choose_drill(procedure, scenario)
