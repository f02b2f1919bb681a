"""`runbook audit`: check whether the Supabase CLIs accept what the book says."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from runbook.audit.survey import Survey, survey
from runbook.cli.open_book import open_to_read
from runbook.errors import ExitCode
from runbook.model import Book
from runbook.printable import counted, json_text
from runbook.runtime.toolchain import cli_package, package_in
from runbook.streams import terminal_of

__all__ = ["command"]


@click.command("audit")
@click.option(
    "--newer",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="PACKAGE",
    help="Also report what would change with the CLI in this npm package directory.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_obj
def command(book: str | None, newer: Path | None, form: str) -> int:
    """Check the book against the help of the installed Supabase CLIs.

    Looks up every command and flag of the book, its policy and its prose in each major of the CLI, and where each
    command lands without a target. Takes a minute and needs Node.js.

    Findings go to standard output, each as file:line:column, and the summary to standard error. Deprecations are
    reported as changes, not as findings. The exit code is 0 if there are no findings and 2 if there are some.
    """
    found = _ask(open_to_read(book), newer)
    if form == "json":
        record = {
            "findings": [asdict(each) for each in found.problems],
            "changes": [asdict(each) for each in found.changes],
        }
        click.echo(json_text(record, indent=2))
    else:
        for finding in found.problems:
            click.echo(str(finding))
        for change in found.changes:
            click.echo(f"{change}\n      (still correct for now)")
    click.echo(_summary(found), err=True)
    return ExitCode.USAGE if found.problems else ExitCode.DONE


def _ask(book: Book, newer: Path | None) -> Survey:
    packages = [cli_package(major) for major in sorted(book.policy.majors, reverse=True)]
    try:
        return survey(book, packages, newer=package_in(newer) if newer else None, progress=_show_progress)
    finally:
        _show_progress(0, 0)


def _show_progress(done: int, of: int) -> None:
    """Update a single line on the terminal; 0 of 0 clears it."""
    if sys.stderr.isatty():
        terminal = terminal_of(sys.stderr)
        terminal.write(f"\r\x1b[K{f'Asking the CLIs: {done} of {of}' if of else ''}")
        terminal.flush()


def _summary(found: Survey) -> str:
    lines = f"{counted(found.lines, 'command line')} checked against CLI {' and '.join(found.versions)}"
    problems, changes = counted(len(found.problems), "problem"), counted(len(found.changes), "change")
    return f"{lines} in {found.calls} calls: {problems}, {changes}"
