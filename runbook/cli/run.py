"""`runbook run`: walk through a procedure on the real target."""

from __future__ import annotations

import click

from runbook.cli.given_values import given_values
from runbook.cli.run_options import complete_procedure, ports_for, require_person, walk_settings

__all__ = ["command"]


@click.command("run")
@click.argument("procedure", shell_complete=complete_procedure)
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="Set a value. Repeatable.")
@click.option(
    "--target",
    type=click.Choice(["production", "local"]),
    default="production",
    show_default=True,
    help="The linked project, or the local stack.",
)
@click.option("--dry-run", "dry", is_flag=True, help="Run only what reads; show what writes. Leaves no trace.")
@click.option("--ticket", default="", metavar="ID", help="The ticket that the run is for.")
@click.option("--workdir", metavar="DIR", help="The Supabase project's directory (default: around this one).")
@click.option("--yes", is_flag=True, hidden=True)
@click.pass_obj
def command(
    book: str | None,
    *,
    procedure: str,
    given: tuple[str, ...],
    target: str,
    dry: bool,
    ticket: str,
    workdir: str | None,
    yes: bool,
) -> int:
    """Walk through a procedure, step by step, on the real target.

    What only reads starts by itself, and the walk continues if it came out as expected; any key makes it wait. It stops
    at a finding, a failure and a question. To write, type yes; to destroy something, type the target's name. Values
    come from --set or RUNBOOK_<NAME>, or you are asked before step 1; never give a secret on the command line.
    Everything is recorded as it happens: see `runbook report`.
    """
    require_person(yes=yes)
    values = given_values(given, example="function_name=complete")

    from runbook.checks import open_book
    from runbook.engine.rules import reaches_target
    from runbook.engine.session import walk
    from runbook.model import TargetKind
    from runbook.runtime.termination import ends_cleanly

    opened = open_book(book)
    chosen = opened.procedure(procedure)
    kind = TargetKind(target) if reaches_target(chosen, opened.policy) else TargetKind.MACHINE
    ports = ports_for(opened, kind, workdir, dry=dry)
    with ends_cleanly(), walk_settings(ports["journal"], opened, ticket=ticket) as settings:
        return walk(chosen, opened, values=values, dry=dry, settings=settings, **ports)
