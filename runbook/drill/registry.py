"""Keep a record of sandboxes, so that the watcher of a drill that died, or else the next drill, can clean up.

A sandbox is on record before any part of it is created. A kept sandbox outlives its drill: a separate process then runs
its stand-ins.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from runbook.drill.database import execute
from runbook.drill.machine import Process, end_process, is_alive, process_of, processes_inside, state_directory
from runbook.drill.watcher_process import remove_directory
from runbook.errors import RunbookError, UsageError

if TYPE_CHECKING:
    from runbook.drill.sandbox import Sandbox

__all__ = ["SandboxRecord", "destroy", "end_kept", "is_kept", "keep", "records", "sweep", "under_way", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRecord:
    """What belongs to one sandbox, whoever owns it."""

    id: str
    owner: Process
    """The drill's process. Once it's gone, nobody uses the sandbox, unless it was kept on purpose."""
    directory: str
    servers: tuple[Process, ...] = ()
    borrowed: tuple[str, str] | None = None
    """On a server that isn't ours: the maintenance URL and the name of the database to drop."""
    kept: bool = False
    about: Mapping[str, str] = field(default_factory=dict)
    """What to show about a kept one: drill, URLs, directories."""


def write(record: SandboxRecord) -> None:
    """Write the record to disk, whole or not at all."""
    path = state_directory() / f"{record.id}.json"
    draft = path.with_suffix(".draft")  # `records` ignores it, and may run in another drill at any time
    try:
        draft.touch(mode=0o600)  # the URL of a borrowed server may contain a password
        draft.write_text(json.dumps(asdict(record)), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise RunbookError(f"can't record the sandbox in {path.parent}: {error.strerror}") from error


def records() -> tuple[SandboxRecord, ...]:
    """Return all sandboxes on record. Files that can't be read are ignored."""
    found = []
    for path in sorted(state_directory().glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads(path.read_text(encoding="utf-8"))
            document["owner"] = Process(**document["owner"])
            document["servers"] = tuple(Process(**server) for server in document["servers"])
            document["borrowed"] = tuple(document["borrowed"]) if document["borrowed"] else None
            found.append(SandboxRecord(**document))
    return tuple(found)


def under_way() -> tuple[str, ...]:
    """Return a sentence for each drill that is running or whose sandbox was kept."""
    said = []
    for record in records():
        drill = record.about.get("drill") or "one without a name"
        if record.kept:
            said.append(f"The sandbox of a drill is kept: {drill}. To end it: runbook drill --end {record.id}")
        elif is_alive(record.owner):
            said.append(f"A drill is running: {drill}, in process {record.owner.pid} on this machine")
    return tuple(said)


def is_kept(identity: str) -> bool:
    """Tell whether that sandbox is kept after its drill."""
    return any(record.kept for record in records() if record.id == identity)


def sweep() -> tuple[SandboxRecord, ...]:
    """Remove each sandbox whose drill is gone, and end the commands that still run in it. Return their records.

    Kept sandboxes stay.
    """
    orphans = tuple(record for record in records() if not record.kept and not is_alive(record.owner))
    for record in orphans:
        for process in processes_inside(record.directory):
            end_process(process, signal.SIGKILL)
        destroy(record)
    return orphans


def destroy(record: SandboxRecord) -> None:
    """End its servers, drop its database, and delete its directory and its record. Missing parts are fine."""
    # SIGQUIT is PostgreSQL's immediate shutdown: it needs no sessions to end, and the data is thrown away anyway.
    for process in reversed(record.servers):
        end_process(process, signal.SIGQUIT, signal.SIGKILL)
    remove_directory(record.directory)
    if record.borrowed:
        url, database = record.borrowed
        try:
            execute(url, f'drop database if exists "{database}" with (force)')
        except RunbookError:
            return  # that server is down or out of reach: keep the record, so that a later drill tries again
    for suffix in (".draft", ".json"):  # a draft is there if the drill was killed while it wrote
        (state_directory() / f"{record.id}{suffix}").unlink(missing_ok=True)


# --- kept sandboxes -------------------------------------------------------------------------------------------------


def keep(sandbox: Sandbox, drill: str) -> SandboxRecord:
    """Make the sandbox outlive this process. Call it last, because it forks."""
    url = shlex.quote(sandbox.postgres.command_url)
    target = f"--remote={url}" if sandbox.cli.major > 2 else f"--db-url {url}"
    about = {
        "drill": drill,
        # psql needs the script too, because it sets the password.
        "psql": f"{sandbox.enter} psql {url}",
        "shell": str(sandbox.enter),
        "cli": f"{sandbox.enter} npx supabase migration list {target}",
    }
    own = next(record for record in records() if record.directory == str(sandbox.directory))
    gate, opened = os.pipe()
    record = replace(own, servers=(*own.servers, _serve_on(sandbox, gate)), kept=True, about=about)
    write(record)
    os.write(opened, b"g")
    os.close(opened)
    sandbox.watcher.release()
    return record


def end_kept(identity: str | None) -> tuple[SandboxRecord, ...]:
    """End one kept sandbox, or all of them, and return the records. Raises UsageError if there is none."""
    kept = [record for record in records() if record.kept]
    chosen = tuple(record for record in kept if identity in {None, record.id})
    if not chosen:
        names = ", ".join(record.id for record in kept) or "none"
        raise UsageError(f"no kept sandbox{'' if identity is None else f' {identity!r}'}", hint=f"Kept: {names}")
    for record in chosen:
        destroy(record)
    return chosen


def _serve_on(sandbox: Sandbox, gate: int) -> Process:
    """Fork a process that keeps serving the platform and the local stack. Everything else is closed in it.

    It waits at the gate until the sandbox is on record as kept. If the drill dies first, it ends, because nobody would
    find it.
    """
    server, local = sandbox.platform.server, sandbox.local
    child = os.fork()
    if child:
        os.close(gate)
        return process_of(child)
    # Whatever happens, this must not return into the drill, which would remove the sandbox a second time.
    with suppress(BaseException):
        os.setsid()  # Ctrl-C and the end of the terminal must not reach this process
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        start = 3
        for number in sorted({gate, server.fileno(), *([local.listener.fileno()] if local else [])}):
            os.closerange(start, number)
            start = number + 1
        os.closerange(start, min(os.sysconf("SC_OPEN_MAX"), 65536))  # the limit can be a billion
        if not os.read(gate, 1):
            os._exit(0)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # `destroy` ends it with this signal
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # A fork has none of its parent's threads, so both servers are started again, on the same sockets.
        if local:
            threading.Thread(target=local.serve, daemon=True).start()
        server.serve_forever()
    os._exit(0)
