"""Show a drill: the briefing, the progress of many drills, proofs, the debrief, and how to get into a sandbox."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from runbook.cli.open_journal import journal_of
from runbook.cli.run_options import person
from runbook.errors import ExitCode, MissingPartError
from runbook.installation import command_that_adds
from runbook.printable import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from runbook.drill.practice_record import Practice
    from runbook.drill.stage import DrillReport, Stage
    from runbook.journal.interface import StoredJournal
    from runbook.model import Book, Drill, Procedure, Team

__all__ = ["hold", "hold_all", "list_drills", "say_briefing"]

_WIDEST = 80
"""The longest line, in columns. On a narrower terminal, lines are shorter."""


def hold(
    book: Book,
    procedure: Procedure,
    drill: Drill,
    *,
    auto: bool,
    major: int,
    url: str | None,
    keep: bool,
    verbose: bool,
    recording: str | None = None,
) -> int:
    """Run one drill, unattended or with the person at the terminal, and show everything about it.

    A drill with a `recording` is unattended, and its screens and keys are written to that file.
    """
    if recording is not None:
        return _hold_recorded(book, procedure, drill, major=major, url=url, file=recording)
    from runbook.drill import registry
    from runbook.drill.debrief import StepTitles, cause, debrief
    from runbook.drill.isolation import cut_off_network
    from runbook.drill.practice_record import Practice
    from runbook.drill.stage import set_stage
    from runbook.runtime.running_mark import running

    # A person's other terminal, a kept sandbox and a server of their own need access from outside this process.
    if auto and not keep and url is None:
        cut_off_network()
    with ExitStack() as stack:
        # Entered first and left last: the journal's password may be in the environment that the stage puts away.
        practices = [] if auto else stack.enter_context(_kept_in_journal(book.team))
        who = person()
        with running("Setting up a throwaway database, project and platform", sys.stdout):
            stage = stack.enter_context(set_stage(book, procedure, drill, major=major, postgres_url=url))
        say_briefing(procedure, drill, enter=None if auto else stage.sandbox.enter)
        if auto:
            _say_report(report := _walk_alone(stage, verbose=verbose))
        else:
            report, hints = _walk_by_hand(stage, who)
            practices.append(Practice(person=who, at=datetime.now(UTC), report=report, hints=hints))
            titles = StepTitles(procedure, report.events, book.procedures)
            lines = (
                *debrief(report, procedure, drill, hints=hints, errors=book.errors, titles=titles),
                *cause(drill, report.happened, titles),
            )
            _say_report(report, lines)
            _say_next(procedure, drill, passed=report.passed)
        record = registry.keep(stage.sandbox, f"{procedure.id}/{drill.name}") if keep else None
    if record is not None:
        about = record.about
        click.echo(
            f"\nThe sandbox stays up. Its commands run with the drill's environment:\n  shell   {about['shell']}"
        )
        click.echo(f"  psql    {about['psql']}\n  CLI     {about['cli']}\n  end it  runbook drill --end {record.id}")
    return ExitCode.DONE if report.passed else ExitCode.NOT_COMPLETED


def _hold_recorded(book: Book, procedure: Procedure, drill: Drill, *, major: int, url: str | None, file: str) -> int:
    """Run one drill unattended and write its screens and keys to a file, for the site."""
    if find_spec("jinja2") is None:
        raise MissingPartError(
            "a recording needs jinja2, which isn't installed", hint=f"Add it with: {command_that_adds('site')}"
        )
    from runbook.cli.screenshots import screens_digest
    from runbook.drill.debrief import debrief
    from runbook.drill.isolation import cut_off_network
    from runbook.drill.recording import record, write_recording
    from runbook.drill.stage import set_stage

    if url is None:
        cut_off_network()

    def before() -> None:
        say_briefing(procedure, drill, enter=None)
        click.echo("  Press Enter to take the call. ")

    with set_stage(book, procedure, drill, major=major, postgres_url=url) as stage:
        report, frames = record(
            stage,
            before=before,
            after=lambda report: _say_report(report, debrief(report, procedure, drill, hints=0, errors=book.errors)),
        )
        _say_report(report)
        if report.passed:
            write_recording(file, stage, report, frames, screens_digest(procedure.id))
            click.echo(f"{len(frames)} screens in {file}")
    return ExitCode.DONE if report.passed else ExitCode.NOT_COMPLETED


def say_briefing(procedure: Procedure, drill: Drill, *, enter: Path | None) -> None:
    """Print the pager's message and, for a person, how to get in from another terminal."""
    click.echo(f"\nDRILL  {procedure.title}  ({drill.name})\n")
    _say(drill.briefing, "  ")
    click.echo()
    if enter is None:
        return
    # The values that a person on call would know. The proofs use them, except for secrets.
    known = [(one, drill.answers[one.name]) for one in procedure.parameters if one.name in drill.answers]
    for one, answer in known:
        text = answer if isinstance(answer, str) else ", ".join(answer)
        click.echo(f"  {one.name}: {'any text will do; never type a real one' if one.secret else text}")
    if known:
        click.echo("  ")
    _say("Everything here is throwaway: a database, a project and a platform, all on this machine.", "  ")
    _say("Where a step says to tell somebody or to open a pull request, just press Enter.", "  ")
    _say("The commands are real. To look around in another terminal, type:", "  ")
    click.echo(f"  {enter}\n")


