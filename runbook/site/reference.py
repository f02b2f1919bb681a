"""The reference pages: advice, SQL patterns, corrections, exit codes, the glossary, the fields of the YAML."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

import yaml
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PostgresLexer

from runbook.errors import ExitCode
from runbook.loading.shapes import FILES, SHAPES
from runbook.model import Procedure
from runbook.model.fields import (
    Anything,
    Choice,
    CommandLine,
    Day,
    Duration,
    Either,
    ListOf,
    MapOf,
    Number,
    ProcedureId,
    Regex,
    Shaped,
    Text,
    Truth,
    Type,
    Whole,
)
from runbook.model.migration_rule import GROUPS
from runbook.printable import printable
from runbook.site.page_context import destinations_of, target_flags
from runbook.site.source import DATA, book, for_one_build, terms, today
from runbook.site.templating import render

__all__ = [
    "Change",
    "Demonstration",
    "advice",
    "all_changes",
    "all_corrections",
    "changes_of",
    "corrections",
    "evidence",
    "exit_codes",
    "field_reference",
    "function_faults",
    "glossary",
    "migration_rules",
    "owners",
    "patterns",
]

_FAULTS = "function-issues"
"""The list of advice that has its own page."""


def advice() -> Markup:
    """Render every list of advice except the one on faults of edge functions."""
    return render("reference/advice.html", lists=[one for one in book().advice if one.id != _FAULTS])


def function_faults() -> Markup:
    """Render the common faults of edge functions, and what to do about them."""
    return render("reference/function_faults.html", faults=next(one for one in book().advice if one.id == _FAULTS))


def patterns() -> Markup:
    """Render every SQL pattern: the safe form, the unsafe form, why it's unsafe, and what catches it."""
    return render(
        "reference/patterns.html",
        patterns=book().patterns,
        highlighted=_highlighted,
        procedure=book().procedure,
        rules={rule.id for rule in book().migration_rules},
    )


def _highlighted(sql: str) -> Markup:
    # Pygments escapes what it colours. HTML can't hold every control character, which some examples are about.
    return Markup(highlight(printable(sql.rstrip()), PostgresLexer(), HtmlFormatter(nowrap=True)).rstrip())  # noqa: S704


def migration_rules() -> Markup:
    """Render every rule of the migration check by its group: what it catches, why, and an example of both forms."""
    rules = book().migration_rules
    return render(
        "reference/migration_rules.html",
        groups=[(heading, [rule for rule in rules if rule.group == group]) for group, heading in GROUPS.items()],
        highlighted=_highlighted,
        patterns={pattern.id: pattern for pattern in book().patterns},
        procedures=book().procedures,
    )


# --- Corrections ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """A line, its CLI major (`any`: another program), a piece of its output, and what else the reader sees."""

    cli: str
    run: str
    prints: str = ""
    shows: str = ""

    @property
    def argv(self) -> tuple[str, ...]:
        """Return the line as words."""
        return tuple(shlex.split(self.run))


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One thing that the guide got wrong. `pattern` and `see` are ids in the book."""

    id: str
    title: str
    guide: str
    so: str
    see: str
    proof: tuple[Demonstration, ...] = ()
    pattern: str | None = None


@for_one_build
def all_corrections() -> tuple[Correction, ...]:
    """Read `data/corrections.yaml`. Raises TypeError for a key that is unknown or missing."""
    file = DATA / "corrections.yaml"
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    found = []
    for entry in read["corrections"]:
        # YAML reads `cli: 3` as a number, but it is a name, like `any`.
        proof = tuple(Demonstration(**{**one, "cli": str(one["cli"])}) for one in entry.get("proof", ()))
        found.append(Correction(**{**entry, "proof": proof}))
    return tuple(found)


def _pinned(proof: Demonstration) -> tuple[str, ...]:
    """Return the line with its version: a bare `npx supabase` runs whatever is installed, or the newest."""
    if not proof.cli.isdigit():
        return proof.argv
    package = f"supabase@{book().policy.majors[int(proof.cli)].proven}"
    return tuple(package if word == "supabase" else word for word in proof.argv)


def corrections() -> Markup:
    """Render the corrections, each with its proof and the procedure that does it right, if the book has that."""
    titles = {pattern.id: pattern.title for pattern in book().patterns}
    known = (one for one in all_corrections() if one.see in book().procedures)
    return render(
        "reference/corrections.html",
        corrections=[one for one in known if one.pattern is None or one.pattern in titles],
        pattern_titles=titles,
        pinned=_pinned,
        procedure=book().procedure,
    )


def evidence() -> Markup:
    """Render what a run records of its target, and the commands on the newest major of the CLI."""
    major, to = next(iter(destinations_of(book().policy).items()))
    looks = [(look, list(look.action.view({}, to))) for look in book().evidence]
    return render(
        "reference/evidence.html", looks=looks, flags=target_flags(book().policy, major), highlighted=_highlighted
    )


# --- Owners and changes ---------------------------------------------------------------------------------------------


def owners() -> Markup:
    """Render each owner with the procedures that they maintain, the one whose review is due first on top."""
    owned: dict[str, list[Procedure]] = {}
    for procedure in sorted(book().procedures.values(), key=lambda one: one.due):
        owned.setdefault(procedure.owner, []).append(procedure)
    return render("reference/owners.html", owners=sorted(owned.items()), team=book().team, today=today())


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that readers of some pages should know about."""

    day: date
    pages: tuple[str, ...]
    what: str


