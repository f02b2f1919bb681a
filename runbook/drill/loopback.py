"""Run servers on loopback whose threads can't fail unnoticed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

from runbook.errors import RunbookError

__all__ = ["LoopbackServer", "Threads", "serve_on_loopback", "watch_threads"]

_PATIENCE = 5
"""How many seconds to wait for a thread whose work was just stopped."""


class Threads:
    """The threads of one server, and the errors that ended them."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self._threads: list[Thread] = []

    def start(self, work: Callable[..., object], *words: object) -> Thread:
        """Do the work in a thread of its own."""
        thread = Thread(target=self._run, args=(work, *words), daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def join(self) -> None:
        """Wait a few seconds at most until the threads have ended."""
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _run(self, work: Callable[..., object], *words: object) -> None:
        try:
            work(*words)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that watches
            self.errors.append(error)


@contextmanager
def watch_threads(server: str) -> Iterator[Threads]:
    """Yield threads for a server. Raise RunbookError at the block's end if one of them failed.

    An error of the block itself takes precedence, with a note about those of the threads.
    """
    threads = Threads()
    try:
        yield threads
    except BaseException as error:
        for hidden in threads.errors:
            error.add_note(f"Before that, a thread of {server} failed: {hidden!r}")
        raise
    if threads.errors:
        first = threads.errors[0]
        raise RunbookError(
            f"{server} failed during the drill: {type(first).__name__}: {first}",
            hint="This is a bug in the drill, not in the procedure. The drill proves nothing.",
        ) from first


class LoopbackServer(ThreadingTCPServer):
    """A TCP server on a free port of 127.0.0.1, with a thread for each connection."""

    daemon_threads = True

    def __init__(self, handler: type[BaseRequestHandler], threads: Threads) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._watched = threads

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's names
        """Keep what a handler raised, unless the client just disconnected or sent nothing."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self._watched.errors.append(error)


@contextmanager
def serve_on_loopback(name: str, handler: type[BaseRequestHandler]) -> Iterator[LoopbackServer]:
    """Serve until the block ends. Then raise RunbookError if a handler or the server itself failed."""
    with watch_threads(name) as threads:
        server = LoopbackServer(handler, threads)
        # How often it checks whether to stop. The default is twice a second, and every drill would wait for that.
        threads.start(server.serve_forever, 0.05)
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()
            threads.join()
