"""Read one file of a book into a checked record, and the policy or the team alone: that is all the guard needs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runbook.errors import BookError, Finding
from runbook.loading.kept_records import find_record, keep_record
from runbook.loading.place import PACKAGED_BOOK, TEAM_FILE, is_team_book, require_book
from runbook.loading.records import ProcedureMention, Record, build
from runbook.loading.source_text import Problems, SourceText, TooManyError, decode, read_bytes, text_of
from runbook.model import Policy, Position
from runbook.model.fields import Shape
from runbook.model.programs import Programs

if TYPE_CHECKING:
    from runbook.model import Team

__all__ = [
    "LAZY_SHAPES",
    "SHARED",
    "BookFile",
    "PolicyFiles",
    "policy_files",
    "policy_of",
    "read_file",
    "read_policy",
    "read_team",
    "shown_name",
]

SHARED = ("policy.yaml", "supabase.yaml", "programs.yaml")
"""The files that the policy is read from."""

_SHAPE_MODULES = {
    **dict.fromkeys(("policy", "rule", "variant", "loosening", "supabase", "major"), "policy"),
    **dict.fromkeys(("http-client", "http-request"), "http_requests"),
    **dict.fromkeys(("launcher", "interpreter"), "launchers"),
    **dict.fromkeys(("command-file", "command-file-test", "task-runner"), "command_files"),
    "code-call": "code_calls",
    "line-test": "line_test",
    "mcp-server": "mcp_servers",
    "programs": "programs",
    **dict.fromkeys(("team", "project", "contact"), "team"),
    "notification": "notification",
    **dict.fromkeys(("migration-settings", "table-size", "rule-level"), "migration_settings"),
}


class _LazyShapes(Mapping[str, Shape]):
    """The tables of the policy and the team. A module is imported with its first entry: most lines need few."""

    def __getitem__(self, name: str) -> Shape:
        shapes: tuple[Shape, ...] = import_module(f"runbook.model.{_SHAPE_MODULES[name]}").SHAPES
        return next(shape for shape in shapes if shape.name == name)

    def __iter__(self) -> Iterator[str]:
        return iter(_SHAPE_MODULES)

    def __len__(self) -> int:
        return len(_SHAPE_MODULES)


LAZY_SHAPES = _LazyShapes()


class BookFile(NamedTuple):
    """One file: its record (None if it can't be used), its problems, and the procedures that it names."""

    source: SourceText
    record: Record | None
    findings: list[Finding]
    references: tuple[ProcedureMention, ...] = ()


class PolicyFiles(NamedTuple):
    """The files that a book's policy is read from: the packaged ones, and the team's own if there are any."""

    rules: BookFile
    supabase: BookFile
    programs: BookFile
    own_rules: BookFile | None
    own_supabase: BookFile | None
    own_programs: BookFile | None

    @property
    def files(self) -> tuple[BookFile, ...]:
        """All that exist."""
        return tuple(file for file in self if file)


def read_policy(directory: Path) -> Policy:
    """Return the policy alone. Raises BookError and UsageError."""
    require_book(directory)
    read = policy_files(directory)
    found = policy_of(read)
    if found is None:
        raise BookError([finding for file in read.files for finding in file.findings])
    return found


def read_team(directory: Path) -> Team | None:
    """Return a team from its file alone; None if the book isn't a team's. Raises BookError and UsageError."""
    require_book(directory)
    if not is_team_book(directory):
        return None
    file = read_file(directory / TEAM_FILE, f"{shown_name(directory)}/{TEAM_FILE}", "team", LAZY_SHAPES)
    if file.record is None:
        raise BookError(file.findings)
    team: Team = build(file.record)
    return team


def policy_files(directory: Path) -> PolicyFiles:
    """Read the files of a book's policy. Every book has the packaged policy, and may extend it."""
    is_packaged = os.path.samefile(directory, PACKAGED_BOOK)  # noqa: PTH121 - quicker than resolving both
    own = [
        _read_shared(directory, name) if not is_packaged and (directory / name).is_file() else None for name in SHARED
    ]
    return PolicyFiles(*(_read_shared(PACKAGED_BOOK, name) for name in SHARED), *own)


def policy_of(read: PolicyFiles) -> Policy | None:
    """Return the policy of its files, or None if one of them has problems."""
    if not all(file.record for file in read.files):
        return None
    packaged: Policy = replace(_built(read.rules), majors=_built(read.supabase), programs=_built(read.programs))
    if not read.own_rules and not read.own_supabase and not read.own_programs:
        return packaged
    from runbook.policy.layers import extended  # most books have no policy of their own

    own = _built(read.own_rules) if read.own_rules else Policy()
    majors = _built(read.own_supabase) if read.own_supabase else packaged.majors
    added = _built(read.own_programs) if read.own_programs else Programs()
    return extended(packaged, replace(own, majors=majors, programs=added))


def _built(file: BookFile) -> Any:
    assert file.record is not None  # policy_of has looked
    return build(file.record)


def _read_shared(directory: Path, name: str) -> BookFile:
    path = directory / name
    return read_file(path, f"{shown_name(directory)}/{name}", path.stem, LAZY_SHAPES)


def read_file(path: Path, name: str, shape: str, shapes: Mapping[str, Shape]) -> BookFile:
    """Read a file as a mapping of that shape. `shapes` has every shape that can be in it; `name` is for findings.

    A file that was read before without a problem isn't parsed again, wherever it was.
    """
    data = read_bytes(path, name)
    if isinstance(data, Finding):
        return BookFile(SourceText(name, ""), None, [data])
    if kept := find_record(data, shape, name, shapes):
        record, references = kept
        return BookFile(SourceText(name, text_of(data)), record, [], tuple(references))
    source = decode(data, name)
    if isinstance(source, Finding):
        return BookFile(SourceText(name, ""), None, [source])
    file = _parse(source, shape, shapes)
    if file.record is not None:
        keep_record(data, file.record, file.references)
    return file


def _parse(source: SourceText, shape: str, shapes: Mapping[str, Shape]) -> BookFile:
    # If all records are in the cache, neither these nor PyYAML are needed.
    from runbook.loading.reader import RecordReader
    from runbook.loading.structure import check_structure
    from runbook.loading.yaml_nodes import parse

    problems = Problems(source, [])
    reader = RecordReader(shapes, problems)
    record = None
    with suppress(TooManyError):
        root = parse(source, problems)
        if root is not None:
            record = reader.record(root, shapes[shape])
            check_structure(reader.records, problems)
        elif not problems.found:
            problems.add(Position(source.name, 1, 1), "is empty")
    return BookFile(source, None if problems.found else record, problems.found, tuple(reader.references))


def shown_name(directory: Path) -> str:
    """Return a name that an editor can open from here: relative if the book is below the current directory."""
    try:
        return str(directory.absolute().relative_to(Path.cwd())).removesuffix("/")
    except (ValueError, OSError):
        return str(directory)
