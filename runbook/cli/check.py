"""`runbook check`: find everything that is wrong with a book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from runbook.checks import find_problems
from runbook.checks.review_dates import overdue
from runbook.checks.subject import Subject
from runbook.errors import ExitCode, Finding
from runbook.model import Book
from runbook.printable import json_text
from runbook.site.build_checks import page_findings

__all__ = ["command", "count"]


@click.command("check")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_obj
def command(book: str | None, form: str) -> int:
    """Check the book: syntax, references, placeholders, safety, the drills' answers and the policy's own tests.

    In a checkout with a site, also check that every procedure has a page and every page a procedure.

    Findings go to standard output as file:line:column, the summary and overdue reviews to standard error. The exit code
    is 0 if there are no findings and 2 if there are some. An overdue review is none, because a date must not stop a
    correction.
    """
    reading, findings = find_problems(book)
    findings = (*findings, *(page_findings(reading.book) if reading.book else ()))
    if form == "json":
        found = {"findings": [asdict(finding) for finding in findings]}
        click.echo(json_text(found, indent=2))
    else:
        for finding in findings:
            click.echo(str(finding))
    for procedure in overdue(reading.book, datetime.now(UTC).date()) if reading.book else ():
        place = f"{procedure.at.file}:{procedure.at.line}"
        click.echo(f"{place}: notice: {procedure.id}: its review is overdue since {procedure.due}", err=True)
    click.echo(_summary(reading.book, findings), err=True)
    return ExitCode.USAGE if findings else ExitCode.DONE


def _summary(book: Book | None, findings: Sequence[Finding]) -> str:
    if findings or book is None:
        files = len({finding.file for finding in findings})
        return f"{count(len(findings), 'problem')} in {count(files, 'file')}"
    steps = len(Subject(book).places)
    counts = (
        count(len(book.procedures), "procedure"),
        count(steps, "step"),
        count(len(book.policy.rules), "rule"),
    )
    return f"{', '.join(counts)}: no problems"


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless the number is 1."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
