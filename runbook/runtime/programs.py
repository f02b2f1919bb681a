"""Look up each program once: a command starts the program that was found first, by its absolute path, or nothing.

`npx supabase` becomes the program that npx would eventually start. So nothing is looked up between the check and the
start: no link in `node_modules/.bin`, no `.npmrc` with another shell, no package that npm fetches.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runbook.errors import MissingPartError, ProgramChangedError

__all__ = ["FileState", "Program", "Programs", "changed_file", "is_supabase", "needs_login"]

_HINTS = {
    "npx": "It comes with Node.js: install Node.js 20 or newer, then run `npm ci` in the project.",
}
_RUNNERS = (("npx", "supabase"), ("npx", "--no-install", "supabase"))
_PACKAGE_RUNNERS = {"npx", "npm", "pnpm", "pnpx", "yarn", "bunx", "bun"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class FileState:
    """The file at a path, its size, and when it was last written or changed."""

    path: str
    state: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """The words that replace the first words of a command, and the files that must not change until it starts."""

    words: tuple[str, ...]
    replaced: int
    """How many words of the command they replace."""
    files: tuple[FileState, ...]

    @property
    def is_cli(self) -> bool:
        """True if it is the Supabase CLI itself, not npx, which would look for the CLI."""
        return self.replaced > 1

    def argv(self, argv: Sequence[str]) -> list[str]:
        """Return the argv that starts the command."""
        return [*self.words, *argv[self.replaced :]]


def is_supabase(argv: Sequence[str]) -> bool:
    """Tell whether a command runs the Supabase CLI, by itself or through a package runner."""
    name = Path(argv[0]).name
    named = (word.partition("@")[0] for word in argv[1:4])
    return name == "supabase" or (name in _PACKAGE_RUNNERS and "supabase" in named)


def needs_login(argv: Sequence[str]) -> bool:
    """Tell whether a command gets the CLI's login: the CLI itself, and `runbook` where it asks the CLI in its turn."""
    asks_it = tuple(argv[1:3]) == ("migration", "check") and "--against" in argv
    return is_supabase(argv) or (Path(argv[0]).name == "runbook" and asks_it)


def changed_file(files: Sequence[FileState]) -> str:
    """Return the path of the first file that has changed, "" if none has. It only makes system calls."""
    return next((each.path for each in files if _state(each.path) != each.state), "")


class Programs:
    """The programs that this process has looked up."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], Program] = {}
        self._digests: dict[str, str] = {}

    def find(self, argv: Sequence[str], *, directory: str, path: str) -> Program:
        """Return the program that was found for this command the first time.

        Raises MissingPartError if there is none, ProgramChangedError if it has changed since.
        """
        runner = next((words for words in _RUNNERS if tuple(argv[: len(words)]) == words), None)
        key = (*(runner or argv[:1]), directory, path)
        if key not in self._found:
            self._found[key] = _look_up(argv[0], directory, path, runner=runner)
        self._check(argv[0], self._found[key])
        return self._found[key]

    def check(self) -> None:
        """Raise ProgramChangedError if any program has changed since it was looked up."""
        for key, program in self._found.items():
            self._check(key[0], program)

    def digest(self, program: Program) -> str:
        """Return the SHA-256 of the file to start. The file is read once."""
        import hashlib

        file = program.files[-1].path
        if file not in self._digests:
            with Path(file).open("rb") as stream:
                self._digests[file] = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._digests[file]

    def _check(self, name: str, program: Program) -> None:
        changed = changed_file(program.files)
        if changed:
            raise ProgramChangedError(
                f"the program that '{name}' starts changed since it was looked up: {changed}",
                hint="Find out who changed it. `runbook resume` then looks it up again and shows what changed.",
            )


def _look_up(name: str, directory: str, path: str, *, runner: tuple[str, ...] | None) -> Program:
    link = _installed_cli(Path(directory)) if runner else None
    if runner and link:
        native = _native_cli(link.resolve())
        if native is not None:
            return Program((str(native),), len(runner), (_file_state(link), _file_state(native)))
        start, files = _interpreted(str(link.resolve()), path)
        return Program((*start, str(link.resolve())), len(runner), (_file_state(link), *files))
    found = str(Path(directory, name)) if "/" in name else shutil.which(name, path=path)
    if found is None:
        hint = _HINTS.get(name, "`runbook doctor` shows what is missing and how to add it.")
        raise MissingPartError(f"the program '{name}' isn't on PATH", hint=hint)
    start, files = _interpreted(found, path)
    return Program((*start, found), 1, files)


def _interpreted(file: str, path: str) -> tuple[tuple[str, ...], tuple[FileState, ...]]:
    """Return the interpreter, if a script's first line leaves it to PATH, and the files that must not change."""
    with suppress(OSError), Path(file).open("rb") as stream:
        first = stream.readline(256).decode("utf-8", "replace").strip()
        named = first.removeprefix("#!").split() if first.startswith("#!") else []
        if len(named) == 2 and Path(named[0]).name == "env" and (found := shutil.which(named[1], path=path)):
            return (found,), (_file_state(found), _file_state(file))
        if named:
            return (), (_file_state(named[0]), _file_state(file))
    return (), (_file_state(file),)


def _installed_cli(directory: Path) -> Path | None:
    """Return the CLI that npx finds in the nearest node_modules."""
    for above in (directory, *directory.parents):
        link = above / "node_modules" / ".bin" / "supabase"
        if os.access(link, os.X_OK) and link.is_file():
            return link
    return None


def _native_cli(file: Path) -> Path | None:
    """Return the binary that the npm package's script starts, as Node.js finds it from there; None for a binary."""
    if file.suffix != ".js":
        return None
    machine = _MACHINES.get(platform.machine().lower(), platform.machine())
    names = [f"cli-{sys.platform}-{machine}", f"cli-{sys.platform}-{machine}-musl"]
    for name in names:
        for above in file.parents:
            binary = above / "node_modules" / "@supabase" / name / "bin" / "supabase"
            if above.name != "node_modules" and binary.is_file():
                return binary.resolve()
    return None


def _file_state(path: str | Path) -> FileState:
    return FileState(str(path), _state(str(path)))


def _state(path: str) -> tuple[int, ...]:
    try:
        link, file = Path(path).lstat(), Path(path).stat()
    except OSError:
        return ()
    # Whoever replaces a file can set its modification time (mtime), but not its change time (ctime).
    return (link.st_dev, link.st_ino, *(file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, file.st_ctime_ns))
