"""Find the real tools: the Supabase CLIs, the PostgreSQL package and Node.js, all pinned in `package.json`."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from runbook.errors import MissingPartError, UsageError

__all__ = ["CliPackage", "cli_package", "node_directory", "node_modules", "package_in"]
__all__ += ["postgres_package", "system_postgres"]

_INSTALL = "scripts/setup tools (or `npm install` beside package.json, then RUNBOOK_TOOLS=<its node_modules>)"
_PACKAGE_OF_MAJOR = {3: "supabase", 2: "supabase-2"}


class CliPackage(NamedTuple):
    """One installed major of the Supabase CLI: its npm directory and exact version."""

    major: int
    version: str
    directory: Path


def node_modules() -> Path | None:
    """Return the directory of the pinned Node tools: RUNBOOK_TOOLS, or the one beside this package's checkout."""
    named = os.environ.get("RUNBOOK_TOOLS")
    if named:
        path = Path(named).expanduser().absolute()
        if not path.is_dir():
            raise UsageError(
                f"RUNBOOK_TOOLS is not a directory: {named}", hint="Set it to the path of a node_modules directory."
            )
        return path
    beside = Path(__file__).resolve().parents[2] / "node_modules"
    return beside if beside.is_dir() else None


def cli_package(major: int) -> CliPackage:
    """Return the installed Supabase CLI of that major. Raises MissingPartError."""
    tools = node_modules()
    if major not in _PACKAGE_OF_MAJOR:
        raise UsageError(f"drills don't run on Supabase CLI {major}", hint="They run on 2 and 3.")
    directory = tools / _PACKAGE_OF_MAJOR[major] if tools else None
    if directory is None or not (directory / "package.json").is_file():
        raise MissingPartError(f"the Supabase CLI {major} that drills use isn't installed", hint=_INSTALL)
    found = package_in(directory)
    if found.major != major:
        raise MissingPartError(f"{directory} contains Supabase CLI {found.version}, not {major}", hint=_INSTALL)
    return found


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


def postgres_package() -> Path | None:
    """Return the directory of the PostgreSQL that npm installed for this machine, if any."""
    tools = node_modules()
    machine = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}.get(platform.machine().lower())
    if tools is None or machine is None:
        return None
    package = tools / "@embedded-postgres" / f"{sys.platform}-{machine}"
    return package.resolve() if (package / "native" / "bin" / "postgres").is_file() else None


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
            hint="Install Node.js 20 or newer (https://nodejs.org), then: " + _INSTALL,
        )
    return Path(node).absolute().parent
