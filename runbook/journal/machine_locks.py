"""One run per target across all journals of a machine, including those of other homes and other users.

Each process that holds a target keeps its own file in a directory that all users share (`/tmp`). Everyone can read it,
and the process locks it with `flock` for as long as it lives. Nobody can delete or change another user's file there, so
a stranger can claim a target, which is shown and can be taken over, but can't hide who really holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from runbook.errors import JournalError
from runbook.journal.interface import Holder
from runbook.printable import one_line

__all__ = ["MachineLocks"]

_PREFIX = "runbook-lock-"
_USUAL = 4 * 1024
_LARGEST = 16 * 1024
_SHOWN = 120
"""How many characters of a value from another user's file to show."""
_TRIES = 3
"""How many times to read a file that its owner may be writing right now."""

_Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class _Claim:
    """Somebody else's file: who claims the target, and whether that process is alive (None: can't tell)."""

    path: Path
    holder: Holder
    state: str
    """`asking` while it looks for others, then `held`; `left` while a process that lost the target to it is alive."""
    over: frozenset[_Key]
    """Whom it took the target from."""
    is_ours: bool
    """Whether it belongs to this user, so that it may be removed once its process is dead."""


@dataclass(slots=True)
class _Own:
    path: Path
    descriptor: int
    holder: Holder


