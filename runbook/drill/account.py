"""Which account the throwaway PostgreSQL runs under: this user, or, since it refuses root, a harmless other one."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from runbook.errors import RunbookError

__all__ = ["Account", "server_account"]

_STAND_INS = ("postgres", "nobody")


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine. `switch` is set when a child must change to it first."""

    name: str
    uid: int
    gid: int
    switch: bool

    def can_reach(self, directory: Path) -> bool:
        """Tell whether this account may enter the directory and every one above it."""
        if not self.switch:
            return True
        return all(self._may_enter(path) for path in (directory, *directory.parents))

    def _may_enter(self, directory: Path) -> bool:
        status = directory.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        return bool(status.st_mode & (0o010 if status.st_gid == self.gid else 0o001))

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
    """Return the account for PostgreSQL; raises RunbookError if this is root and no other one exists."""
    if os.geteuid() != 0:
        return Account(str(os.geteuid()), os.geteuid(), os.getegid(), switch=False)
    for name in _STAND_INS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise RunbookError(
        "PostgreSQL refuses to run as root, and this machine has neither a user 'postgres' nor 'nobody'",
        hint="Run the drill as a plain user, or name a server: --postgres URL",
    )
