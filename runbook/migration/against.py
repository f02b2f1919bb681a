"""Check migrations against a database: one read-only look, whose findings join those of the files.

Files that the history has are applied: they can't change any more, so only their differences are reported. The others
are pending, and are compared with the database's objects, sizes and sessions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from runbook.errors import UsageError
from runbook.migration.check import check_migrations
from runbook.migration.cli_answer import is_without_history
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
from runbook.migration.file_names import sort_key
from runbook.migration.finding import Finding, Report
from runbook.migration.known import Known
from runbook.migration.rules import Setup, read_setup
from runbook.migration.selection import default_folder, select_files
from runbook.migration.source import MigrationFile, Source, decode
from runbook.migration.statements import parse
from runbook.migration_names import parse_name
from runbook.model.migration_settings import OFF
from runbook.paths import relative_path
from runbook.steps.history import comparison
from runbook.steps.migration_files import MigrationFile as FileOnDisk

__all__ = ["check_against"]


def check_against(paths: Sequence[Path], target: str, *, since: str = "", book: str | None = None) -> Report:
    """Return what is wrong with migrations, seen together with a database. See `check_files` for the other arguments.

    `target` is `production`, `local` or a PostgreSQL URL. Without a path to a file, only pending files are judged. With
    one, what concerns the database as a whole or other files isn't reported.

    Raises UsageError if the database can't be read, and what `check_files` raises.
    """
    setup = read_setup(book)
    places = list(paths) or [default_folder()]
    files, base = select_files(places, since=since, ignore=setup.settings.ignore)
    folder = _folder(places)
    # Files that aren't judged themselves may still have to run before the ones that are.
    every, _ = select_files([folder], since="", ignore=setup.settings.ignore)
    with open_reader(target, project=folder, book=book) as reader:
        history = _history(reader, folder, {each.path for each in every})
        pending = list(_read([each for each in every if _is_pending(each.path, history)], setup))
        facts = read_facts(reader.read(statement_for(asked_of(pending)))[0]["facts"])
        blind = "" if facts.sees_sessions else f"; the role {facts.user} can't see who blocks whom"
        about = f"{reader.place}, read with {reader.way}{blind}"
    named = {relative_path(each) for each in places if not each.is_dir()}
    judged = [
        each._replace(judged=each.judged and (each.path in named or not _is_applied(each.path, history)))
        for each in files
    ]
    report = check_migrations(judged, setup, base=base, neighbors=[each.path for each in every])
    shown = {each.path for each in judged if each.judged}
    found = [
        *_weighed(report, pending, setup, facts),
        *(each for each in _of_pending(pending, setup, facts) if each.file in shown),
        *_of_database(pending, setup, facts, history, relative_path(folder)),
    ]
    about_all = len(named) < len(places)
    findings = sorted({each for each in found if about_all or each.file in named})
    return replace(report, findings=tuple(findings), against=about)


def _folder(places: Sequence[Path]) -> Path:
    """Return the folder of the migrations: a history belongs to one. Raises UsageError if there are several."""
    folders = {(each if each.is_dir() else each.parent).resolve() for each in places}
    if len(folders) != 1:
        raise UsageError("--against compares one folder of migrations with a database", hint="Name one folder.")
    return folders.pop()


def _read(files: Sequence[MigrationFile], setup: Setup) -> Iterator[Migration]:
    """Yield the migrations that can be read, in the order in which a push runs them."""
    for file in sorted(files, key=lambda each: sort_key(each.path)):
        source = decode(file)
        if isinstance(source, Source):
            yield Migration(source, parse(source), Known(), setup.settings)


def _history(reader: Reader, folder: Path, checked: Collection[str]) -> History | None:
    """Return the differences of the database's history, None if it has none yet.

    Every file is compared. What concerns a file that a team ignores, and so isn't `checked`, isn't reported.
    """
    on_disk = sorted(each for each in folder.glob("*.sql") if each.is_file())
    texts = [FileOnDisk(each.name, each.read_bytes().decode("utf-8", errors="replace")) for each in on_disk]
    try:
        rows = reader.read(comparison(texts))
    except UsageError as error:
        if is_without_history(error.message):
            return None
        raise
    history = read_history(rows, relative_path(folder))
    ignored = {relative_path(each) for each in on_disk} - set(checked)
    return history._replace(notes=tuple(each for each in history.notes if each.path not in ignored))


def _is_pending(path: str, history: History | None) -> bool:
    """Whether a push would apply the file."""
    parts = parse_name(path)
    return parts is not None and (history is None or parts.version in history.pending)


def _is_applied(path: str, history: History | None) -> bool:
    """Whether the history has the file's version. A file that the CLI skips is neither applied nor pending."""
    return parse_name(path) is not None and not _is_pending(path, history)


def _weighed(report: Report, pending: Sequence[Migration], setup: Setup, facts: Facts) -> Iterator[Finding]:
    by_path = {each.source.path: each for each in pending}
    for finding in report.findings:
        migration = by_path.get(finding.file)
        yield from [finding] if migration is None else weigh([finding], migration, setup, facts)


def _of_pending(pending: Sequence[Migration], setup: Setup, facts: Facts) -> Iterator[Finding]:
    """Yield what the database shows about the statements of pending files."""
    world = World(facts)
    for migration in pending:
        for note in (*contradictions(migration, world), *session_notes(migration, facts)):
            yield from _finding(note, migration.source, setup)


def _of_database(
    pending: Sequence[Migration], setup: Setup, facts: Facts, history: History | None, folder: str
) -> Iterator[Finding]:
    """Yield what the history and the database as a whole show."""
    leftover = leftovers(facts, pending, setup.settings.postgres, folder)
    for note in (*(history.notes if history else ()), *leftover, *general_notes(facts, folder)):
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
