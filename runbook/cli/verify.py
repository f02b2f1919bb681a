"""`runbook verify`: find out whether the record of a run is what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.cli.export_file import read_export
from runbook.cli.open_journal import journal_here
from runbook.cli.run_argument import complete_run, find_run
from runbook.errors import ExitCode, UsageError
from runbook.printable import counted

if TYPE_CHECKING:
    from runbook.journal.chain import Damage, Head, Link

__all__ = ["command"]


@click.command("verify")
@click.argument("run", required=False, shell_complete=complete_run)
@click.option("--export", "export", metavar="FILE", help="Verify the run in this file from `runbook journal export`.")
@click.option("--head", metavar="HASH", help="Also fail if no event has this hash, copied from a report or an export.")
@click.pass_obj
def command(book: str | None, run: str | None, export: str | None, head: str | None) -> int:
    """Find out whether the record of a run (default: the newest) is what was recorded.

    A changed, missing, added or moved event is named. Exits with 0 if nothing is wrong, with 1 otherwise. Whoever can
    write to the journal can also compute new hashes: a hash that you kept elsewhere (--head) proves more.
    """
    from runbook.journal.record import findings_in

    name, links, entry, unreadable = _recorded(book, run) if export is None else _exported(Path(export), run)
    found = [str(finding) for finding in (*unreadable, *findings_in(name, links, entry))]
    if head is not None and head not in {link.hash for link in links}:
        found.append(
            f"run {name}: no event has the hash {head}: it was changed or cut off, or the hash is of another run"
        )
    for line in found:
        click.echo(line)
    size = counted(len(links), "event")
    if found:
        click.echo(f"{name}: {size}, not as recorded.")
        return ExitCode.NOT_COMPLETED
    click.echo(f"{name}: {size}, as recorded. The last hash: {links[-1].hash}")
    return ExitCode.DONE


_Record = tuple[str, Sequence["Link"], "Head | None", Sequence["Damage"]]
"""A run's id, its events, its entry in the list of runs, and the damage to what they were read from."""


def _recorded(book: str | None, run: str | None) -> _Record:
    journal = journal_here(book)
    name = find_run(journal, run)
    return name, *journal.record(name), ()


def _exported(file: Path, run: str | None) -> _Record:
    record = read_export(file)
    named = [one for one in record.runs if run is None or run in one]
    if len(named) != 1:
        what = f"no run called '{run}'" if run and not named else counted(len(named), "run")
        raise UsageError(
            f"{file} has {what}", hint=f"It has: {', '.join(record.runs[:5]) or 'none'}. Name one of them."
        )
    unreadable = [one for one in record.unreadable if one.run in {"", named[0]}]
    return named[0], record.by_run()[named[0]], record.heads.get(named[0]), unreadable
