"""A directory of YAML to a book: all files are read before anything is said of any."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import runbook
from runbook.errors import BookError, Finding, UsageError
from runbook.loading.includes import included_by, resolve_includes
from runbook.loading.patterns_and_advice import build_advice, build_patterns
from runbook.loading.policies import build_majors, build_policy
from runbook.loading.procedures import build_procedure
from runbook.loading.records import Reader, Record
from runbook.loading.schema import FILES, SHAPES
from runbook.loading.source_text import Problems, SourceText, TooManyError, read_text
from runbook.loading.structure import check_structure
from runbook.loading.yaml_nodes import Scalar, parse
from runbook.model import Book, Policy, Position, Procedure

__all__ = ["PACKAGED_BOOK", "Reading", "load_book", "load_procedure", "read_book", "read_policy"]

PACKAGED_BOOK = Path(runbook.__file__).parent / "book"
"""The book that ships with the package. A book without its own policy goes by this one's."""

_STEM = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_SHARED = ("policy.yaml", "supabase.yaml")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a directory holds: the book as far as it is sound (None: not even its policy), and all that is wrong."""

    book: Book | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _File:
    """One file: its record (None where it can't be used), its problems, and the procedures it speaks of."""

    source: SourceText
    record: Record | None
    findings: list[Finding]
    references: tuple[Scalar, ...] = ()


def read_book(directory: Path) -> Book:
    """Return the book in a directory. Raises BookError with every problem of every file."""
    reading = load_book(directory)
    if reading.findings or reading.book is None:
        raise BookError(reading.findings)
    return reading.book


def read_policy(directory: Path) -> Policy:
    """Return the policy alone, for the guard, which has no time for a whole book. Raises BookError and UsageError."""
    if not directory.is_dir():
        raise UsageError(f"there is no book at '{directory}'", hint="Name its directory with --book or RUNBOOK_BOOK.")
    files = [_read_shared(directory, _shown(directory), name) for name in _SHARED]
    findings = [finding for file in files if file for finding in file.findings]
    policy, supabase = (file.record if file else None for file in files)
    if findings or policy is None or supabase is None:
        raise BookError(findings)
    return build_policy(policy, build_majors(supabase))


def load_book(directory: Path) -> Reading:
    """Read as much of a book as is sound. Raises UsageError where there is no book at all."""
    if not directory.is_dir():
        raise UsageError(f"there is no book at '{directory}'", hint="Name its directory with --book or RUNBOOK_BOOK.")
    shown = _shown(directory)
    listed, findings = _procedure_files(directory, shown)
    procedures = {path.stem: _read_file(path, f"{shown}/procedures/{path.name}", "procedure") for path in listed}
    others = {name: _read_shared(directory, shown, name) for name in FILES}
    files = [*procedures.values(), *(file for file in others.values() if file)]
    findings += _stray_files(directory, shown)
    _check_references(files, set(procedures))
    findings += [finding for file in files for finding in file.findings]
    built = {
        name: build_procedure(file.record, name, file.source.text)
        for name, file in procedures.items()
        if file.record is not None
    }
    whole, circles = resolve_includes(built)
    sources = {file.source.name: file.source for file in files}
    findings += [replace(each, source=sources[each.file].line(each.line)) for each in circles]
    return Reading(_assemble(directory, files, whole, others), tuple(sorted(findings)))


def load_procedure(directory: Path, name: str) -> Reading:
    """Read one procedure with those it includes and the policy, and nothing else: to show it at once.

    Findings are those of these files alone; `related` and the like are not followed. Its book is for reading in, not
    for running.
    """
    shown, built = _shown(directory), dict[str, Procedure]()
    files = {each: file for each in _SHARED if (file := _read_shared(directory, shown, each))}
    waiting = [name] if _STEM.fullmatch(name) else []
    while waiting:
        path = directory / "procedures" / f"{waiting.pop()}.yaml"
        key = f"procedures/{path.name}"
        if key in files or not path.is_file():
            continue
        file = files[key] = _read_file(path, f"{shown}/{key}", "procedure")
        if file.record is not None:
            built[path.stem] = build_procedure(file.record, path.stem, file.source.text)
            waiting += [step.action.included for step in included_by(built[path.stem].steps)]
    whole, circles = resolve_includes(built)
    findings = [finding for file in files.values() for finding in file.findings] + circles
    return Reading(_assemble(directory, [*files.values()], whole, files), tuple(sorted(findings)))


def _shown(directory: Path) -> str:
    # A name that an editor opens from here: relative where the book lies below the current directory.
    try:
        return str(directory.absolute().relative_to(Path.cwd())).removesuffix("/")
    except (ValueError, OSError):
        return str(directory)


def _procedure_files(directory: Path, shown: str) -> tuple[list[Path], list[Finding]]:
    good, findings = [], []
    folder = directory / "procedures"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = f"{shown}/procedures/{path.name}"
        if path.suffix not in {".yaml", ".yml"}:
            continue
        if not path.is_file():  # opening a pipe could wait for ever
            findings.append(Finding(name, 1, 1, "is no file"))
        elif path.suffix == ".yml":
            findings.append(Finding(name, 1, 1, "is not read: a procedure's file ends in .yaml"))
        elif not _STEM.fullmatch(path.stem):
            findings.append(Finding(name, 1, 1, "its name is no id: lower case with hyphens, such as add-column.yaml"))
        else:
            good.append(path)
    if not good and not findings:
        findings.append(Finding(f"{shown}/procedures", 1, 1, "there is no procedure here"))
    return good, findings


def _stray_files(directory: Path, shown: str) -> list[Finding]:
    findings = []
    for path in sorted(directory.iterdir()):
        if path.suffix in {".yaml", ".yml"} and path.name not in FILES:
            close = get_close_matches(path.name, FILES, n=1)
            advice = f"did you mean {close[0]}?" if close else "procedures belong into procedures/"
            findings.append(Finding(f"{shown}/{path.name}", 1, 1, f"is no file of a book; {advice}"))
    return findings


def _read_shared(directory: Path, shown: str, name: str) -> _File | None:
    path, label = directory / name, f"{shown}/{name}"
    if not path.is_file():
        if name not in _SHARED:
            return None
        path, label = PACKAGED_BOOK / name, f"{_shown(PACKAGED_BOOK)}/{name}"
    return _read_file(path, label, FILES[name])


def _read_file(path: Path, name: str, shape: str) -> _File:
    source = read_text(path, name)
    if isinstance(source, Finding):
        return _File(SourceText(name, ""), None, [source])
    problems = Problems(source, [])
    reader = Reader(SHAPES, problems)
    record = None
    with suppress(TooManyError):
        root = parse(source, problems)
        if root is not None:
            record = reader.record(root, SHAPES[shape])
            check_structure(reader.records, problems)
        elif not problems.found:
            problems.add(Position(name, 1, 1), "is empty")
    return _File(source, None if problems.found else record, problems.found, tuple(reader.references))


def _check_references(files: Iterable[_File], known: set[str]) -> None:
    for file in files:
        problems = Problems(file.source, file.findings)
        with suppress(TooManyError):
            for node in file.references:
                if node.text not in known:
                    close = get_close_matches(node.text, known, n=1)
                    advice = f"; did you mean '{close[0]}'?" if close else ""
                    problems.add(node.at, f"there is no procedure '{node.text}'{advice}", width=node.width)


def _assemble(
    directory: Path, files: list[_File], procedures: Mapping[str, Procedure], others: Mapping[str, _File | None]
) -> Book | None:
    records = {name: file.record for name, file in others.items() if file}
    policy, supabase = records["policy.yaml"], records["supabase.yaml"]
    if policy is None or supabase is None:
        return None
    patterns, advice = records.get("patterns.yaml"), records.get("advice.yaml")
    return Book(
        directory=str(directory),
        sources={file.source.name: file.source.text for file in files},
        procedures=procedures,
        policy=build_policy(policy, build_majors(supabase)),
        patterns=build_patterns(patterns) if patterns else (),
        advice=build_advice(advice) if advice else (),
    )
