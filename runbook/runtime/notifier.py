"""Sends notifications from a thread of its own: a receiver that is slow or fails never stops or delays a run."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from runbook.errors import UsageError
from runbook.known_secrets import remember
from runbook.model.notification import Notification
from runbook.policy.redaction import hide_known
from runbook.printable import one_line
from runbook.runtime.environment import child_environment

__all__ = ["Notifier", "Receiver", "receivers_of"]

_SECONDS = 5.0
"""How long one receiver may take, and how long the end of a run waits for those that are left."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Receiver = tuple[str, frozenset[str], Callable[[Mapping[str, str]], None]]
"""Its name in messages, the moments it wants, and the function that sends it a message; that raises OSError."""


class Notifier:
    """Sends each receiver the messages of the moments that it wants."""

    def __init__(self, receivers: Sequence[Receiver]) -> None:
        self._receivers = receivers
        self._waiting: queue.Queue[Mapping[str, str] | None] = queue.Queue(maxsize=1000)
        self._failures: dict[str, str] = {}
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        if receivers:
            self._thread.start()

    def send(self, message: Mapping[str, str]) -> None:
        """Have the message sent; return at once."""
        if self._receivers:
            with suppress(queue.Full):
                self._waiting.put_nowait(message)

    def close(self) -> Sequence[str]:
        """Wait a few seconds for what is left; return a sentence for each receiver that got no message."""
        if self._receivers and self._thread.is_alive():
            with suppress(queue.Full):
                self._waiting.put_nowait(None)
            self._thread.join(_SECONDS)
        late = ["some messages weren't sent in time"] if self._thread.is_alive() else []
        return [*(f"{name} got no message: {why}" for name, why in self._failures.items()), *late]

    def _send_all(self) -> None:
        while (message := self._waiting.get()) is not None:
            for name, moments, send in self._receivers:
                if message["moment"] not in moments:
                    continue
                try:
                    send(message)
                except OSError as error:
                    self._failures[name] = hide_known(one_line(error.strerror or str(error)))


def receivers_of(
    notifications: Sequence[Notification],
    directory: Path,
    environ: Mapping[str, str],
    payload: Callable[[Mapping[str, str], str], str],
) -> list[Receiver]:
    """Return the team's receivers. `payload` writes a message for a kind of them; programs are in `directory`.

    A webhook whose variable isn't set is left out: not everybody has its address. Raises UsageError for an address
    that anybody on the way could read.
    """
    found: list[Receiver] = []
    for each in notifications:
        moments = frozenset(each.on)
        if each.program:
            program = directory / each.program
            found.append((each.program, moments, _to_program(program, child_environment(environ, {}))))
        elif address := environ.get(each.variable, ""):
            remember([address])
            _require_safe(each.variable, address)
            found.append((f"the webhook in {each.variable}", moments, _to_webhook(address, each.kind, payload)))
    return found


def _require_safe(variable: str, address: str) -> None:
    try:
        parts = urlsplit(address)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        is_safe = False
    if not is_safe:
        raise UsageError(f"{variable} has no address that begins with https://", hint="It is a webhook's address.")


def _to_program(program: Path, environment: Mapping[str, str]) -> Callable[[Mapping[str, str]], None]:
    def send(message: Mapping[str, str]) -> None:
        try:
            done = subprocess.run(
                [program],
                input=json.dumps(dict(message)),
                env=dict(environment),
                cwd=program.parent,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_SECONDS,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            raise OSError(f"it took longer than {_SECONDS:.0f} s") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise OSError(f"it ended with {done.returncode}{f': {said[-1]}' if said else ''}")

    return send


def _to_webhook(
    address: str, kind: str, payload: Callable[[Mapping[str, str], str], str]
) -> Callable[[Mapping[str, str]], None]:
    def send(message: Mapping[str, str]) -> None:
        from http.client import HTTPException
        from urllib.error import HTTPError, URLError
        from urllib.request import HTTPRedirectHandler, Request, build_opener

        class _Stay(HTTPRedirectHandler):
            """Follows no redirect: what a run does isn't for another host."""

            def redirect_request(self, *_args: object) -> None:
                return None

        request = Request(  # noqa: S310 - `_require_safe` has seen the address
            address, payload(message, kind).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with build_opener(_Stay()).open(request, timeout=_SECONDS) as answer:
                answer.read(1)
        except HTTPError as error:
            raise OSError(f"it answered {error.code}") from None
        except URLError as error:
            raise (error.reason if isinstance(error.reason, OSError) else OSError(str(error.reason))) from None
        except HTTPException as error:
            raise OSError(f"its answer isn't HTTP ({type(error).__name__})") from None

    return send