@for_one_build
def all_changes() -> tuple[Change, ...]:
    """Read `data/changes.yaml`, the newest first. Raises TypeError for a key that is unknown or missing."""
    file = DATA / "changes.yaml"
    read = yaml.safe_load(file.read_text(encoding="utf-8"))["changes"]
    found = [Change(**{**entry, "pages": tuple(entry["pages"])}) for entry in read]
    return tuple(sorted(found, key=lambda change: change.day, reverse=True))


def changes_of(page: str) -> tuple[Change, ...]:
    """Return what changed on a page, given its source path below the directory of pages without the extension."""
    return tuple(change for change in all_changes() if page in change.pages)


# --- Exit codes and words -------------------------------------------------------------------------------------------

_EXIT_CODES: dict[ExitCode, tuple[str, str]] = {
    ExitCode.DONE: ("Done.", "Continue."),
    ExitCode.NOT_COMPLETED: (
        "Not completed: a step failed, or the operator stopped.",
        "`runbook resume` continues where it stopped.",
    ),
    ExitCode.USAGE: ("The command line, a value or the book can't be used.", "Read the message; it names the place."),
    ExitCode.REFUSED: (
        "Policy refuses this on this target, and no flag changes that.",
        "Do what the message says instead.",
    ),
    ExitCode.NO_TERMINAL: (
        "A person must confirm, but there is no terminal to ask at.",
        "Run it at a terminal. There is no flag for this.",
    ),
    ExitCode.TARGET_HELD: ("Another run holds the target.", "`runbook status` shows who holds it, and since when."),
    ExitCode.NEEDS_PERSON: ("The guard requires a person's decision.", "Ask a person. An agent must stop here."),
    ExitCode.BUG: ("A bug in runbook.", "Send the log that the message names."),
    ExitCode.INTERRUPTED: ("Ctrl-C, while no command was running.", "`runbook resume` continues."),
}
"""What each code means, and what to do next."""


def exit_codes() -> Markup:
    """Render all codes. Raises KeyError for a code without an explanation."""
    return render("reference/exit_codes.html", codes=[(int(code), *_EXIT_CODES[code]) for code in ExitCode])


def glossary() -> Markup:
    """Render all terms as a definition list, each with an anchor."""
    return render("reference/glossary.html", terms=terms())


# --- The YAML: every file, mapping and key, from the tables that read them --------------------------------------------

_PLAIN: dict[type, str] = {
    Regex: "regular expression (RE2)",
    CommandLine: "command",
    ProcedureId: "id of a procedure",
    Whole: "whole number",
    Number: "number",
    Truth: "true or false",
    Day: "date",
    Anything: "anything",
}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """What a value must be: `words` for people, `options` to choose from, `shape` to look up, and `inner` types."""

    kind: Literal["words", "choice", "duration", "shape", "list", "map", "either"] = "words"
    words: str = ""
    options: tuple[str, ...] = ()
    shape: str = ""
    inner: tuple[ValueType, ...] = ()


def field_reference() -> Markup:
    """Render all files, each with the mappings that only it uses."""
    files = {"procedures/NAME.yaml": "procedure", "changes/NAME.yaml": "changes", **FILES}
    shown: set[str] = set()
    sections = []
    for file, name in files.items():
        new = [shape for shape in _reachable(name) if shape not in shown]
        shown.update(new)
        sections.append((file, name, [SHAPES[shape] for shape in new]))
    return render("reference/yaml.html", files=sections, value_type=_value_type)


def _reachable(name: str) -> list[str]:
    """Return a shape and all shapes its fields lead to, in reading order."""
    found = [name]
    for shape in found:
        for field in SHAPES[shape].by_name.values():
            found += [inner for inner in _shapes_in(field.type) if inner not in found]
    return found


def _shapes_in(type_: Type) -> Iterator[str]:
    match type_:
        case Shaped(shape):
            yield shape
        case ListOf(item):
            yield from _shapes_in(item)
        case MapOf(_, value):
            yield from _shapes_in(value)
        case Either(scalar, other):
            yield from _shapes_in(scalar)
            yield from _shapes_in(other)


def _value_type(type_: Type) -> ValueType:
    """Say what a value of that type must be."""
    match type_:
        case Text(says=says):
            found = ValueType(words=says)
        case Choice(options):
            found = ValueType(kind="choice", options=tuple(options))
        case Duration(units):
            found = ValueType(kind="duration", words=f"30{units[0]}", options=tuple(_UNITS[unit] for unit in units))
        case Shaped(shape):
            found = ValueType(kind="shape", words=SHAPES[shape].noun, shape=shape)
        case ListOf(item):
            found = ValueType(kind="list", inner=(_value_type(item),))
        case MapOf(key, value):
            found = ValueType(kind="map", inner=(_value_type(key), _value_type(value)))
        case Either(scalar, other):
            found = ValueType(kind="either", inner=(_value_type(scalar), _value_type(other)))
        case _:
            found = ValueType(words=_PLAIN[type(type_)])
    return found
