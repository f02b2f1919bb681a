"""A cache, in the user's own cache directory, for results that take long to compute from a text, as JSON.

An entry is named by the SHA-256 of the text and of the code that reads it. So an edited text or another version of
runbook never finds an old entry, and nothing has to be invalidated. Entries are data: nothing in them is executed.

A forged entry could call a fatal command harmless, so an entry is only trusted with a seal: a keyed digest of its name
and its content. The key is random and stored outside the cache, beside the journal. A cache that somebody else filled,
a renamed entry and a cache restored from another machine count as empty.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from functools import cache
from hashlib import blake2b, sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any

import runbook
from runbook.errors import RunbookError
from runbook.user_directories import (
    cache_directory,
    is_out_of_reach,
    is_private,
    make_private,
    open_private,
    state_directory,
)

__all__ = ["ENTRY_LIMIT", "entry_of", "find_kept", "keep"]

ENTRY_LIMIT = 2_000
"""The most entries. Once there are more, a quarter is dropped: those whose last use was longest ago.

A large book has 1,500 files, and each edit adds an entry.
"""
_USED_SECONDS = 60
"""How long to take an entry for just used: noting each use would be a write for each read."""


def entry_of(text: bytes, *, use: str, code: tuple[str, ...]) -> Path | None:
    """Return the file for what `use` computes from a text with the code in these modules or packages of `runbook`.

    Return None if nothing can be kept: without a home directory, or if the sources of the code can't be seen.
    """
    version = _fingerprint(code)
    if not version:
        return None
    name = sha256(b"".join([version, use.encode(), b"\0", text])).hexdigest()
    try:
        return cache_directory() / "kept" / f"{name}.json"
    except RunbookError:
        return None


def find_kept(entry: Path | None) -> Any:
    """Return what was kept, or None if there is nothing that can be trusted. The caller must check its form."""
    if entry is None or not is_private(entry.parent) or not is_out_of_reach(entry):
        return None
    try:
        with open_private(entry) as file:
            seal, _, data = file.read().partition(b"\n")
        if not compare_digest(seal, _seal_of(entry, data, _key())):
            return None
        _note_use(entry)
        return json.loads(data)
    except (OSError, ValueError, RecursionError, RunbookError):
        return None  # truncated or damaged; it will be computed again and overwritten


def keep(entry: Path | None, value: object) -> None:
    """Keep a JSON value. If that isn't possible, the next start is slower."""
    if entry is None:
        return
    with suppress(OSError, RunbookError):
        make_private(entry.parent.parent)
        make_private(entry.parent)
        data = json.dumps(value, separators=(",", ":")).encode()
        _write(entry, b"\n".join([_seal_of(entry, data, _key(make=True)), data]))
        _drop_oldest(entry.parent)


# --- the seal -----------------------------------------------------------------------------------------------------


_KEY_BYTES = 32


def _seal_of(entry: Path, data: bytes, key: bytes) -> bytes:
    """Return the seal, the first line of an entry. It covers the entry's name, so no entry passes for another."""
    return blake2b(entry.name.encode() + b"\0" + data, key=key).hexdigest().encode()


def _key(*, make: bool = False) -> bytes:
    """Return this user's key. With `make`, replace a missing or untrusted one; otherwise raise OSError."""
    path = state_directory() / "cache.key"
    try:
        with open_private(path, secret=True) as file:
            key = file.read(_KEY_BYTES + 1)
        if len(key) == _KEY_BYTES and is_private(path.parent) and is_out_of_reach(path):
            return key
    except OSError:
        if not make:
            raise
    if not make:
        raise PermissionError(f"'{path}' can't be trusted")
    make_private(path.parent)
    _write(path, os.urandom(_KEY_BYTES))
    return _key()


# --- entries ------------------------------------------------------------------------------------------------------


@cache
def _fingerprint(code: tuple[str, ...]) -> bytes:
    """Return a value that changes whenever the code does; empty if the sources can't be seen.

    A checkout changes without a new version, so each source counts with what the system says about it. The interpreter
    checks less than this when it uses a module's bytecode instead of its source.
    """
    parts = [runbook.__version__, sys.version]
    home = os.path.dirname(runbook.__file__)  # noqa: PTH120 - a start has no time for objects of paths
    try:
        for path in sorted(source for name in code for source in _sources(os.path.join(home, name))):  # noqa: PTH118
            about = os.stat(path)  # noqa: PTH116
            parts.append(f"{path} {about.st_size} {about.st_mtime_ns} {about.st_ctime_ns}")
    except OSError:
        return b""
    return sha256("\n".join(parts).encode()).digest()


def _sources(place: str) -> list[str]:
    if place.endswith(".py"):
        return [place]
    with os.scandir(place) as files:
        return [each.path for each in files if each.is_file()]


def _write(entry: Path, data: bytes) -> None:
    """Write an entry completely or not at all, even if another process writes the same one."""
    temporary = entry.with_suffix(f".{os.urandom(8).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.replace(entry)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _note_use(entry: Path) -> None:
    with suppress(OSError):
        if time.time() - os.stat(entry).st_mtime > _USED_SECONDS:  # noqa: PTH116
            os.utime(entry)


def _drop_oldest(directory: Path) -> None:
    if len(os.listdir(directory)) <= ENTRY_LIMIT:  # noqa: PTH208
        return
    with os.scandir(directory) as files:
        known = sorted((each.stat(follow_symlinks=False).st_mtime_ns, each.path) for each in files)
    for _, path in known[: len(known) - ENTRY_LIMIT * 3 // 4]:
        Path(path).unlink(missing_ok=True)
