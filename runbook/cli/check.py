"""`runbook check`: find everything that is wrong with a book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from runbook.checks.book import find_problems
from runbook.checks.review_dates import overdue
from runbook.checks.subject import Subject
from runbook.errors import ExitCode, Finding
from runbook.loading import PACKAGED_BOOK
from runbook.model import Book
from runbook.policy.redaction import hide_known
from runbook.printable import counted, json_text
from runbook.site.build_checks import page_findings

__all__ = ["command"]


@click.command("check")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_obj
def command(book: str | None, form: str) -> int:
    """Check the book: syntax, references, placeholders, safety, the drills' answers and the policy's own tests.

    Beside a site that shows the runbook, also check that each page in its procedures/ shows a procedure.

    Findings go to standard output as file:line:column, the summary and overdue reviews to standard error. The exit code
    is 0 if there are no findings and 2 if there are some. An overdue review is none, because a date must not stop a
    correction.
    """
    reading, findings = find_problems(book)
    every = (*findings, *(page_findings(reading.book) if reading.book else ()))
    # A file may contain a secret by mistake, and the output of a check is often in the log of a job.
    findings = tuple(replace(one, message=hide_known(one.message), source=hide_known(one.source)) for one in every)
    if form == "json":
        found = {"findings": [asdict(finding) for finding in findings]}
        click.echo(json_text(found, indent=2))
    else:
        for finding in findings:
            click.echo(str(finding))
    for line in _notices(reading.book) if reading.book else ():
        click.echo(line, err=True)
    click.echo(_summary(reading.book, findings), err=True)
    return ExitCode.USAGE if findings else ExitCode.DONE


def _notices(book: Book) -> Iterator[str]:
    """Yield a line for each overdue review. A team can't review the packaged procedures, so those share one line."""
    late = overdue(book, datetime.now(UTC).date())
    is_packaged = {one.id: Path(one.at.file).resolve().is_relative_to(PACKAGED_BOOK.resolve()) for one in late}
    is_teams = Path(book.directory).resolve() != PACKAGED_BOOK.resolve()
    for procedure in late:
        if not (is_teams and is_packaged[procedure.id]):
            place = f"{procedure.at.file}:{procedure.at.line}"
            yield f"{place}: notice: {procedure.id}: its review is overdue since {procedure.due}"
    if is_teams and any(is_packaged.values()):
        number = sum(is_packaged.values())
        are = "is" if number == 1 else "are"
        what = f"{counted(number, 'review')} in the packaged book {are} overdue"
        yield f"notice: {what}: a newer version of runbook may have them"


def _summary(book: Book | None, findings: Sequence[Finding]) -> str:
    if findings or book is None:
        files = len({finding.file for finding in findings})
        return f"{counted(len(findings), 'problem')} in {counted(files, 'file')}"
    steps = len(Subject(book).places)
    counts = (
        counted(len(book.procedures), "procedure"),
        counted(steps, "step"),
        counted(len(book.policy.rules), "rule"),
    )
    return f"{', '.join(counts)}: no problems"
