"""`runbook check`: everything that is wrong with a book."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.checks import find_problems
from runbook.checks.subject import Subject
from runbook.errors import ExitCode, Finding

from runbook.model import Book
from runbook.site.coverage import page_findings

if TYPE_CHECKING:
    from runbook.audit.survey import Survey

__all__ = ["command"]


@click.command("check")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How findings are printed.")
@click.option("--cli", is_flag=True, help="Ask the installed Supabase CLIs too; takes a minute and Node.js.")
@click.option(
    "--newer",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="PACKAGE",
    help="With --cli: say what would change with the CLI in this npm package directory.",
)
@click.pass_obj
def command(book: str | None, form: str, cli: bool, newer: Path | None) -> int:
    """Check the book: syntax, references, placeholders, safety, drills' answers, the policy's own tests.

    In a checkout with a site it also checks that every procedure has its page, and every page its procedure.

    With --cli every command and flag of the book, its policy and its prose is looked up in the help of each major of
    the Supabase CLI, and where it lands without a target. Findings go to standard output, each as file:line:column,
    the summary to standard error. What is deprecated is told and is no finding.

    Ends with 0 where there is no finding, else with 2.
    """
    if newer and not cli:
        raise click.UsageError("--newer needs --cli")
    reading, findings = find_problems(book)
    survey = _survey(reading.book, newer) if cli and reading.book else None
    findings = (*findings, *(survey.problems if survey else ()), *(page_findings(reading.book) if reading.book else ()))
    if form == "json":
        changes = {"changes": [asdict(each) for each in survey.changes]} if survey else {}
        found = {"findings": [asdict(finding) for finding in findings], **changes}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(findings, survey)
    click.echo(_summary(reading.book, findings), err=True)
    return ExitCode.USAGE if findings else ExitCode.DONE


def _survey(book: Book, newer: Path | None) -> Survey:
    from runbook.audit.survey import survey
    from runbook.drill.toolchain import cli_package, package_in  # a plain check does without them

    packages = [cli_package(major) for major in sorted(book.policy.majors, reverse=True)]
    try:
        return survey(book, packages, newer=package_in(newer) if newer else None, progress=_progress)
    finally:
        _progress(0, 0)


def _progress(done: int, of: int) -> None:
    """Keep one line on a terminal; 0 of 0 takes it away."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{f'Asking the CLIs: {done} of {of}' if of else ''}", err=True, nl=False)


def _print(findings: Sequence[Finding], survey: Survey | None) -> None:
    for finding in findings:
        click.echo(str(finding))
    for change in survey.changes if survey else ():
        click.echo(f"{change}\n      (this holds for now)")
    if survey:
        versions = " and ".join(survey.versions)
        looked = f"{_count(survey.lines, 'command line')} held against CLI {versions}, in {survey.calls} calls"
        click.echo(f"{looked}; {_count(len(survey.changes), 'thing')} to know", err=True)


def _summary(book: Book | None, findings: Sequence[Finding]) -> str:
    if findings or book is None:
        files = len({finding.file for finding in findings})
        return f"{_count(len(findings), 'problem')} in {_count(files, 'file')}"
    steps = len(Subject(book).places)
    counts = (
        _count(len(book.procedures), "procedure"),
        _count(steps, "step"),
        _count(len(book.policy.rules), "rule"),
    )
    return f"{', '.join(counts)}: no problems"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
