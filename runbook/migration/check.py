"""Check migrations: read the files, judge each statement by the rules, and apply waivers and a team's levels.

`check_files` is for callers with paths; `check_migrations` is the pure part, for texts.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePath

from runbook.migration.context import Migration
from runbook.migration.detectors import load
from runbook.migration.detectors.dumps import NOT_IN_DUMPS
from runbook.migration.detectors.registry import FILE_DETECTORS, STATEMENT_DETECTORS
from runbook.migration.file_names import FolderNames, check_name, read_folder, sort_key
from runbook.migration.finding import Finding, Hit, Report, WaivedFinding
from runbook.migration.history import Base, check_history
from runbook.migration.known import Known
from runbook.migration.later import Later, look_ahead
from runbook.migration.rules import Setup, read_setup
from runbook.migration.source import MigrationFile, Source, Unreadable, decode
from runbook.migration.statements import Parsed, Statement, parse
from runbook.migration.waivers import find_waivers
from runbook.model.migration_settings import OFF

__all__ = ["check_files", "check_migrations"]


def check_files(paths: Sequence[Path] = (), *, since: str = "", book: str | None = None) -> Report:
    """Return what is wrong with migrations: files, folders, or by default this project's `supabase/migrations`.

    With `since`, a revision in git, only files that were added or changed after it are judged. `book` is a team's book,
    whose settings count.

    Raises UsageError for a path that doesn't exist, without the parser, or if `since` can't be resolved; BookError for
    settings with problems.
    """
    from runbook.migration.selection import select_files

    setup = read_setup(book)
    files, base = select_files(paths, since=since, ignore=setup.settings.ignore)
    return check_migrations(files, setup, base=base, neighbors=_neighbors(files))


def _neighbors(files: Sequence[MigrationFile]) -> list[str]:
    """Return the paths of all files in the folders of these: they decide what a name means."""
    folders = sorted({str(PurePath(file.path).parent) for file in files})
    found = ((folder, each.name) for folder in folders if Path(folder).is_dir() for each in os.scandir(folder))
    return [name if folder == "." else f"{folder}/{name}" for folder, name in found]


def check_migrations(
    files: Sequence[MigrationFile],
    setup: Setup,
    *,
    base: Base | None = None,
    now: datetime | None = None,
    neighbors: Sequence[str] = (),
) -> Report:
    """Return what is wrong with the migrations that are judged, in the light of the earlier ones in the same folder.

    `base` is what the branch began with; `now` is the current time in UTC, without a time zone. `neighbors`
    are paths of files in the same folders, of which only the names count.
    """
    load()
    now = now or datetime.now(UTC).replace(tzinfo=None)
    findings: list[Finding] = []
    waived: list[WaivedFinding] = []
    destroys: set[str] = set()
    for folder in _folders(files):
        checks = [_Checked(file, setup) for file in folder]
        place = str(PurePath(folder[0].path).parent)
        names = {file.path for file in folder} | {
            each for each in neighbors if (each.rpartition("/")[0] or ".") == place
        }
        together = read_folder(names, now)
        known = Known()
        for checked, later in zip(checks, look_ahead(each.statements for each in checks), strict=True):
            checked.judge_name(now, together)
            checked.judge(known, later)
            known.has_history = True
            findings += checked.findings
            waived += checked.waived
            destroys |= checked.destroys
    for path, problem in check_history(files, base) if base else ():
        checked = _Checked(MigrationFile(path, b""), setup)
        checked.add_at(problem.rule, 1, 1, problem.message)
        findings += checked.findings
    judged = sum(file.judged for file in files)
    return Report(judged, tuple(sorted(set(findings))), tuple(sorted(set(waived))), tuple(sorted(destroys)))


def _folders(files: Sequence[MigrationFile]) -> Iterator[list[MigrationFile]]:
    """Yield the files of each folder, in the order in which the CLI applies them."""
    found: dict[str, list[MigrationFile]] = {}
    for file in sorted(files, key=lambda file: sort_key(file.path)):
        found.setdefault(str(PurePath(file.path).parent), []).append(file)
    yield from found.values()


class _Checked:
    """One file while it is judged."""

    def __init__(self, file: MigrationFile, setup: Setup) -> None:
        self._file = file
        self._setup = setup
        self.findings: list[Finding] = []
        self.waived: list[WaivedFinding] = []
        self.destroys: set[str] = set()
        source = decode(file)
        self._source = source if isinstance(source, Source) else None
        self._parsed = parse(source) if isinstance(source, Source) else Parsed([], [])
        if isinstance(source, Unreadable):
            self.add_at("unreadable-file", source.line, source.column, source.message)

    @property
    def statements(self) -> Sequence[Statement]:
        """The statements of the file itself."""
        return self._parsed.statements

    def judge_name(self, now: datetime, together: FolderNames) -> None:
        """Judge the file's name, beside the others in its folder."""
        path = self._file.path
        for problem in check_name(path, now):
            is_custom = together.have_own_numbers and problem.rule == "file-name"
            has_to_be = path != together.first_ahead and problem.rule == "future-version"
            if not is_custom and not has_to_be:
                self.add_at(problem.rule, 1, 1, problem.message)
        if path in together.twice:
            self.add_at("duplicate-version", 1, 1, f"{PurePath(together.twice[path]).name} has the same version")

    def judge(self, known: Known, later: Later) -> None:
        """Judge the file's statements, and add to what is known of the folder's schema."""
        if self._source is None:
            return
        migration = Migration(self._source, self._parsed, known, self._setup.settings, later)
        if not self._file.judged:
            for statement in migration.statements:
                known.learn(statement, migration.resolve)
            return
        for rule, hit in _hits(migration):
            self._add(rule, hit, migration)
        for statement in migration.statements:
            for rule, hit in _hits_of(statement, migration):
                self._add(rule, hit, migration)
            known.learn(statement, migration.resolve)
        self._apply_waivers(migration)

    def add_at(self, rule: str, line: int, column: int, message: str, *, statement: int = -1) -> None:
        """Add a finding at a place, unless the team has switched its rule off."""
        data = self._setup.rules[rule]
        if data.destroys and self._file.judged:
            self.destroys.add(rule)
        chosen = self._setup.settings.levels.get(rule)
        level = chosen.level if chosen else data.level
        if level != OFF and self._file.judged:
            text = self._source.line(line) if self._source else ""
            self.findings.append(
                Finding(self._file.path, line, column, rule, level, message, data.fix, text, statement)
            )

    def _add(self, rule: str, hit: Hit, migration: Migration) -> None:
        line, column = migration.source.place(hit.offset)
        self.add_at(rule, line, column, hit.message, statement=_statement_at(migration, hit.offset))

    def _apply_waivers(self, migration: Migration) -> None:
        rules = self._setup.rules
        waivers = find_waivers(migration.source, migration.parsed)
        if not waivers:
            return
        left = []
        for finding in self.findings:
            # What concerns the file as a whole is waived above its first statement.
            at = max(finding.statement, 0)
            fitting = next((each for each in waivers if each.accepts(rules[finding.rule], at)), None)
            if fitting is not None and fitting.reason and rules[finding.rule].can_be_waived:
                fitting.used.add(finding.rule)
                self.waived.append(WaivedFinding(finding, fitting.reason))
            else:
                left.append(finding)
                if fitting is not None:
                    fitting.used.add(finding.rule)
        self.findings = left
        for waiver in waivers:
            for problem in waiver.problems(rules):
                self.add_at("waiver", waiver.line, waiver.column, problem)


