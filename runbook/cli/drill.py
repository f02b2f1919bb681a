"""`runbook drill`: practise a procedure on a throwaway target, by hand or unattended."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from runbook.cli.walking import complete_procedure, require_person
from runbook.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from runbook.drill.drill import DrillReport, Stage
    from runbook.model import Drill, Procedure

__all__ = ["command"]


@click.command("drill")
@click.argument("procedure", required=False, shell_complete=complete_procedure)
@click.option("--scenario", metavar="NAME", help="Which of the procedure's scenarios (default: the first).")
@click.option("--auto", is_flag=True, help="Let the book's own answers stand for the person.")
@click.option("--cli", "major", type=click.Choice(["2", "3"]), default="3", show_default=True, help="The CLI's major.")
@click.option("--postgres", "url", metavar="URL", help="Use this server on loopback (or set RUNBOOK_DRILL_DATABASE).")
@click.option("--verbose", "-v", is_flag=True, help="With --auto: show what the commands print.")
@click.pass_obj
def command(
    book: str | None,
    *,
    procedure: str | None,
    scenario: str | None,
    auto: bool,
    major: str,
    url: str | None,
    verbose: bool,
) -> int:
    """Practise a procedure on a throwaway database and project, with the real Supabase CLI.

    The walk is the one that `runbook run` does, and asks for the same care. At the end it is proven that all is as it
    should be, and everything is removed. Nothing outside of this machine is reached.
    """
    if procedure is None:
        raise UsageError("which procedure shall be drilled?", hint="`runbook list` shows them all.")
    if not auto:
        require_person()

    from runbook.checking import open_book
    from runbook.drill.drill import choose_drill, set_stage

    opened = open_book(book)
    chosen = opened.procedure(procedure)
    drill = choose_drill(chosen, scenario)
    _brief(chosen, drill)
    database = url or os.environ.get("RUNBOOK_DRILL_DATABASE")
    with set_stage(opened, chosen, drill, major=int(major), postgres_url=database) as stage:
        report = _hold(stage, drill, auto=auto, verbose=verbose)
    _tell(report)
    return ExitCode.DONE if report.passed else ExitCode.NOT_COMPLETED


def _brief(procedure: Procedure, drill: Drill) -> None:
    click.echo(f"Drill: {procedure.title} ({drill.name})")
    click.echo(f"  {drill.briefing.strip()}\n")


def _hold(stage: Stage, drill: Drill, *, auto: bool, verbose: bool) -> DrillReport:
    from runbook.drill.drill import hold_drill
    from runbook.drill.operator import AutoOperator, answer_cli
    from runbook.safety.redaction import Redactor
    from runbook.walk.clock import SystemClock
    from runbook.walk.executor import FALLBACK_SIZE, PtyExecutor
    from runbook.walk.terminal import TerminalOperator

    if not auto:
        titles = {name: procedure.title for name, procedure in stage.book.procedures.items()}
        operator = TerminalOperator(titles=titles)
        return hold_drill(stage, operator=operator, executor=PtyExecutor.here(), clock=SystemClock())
    show: Callable[[str], None] = (lambda text: click.echo(text, nl=False)) if verbose else lambda _: None
    executor = PtyExecutor(Redactor, show, lambda: FALLBACK_SIZE, answerer=answer_cli)
    return hold_drill(
        stage,
        operator=AutoOperator(drill.answers, drill.reactions, say=click.echo),
        executor=executor,
        clock=SystemClock(),
    )


def _tell(report: DrillReport) -> None:
    if report.trouble:
        click.echo(f"\nThe walk ended early: {report.trouble}")
    click.echo(f"\nProofs, with Supabase CLI {report.cli} and PostgreSQL {report.postgres}:")
    for proof in report.proofs:
        click.echo(
            f"  {'ok    ' if proof.held else 'failed'}  {proof.text}" + (f": {proof.found}" if proof.found else "")
        )
    click.echo(f"\nDrill {'passed' if report.passed else 'FAILED'} after {report.seconds:.0f} s.")
