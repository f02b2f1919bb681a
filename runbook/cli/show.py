"""`runbook show`: one procedure to read, with its commands as they would run. Needs neither network nor Node."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.cli.run_options import complete_procedure
from runbook.errors import ExitCode, UsageError
from runbook.printable import json_text, printable
from runbook.quick_answers import known_page, remember

if TYPE_CHECKING:
    from runbook.model import Book
    from runbook.rendering.shown_procedure import ShownProcedure

__all__ = ["command"]

_NO_REF = "<project_ref>"


@click.command("show")
@click.argument("name", shell_complete=complete_procedure)
@click.option("--format", "form", type=click.Choice(["text", "md", "json"]), default="text", help="Output format.")
@click.option("--cli", "major", type=int, help="Show the commands for this major version of the Supabase CLI (2 or 3).")
@click.pass_obj
def command(book: str | None, name: str, form: str, major: int | None) -> int:
    """Show one procedure: its overview, when to use it, its steps, and its commands filled with examples.

    At a terminal it opens in your pager (PAGER, or less). In the directory of a linked project, the commands name that
    project and fit the CLI that is installed there.
    """
    _show(known_page() or _described(book, name, form, major), is_paged=form == "text" and sys.stdout.isatty())
    return ExitCode.DONE


def _described(book: str | None, name: str, form: str, major: int | None) -> str:
    """Return the page, and keep it for the next time."""
    from runbook.cli.open_book import open_at
    from runbook.rendering.shown_procedure import read_with_examples  # `runbook --help` needs no rendering

    opened, procedure = open_at(book, name)
    directory, ref = _project()
    page = printable(
        _page(read_with_examples(procedure, opened.policy, _major(opened, major, directory), ref or _NO_REF), form)
    )
    remember(f"{page}\n")
    return f"{page}\n"


def _show(page: str, *, is_paged: bool) -> None:
    if not is_paged:
        click.echo(page, nl=False)
        return
    # A page that fits on the screen needs no pager, and it stays on the screen afterwards.
    os.environ.setdefault("LESS", "-FX")
    click.echo_via_pager(page)


def _page(shown: ShownProcedure, form: str) -> str:
    if form == "json":
        from runbook.rendering.json_record import record_of

        return json_text(record_of(shown), indent=2)
    if form == "md":
        from runbook.rendering.markdown import markdown_page

        return markdown_page(shown)
    from runbook.rendering.plain_text import plain_page

    return plain_page(shown, min(shutil.get_terminal_size().columns, 100))


def _major(book: Book, asked: int | None, directory: Path | None) -> int:
    """Return the major that was asked for, else the installed one if the book knows it, else the newest."""
    majors = sorted(book.policy.majors)
    if asked is None:
        installed = _installed_major(directory)
        return installed if installed in majors else max(majors)
    if asked not in majors:
        known = " and ".join(str(one) for one in majors)
        raise UsageError(f"--cli {asked}: the book doesn't support this major version", hint=f"It supports {known}.")
    return asked


def _project() -> tuple[Path | None, str]:
    """Return the project's directory, or None, and the ref of the linked project, or ""."""
    from runbook.runtime.project import find_project, linked_ref

    try:
        directory = find_project(Path.cwd())
    except (UsageError, OSError):
        return None, ""
    return directory, linked_ref(directory)


def _installed_major(directory: Path | None) -> int:
    from runbook.runtime.project import installed_version

    version = installed_version(directory) if directory else ""
    first = version.split(".", maxsplit=1)[0]
    return int(first) if first.isdecimal() else 0
