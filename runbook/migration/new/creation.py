"""Create migration files: choose their versions, put their texts together, and write all of them or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from runbook.definitions.restoration import Asked
from runbook.errors import UsageError
from runbook.migration.file_names import check_name, version_time
from runbook.migration.new.current_function import CurrentFunction
from runbook.migration.new.file_text import BLANK, file_text, function_text, leading_settings
from runbook.migration.new.known_versions import known_versions
from runbook.migration.new.project_cli import Database
from runbook.migration.new.templates import REPLACE_FUNCTION, TemplatePart, asked_names, fill_pattern
from runbook.migration.new.versions import later_versions
from runbook.migration.new.writing import write_files
from runbook.model.book import Pattern
from runbook.printable import shortened
from runbook.steps.migration_files import MIGRATIONS

__all__ = ["Created", "Person", "Request", "create_migration"]


class Person(Protocol):
    """Whoever is at the terminal."""

    def ask(self, question: str, default: str = "") -> str:
        """Return what somebody types; the default, or "", if nothing."""

    def choose(self, options: Sequence[str]) -> int:
        """Return the place of the option that somebody picks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody wants to create, and what it is compared with."""

    name: str
    project: Path
    pattern: Pattern | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    parts: Sequence[int] = ()
    function: str | None = None
    purpose: str | None = None
    rollback: str | None = None
    databases: Sequence[Database] = ()
    """Those whose history counts for the version."""
    offline: bool = False
    find_function: Callable[[Asked], CurrentFunction] | None = None


class Created(NamedTuple):
    """The new files, the names in them that nobody gave a value, and what somebody must know."""

    files: tuple[Path, ...]
    placeholders: tuple[str, ...]
    notes: tuple[str, ...]


class _Content(NamedTuple):
    """What is in each file, and the notes about it. `total` is how many files the pattern has."""

    parts: Mapping[int, TemplatePart]
    total: int = 1
    placeholders: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def create_migration(request: Request, person: Person | None = None, *, now: datetime | None = None) -> Created:
    """Write the new files, and return what was written. `now` is the current time in UTC; `person` can be asked.

    Raises UsageError if the name, a value or a part can't be used, if the function doesn't exist, and if a file can't
    be written; RunbookError if a database that has the function doesn't answer.
    """
    _check_name(request.name)
    request = _with_answers(request, person)
    content = _content(request)
    known = known_versions(request.project, request.databases, offline=request.offline)
    versions = later_versions(len(content.parts), known.versions, now or datetime.now(UTC).replace(tzinfo=None))
    files = {}
    for version, (number, part) in zip(versions, content.parts.items(), strict=True):
        name = request.name if content.total == 1 else f"{request.name}_{number}_of_{content.total}"
        rollback = request.rollback or part.rollback
        text = file_text(name, part.sql, purpose=request.purpose or "", rollback=rollback)
        files[request.project / MIGRATIONS / f"{version}_{name}.sql"] = text
    write_files(files)
    return Created(tuple(files), content.placeholders, (*content.notes, *known.notes))


def _check_name(name: str) -> None:
    version = "20260101000000"
    time = version_time(version)
    assert time is not None
    problem = next(check_name(f"{version}_{name}.sql", time), None)
    if problem is None and "/" not in name:
        return
    plain = re.sub(r"[^a-z0-9]+", "_", name.removesuffix(".sql").lower()).strip("_")
    hint = f"Try {shortened(plain, 60)}." if plain else "For example: add_priority_to_tasks"
    raise UsageError(
        f"'{name}' can't be a migration's name: it may have lower-case letters, digits and underscores", hint=hint
    )


def _with_answers(request: Request, person: Person | None) -> Request:
    """Return the request with what a person adds: names, the purpose, the rollback."""
    if person is None:
        return request
    from dataclasses import replace

    values = dict(request.values)
    for name, example in (asked_names(request.pattern) if request.pattern else {}).items():
        if name not in values and (answer := person.ask(f"{name} (for example {example})")):
            values[name] = answer
    purpose = person.ask("Purpose: why is it needed?") if request.purpose is None else request.purpose
    rollback = request.rollback
    if rollback is None and not (request.pattern and request.pattern.rollback):
        rollback = person.ask("Rollback: what undoes it?")
    return replace(request, values=values, purpose=purpose, rollback=rollback)


def _content(request: Request) -> _Content:
    if request.pattern is None:
        return _Content({1: TemplatePart(BLANK, "")})
    if request.pattern.id == REPLACE_FUNCTION:
        return _function_content(request, request.pattern)
    parts = dict(enumerate(fill_pattern(request.pattern, request.values), 1))
    chosen = _chosen_parts(request, len(parts))
    text = "".join(f"{parts[number].sql}{parts[number].rollback}" for number in chosen)
    missing = tuple(name for name in request.pattern.names if f"<{name}>" in text)
    waiting = [number for number in parts if number not in chosen and number > max(chosen)]
    notes = []
    if request.pattern.one_at_a_time and waiting:
        notes.append(
            f"The pattern has another file, for days after this one: run this again then, with --part {waiting[0]}."
        )
    return _Content({number: parts[number] for number in chosen}, len(parts), missing, tuple(notes))


def _chosen_parts(request: Request, count: int) -> list[int]:
    assert request.pattern is not None
    wrong = [part for part in request.parts if not 1 <= part <= count]
    if wrong:
        files = "1 file" if count == 1 else f"{count} files"
        raise UsageError(f"--part {wrong[0]}: the pattern '{request.pattern.id}' has {files}")
    if request.parts:
        return sorted(set(request.parts))
    return [1] if request.pattern.one_at_a_time else list(range(1, count + 1))


def _function_content(request: Request, pattern: Pattern) -> _Content:
    if not request.function or request.find_function is None:
        raise UsageError(
            f"the pattern '{REPLACE_FUNCTION}' requires --function",
            hint="For example: --function 'public.total(uuid)'",
        )
    found = request.find_function(Asked.read(request.function))
    sql = function_text(found, leading_settings(pattern.safe))
    note = f"{found.signature}, from {found.source}."
    return _Content({1: TemplatePart(sql, "; ".join(pattern.rollback))}, notes=(note, *found.notes))
