"""The record of sandboxes: written before anything is made, so that whatever dies, the next drill can clear up."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from runbook.drill.database import execute
from runbook.drill.machine import Process, end_process, is_alive, state_directory, this_process
from runbook.errors import RunbookError

__all__ = ["SandboxRecord", "destroy", "is_kept", "record_sandbox", "records", "sweep", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRecord:
    """What belongs to one sandbox, whoever owns it."""

    id: str
    owner: Process
    """The drill. When it is gone the sandbox has nobody, unless it was kept on purpose."""
    directory: str
    servers: tuple[Process, ...] = ()
    borrowed: tuple[str, str] | None = None
    """On a server that is not ours: the maintenance URL and the name of the database to drop."""
    kept: bool = False
    about: Mapping[str, str] = field(default_factory=dict)
    """What to tell of a kept one: drill, URLs, directories."""

    def with_server(self, process: Process) -> SandboxRecord:
        """Return the record with one more process to end."""
        return replace(self, servers=(*self.servers, process))


def record_sandbox(identity: str, directory: Path) -> SandboxRecord:
    """Record a sandbox of this process and return the record."""
    record = SandboxRecord(id=identity, owner=this_process(), directory=str(directory))
    write(record)
    return record


def write(record: SandboxRecord) -> None:
    """Put the record on disk, whole or not at all."""
    path = _path(record.id)
    draft = path.with_suffix(".draft")
    try:
        draft.write_text(json.dumps(asdict(record)), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise RunbookError(f"can't record the sandbox in {path.parent}: {error.strerror}") from error


def records() -> tuple[SandboxRecord, ...]:
    """Return all sandboxes on record; what can't be read is not one."""
    found = []
    for path in sorted(state_directory().glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found.append(_parse(json.loads(path.read_text(encoding="utf-8"))))
    return tuple(found)


def is_kept(identity: str) -> bool:
    """Tell whether that sandbox is to outlive its drill."""
    return any(record.kept for record in records() if record.id == identity)


def sweep() -> tuple[SandboxRecord, ...]:
    """Remove every sandbox whose drill is gone; return them. Kept ones stay."""
    orphans = tuple(record for record in records() if not record.kept and not is_alive(record.owner))
    for record in orphans:
        destroy(record)
    return orphans


def destroy(record: SandboxRecord) -> None:
    """End its servers, drop its database, delete its directory, forget it. What is already gone is fine."""
    for process in reversed(record.servers):
        end_process(process, signal.SIGQUIT, signal.SIGKILL)
    shutil.rmtree(record.directory, ignore_errors=True)
    if record.borrowed:
        url, database = record.borrowed
        try:
            execute(url, f'drop database if exists "{database}" with (force)')
        except RunbookError:
            return  # that server is down or out of reach: the record stays, a later drill tries again
    _path(record.id).unlink(missing_ok=True)


def _path(identity: str) -> Path:
    return state_directory() / f"{identity}.json"


def _parse(document: dict[str, Any]) -> SandboxRecord:
    borrowed = document["borrowed"]
    return SandboxRecord(
        id=str(document["id"]),
        owner=Process(**document["owner"]),
        directory=str(document["directory"]),
        servers=tuple(Process(**server) for server in document["servers"]),
        borrowed=(str(borrowed[0]), str(borrowed[1])) if borrowed else None,
        kept=bool(document["kept"]),
        about=document["about"],
    )
