"""`runbook show`: one procedure to read, with its commands as they would run. Needs neither network nor Node."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from runbook.cli.open_book import open_at
from runbook.cli.run_options import complete_procedure
from runbook.errors import ExitCode, UsageError
from runbook.model import Book, Procedure
from runbook.rendering.outline import Reader

__all__ = ["command"]

_NO_REF = "<project_ref>"


@click.command("show")
@click.argument("name", shell_complete=complete_procedure)
@click.option("--format", "form", type=click.Choice(["text", "md", "json"]), default="text", help="How to print it.")
@click.option("--cli", "major", type=int, help="Show the commands of this major of the Supabase CLI (2 or 3).")
@click.pass_obj
def command(book: str | None, name: str, form: str, major: int | None) -> int:
    """Print one procedure: when to use it, its steps, and its commands filled with examples.

    In the directory of a linked project the commands name that project, for the CLI that is installed there.
    """
    opened, procedure = open_at(book, name)
    reader = _reader(opened, major)
    click.echo(_page(procedure, reader, form))
    return ExitCode.DONE


def _page(procedure: Procedure, reader: Reader, form: str) -> str:
    if form == "json":
        from runbook.rendering.json_record import record_of

        return json.dumps(record_of(procedure, reader), indent=2, ensure_ascii=False)
    if form == "md":
        from runbook.rendering.markdown import markdown_page

        return markdown_page(procedure, reader)
    from runbook.rendering.plain_text import plain_page

    return plain_page(procedure, reader, min(shutil.get_terminal_size().columns, 100))


def _reader(book: Book, major: int | None) -> Reader:
    directory, ref = _project()
    majors = sorted(book.policy.majors)
    if major is not None and major not in majors:
        known = " and ".join(str(one) for one in majors)
        raise UsageError(f"--cli {major}: the book does not know this major", hint=f"It knows {known}.")
    if major is None:
        installed = _installed_major(directory)
        major = installed if installed in majors else max(majors)
    return Reader(book, major, ref or _NO_REF)


def _project() -> tuple[Path | None, str]:
    """Return the project's directory and the ref of the linked project, as far as there is one."""
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
