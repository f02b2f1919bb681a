"""Check migrations against a database: one read-only look, whose findings join those of the files.

Files that the history has are applied: they can't change any more, so only their differences are reported. The others
are pending, and are compared with the database's objects, sizes and sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from runbook.errors import UsageError
from runbook.migration.check import check_migrations
from runbook.migration.context import Migration
from runbook.migration.database.asked import asked_of
from runbook.migration.database.contradictions import contradictions
from runbook.migration.database.facts import Facts, read_facts, statement_for
from runbook.migration.database.history_notes import History, read_history
from runbook.migration.database.leftovers import leftovers
from runbook.migration.database.note import Note
from runbook.migration.database.reading import Reader, open_reader
from runbook.migration.database.sessions import general_notes, session_notes
from runbook.migration.database.sizes import weigh
from runbook.migration.database.world import World
from runbook.migration.file_names import parse_name, sort_key
from runbook.migration.finding import Finding, Report
from runbook.migration.known import Known
from runbook.migration.rules import Setup, read_setup
from runbook.migration.selection import select_files
from runbook.migration.source import MigrationFile, Source, decode
from runbook.migration.statements import parse
from runbook.model.migration_settings import OFF
from runbook.steps.history import comparison
from runbook.steps.migration_files import MigrationFile as FileOnDisk

__all__ = ["check_against"]


def check_against(paths: Sequence[Path], target: str, *, since: str = "", book: str | None = None) -> Report:
    """Return what is wrong with migrations, seen together with a database. See `check_files` for the other arguments.

    `target` is `production`, `local` or a PostgreSQL URL. Without a path to a file, only pending files are judged.

    Raises UsageError if the database can't be read, and what `check_files` raises.
    """
    setup = read_setup(book)
    files, base = select_files(paths, since=since, ignore=setup.settings.ignore)
    folder = _folder(files, paths)
    ordered = sorted((each for each in files if each.judged), key=lambda each: sort_key(each.path))
    read = [each for each in (_migration(file, setup) for file in ordered) if each is not None]
    with open_reader(target, project=Path(folder), book=book) as reader:
        facts, history = _look(reader, read, folder)
        blind = "" if facts.sees_sessions else f"; the role {facts.user} can't see who blocks whom"
        about = f"{reader.place}, read with {reader.way}{blind}"
    named = {each.resolve() for each in paths if not each.is_dir()}
    judged = [
        each._replace(judged=each.judged and (_is_pending(each.path, history) or Path(each.path).resolve() in named))
        for each in files
    ]
    report = check_migrations(judged, setup, base=base)
    pending = [each for each in read if _is_pending(each.source.path, history)]
    found = [*_weighed(report, pending, setup, facts), *_against(pending, setup, facts, history, folder)]
    return replace(report, findings=tuple(sorted(set(found))), against=about)


def _folder(files: Sequence[MigrationFile], paths: Sequence[Path]) -> str:
    """Return the folder of the migrations: a history belongs to one. Raises UsageError if there are several."""
    folders = {str(PurePath(each.path).parent) for each in files} or {str(each) for each in paths}
    if len(folders) != 1:
        raise UsageError("--against compares one folder of migrations with a database", hint="Name one folder.")
    return folders.pop()


def _migration(file: MigrationFile, setup: Setup) -> Migration | None:
    source = decode(file)
    return Migration(source, parse(source), Known(), setup.settings) if isinstance(source, Source) else None


def _look(reader: Reader, migrations: Sequence[Migration], folder: str) -> tuple[Facts, History | None]:
    """Return what the database says, and the differences of its history, None if it has no history."""
    found = reader.read(statement_for(asked_of(migrations)))[0]["facts"]
    facts = read_facts(found)
    if not facts.has_history:
        return facts, None
    on_disk = sorted(each for each in Path(folder).glob("*.sql") if each.is_file())
    texts = [FileOnDisk(each.name, each.read_bytes().decode("utf-8", errors="replace")) for each in on_disk]
    return facts, read_history(reader.read(comparison(texts)), folder)


def _is_pending(path: str, history: History | None) -> bool:
    parts = parse_name(path)
    return parts is not None and (history is None or parts.version in history.pending)


def _weighed(report: Report, pending: Sequence[Migration], setup: Setup, facts: Facts) -> Iterator[Finding]:
    by_path = {each.source.path: each for each in pending}
    for finding in report.findings:
        migration = by_path.get(finding.file)
        yield from [finding] if migration is None else weigh([finding], migration, setup, facts)


def _against(
    pending: Sequence[Migration], setup: Setup, facts: Facts, history: History | None, folder: str
) -> Iterator[Finding]:
    """Yield what only the database shows."""
    world = World(facts)
    for migration in pending:
        for note in (*contradictions(migration, world), *session_notes(migration, facts)):
            yield from _finding(note, migration.source, setup)
    general = [*leftovers(facts, pending, setup.settings.postgres, folder), *general_notes(facts, folder)]
    for note in (*(history.notes if history else ()), *general):
        yield from _finding(note, None, setup)


def _finding(note: Note, source: Source | None, setup: Setup) -> Iterator[Finding]:
    """Yield the finding, unless the team has switched its rule off."""
    rule, chosen = setup.rules[note.rule], setup.settings.levels.get(note.rule)
    level = chosen.level if chosen else rule.level
    if level == OFF:
        return
    line, column = source.place(note.offset) if source and note.offset >= 0 else (1, 1)
    path, text = (source.path, source.line(line)) if source else (note.path, "")
    yield Finding(path, line, column, note.rule, level, note.message, rule.fix, text, note.statement)
