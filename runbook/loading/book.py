"""Load a book from a directory of YAML. All files are read before any problem is reported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from runbook.errors import BookError, Finding
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
from runbook.loading.pins import Pin, read_pins
from runbook.loading.place import PACKAGED_BOOK, TEAM_FILE, is_team_book, require_book
from runbook.loading.records import Record, build
from runbook.loading.shapes import FILES, SHAPES
from runbook.loading.source_text import Problems, TooManyError
from runbook.model import Book, Position, Procedure, SearchWords, Team, TeamChange

__all__ = ["Reading", "load_book", "load_procedure", "read_book"]

_STEM = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_SITE = "mkdocs.yml"
"""A team's book may have its site beside it."""


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
    """Read the valid part of a book. Raises UsageError if there is no book at all.

    A team's book extends the packaged one: it has all of its files, with the team's changes, and the team's own.
    """
    require_book(directory)
    own, packaged = _read_layer(directory), None
    if is_team_book(directory):
        packaged = _read_layer(PACKAGED_BOOK)
        own.findings.extend(_hidden(own, packaged))
    layers = [layer for layer in (packaged, own) if layer]
    procedures = {name: file for layer in layers for name, file in layer.procedures.items()}
    for layer in layers:
        _check_references(layer.files, set(procedures))
    pins, damage = _pins(directory) if packaged else ({}, [])
    built = _build(procedures, own.changes, pins, _team(own.others.get(TEAM_FILE)))
    rules = policy_files(directory)
    files = [*rules.files, *(file for layer in layers for file in layer.files)]
    findings = [finding for file in files for finding in file.findings] + own.findings + damage
    whole, circles = resolve_includes(built)
    sources = {file.source.name: file.source for file in files}
    findings += [replace(each, source=sources[each.file].line(each.line)) for each in circles]
    has_gaps = len(whole) < len(procedures)
    return Reading(_assemble(directory, files, whole, rules, layers), tuple(sorted(findings)), has_gaps)


def load_procedure(directory: Path, name: str) -> Reading:
    """Read only one procedure, those it includes, and the policy, to show it without delay.

    Findings are those of these files alone; `related` and similar keys aren't followed. The book is for reading, not
    for running.
    """
    places = (directory, PACKAGED_BOOK) if is_team_book(directory) else (directory,)
    pins, damage = _pins(directory) if len(places) > 1 else ({}, [])
    file = _beside(directory, shown_name(directory), TEAM_FILE) if len(places) > 1 else None
    team = _team(file)
    procedures, changes, built = dict[str, BookFile](), dict[str, BookFile](), dict[str, Procedure]()
    waiting = [name] if _STEM.fullmatch(name) else []
    while waiting:
        stem = waiting.pop()
        place = next((each for each in places if (each / "procedures" / f"{stem}.yaml").is_file()), None)
        if stem in procedures or place is None:
            continue
        procedures[stem] = _read(place, "procedures", stem, "procedure")
        if len(places) > 1 and (directory / "changes" / f"{stem}.yaml").is_file():
            changes[stem] = _read(directory, "changes", stem, "changes")
        built |= _build({stem: procedures[stem]}, changes, pins, team)
        if stem in built:
            waiting += [step.action.included for step in included_by(built[stem].all_steps)]
    whole, circles = resolve_includes(built)
    rules, layer = policy_files(directory), _Layer(procedures, changes, {TEAM_FILE: file} if file else {}, [])
    every = [*rules.files, *layer.files]
    findings = [finding for file in every for finding in file.findings] + circles + damage
    return Reading(_assemble(directory, every, whole, rules, [layer]), tuple(sorted(findings)))


# --- the files of one directory -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layer:
    """All files of one directory, and what is wrong with the directory itself."""

    procedures: Mapping[str, BookFile]
    changes: Mapping[str, BookFile]
    others: Mapping[str, BookFile]
    findings: list[Finding]

    @property
    def files(self) -> tuple[BookFile, ...]:
        return (*self.procedures.values(), *self.changes.values(), *self.others.values())


def _read_layer(directory: Path) -> _Layer:
    shown, is_team = shown_name(directory), is_team_book(directory)
    procedures, findings = _listed(directory, shown, "procedures")
    changes, more = _listed(directory, shown, "changes") if is_team else ([], [])
    findings += more
    if not procedures and not findings and not is_team:
        findings.append(Finding(f"{shown}/procedures", 1, 1, "there is no procedure here"))
    others = {name: file for name in FILES if name not in SHARED and (file := _beside(directory, shown, name))}
    return _Layer(
        {stem: _read(directory, "procedures", stem, "procedure") for stem in procedures},
        {stem: _read(directory, "changes", stem, "changes") for stem in changes},
        others,
        findings + _stray_files(directory, shown),
    )


def _read(directory: Path, folder: str, stem: str, shape: str) -> BookFile:
    name = f"{folder}/{stem}.yaml"
    return read_file(directory / name, f"{shown_name(directory)}/{name}", shape, SHAPES)


def _pins(directory: Path) -> tuple[Mapping[str, Mapping[str, Pin]], list[Finding]]:
    """Return the pins of a team's book, or none and what is wrong: a conflict in git must not hide a procedure."""
    try:
        return read_pins(directory, shown_name(directory)), []
    except BookError as error:
        return {}, [*error.findings]


