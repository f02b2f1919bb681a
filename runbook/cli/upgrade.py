"""`runbook upgrade`: show what changed in the packaged book under a team's changes, and accept it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from runbook.errors import ExitCode, RunbookError, UsageError
from runbook.loading.place import book_directory, is_team_book
from runbook.printable import counted, printable

__all__ = ["command"]


@click.command("upgrade")
@click.option("--accept", is_flag=True, help="Accept every difference without asking.")
@click.pass_obj
def command(book: str | None, accept: bool) -> int:
    """Show which packaged steps and texts differ under your team's changes, and accept the differences.

    Run it when you have written a change, and after each upgrade of this package. `runbook check` fails until each
    packaged step that you change is as you last accepted it. A step that is gone can't be accepted: edit the change.

    Exits with 1 if a difference is left.
    """
    from runbook.loading.differences import find_differences, pins_after
    from runbook.loading.pins import write_pins

    directory = book_directory(book)
    if not is_team_book(directory):
        raise UsageError("there is no team's book here", hint="Start one in your project: runbook init")
    differences = find_differences(directory)
    for one in differences:
        click.echo(printable("\n".join((f"{one.procedure}: {one.name} {one.said}", *one.lines))))
    new = [one for one in differences if one.now and not one.before]
    changed = [one for one in differences if one.now and one.before]
    accepted = [*new, *(changed if accept or _is_accepted(changed) else [])]
    pins = pins_after(directory, accepted)
    try:
        file = write_pins(directory, pins)
    except OSError as error:
        raise RunbookError(f"can't write the pins: {error.strerror}", hint=f"File: {error.filename}") from error
    left = len(differences) - len(accepted)
    click.echo(_summary(len(accepted), left, str(file)), err=True)
    if any(one.now is None for one in differences):
        click.echo("Edit each change whose step is gone, then run this again.", err=True)
    return ExitCode.NOT_COMPLETED if left else ExitCode.DONE


def _is_accepted(changed: Sequence[object]) -> bool:
    """Ask whether the differences are accepted. Without a terminal nobody accepts anything."""
    if not changed or not sys.stdin.isatty():
        return False
    differences = counted(len(changed), "difference")
    return click.confirm(f"Do your changes still fit, with {differences}?", default=False, err=True)


def _summary(accepted: int, left: int, file: str) -> str:
    if not accepted and not left:
        return "Nothing differs under your team's changes."
    done = f"Pinned {accepted} in {file}." if accepted else "Nothing was pinned."
    return f"{done} {left} left." if left else done
