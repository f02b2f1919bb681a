"""A cache, in the user's own cache directory, for results that take long to compute from a text, as JSON.

An entry is named by the SHA-256 of the text and of the code that reads it. So an edited text or another version of
runbook never finds an old entry, and nothing has to be invalidated. Entries are data: nothing in them is executed.

A forged entry could call a fatal command harmless, so an entry is only trusted with a seal: a keyed digest of its name
and its content. The key is random and stored outside the cache, beside the journal. A cache that somebody else filled,
a renamed entry and a cache restored from another machine count as empty.
"""

from __future__ import annotations

import os
import sys
import time
from _operator import _compare_digest as compare_digest  # hmac, which offers it, loads OpenSSL

import runbook
from runbook.user_directories import (
    cache_place,
    is_out_of_reach,
    is_private,
    make_private,
    open_private,
    state_place,
)

try:
    from _blake2 import blake2b  # hashlib loads OpenSSL, which takes longer than a digest of all that is kept
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any

__all__ = [
    "ENTRY_LIMIT",
    "digest_of",
    "entry_of",
    "find_kept",
    "find_text",
    "keep",
    "keep_text",
    "state_of",
    "state_of_trees",
]

ENTRY_LIMIT = 2_000
"""The most entries. Once there are more, a quarter is dropped: those whose last use was longest ago.

A large book has 1,500 files, and each edit adds an entry.
"""
_EVERY = 100
"""After how many writes of a process the entries are counted, beginning with its first.

Counting them after each would make a large book that is read for the first time cost their number squared.
"""
_USED_SECONDS = 60
"""How long to take an entry for just used: noting each use would be a write for each read."""


def entry_of(text: bytes, *, use: str, code: tuple[str, ...]) -> str | None:
    """Return the file for what `use` computes from a text with the code in these modules or packages of `runbook`.

    Return None if nothing can be kept: without a home directory, or if the sources of the code can't be seen.
    """
    version = _fingerprint(code)
    if not version:
        return None
    name = digest_of(version, use.encode(), b"\0", text)
    try:
        return os.path.join(cache_place(), "kept", f"{name}.json")
    except Exception as error:
        if _is_expected(error):
            return None
        raise


def find_kept(entry: Path | str | None) -> Any:
    """Return what was kept, or None if there is nothing that can be trusted. The caller must check its form."""
    data = find_text(entry)
    if data is None:
        return None
    import json

    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def find_text(entry: Path | str | None) -> bytes | None:
    """Return the bytes that were kept, or None if there is nothing that can be trusted."""
    if entry is None or not is_private(os.path.dirname(entry)) or not is_out_of_reach(entry):
        return None
    try:
        with open_private(entry) as file:
            seal, _, data = file.read().partition(b"\n")
        is_ours = compare_digest(seal, _seal_of(entry, data, _key()))
    except Exception as error:
        if _is_expected(error):
            return None  # it will be computed again and overwritten
        raise
    if not is_ours:
        return None
    _note_use(entry)
    return data


def keep(entry: Path | str | None, value: object) -> None:
    """Keep a JSON value. If that isn't possible, the next start is slower."""
    import json

    keep_text(entry, json.dumps(value, separators=(",", ":")).encode())


def keep_text(entry: Path | str | None, data: bytes) -> None:
    """Keep bytes. If that isn't possible, the next start is slower."""
    if entry is None:
        return
    place = os.path.dirname(entry)
    try:
        make_private(os.path.dirname(place))
        make_private(place)
        _write(entry, b"\n".join([_seal_of(entry, data, _key(make=True)), data]))
        _drop_oldest(place)
    except Exception as error:
        if not _is_expected(error):
            raise


def _is_expected(error: Exception) -> bool:
    """Return whether an error only means that nothing can be kept here: the system's, or no home directory."""
    if isinstance(error, OSError):
        return True
    from runbook.errors import RunbookError

    return isinstance(error, RunbookError)


# --- the seal -----------------------------------------------------------------------------------------------------


_KEY_BYTES = 32


