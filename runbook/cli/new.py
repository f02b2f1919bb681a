"""`runbook new`: create a procedure, or the page of one."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from runbook.checks import open_book
from runbook.errors import ExitCode, UsageError
from runbook.loading.json_schema import schema_text
from runbook.loading.place import writable_book
from runbook.model import Section
from runbook.printable import suspect
from runbook.site.new_procedure import draft, nav_entries, page, with_nav_entry
from runbook.site.project import SiteProject, nearest_project

__all__ = ["command"]

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


@click.group("new")
def command() -> None:
    """Create a new procedure, or the page of one."""


@command.command("procedure")
@click.argument("name")
@click.option("--title", help="What it is called; made from NAME if not given.")
@click.option(
    "--section",
    type=click.Choice([section.value for section in Section]),
    default=Section.DURING.value,
    show_default=True,
    help="When it is needed.",
)
@click.option("--owner", default="database", show_default=True, help="Who maintains it.")
@click.pass_obj
def procedure(book: str | None, name: str, title: str | None, section: str, owner: str) -> int:
    """Write NAME.yaml. NAME is its id: lower case, with hyphens.

    The site generates its page. If mkdocs.yml lists the procedures' pages itself, this also writes the page and its
    entry there.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' can't be a procedure's id", hint="Lower case letters, digits and hyphens: rotate-keys"
        )
    directory = writable_book(book)
    heading = _one_line("--title", title) if title else name.replace("-", " ").capitalize()
    owner = _one_line("--owner", owner)
    today = datetime.now(UTC).date()
    written = {directory / "procedures" / f"{name}.yaml": draft(heading, Section(section), owner=owner, reviewed=today)}
    schema = directory / "schema" / "procedure.schema.json"
    if not schema.exists():  # the draft's first line names it
        written[schema] = schema_text("procedure")
    site = _site_beside(directory)
    if site is not None and nav_entries(site.config):
        written |= _page_files(site, name, heading, Section(section))
    _write(written, may_exist=site.config if site else None)
    for file in written:
        click.echo(file)
    return ExitCode.DONE


@command.command("page")
@click.argument("name")
@click.pass_obj
def page_(book: str | None, name: str) -> int:
    """Write the page of an existing procedure, to put text of your own around its generated parts."""
    opened = open_book(book)
    found = opened.procedure(name)
    site = _site_beside(Path(opened.directory))
    writable_book(book)
    if site is None:
        raise UsageError("no mkdocs.yml beside this book uses the plugin `runbook`", hint="Start a site: runbook init")
    written = _page_files(site, name, found.title, found.section)
    _write(written, may_exist=site.config)
    for file in written:
        click.echo(file)
    return ExitCode.DONE


def _one_line(option: str, text: str) -> str:
    """Return a text as one line. Raises UsageError for a deceptive or invisible character, and for an empty text."""
    line = " ".join(text.split())
    found = suspect(line)
    if found or not line:
        problem = f"contains {found}" if found else "is empty"
        raise UsageError(f"{option} {problem}", hint="Give it as one line of plain text.")
    return line


def _site_beside(directory: Path) -> SiteProject | None:
    """Return the site that the book is in, or that of the working directory."""
    return nearest_project(directory.resolve()) or nearest_project(Path.cwd())


def _page_files(site: SiteProject, name: str, title: str, section: Section) -> dict[Path, str]:
    """Return the page, and the configuration with its entry if that lists procedures itself."""
    written = {site.pages / "procedures" / f"{name}.md": page(name, title)}
    listed = nav_entries(site.config)
    if listed and name not in listed:
        written[site.config] = with_nav_entry(site.config.read_text(encoding="utf-8"), name, section)
    return written


def _write(written: dict[Path, str], *, may_exist: Path | None) -> None:
    """Write all files, or none: an existing one is never overwritten."""
    for file in written:
        if file.exists() and file != may_exist:
            raise UsageError(f"{file} already exists", hint="Choose another name, or edit that file.")
        if not file.parent.is_dir() and file.suffix == ".yaml":
            raise UsageError(f"{file.parent} doesn't exist", hint="Is this the directory of a book?")
    new = [file for file in written if file != may_exist]
    try:
        for file, content in written.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
    except OSError as error:
        for file in new:
            with suppress(OSError):
                file.unlink()
        where = error.filename or file
        hint = "Nothing was written. Change the permissions, or name another book with --book."
        raise UsageError(f"can't write '{where}': {error.strerror}", hint=hint) from error
