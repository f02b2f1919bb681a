"""`runbook drill`: practise a procedure on a throwaway target, by hand or unattended."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import click

from runbook.cli.run_options import complete_procedure, require_person
from runbook.drill import console
from runbook.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from runbook.model import Book, Drill, Procedure

__all__ = ["command"]


@click.command("drill")
@click.argument("procedure", required=False, shell_complete=complete_procedure)
@click.option("--scenario", metavar="NAME", help="Which of its scenarios (default: the first).")
@click.option("--surprise", is_flag=True, help="Any scenario, perhaps with something going wrong on top.")
@click.option("--auto", is_flag=True, help="Let the book's own answers stand for the person.")
@click.option("--all", "every", is_flag=True, help="With --auto: every scenario (of the procedure, or of the book).")
@click.option(
    "--cli",
    "major",
    type=click.Choice(["2", "3", "both", "both-if-different"]),
    default="3",
    show_default=True,
    help="CLI major. With --all: both, or 3 and also 2 where a procedure's steps differ there.",
)
@click.option("--postgres", "url", metavar="URL", help="Use this server on loopback (or set RUNBOOK_DRILL_DATABASE).")
@click.option("--keep", is_flag=True, help="Leave the sandbox up, and say how to get in.")
@click.option("--end", metavar="ID", help="End a sandbox that was kept ('all' ends all).")
@click.option("--list", "listing", is_flag=True, help="List all drills.")
@click.option("--results", metavar="FILE", help="Where --all keeps its results.")
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
    verbose: bool,
) -> int:
    """Practise a procedure on a throwaway database and project, with the real Supabase CLI.

    The walk is the one that `runbook run` does, and asks for the same care. At the end it is proven that all is as it
    should be, and everything is removed. Nothing beyond this machine is reached.
    """
    if end is not None:
        return _end(end)
    from runbook.checks import open_book

    book = open_book(ctx.obj)
    if listing:
        return console.list_drills(book)
    database = url or os.environ.get("RUNBOOK_DRILL_DATABASE")
    if every:
        return _hold_all(ctx.obj, book, procedure, auto=auto, major=major, url=database, results=results)
    if not major.isdigit():
        raise UsageError(f"--cli {major} requires --all", hint="For one drill: --cli 2 or --cli 3")
    chosen, drill = _choose(book, procedure, scenario, surprise=surprise)
    if not auto:
        _require_practice(drill)
        require_person()
    return _hold_one(book, chosen, drill, auto=auto, major=int(major), url=database, keep=keep, verbose=verbose)


def _choose(book: Book, name: str | None, scenario: str | None, *, surprise: bool) -> tuple[Procedure, Drill]:
    from runbook.drill.stage import choose_drill, pick_surprise

    procedure = None if name is None else book.procedure(name)
    if surprise:
        return pick_surprise(book, procedure, Random())  # noqa: S311 - it only has to be a surprise
    if procedure is None:
        raise UsageError("which procedure shall be drilled?", hint="`runbook drill --list` shows all drills.")
    return procedure, choose_drill(procedure, scenario)


def _require_practice(drill: Drill) -> None:
    if not drill.practice:
        raise UsageError(f"'{drill.name}' makes its mistake by its own answers", hint="Hold it with --auto.")


def _hold_one(
    book: Book,
    procedure: Procedure,
    drill: Drill,
    *,
    auto: bool,
    major: int,
    url: str | None,
    keep: bool,
    verbose: bool,
) -> int:
    from runbook.drill.debrief import cause, debrief
    from runbook.drill.isolation import cut_off_network
    from runbook.drill.registry import keep as keep_up
    from runbook.drill.stage import set_stage

    if auto and not keep and url is None:
        cut_off_network()
    record = None
    with set_stage(book, procedure, drill, major=major, postgres_url=url) as stage:
        console.say_briefing(procedure, drill, enter=None if auto else stage.sandbox.enter)
        if auto:
            report = console.walk_alone(stage, verbose=verbose)
            console.say_report(report)
        else:
            report, hints = console.walk_by_hand(stage)
            console.say_report(
                report, (*debrief(report, procedure, drill, hints=hints), *cause(drill, report.happened))
            )
        if keep:
            record = keep_up(stage.sandbox, f"{procedure.id}/{drill.name}")
    if record is not None:
        console.say_kept(record)
    return ExitCode.DONE if report.passed else ExitCode.NOT_COMPLETED


def _hold_all(
    directory: str | None,
    book: Book,
    procedure: str | None,
    *,
    auto: bool,
    major: str,
    url: str | None,
    results: str | None,
) -> int:
    if not auto:
        raise UsageError("--all goes with --auto", hint="Nobody drills them all by hand.")
    return console.hold_all(book, directory, procedure, cli=major, url=url, results=results)


def _end(identity: str) -> int:
    from runbook.drill.registry import end_kept

    for record in end_kept(None if identity == "all" else identity):
        click.echo(f"ended {record.id} ({record.about.get('drill', '')})")
    return ExitCode.DONE