def _seal_of(entry: Path | str, data: bytes, key: bytes) -> bytes:
    """Return the seal, the first line of an entry. It covers the entry's name, so no entry passes for another."""
    return blake2b(os.path.basename(entry).encode() + b"\0" + data, key=key).hexdigest().encode()


def _key(*, make: bool = False) -> bytes:
    """Return this user's key. With `make`, replace a missing or untrusted one; otherwise raise OSError."""
    place = state_place()
    path = os.path.join(place, "cache.key")
    try:
        with open_private(path, secret=True) as file:
            key = file.read(_KEY_BYTES + 1)
        if len(key) == _KEY_BYTES and is_private(place) and is_out_of_reach(path):
            return key
    except OSError:
        if not make:
            raise
    if not make:
        raise PermissionError(f"'{path}' can't be trusted")
    make_private(place)
    _write(path, os.urandom(_KEY_BYTES))
    return _key()


# --- entries ------------------------------------------------------------------------------------------------------


_known: dict[tuple[str, ...], bytes] = {}
"""The fingerprints of this process, by the code."""


def _fingerprint(code: tuple[str, ...]) -> bytes:
    """Return a value that changes whenever the code does; empty if the sources can't be seen."""
    if code not in _known:
        home = os.path.dirname(runbook.__file__)
        modules = [os.path.join(home, name) for name in code if name.endswith(".py")]
        packages = [os.path.join(home, name) for name in code if not name.endswith(".py")]
        try:
            parts = [runbook.__version__, sys.version, *state_of(packages, modules)]
        except OSError:
            parts = []
        _known[code] = digest_of("\n".join(parts).encode()).encode() if parts else b""
    return _known[code]


def digest_of(*parts: bytes) -> str:
    """Return a digest of the parts, in hexadecimal, 32 bytes long."""
    return blake2b(b"".join(parts), digest_size=32).hexdigest()


def state_of(directories: Iterable[str], files: Iterable[str] = ()) -> list[str]:
    """Return a line for each file, and each file in the directories, that changes whenever the file does.

    A checkout changes without a new version, so each source counts with what the system says about it. The interpreter
    checks less than this when it uses a module's bytecode instead of its source. Raises OSError.
    """
    paths = list(files)
    for directory in directories:
        with os.scandir(directory) as found:
            paths += [each.path for each in found if each.is_file()]
    return [_line(path, os.stat(path)) for path in sorted(paths)]


def state_of_trees(tops: Iterable[str]) -> list[str]:
    """Return `state_of` for all files below these directories, also through links, without bytecode. Raises OSError."""
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = list(tops)
    while waiting:
        place = waiting.pop()
        about = os.stat(place)
        if (about.st_dev, about.st_ino) in seen:  # a link may lead back
            continue
        seen.add((about.st_dev, about.st_ino))
        found.append(place)
        with os.scandir(place) as entries:
            waiting += [each.path for each in entries if each.is_dir() and each.name != "__pycache__"]
    return state_of(found)


def _line(path: str, about: os.stat_result) -> str:
    return f"{path} {about.st_size} {about.st_mtime_ns} {about.st_ctime_ns}"


def _write(entry: Path | str, data: bytes) -> None:
    """Write an entry completely or not at all, even if another process writes the same one."""
    temporary = f"{os.path.splitext(entry)[0]}.{os.urandom(8).hex()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, entry)
    except OSError:
        try:
            os.unlink(temporary)
        except FileNotFoundError:
            pass
        raise


def _note_use(entry: Path | str) -> None:
    try:
        if time.time() - os.stat(entry).st_mtime > _USED_SECONDS:
            os.utime(entry)
    except OSError:
        pass  # its use isn't noted, and it is dropped earlier


_writes = 0
"""How many entries this process has written."""


def _drop_oldest(directory: str) -> None:
    global _writes  # noqa: PLW0603 - one process, one cache
    _writes += 1
    if (_writes - 1) % _EVERY or len(os.listdir(directory)) <= ENTRY_LIMIT:
        return
    with os.scandir(directory) as files:
        known = sorted((each.stat(follow_symlinks=False).st_mtime_ns, each.path) for each in files)
    for _, path in known[: len(known) - ENTRY_LIMIT * 3 // 4]:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