@contextmanager
def _kept_in_journal(team: Team | None) -> Iterator[list[Practice]]:
    """Yield a list, and after the block keep each drill in it in the team's journal, whatever ended the block.

    Raises UsageError for a wrong address of the journal: nobody should hear of it only after the drill.
    """
    from runbook.drill.practice_record import keep_practice
    from runbook.runtime.running_mark import running

    journal: StoredJournal = journal_of(team)
    practices: list[Practice] = []
    try:
        yield practices
    finally:
        for practice in practices:
            with running("Recording the drill in the journal", sys.stdout):
                said = keep_practice(practice, journal)
            click.echo()
            for line in said.splitlines():
                _say(line, "")


def _walk_by_hand(stage: Stage, who: str) -> tuple[DrillReport, int]:
    """Let the person at the terminal walk. Return the report and how often they asked for help."""
    from runbook.drill.stage import run_drill
    from runbook.runtime.executor import PtyExecutor, SystemClock
    from runbook.terminal import TerminalOperator
    from runbook.terminal.dialog import Dialog

    dialog = Dialog()
    dialog.line("  Press Enter to take the call. ")

    def again() -> bool:
        # The run is in the sandbox and ends with it, so `runbook resume` couldn't find it later.
        click.echo()
        _say("The run has stopped. On production, `runbook resume` would continue it.", "")
        return dialog.line("Press Enter to continue, or e to end the drill: ").lower() not in {"e", "q"}

    titles = {name: procedure.title for name, procedure in stage.book.procedures.items()}
    executor = PtyExecutor.here()
    operator = TerminalOperator(
        titles=titles, dialog=dialog, early_keys=executor.take_early_keys, practice=_practice(stage)
    )
    clock = SystemClock()
    report = run_drill(stage, operator=operator, executor=executor, clock=clock, again=again, person=who)
    return report, operator.helped


def _practice(stage: Stage) -> tuple[str, ...]:
    """Return how to try something in a drill, where "production" is a throwaway database, and what has failed there."""
    failed = stage.drill.scenario.traffic
    tried = f"What failed there, as SQL: {one_line(failed[0])}" if failed else ""
    return tuple(filter(None, (f"In this drill, try it in another terminal. Type: {stage.sandbox.enter}", tried)))


def _walk_alone(stage: Stage, *, verbose: bool) -> DrillReport:
    """Walk with the book's own answers."""
    from runbook.drill.auto_operator import AutoOperator, answer_cli
    from runbook.drill.stage import run_drill
    from runbook.policy.redaction import Redactor
    from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor, SystemClock, screen_writer

    show = screen_writer(sys.stdout) if verbose else lambda _text: None
    return run_drill(
        stage,
        operator=AutoOperator(stage.drill.answers, stage.drill.reactions, say=click.echo),
        executor=PtyExecutor(Redactor, show, lambda: FALLBACK_SIZE, answerer=answer_cli),
        clock=SystemClock(),
    )


