"""The checks of `runbook doctor`. Each checks one thing and says how to fix it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from runbook import __version__
from runbook.checks.book import find_problems
from runbook.cli.open_journal import journal_here, shared_address
from runbook.cli.site import MODULES, find_config
from runbook.errors import JournalError, MissingPartError, RunbookError, UsageError
from runbook.extras import installed
from runbook.installation import command_that_adds
from runbook.journal.directory import open_directory
from runbook.model import Policy
from runbook.runtime.environment import Remedy, child_environment, find_traps, settled_environment
from runbook.runtime.project import dotenv_texts, find_project, installed_version, linked_ref
from runbook.runtime.subprocesses import ask, editor_command
from runbook.runtime.toolchain import oldest_node
from runbook.user_directories import state_directory

__all__ = ["Diagnosis", "Found", "check_part", "diagnose", "lacking_modules"]


class Found(StrEnum):
    """What a check says."""

    GOOD = "good"
    NOTE = "note"
    OPTIONAL = "optional"
    """It's missing, and `runbook run` works without it."""
    MISSING = "missing"
    """It's missing, and `runbook run` needs it."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was checked; `fix` is the command or the action that fixes it."""

    name: str
    found: Found
    text: str
    fix: str = ""


@dataclass(slots=True)
class _Place:
    """What the checks share."""

    book: str | None
    workdir: str | None
    policy: Policy | None = None
    project: Path | None = None
    environment: dict[str, str] = field(default_factory=lambda: child_environment(os.environ, {}, is_cli=True))


def diagnose(book: str | None, workdir: str | None) -> list[Diagnosis]:
    """Run all checks, in the order in which their answers are needed."""
    place = _Place(book, workdir)
    return [check for look in _CHECKS for check in look(place)]


# --- this program -----------------------------------------------------------------------------------------------


def _runbook(_place: _Place) -> Iterator[Diagnosis]:
    python = f"Python {platform.python_version()}"
    yield Diagnosis("runbook", Found.GOOD, f"{__version__}, {python}, {Path(sys.argv[0]).resolve()}")
    first = shutil.which("runbook")
    here = Path(sys.executable).with_name("runbook")
    if first is None:
        fix = f'export PATH="{here.parent}:$PATH"'
        yield Diagnosis("on PATH", Found.NOTE, "the shell can't find the command runbook", fix)
    elif Path(first).resolve() != here.resolve():
        yield Diagnosis("on PATH", Found.NOTE, f"runbook starts another program: {first}", "type -a runbook")


def _book(place: _Place) -> Iterator[Diagnosis]:
    try:
        reading, findings = find_problems(place.book)
    except UsageError as error:
        yield Diagnosis("book", Found.MISSING, error.message, error.hint)
        return
    place.policy = reading.book.policy if reading.book else None
    if findings or reading.book is None:
        yield Diagnosis("book", Found.MISSING, f"it has {len(findings)} problems", "runbook check")
    else:
        yield Diagnosis("book", Found.GOOD, f"{len(reading.book.procedures)} procedures, {reading.book.directory}")


def _journal(_place: _Place) -> Iterator[Diagnosis]:
    try:
        directory = state_directory()
    except RunbookError as error:
        yield Diagnosis("journal", Found.MISSING, error.message, error.hint)
        return
    nearest = next(path for path in (directory, *directory.parents) if path.exists())
    if nearest != directory and not os.access(nearest, os.W_OK | os.X_OK):
        fix = "Set XDG_STATE_HOME to a directory of yours"
        yield Diagnosis("journal", Found.MISSING, f"can't create {directory}: you can't write to {nearest}", fix)
        return
    try:
        if directory.exists():
            open_directory(directory)
    except JournalError as error:
        yield Diagnosis("journal", Found.MISSING, error.message, error.hint)
        return
    yield Diagnosis("journal", Found.GOOD, str(directory))


