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

    The JSON says whether callers need a token (verify_jwt), which entrypoint and import map config.toml sets, which
    files would be uploaded, and which imported files are missing. Nothing is sent.
    """
    click.echo(json_text(asdict(read_function(workdir, name)), indent=2))
    return ExitCode.DONE
