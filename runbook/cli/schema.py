"""`runbook schema`: the JSON Schema of the book's files, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from runbook.errors import UsageError
from runbook.loading.json_schema import SCHEMA_NAMES, schema_text
from runbook.loading.place import writable_book

__all__ = ["command"]


@click.command("schema")
@click.argument("name", type=click.Choice(SCHEMA_NAMES), default="procedure")
@click.option("--write", is_flag=True, help="Write all schemas into the book's schema/ directory instead.")
@click.pass_obj
def command(book: str | None, name: str, *, write: bool) -> int:
    """Print the JSON Schema of one kind of file (default: procedures).

    To tell your editor which schema a file has, put this line at the top of it:
    `# yaml-language-server: $schema=../schema/procedure.schema.json`
    """
    if not write:
        click.echo(schema_text(name), nl=False)
        return 0
    for path in _write(writable_book(book) / "schema"):
        click.echo(path)
    return 0


def _write(directory: Path) -> list[Path]:
    written = [directory / f"{name}.schema.json" for name in SCHEMA_NAMES]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, path in zip(SCHEMA_NAMES, written, strict=True):
            path.write_text(schema_text(name), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't write '{error.filename}': {error.strerror}") from error
    return written
