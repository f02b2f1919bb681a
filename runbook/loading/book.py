"""Load a book from a directory of YAML. All files are read before any problem is reported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from runbook.errors import BookError, Finding, UsageError
from runbook.loading.files import (
    SHARED,
    BookFile,
    PolicyFiles,
    policy_files,
    policy_of,
    read_file,
    shown_name,
)
from runbook.loading.includes import included_by, resolve_includes
from runbook.loading.place import PACKAGED_BOOK
from runbook.loading.records import build
from runbook.loading.shapes import FILES, SHAPES
from runbook.loading.source_text import Problems, TooManyError
from runbook.model import Book, Position, Procedure, SearchWords

__all__ = ["Reading", "load_book", "load_procedure", "read_book"]

_STEM = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a directory contains: the valid part of the book (None: not even its policy is valid), and all problems."""

    book: Book | None
    findings: tuple[Finding, ...]
    has_gaps: bool = False
    """A procedure is missing because its file couldn't be read, so the book can't be checked as a whole."""


def read_book(directory: Path) -> Book:
    """Return the book in a directory. Raises BookError with every problem of every file."""
    reading = load_book(directory)
    if reading.findings or reading.book is None:
        raise BookError(reading.findings)
    return reading.book


def load_book(directory: Path) -> Reading:
    """Read the valid part of a book. Raises UsageError if there is no book at all."""
    if not directory.is_dir():
        raise UsageError(f"there is no book at '{directory}'", hint="Name its directory with --book or RUNBOOK_BOOK.")
    shown = shown_name(directory)
    listed, findings = _procedure_files(directory, shown)
    procedures = {path.stem: read_file(path, f"{shown}/procedures/{path.name}", "procedure", SHAPES) for path in listed}
    others = {name: file for name in FILES if name not in SHARED and (file := _beside(directory, shown, name))}
    rules = policy_files(directory)
    files = [*procedures.values(), *rules.files, *others.values()]
    findings += _stray_files(directory, shown)
    _check_references(files, set(procedures))
    findings += [finding for file in files for finding in file.findings]
    built = {name: procedure for name, file in procedures.items() if (procedure := _procedure(file, name))}
    whole, circles = resolve_includes(built)
    sources = {file.source.name: file.source for file in files}
    findings += [replace(each, source=sources[each.file].line(each.line)) for each in circles]
    has_gaps = len(whole) < len(procedures)
    return Reading(_assemble(directory, files, whole, rules, others), tuple(sorted(findings)), has_gaps)


def load_procedure(directory: Path, name: str) -> Reading:
    """Read only one procedure, those it includes, and the policy, to show it without delay.

    Findings are those of these files alone; `related` and similar keys aren't followed. The book is for reading, not
    for running.
    """
    shown, built = shown_name(directory), dict[str, Procedure]()
    rules = policy_files(directory)
    files: dict[str, BookFile] = {}
    waiting = [name] if _STEM.fullmatch(name) else []
    while waiting:
        path = directory / "procedures" / f"{waiting.pop()}.yaml"
        key = f"procedures/{path.name}"
        if key in files or not path.is_file():
            continue
        file = files[key] = read_file(path, f"{shown}/{key}", "procedure", SHAPES)
        if procedure := _procedure(file, path.stem):
            built[path.stem] = procedure
            waiting += [step.action.included for step in included_by(procedure.all_steps)]
    whole, circles = resolve_includes(built)
    every = [*rules.files, *files.values()]
    findings = [finding for file in every for finding in file.findings] + circles
    return Reading(_assemble(directory, every, whole, rules, {}), tuple(sorted(findings)))


def _procedure_files(directory: Path, shown: str) -> tuple[list[Path], list[Finding]]:
    good, findings = [], []
    folder = directory / "procedures"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = f"{shown}/procedures/{path.name}"
        if path.suffix not in {".yaml", ".yml"}:
            continue
        if not path.is_file():  # opening a pipe could wait forever
            findings.append(Finding(name, 1, 1, "isn't a file"))
        elif path.suffix == ".yml":
            findings.append(Finding(name, 1, 1, "isn't read: a procedure's file name must end in .yaml"))
        elif not _STEM.fullmatch(path.stem):
            findings.append(
                Finding(name, 1, 1, "its name isn't an id: use lower case and hyphens, as in add-column.yaml")
            )
        else:
            good.append(path)
    if not good and not findings:
        findings.append(Finding(f"{shown}/procedures", 1, 1, "there is no procedure here"))
    return good, findings


def _stray_files(directory: Path, shown: str) -> list[Finding]:
    findings = []
    for path in sorted(directory.iterdir()):
        if path.suffix in {".yaml", ".yml"} and path.name not in FILES:
            close = _closest(path.name, FILES)
            advice = f"did you mean {close}?" if close else "procedures belong in procedures/"
            findings.append(Finding(f"{shown}/{path.name}", 1, 1, f"isn't a file of a book; {advice}"))
    return findings


def _closest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches  # most books have no mistakes

    return next(iter(get_close_matches(name, names, n=1)), "")


def _check_references(files: Iterable[BookFile], known: set[str]) -> None:
    for file in files:
        problems = Problems(file.source, file.findings)
        with suppress(TooManyError):
            for node in file.references:
                if node.text not in known:
                    close = _closest(node.text, known)
                    advice = f"; did you mean '{close}'?" if close else ""
                    problems.add(node.at, f"there is no procedure '{node.text}'{advice}", width=node.width)


def _beside(directory: Path, shown: str, name: str) -> BookFile | None:
    """Read one of the files beside `procedures/`. Return None if the book doesn't have it."""
    path = directory / name
    if name == "search.yaml" and not path.is_file():  # the packaged words are useful for searching any book
        path, shown = PACKAGED_BOOK / name, shown_name(PACKAGED_BOOK)
    return read_file(path, f"{shown}/{name}", FILES[name], SHAPES) if path.is_file() else None


def _procedure(file: BookFile, name: str) -> Procedure | None:
    """Return the procedure as in its own file, before its includes are resolved."""
    if file.record is None:
        return None
    text = file.source.text
    procedure: Procedure = build(file.record, keyed=name)
    return replace(procedure, source=text, digest=sha256(text.encode()).hexdigest())


def _assemble(
    directory: Path,
    files: list[BookFile],
    procedures: Mapping[str, Procedure],
    rules: PolicyFiles,
    others: Mapping[str, BookFile],
) -> Book | None:
    policy = policy_of(rules)
    if policy is None:
        return None
    return Book(
        directory=str(directory),
        sources={file.source.name: file.source.text for file in files},
        procedures=procedures,
        policy=policy,
        patterns=_entries(others.get("patterns.yaml")),
        advice=_entries(others.get("advice.yaml")),
        errors=_entries(others.get("errors.yaml")),
        search=_search(others.get("search.yaml")),
    )


def _entries(file: BookFile | None) -> tuple[Any, ...]:
    return build(file.record) if file and file.record else ()


def _search(file: BookFile | None) -> SearchWords:
    """Return the book's search words, or the defaults if only one procedure is read."""
    return build(file.record) if file and file.record else SearchWords(at=Position("search.yaml", 1, 1))