def _shared_journal(place: _Place) -> Iterator[Diagnosis]:
    name = "shared journal"
    try:
        if shared_address(place.book) is None:
            return
        with closing(journal_here(place.book)) as journal:
            role, waiting = journal.role, journal.waiting
    except RunbookError as error:
        yield Diagnosis(name, Found.MISSING, error.message, error.hint)
        return
    yield Diagnosis(name, Found.GOOD, f"{journal.place}, as {role}")
    if waiting:
        yield Diagnosis(name, Found.NOTE, waiting, "runbook status (it sends them)")


# --- the tools --------------------------------------------------------------------------------------------------


def _node(place: _Place) -> Iterator[Diagnosis]:
    answer = ask(("node", "--version"), directory="/", environment=place.environment, timeout=20)
    npx = shutil.which("npx", path=place.environment["PATH"])
    if answer.code != 0 or npx is None:
        lacking = "node" if answer.code else "npx"
        yield Diagnosis(
            "Node.js",
            Found.MISSING,
            f"{lacking} is not on PATH",
            f"Install Node.js {oldest_node()} or newer (nodejs.org)",
        )
    elif _major(answer.stdout) < oldest_node():
        text = f"{answer.stdout.strip()}, {npx}; drills need {oldest_node()} or newer"
        yield Diagnosis("Node.js", Found.NOTE, text, f"Install Node.js {oldest_node()} or newer (nodejs.org)")
    else:
        yield Diagnosis("Node.js", Found.GOOD, f"{answer.stdout.strip()}, {npx}")


def _major(version: str) -> int:
    digits = version.strip().removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdecimal() else 0


def _cli(place: _Place) -> Iterator[Diagnosis]:
    if place.policy is None or place.project is None:
        return
    majors = place.policy.majors
    proven = " or ".join(one.proven for one in majors.values())
    version = installed_version(place.project)
    pin = f"npm install --save-dev --save-exact supabase@{majors[max(majors)].proven}"
    if not version:
        argv = ("npx", "--no-install", "supabase", "--version")
        answer = ask(argv, directory=str(place.project), environment=place.environment, timeout=60)
        version = answer.stdout.strip().split("\n")[-1].strip() if answer.code == 0 else ""
    major = version.split(".", maxsplit=1)[0]
    if not version:
        yield Diagnosis("Supabase CLI", Found.MISSING, f"npx finds none in {place.project}", pin)
    elif not major.isdecimal() or int(major) not in majors:
        yield Diagnosis("Supabase CLI", Found.MISSING, f"this book doesn't support {version}, only {proven}", pin)
    elif version not in {one.proven for one in majors.values()}:
        yield Diagnosis("Supabase CLI", Found.NOTE, f"{version}; the book was tested with {proven}", pin)
    else:
        yield Diagnosis("Supabase CLI", Found.GOOD, version)


def _git(place: _Place) -> Iterator[Diagnosis]:
    answer = ask(("git", "--version"), directory="/", environment=place.environment, timeout=20)
    if answer.code == 0:
        yield Diagnosis("git", Found.GOOD, answer.stdout.strip().removeprefix("git version "))
    else:
        yield Diagnosis("git", Found.MISSING, "not on PATH; several procedures read the history", "Install git")


def _editor(_place: _Place) -> Iterator[Diagnosis]:
    try:
        words = editor_command(os.environ)
    except MissingPartError as error:
        yield Diagnosis("editor", Found.NOTE, error.message, error.hint)
        return
    there = shutil.which(words[0])
    if there:
        yield Diagnosis("editor", Found.GOOD, " ".join(words))
    else:
        yield Diagnosis("editor", Found.NOTE, f"{words[0]} is not on PATH", "export EDITOR=nano")


# --- the project ------------------------------------------------------------------------------------------------


def _project(place: _Place) -> Iterator[Diagnosis]:
    try:
        place.project = find_project(Path(place.workdir or "."))
    except UsageError as error:
        yield Diagnosis("project", Found.MISSING, error.message, error.hint)
        return
    yield Diagnosis("project", Found.GOOD, str(place.project))


