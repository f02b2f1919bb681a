"""`runbook journal`: check, back up and export the record of all runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.cli.export_file import read_export
from runbook.cli.open_journal import journal_here, local_journal, shared_address
from runbook.cli.run_argument import complete_run, find_run
from runbook.errors import ExitCode, JournalError, RunbookError, UsageError
from runbook.journal.postgres_schema import OPERATOR_ROLE, READER_ROLE, SCHEMA
from runbook.printable import counted

if TYPE_CHECKING:
    from runbook.journal.chain import Damage
    from runbook.journal.record import Contents

__all__ = ["command"]


@click.group("journal")
def command() -> None:
    """Check, back up and export the journal: the record of all your runs on this machine.

    Each event carries a hash of itself and of all events of its run before it, so `check` finds and names a changed,
    missing, added or moved event. The hashes prove nothing against someone who can write the file and recomputes them.
    To prove more, keep the last hash of a run elsewhere: `runbook report` and `export` print it.
    """


@command.command("init", short_help="Create the team's shared journal.")
@click.argument("address", required=False)
@click.pass_obj
def init(book: str | None, address: str | None) -> int:
    """Create the shared journal in a PostgreSQL database, or bring it up to date.

    ADDRESS begins with postgresql:// (default: the one in the team's file, or in RUNBOOK_JOURNAL). Run this as a role
    that owns the database and that nobody uses for anything else. It creates the schema and two roles; members of the
    first may append and never change anything, members of the second may read.
    """
    from contextlib import closing

    from runbook.journal.address import parse_address
    from runbook.journal.postgres_connection import connect, journal_errors
    from runbook.journal.postgres_schema import install

    where = parse_address(address) if address else shared_address(book)
    if where is None:
        raise UsageError("no shared journal is named", hint="Name it: runbook journal init postgresql://HOST/DATABASE")
    with closing(connect(where)) as connection, journal_errors(where):
        before, now = install(connection)
    done = "is up to date" if before == now else "was created" if not before else f"was version {before}"
    click.echo(f"The journal in {where.place} {done} (version {now}).")
    click.echo(f"Let people append: grant {OPERATOR_ROLE} to NAME;")
    click.echo(f"Let people read:   grant {READER_ROLE} to NAME;")
    return ExitCode.DONE


@command.command("check", short_help="Find and name damage.")
@click.option("--export", "export", metavar="FILE", help="Check this file from `export` instead.")
@click.option("--head", metavar="HASH", help="Also fail if no event has this hash, copied from a report or an export.")
@click.pass_obj
def check(book: str | None, export: str | None, head: str | None) -> int:
    """Find damage anywhere in the journal, and name it: the run, the event, and what is wrong.

    Exits with 0 if nothing is damaged, with 1 otherwise.
    """
    if export is None:
        try:
            record, findings = journal_here(book).inspect()
        except JournalError as error:
            click.echo(error.message)
            raise JournalError(
                "the journal can't be read at all",
                hint="Keep the files in case someone can repair them, and restore a backup.",
            ) from error
    else:
        record = read_export(Path(export))
        findings = tuple(record.findings())
    return _conclude(record, findings, head)


@command.command("backup", short_help="Copy the journal to a new file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(book: str | None, file: Path) -> int:
    """Copy the journal to a new FILE, which only you can read, and check the copy. Runs can go on meanwhile.

    To restore it, end all runs, move the journal's files away, and put the copy in their place.
    """
    address = shared_address(book)
    if address is not None:
        raise UsageError(
            f"the journal is shared, in {address.place}",
            hint=f"Back it up as any database: pg_dump --schema={SCHEMA}. `runbook journal export` writes its events.",
        )
    journal = local_journal()
    if not journal.exists():
        raise UsageError("there is no journal yet", hint="`runbook list` shows what you can run.")
    record, findings = journal.backup(file)
    click.echo(f"Copied to {file}.")
    return _conclude(record, findings, None)


@command.command("export", short_help="Print every event that can be read.")
@click.argument("run", required=False, shell_complete=complete_run)
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Write to this new file.")
@click.pass_obj
def export(book: str | None, run: str | None, output: Path | None) -> int:
    """Print every event that can be read, of one RUN or of all, as one line of JSON each.

    A line has `run`, `number`, `at`, `body` (the event's JSON, unchanged) and `hash`. The last line of a run has the
    number of its `events`, its `head` (the last hash) and a digest of its `lines`. If you keep that elsewhere, it
    proves the run later.
    """
    from runbook.journal.record import to_lines

    journal = journal_here(book)
    chosen = None if run is None else find_run(journal, run)
    record, findings = journal.inspect()
    lines = to_lines(record, record.runs if chosen is None else (chosen,))
    if output is None:
        for line in lines:
            click.echo(line)
    else:
        _write(output, lines)
    relevant = [finding for finding in findings if chosen is None or finding.run in {"", chosen}]
    for finding in relevant:
        click.echo(f"damaged: {finding}", err=True)
    return ExitCode.NOT_COMPLETED if relevant else ExitCode.DONE


def _conclude(record: Contents, findings: Sequence[Damage], head: str | None) -> int:
    for finding in findings:
        click.echo(str(finding))
    if record.unproven:
        click.echo(
            f"A version without hashes recorded {counted(record.unproven, 'event')}. The hashes were computed when the "
            "journal was upgraded, and only prove that nothing has changed since."
        )
    at = next((link for link in record.links if link.hash == head), None)
    if head is not None and at is None:
        click.echo("No event has that hash: the run was changed or cut off, or the hash is from another journal.")
    elif at is not None:
        click.echo(f"That is the hash of event {at.number} of run {at.run}.")
    size = f"{counted(len(record.runs), 'run')}, {counted(len(record.links), 'event')}"
    click.echo(f"{size}: {'damaged' if findings else 'sound'}.")
    return ExitCode.NOT_COMPLETED if findings or (head is not None and at is None) else ExitCode.DONE


def _write(file: Path, lines: Iterable[str]) -> None:
    try:
        # The events name projects and people: only this user may read them. O_EXCL never overwrites a file.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.writelines(f"{line}\n" for line in lines)
    except FileExistsError as error:
        raise UsageError(f"{file} already exists", hint="Name a file that doesn't exist yet.") from error
    except OSError as error:
        raise RunbookError(f"the events can't be written to {file}: {error.strerror}") from error