def _hidden(own: _Layer, packaged: _Layer) -> Iterator[Finding]:
    """Yield a finding for each file of a team that would hide a packaged procedure, or changes one that isn't there."""
    for stem in sorted(set(own.procedures) & set(packaged.procedures)):
        message = f"the packaged book has a procedure '{stem}': change it in changes/{stem}.yaml, or choose another id"
        yield Finding(own.procedures[stem].source.name, 1, 1, message)
    for stem in sorted(set(own.changes) - set(packaged.procedures)):
        close = _closest(stem, packaged.procedures)
        advice = f"; did you mean '{close}'?" if close else ""
        yield Finding(own.changes[stem].source.name, 1, 1, f"the packaged book has no procedure '{stem}'{advice}")


def _listed(directory: Path, shown: str, folder: str) -> tuple[list[str], list[Finding]]:
    """Return the ids of the YAML files in a folder of a book, and the findings about others."""
    good, findings = list[str](), list[Finding]()
    place = directory / folder
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        name = f"{shown}/{folder}/{path.name}"
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
            good.append(path.stem)
    return good, findings


def _stray_files(directory: Path, shown: str) -> list[Finding]:
    findings = []
    for path in sorted(directory.iterdir()):
        if path.suffix in {".yaml", ".yml"} and path.name not in {*FILES, _SITE}:
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


# --- the book -----------------------------------------------------------------------------------------------------


def _build(
    procedures: Mapping[str, BookFile],
    changes: Mapping[str, BookFile],
    pins: Mapping[str, Mapping[str, Pin]],
    team: Team | None,
) -> dict[str, Procedure]:
    """Return the valid procedures as in their own files with a team's changes, before includes are resolved."""
    channel = team.channel if team and team.channel else _ANY_CHANNEL
    found = {}
    for name, file in procedures.items():
        own = changes.get(name)
        procedure = _changed(file, own, pins.get(name, {}), name, channel) if own else _procedure(file, name, channel)
        if procedure:
            found[name] = procedure
    return found


_CHANNEL = "{{team_channel}}"
"""In a text of a procedure: where the team hears of an incident."""
_ANY_CHANNEL = "the team channel"


def _telling(record: Record, channel: str, text: str) -> Record:
    """Return a record whose texts name the team's channel; `text` is the file's."""
    if _CHANNEL not in text:
        return record

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(_CHANNEL, channel)
        if isinstance(value, Record):
            return replace(value, values={name: told(each) for name, each in value.values.items()})
        if isinstance(value, tuple):
            return tuple(map(told, value))
        return {name: told(each) for name, each in value.items()} if isinstance(value, dict) else value

    whole: Record = told(record)
    return whole


def _procedure(file: BookFile, name: str, channel: str) -> Procedure | None:
    if file.record is None:
        return None
    text = file.source.text
    procedure: Procedure = build(_telling(file.record, channel, text), keyed=name)
    return replace(procedure, source=text, digest=sha256(text.encode()).hexdigest())


def _changed(base: BookFile, own: BookFile, pins: Mapping[str, Pin], name: str, channel: str) -> Procedure | None:
    """Return a packaged procedure with a team's changes.

    If these have problems, it can be read as it is packaged, and says so. Findings keep everybody from running it.
    """
    from runbook.loading.overlay import apply_overlay  # most books change nothing

    problems, overlaid = Problems(own.source, own.findings), None
    with suppress(TooManyError):
        overlaid = apply_overlay(base.record, own.record, pins, problems) if base.record and own.record else None
    if overlaid is None or own.findings:
        packaged = _procedure(base, name, channel)
        unread = TeamChange("Your team's changes aren't here: they have problems.", "", Position(own.source.name, 1, 1))
        return packaged and replace(packaged, changes=(unread,))
    text = f"{base.source.text.rstrip()}\n\n# --- {own.source.name} ---\n{own.source.text}"
    procedure: Procedure = build(_telling(overlaid.record, channel, text), keyed=name)
    digest = sha256(text.encode()).hexdigest()
    return replace(procedure, source=text, digest=digest, changes=overlaid.changes)


def _assemble(
    directory: Path,
    files: list[BookFile],
    procedures: Mapping[str, Procedure],
    rules: PolicyFiles,
    layers: Sequence[_Layer],
) -> Book | None:
    policy = policy_of(rules)
    if policy is None:
        return None
    team = _team(layers[-1].others.get(TEAM_FILE))
    if team:
        procedures = {name: replace(each, contact=team.contacts.get(each.owner)) for name, each in procedures.items()}
    return Book(
        directory=str(directory),
        sources={file.source.name: file.source.text for file in files},
        procedures=procedures,
        policy=policy,
        patterns=_entries(layers, "patterns.yaml"),
        advice=_entries(layers, "advice.yaml"),
        errors=_entries(layers, "errors.yaml"),
        evidence=_entries(layers, "evidence.yaml"),
        migration_rules=_entries(layers, "migration_rules.yaml"),
        search=_search([file for layer in layers if (file := layer.others.get("search.yaml"))]),
        team=team,
    )


def _entries(layers: Sequence[_Layer], name: str) -> tuple[Any, ...]:
    records = [file.record for layer in layers if (file := layer.others.get(name))]
    return tuple(entry for record in records if record for entry in build(record))


def _team(file: BookFile | None) -> Team | None:
    return build(file.record) if file and file.record else None


def _search(files: Sequence[BookFile]) -> SearchWords:
    """Return the book's search words, or the defaults if only one procedure is read."""
    record = next((file.record for file in reversed(files) if file.record), None)
    return build(record) if record else SearchWords(at=Position("search.yaml", 1, 1))
