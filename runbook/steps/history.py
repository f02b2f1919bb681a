"""`history`: compare the migration files of the project with the history of the target, by their SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from runbook.errors import UsageError
from runbook.filling import TARGET, Values, fill_text, query_command, timeouts_environment
from runbook.model import Position, Use
from runbook.model.action import Becomes
from runbook.model.fields import LINE_TEMPLATE, key
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.migration_files import MIGRATIONS, MigrationFile, digest_of
from runbook.steps.runnable import Runnable

__all__ = ["History", "comparison"]

_ALL = "all"
_LONGEST = 100_000
"""The most characters of one file, or of the list of all. On Linux, a word in an argv has at most 128 KiB."""

_LIST = ("npx", "supabase", "migration", "list", TARGET, "--output-format", "json")
_GAP = re.compile(r"\{(ran|files|version|file|text|digest)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Runnable):
    """Migration files and history compared: `all` of them, or one version with one file.

    For all, each difference is a row with its `finding`: waiting, older, skipped, repeated, missing, unknown, twin,
    edited, unrecorded, renamed, future. For one version, the row says whether the SQL is the `same`, and has the lines
    that differ.
    """

    places: ClassVar = frozenset({"step", "on_cli", "check"})

    version: str = key(
        LINE_TEMPLATE,
        "Compare migration files with the history, by their SQL: `all`, or the one version that is named here.",
        name="history",
    )
    at: Position
    file: str | None = key(
        LINE_TEMPLATE, "The file to compare that version with.", default=None, said="the file of that version"
    )

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield the version and the file's path."""
        del at
        yield Use(self.version, self.at, Becomes.COMPARED)
        if self.file:
            yield Use(self.file, self.at, Becomes.FILE)

    def argv(self, values: Values, to: Destination) -> tuple[str, ...]:
        """Return the CLI's query command, with the list of the files in its statement."""
        words = to.cli.query_read
        return query_command(self._statement(values, to), words=words, target=to.words(words))

    def environment(self) -> Mapping[str, str]:
        """Return the timeouts, and a read-only transaction."""
        return timeouts_environment(lock_timeout=5, statement_timeout=30, writes=False)

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield what is compared, and a command that shows a person both sides without the comparison.

        The query itself has a hundred lines and the list of all files. The journal keeps it as it ran.
        """
        version = fill_text(self.version, values)
        if version == _ALL:
            yield view.Prose(f"Compare the SQL of every file in {MIGRATIONS} with the SQL that ran, from the history.")
            line = to.fill(_LIST, {})
            yield view.CommandToRun(line, lead="To list the versions of both sides by hand:")
            return
        named = fill_text(self.file, values) if self.file else f"the file of version {version}"
        yield view.Prose(f"Compare {named} with the SQL that version {version} ran, from the history.")
        line = query_command(
            _filled("ran_as", version=version), words=to.cli.query_read, target=to.words(to.cli.query_read)
        )
        yield view.CommandToRun(line, lead="To read by hand what it ran:")

    def _statement(self, values: Values, to: Destination) -> str:
        version, files = fill_text(self.version, values), to.migrations()
        if version == _ALL:
            return comparison(files)
        found = self._file(version, values, files)
        return _filled(
            "one",
            version=version,
            file=found.name if found else "",
            text=found.text if found else "",
            digest=digest_of(found.text) if found else "",
        )

    def _file(self, version: str, values: Values, files: tuple[MigrationFile, ...]) -> MigrationFile | None:
        """Return the file that is named, or else the one of that version. Return None if there is none."""
        if self.file is None:
            return next((file for file in files if file.name.startswith(f"{version}_")), None)
        named = fill_text(self.file, values)
        return next((file for file in files if named in {file.name, f"{MIGRATIONS}/{file.name}"}), None)


def comparison(files: Sequence[MigrationFile]) -> str:
    """Return the statement that compares all files with the history. Raises UsageError if there are too many."""
    listed = [[file.name, digest_of(file.text), file.is_hollow] for file in files]
    return _filled("all", files=json.dumps(listed, separators=(",", ":")))


def _filled(query: str, **values: str) -> str:
    """Return that query with the values filled in between its quotes. Raises UsageError if a value is too long."""
    for name, value in values.items():
        if len(value) > _LONGEST:
            raise UsageError(
                f"the {name} to compare has {len(value)} characters, but a command takes at most {_LONGEST}"
            )
    written = {name: value.replace("'", "''").replace("\x00", "") for name, value in values.items()}
    return _GAP.sub(lambda gap: written[gap[1]], _query(query))


@cache
def _query(name: str) -> str:
    from importlib.resources import files  # imported late: reading a book must not wait for it

    read = {part: (files("runbook.steps") / "history_sql" / f"{part}.sql").read_text("utf-8") for part in (name, "ran")}
    return read[name].replace("{ran}", read["ran"].rstrip()).strip()