def _link(place: _Place) -> Iterator[Diagnosis]:
    if place.project is None:
        return
    ref = linked_ref(place.project)
    if ref:
        yield Diagnosis("link", Found.GOOD, ref)
    else:
        text = (
            "no project is linked here, which is right where you develop. Where you run a procedure on production, "
            "link it:"
        )
        yield Diagnosis("link", Found.NOTE, text, "npx supabase link --project-ref REF")


def _login(place: _Place) -> Iterator[Diagnosis]:
    home = Path(place.environment.get("SUPABASE_HOME") or Path(place.environment.get("HOME", "~"), ".supabase"))
    if place.environment.get("SUPABASE_ACCESS_TOKEN"):
        yield Diagnosis("login", Found.GOOD, "a token is in SUPABASE_ACCESS_TOKEN (not shown)")
    elif (home / "access-token").is_file():
        yield Diagnosis("login", Found.GOOD, f"a token is in {home / 'access-token'} (not shown)")
    else:
        text = (
            "no token in the environment or in a file; it may be in the system's keyring, which isn't checked. "
            "If commands say that you aren't logged in:"
        )
        yield Diagnosis("login", Found.NOTE, text, "npx supabase login")


def _traps(place: _Place) -> Iterator[Diagnosis]:
    linked = linked_ref(place.project) if place.project else ""
    dotenvs = dotenv_texts(place.project) if place.project else {}
    # As a step of a walk, this gets the settings that the walk itself gives to every command.
    settled = settled_environment(str(Path.cwd()))
    environ = {name: value for name, value in os.environ.items() if settled.get(name) != value}
    for trap in find_traps(environ, dotenvs, linked=linked):
        if trap.remedy is Remedy.REFUSE:
            fix = f"Remove the line from {trap.where}; nothing runs until then"
            yield Diagnosis("trap", Found.MISSING, f"{trap.name} is set in {trap.where}: {trap.why}", fix)
        else:
            text = f"{trap.name} is set in {trap.where}: {trap.why}. Commands won't get it."
            yield Diagnosis("trap", Found.NOTE, text)


# --- optional parts ---------------------------------------------------------------------------------------------


def _parts(_place: _Place) -> Iterator[Diagnosis]:
    yield check_part("check", ("pgparse",), "checks migration files")
    yield check_part("team", ("psycopg",), "records runs in a journal that a team shares")
    site = check_part("site", MODULES, "builds the documentation site")
    try:
        if site.found is Found.GOOD:
            site = replace(site, text=f"{site.text}, {find_config()}")
    except UsageError as error:
        site = replace(site, found=Found.OPTIONAL, text=f"{site.text}; {error.message}", fix=error.hint)
    yield site


def check_part(part: str, modules: Sequence[str], purpose: str) -> Diagnosis:
    """Check whether everything that the optional part of the distribution installs is there."""
    lacking = lacking_modules(modules)
    if not lacking:
        return Diagnosis(f"part {part}", Found.GOOD, purpose)
    are = "is" if len(lacking) == 1 else "are"
    text = f"{purpose}; {', '.join(lacking)} {are} not installed"
    return Diagnosis(f"part {part}", Found.OPTIONAL, text, command_that_adds(part))


def lacking_modules(modules: Sequence[str]) -> list[str]:
    """Return those of some modules of optional parts that aren't installed."""
    return [module for module in modules if find_spec(module) is None]


def _extras(_place: _Place) -> Iterator[Diagnosis]:
    for extra in installed().values():
        if extra.check_machine:
            yield from extra.check_machine()


_CHECKS: tuple[Callable[[_Place], Iterator[Diagnosis]], ...] = (
    _runbook,
    _book,
    _journal,
    _shared_journal,
    _node,
    _project,
    _cli,
    _link,
    _login,
    _traps,
    _git,
    _editor,
    _parts,
    _extras,
)
