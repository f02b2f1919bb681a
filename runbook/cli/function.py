"""`runbook function`: what a deploy of an edge function takes from a directory."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from runbook.edge_function import read_function
from runbook.errors import ExitCode
from runbook.printable import json_text

__all__ = ["command"]


@click.command("function")
@click.argument("name")
@click.option(
    "--workdir", type=click.Path(path_type=Path), default=".", metavar="DIR", help="The project's directory. [here]"
)
def command(name: str, workdir: Path) -> int:
    """Show as JSON what a deploy of an edge function takes from this directory.

    That is whether callers need a token (verify_jwt), the entrypoint and the import map, as config.toml says, the files
    that would be uploaded, and the files that are imported and missing. Nothing is sent.
    """
    click.echo(json_text(asdict(read_function(workdir, name)), indent=2))
    return ExitCode.DONE