class MachineLocks:
    """The locks of this process and all others in the shared `directory`; `journal` names where this one records."""

    def __init__(self, directory: Path, journal: str) -> None:
        self.directory = directory
        self.journal = journal
        self._own: dict[str, _Own] = {}
        self._overcome: set[_Key] = set()
        """Holders that the operator decided to take over from; they no longer count."""

    def hold(self, target: str, holder: Holder, over: Holder | None = None) -> Holder | None:
        """Take the target, or note the step if we have it already; otherwise return who has it.

        If two processes ask at the same moment, both may be refused. A dead process of this journal holds nothing here,
        because the journal itself knows what became of its run.
        """
        if over is not None:
            self._overcome.add(_key(over))
        own = self._own.get(target)
        is_new = own is None
        with _as_journal_errors(self.directory):
            own = own or self._make(target, holder)
            try:
                self._check(own)
                other = self._other(target, own, holder, is_new=is_new)
                if other is None:
                    self._write(own, holder, "held")
                    self._own[target] = own
            except BaseException:
                self._remove(own)
                self._own.pop(target, None)
                raise
        if other is not None and is_new:
            self._remove(own)
        return other

    def release(self, target: str) -> None:
        """Release the target. The file stays while a process that it was taken from is alive and has yet to notice."""
        own = self._own.pop(target, None)
        if own is None:
            return
        with suppress(OSError):
            if any(_key(one.holder) in self._overcome and one.holder.alive for one in self._claims(_prefix(target))):
                self._write(own, own.holder, "left")
                os.close(own.descriptor)
                return
        self._remove(own)

    def elsewhere(self) -> tuple[Holder, ...]:
        """Return the live holders that record in another journal."""
        with suppress(OSError):
            claims = self._claims(_PREFIX)
            held = (one.holder for one in claims if one.state != "left")
            return tuple(one for one in held if one.elsewhere and one.alive is not False)
        return ()

    # --- our own ------------------------------------------------------------------------------------------------

    def _make(self, target: str, holder: Holder) -> _Own:
        _require_sound(self.directory)
        name = f"{_prefix(target)}{os.geteuid()}-{secrets.token_hex(8)}"
        # Until it is locked and filled, it has a name that nobody looks for.
        hidden = self.directory / f".{name}"
        descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        own = _Own(hidden, descriptor, holder)
        try:
            os.fchmod(descriptor, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write(own, holder, "asking")
            hidden.rename(self.directory / name)
        except BaseException:
            self._remove(own)
            raise
        return replace(own, path=self.directory / name)

    def _write(self, own: _Own, holder: Holder, state: str) -> None:
        own.holder = holder
        text = {
            "run": holder.run, "procedure": holder.procedure, "operator": holder.operator, "host": holder.host,
            "pid": holder.pid, "since": holder.since.isoformat(), "step": holder.step, "journal": self.journal,
            "state": state, "over": sorted(self._overcome),
        }  # fmt: skip
        # Padded with spaces, so that no reader sees a short text followed by the end of a longer one.
        os.pwrite(own.descriptor, json.dumps(text).encode().ljust(_USUAL), 0)

    def _check(self, own: _Own) -> None:
        found = None
        with suppress(FileNotFoundError):
            found = own.path.lstat()
        if found is None or not os.path.samestat(found, os.fstat(own.descriptor)):
            raise JournalError(
                f"the lock {own.path}, which shows this run to others on this machine, is gone or was replaced",
                hint="Nothing more runs. See who runs what with `runbook status`, then use `runbook resume`.",
            )

    def _remove(self, own: _Own) -> None:
        with suppress(OSError):
            if os.path.samestat(own.path.lstat(), os.fstat(own.descriptor)):
                own.path.unlink()
        os.close(own.descriptor)

    # --- those of others ----------------------------------------------------------------------------------------

    def _other(self, target: str, own: _Own, holder: Holder, *, is_new: bool) -> Holder | None:
        claims = [claim for claim in self._claims(_prefix(target)) if claim.path != own.path]
        living = {_key(claim.holder) for claim in claims if claim.holder.alive is not False}
        for claim in claims:
            who, is_dead = claim.holder, claim.holder.alive is False
            if not is_new and _key(holder) in claim.over:
                return who
            is_known = _key(who) == _key(holder) or (is_dead and not who.elsewhere)
            if claim.state == "left" or is_known or _key(who) in self._overcome:
                if is_dead and claim.is_ours and not claim.over & living:
                    claim.path.unlink(missing_ok=True)
                continue
            # While we have it, a process that only asks is about to be refused, and a dead one takes nothing over.
            if is_new or (claim.state == "held" and not is_dead):
                return who
        return None

    def _claims(self, prefix: str) -> Iterator[_Claim]:
        with os.scandir(self.directory) as entries:
            names = sorted(entry.name for entry in entries if entry.name.startswith(prefix))
        for name in names:
            with suppress(FileNotFoundError):  # it was released in the meantime
                claim = self._read(self.directory / name)
                if claim is not None:
                    yield claim

    def _read(self, path: Path) -> _Claim | None:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return None
        with suppress(PermissionError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                found = os.fstat(descriptor)
                alive = _is_locked(descriptor)
                said: Mapping[str, Any] = {}
                for _ in range(_TRIES):
                    said = said or _parsed(os.pread(descriptor, _LARGEST, 0))
            finally:
                os.close(descriptor)
            return self._claim(path, found, said, alive)
        return self._claim(path, found, {}, None)

    def _claim(self, path: Path, found: os.stat_result, said: Mapping[str, Any], alive: bool | None) -> _Claim:
        """Return the claim in the file. Only its owner and its lock are certain; anyone could have written the rest."""
        account, is_ours = _account(found.st_uid), found.st_uid == os.geteuid()
        journal = _text(said, "journal") or "an unknown place"
        operator = _text(said, "operator") or account
        since = datetime.fromtimestamp(found.st_ctime, UTC)
        with suppress(ValueError, OverflowError):  # the second if the moment is in no year of UTC
            since = datetime.fromisoformat(_text(said, "since")).astimezone(UTC)
        holder = Holder(
            run=_text(said, "run") or path.name,
            procedure=_text(said, "procedure") or "something",
            operator=operator if is_ours else f"{operator} (account {account})",
            host=_text(said, "host"),
            pid=said["pid"] if isinstance(said.get("pid"), int) else 0,
            since=since,
            step=_text(said, "step"),
            alive=alive,
            elsewhere="" if is_ours and said.get("journal") == self.journal else journal,
        )
        state = _text(said, "state") or "held"
        over = _keys(said.get("over")) if state != "asking" else frozenset()
        return _Claim(path, holder, state, over, is_ours)


def _prefix(target: str) -> str:
    # If it contained the target's name, the target would choose the path, and everyone would see the project's ref.
    return f"{_PREFIX}{sha256(target.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}-"


def _key(holder: Holder) -> _Key:
    return (holder.run, holder.host, holder.pid)


def _keys(said: object) -> frozenset[_Key]:
    found = [one for one in said if isinstance(one, list)] if isinstance(said, list) else []
    return frozenset((one[0], one[1], one[2]) for one in found if [type(part) for part in one] == [str, str, int])


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _parsed(text: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _text(said: Mapping[str, Any], name: str) -> str:
    """Return a value of the file as one printable line, whatever it contains."""
    value = said.get(name)
    text = value if isinstance(value, str) else ""
    return one_line(text[:_SHOWN])


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _require_sound(directory: Path) -> None:
    """Raise JournalError if others may delete our files there."""
    mode = directory.stat().st_mode
    if mode & 0o022 and not mode & stat.S_ISVTX:
        raise JournalError(
            f"{directory}, where this machine's runs lock their targets, lets everyone delete other users' files",
            hint=f"Nothing ran. Set its sticky bit (chmod +t {directory}), or name another directory for all users "
            "of this machine in RUNBOOK_LOCKS.",
        )


@contextmanager
def _as_journal_errors(directory: Path) -> Iterator[None]:
    """Turn any OSError in the block into a JournalError."""
    try:
        yield
    except OSError as error:
        raise JournalError(
            f"the lock for all runs on this machine can't be kept in {directory}: {error.strerror}",
            hint="Nothing ran. Make room there, or name another directory for all users of this machine in "
            "RUNBOOK_LOCKS.",
        ) from error
