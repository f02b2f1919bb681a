"""Read one file of a book into a checked record, and the policy alone: the guard has no time to read the rest."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import runbook
from runbook.errors import BookError, Finding, UsageError
from runbook.loading.kept_records import find_record, keep_record
from runbook.loading.records import ProcedureMention, Record, build
from runbook.loading.source_text import Problems, SourceText, TooManyError, decode, read_bytes, text_of
from runbook.model import Policy, Position, policy
from runbook.model.fields import Shape

__all__ = ["PACKAGED_BOOK", "SHARED", "BookFile", "policy_of", "read_file", "read_policy", "read_shared", "shown_name"]

PACKAGED_BOOK = Path(runbook.__file__).parent / "book"
"""The book that ships with the package. A book without its own policy uses this one's."""

SHARED = ("policy.yaml", "supabase.yaml")
"""The files that the policy is read from."""

_POLICY_SHAPES = {shape.name: shape for shape in policy.SHAPES}


@dataclass(frozen=True, slots=True)
class BookFile:
    """One file: its record (None if it can't be used), its problems, and the procedures that it names."""

    source: SourceText
    record: Record | None
    findings: list[Finding]
    references: tuple[ProcedureMention, ...] = ()


def read_policy(directory: Path) -> Policy:
    """Return the policy alone. Raises BookError and UsageError."""
    if not directory.is_dir():
        raise UsageError(f"there is no book at '{directory}'", hint="Name its directory with --book or RUNBOOK_BOOK.")
    files = [read_shared(directory, shown_name(directory), name) for name in SHARED]
    found = policy_of(*files)
    if found is None:
        raise BookError([finding for file in files for finding in file.findings])
    return found


def policy_of(rules: BookFile, supabase: BookFile) -> Policy | None:
    """Return the policy of its two files, or None if one of them has problems."""
    if rules.record is None or supabase.record is None:
        return None
    found: Policy = build(rules.record)
    return replace(found, majors=build(supabase.record))


def read_shared(directory: Path, shown: str, name: str) -> BookFile:
    """Read one of the files in `SHARED`: the book's own, or the packaged one."""
    path = directory / name
    if not path.is_file():
        path, shown = PACKAGED_BOOK / name, shown_name(PACKAGED_BOOK)
    return read_file(path, f"{shown}/{name}", path.stem, _POLICY_SHAPES)


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