def _hits(migration: Migration) -> Iterator[tuple[str, Hit]]:
    """Yield what can't be read of a file, and what the rules for files report."""
    skipped = NOT_IN_DUMPS if migration.is_dump else frozenset[str]()
    for broken in migration.parsed.broken:
        yield broken.rule, Hit(broken.offset, broken.message)
    for rule, detect in FILE_DETECTORS:
        if rule not in skipped:
            for hit in detect(migration):
                yield rule, hit


def _hits_of(statement: Statement, migration: Migration) -> Iterator[tuple[str, Hit]]:
    """Yield what the rules report of a statement."""
    skipped = NOT_IN_DUMPS if migration.is_dump else frozenset[str]()
    inside = f"{statement.inside} runs this: " if statement.inside else ""
    for rule, detect in STATEMENT_DETECTORS.get(statement.kind, ()):
        if rule not in skipped:
            for hit in detect(statement, migration):
                yield rule, Hit(hit.offset, f"{inside}{hit.message}")


def _statement_at(migration: Migration, offset: int) -> int:
    """Return the number of the file's own statement at an offset, -1 if there is none."""
    every = migration.parsed.statements
    at = bisect_right(every, offset, key=lambda each: each.end)
    return every[at].index if at < len(every) and every[at].start <= offset else -1