def _say_report(report: DrillReport, lines: Sequence[str] = ()) -> None:
    """Print what the proofs found, one per line, and what there is to learn."""
    if report.trouble:
        _say(f"The run failed: {report.trouble}", "\n  ", "  ")
    click.echo(f"\nProofs, with Supabase CLI {report.cli} and PostgreSQL {report.postgres}")
    for proof in report.proofs:
        found = f" ({proof.found})" if proof.found else ""
        _say(f"{proof.text}{found}", "  ok      " if proof.held else "  failed  ", " " * 10)
    if lines:
        click.echo("\nDebrief")
        for line in lines:
            _say(line, "  - ", "    ")
    click.echo(f"\nDrill {'passed' if report.passed else 'FAILED'} after {report.seconds:.0f} s.")


def _say_next(procedure: Procedure, drill: Drill, *, passed: bool) -> None:
    """Name the drill to do next: this one again if it failed, else another one of the procedure, or a surprise."""
    names = [one.name for one in procedure.drills if one.practice]
    after = names[names.index(drill.name) + 1 :] if drill.name in names else []
    if drill.name not in names or (passed and not after):
        again = "runbook drill --surprise"
    else:
        again = f"runbook drill {procedure.id} --scenario {after[0] if passed else drill.name}"
    click.echo(f"\n{'Next' if passed else 'Try again'}: {again}\nAll drills: runbook drill --list")


def list_drills(book: Book) -> int:
    """List every drill with the first words of its briefing."""
    for procedure in book.procedures.values():
        for drill in procedure.drills:
            alone = "" if drill.practice else " --auto"
            click.echo(f"{procedure.id} --scenario {drill.name}{alone}")
            click.echo(textwrap.shorten(one_line(drill.briefing), _width() - 4, placeholder=" ..."))
    return ExitCode.DONE


def hold_all(
    book: Book,
    procedure: str | None,
    *,
    cli: str,
    url: str | None,
    results: str | None,
) -> int:
    """Run every drill (of one procedure), two at a time, print a line as each ends, and keep the results.

    `cli` is a major of the CLI, `both`, or `both-if-different`.
    """
    from pathlib import Path

    from runbook.drill.isolation import cut_off_network
    from runbook.drill.rounds import plan_rounds, results_file, run_rounds, write_results

    file = Path(results) if results else results_file(book.directory)
    majors = (int(cli),) if cli.isdigit() else (3, 2)
    only = () if procedure is None else (procedure,)
    jobs = plan_rounds(book, majors, known=file, only=only, if_different=cli == "both-if-different")
    cut_off = url is None and cut_off_network()
    counts = ", ".join(f"{sum(job.major == major for job in jobs)} drills on CLI {major}" for major in majors)
    click.echo(counts + (", network cut off" if cut_off else ""))
    done = []
    workers = max(2, (os.cpu_count() or 2) // 2)
    for result in run_rounds(jobs, book.directory, workers=workers, url=url):
        done.append(result)
        mark = "ok    " if result.passed else "FAILED"
        click.echo(
            f"[{len(done):>3}/{len(jobs)}] {mark} CLI {result.job.major}  {result.seconds:>5.1f} s  {result.job}"
        )
        if not result.passed:
            _say(result.why, " " * 10, " " * 10)
    write_results(file, done)
    failed = sum(not result.passed for result in done)
    click.echo(f"{len(done) - failed} passed, {failed} failed. Results: {file}")
    return ExitCode.NOT_COMPLETED if failed or not done else ExitCode.DONE


def _say(text: str, first: str, rest: str | None = None) -> None:
    rest = first if rest is None else rest
    click.echo(textwrap.fill(one_line(text), _width(), initial_indent=first, subsequent_indent=rest))


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST)
