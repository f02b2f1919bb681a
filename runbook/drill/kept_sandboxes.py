"""Leave a sandbox up after its drill, and say how to get in; the stand-in lives on in a process of its own."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from contextlib import suppress
from dataclasses import replace

from runbook.drill.machine import Process, process_of
from runbook.drill.registry import SandboxRecord, destroy, records, write
from runbook.drill.sandbox import Sandbox
from runbook.errors import UsageError

__all__ = ["end_kept", "keep", "kept"]


def keep(sandbox: Sandbox, drill: str) -> SandboxRecord:
    """Make the sandbox outlive this process. Call it last: it forks."""
    platform = _serve_on(sandbox)
    about = {
        "drill": drill,
        "psql": f"psql {shlex.quote(sandbox.postgres.url)}",
        "shell": str(sandbox.enter),
        "cli": f"{sandbox.enter} npx supabase migration list {_target(sandbox)}",
    }
    record = replace(_record(sandbox).with_server(platform), kept=True, about=about)
    write(record)
    return record


def kept() -> tuple[SandboxRecord, ...]:
    """Return the sandboxes that were kept."""
    return tuple(record for record in records() if record.kept)


def end_kept(identity: str | None) -> tuple[SandboxRecord, ...]:
    """End one kept sandbox, or all of them, and return what was ended; raises UsageError if there is none such."""
    chosen = tuple(record for record in kept() if identity in {None, record.id})
    if not chosen:
        raise UsageError(
            "no such sandbox is kept", hint="Kept: " + (", ".join(record.id for record in kept()) or "none")
        )
    for record in chosen:
        destroy(record)
    return chosen


def _record(sandbox: Sandbox) -> SandboxRecord:
    return next(record for record in records() if record.directory == str(sandbox.directory))


def _target(sandbox: Sandbox) -> str:
    url = shlex.quote(sandbox.postgres.url)
    return f"--remote={url}" if sandbox.cli.major > 2 else f"--db-url {url}"


def _serve_on(sandbox: Sandbox) -> Process:
    """Fork a process that goes on answering for platform and local stack; nothing else stays open in it."""
    server, local = sandbox.platform.server, sandbox.local
    child = os.fork()
    if child:
        return process_of(child)
    with suppress(BaseException):
        os.setsid()
        _close_all_but({server.fileno(), *([local.listener.fileno()] if local else [])})
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if local:
            threading.Thread(target=local.serve, daemon=True).start()
        server.serve_forever()
    os._exit(0)


def _close_all_but(kept: set[int]) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    start = 3
    for number in (*sorted(kept), min(os.sysconf("SC_OPEN_MAX"), 65536)):
        os.closerange(start, number)
        start = number + 1
