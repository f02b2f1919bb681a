"""`request`: send one HTTP request to an edge function of the target, and check the answer.

A separate process (which runs this module) sends the request, so that it's confirmed, recorded, interrupted and
compared like every command. Secrets reach that process through its environment and never appear in an argv.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from runbook.errors import UsageError
from runbook.filling import Values, fill_text
from runbook.model import Effect, Expectation, Position, Role, Use
from runbook.model.action import Becomes, Problem
from runbook.model.fields import (
    LINE,
    LINE_TEMPLATE,
    LITERAL,
    NAME,
    Anything,
    Choice,
    Duration,
    MapOf,
    Text,
    Whole,
    key,
)
from runbook.model.templates import PLACEHOLDER
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.runnable import Runnable

if TYPE_CHECKING:
    from http.client import HTTPResponse

__all__ = ["API_KEY", "API_KEY_HEADER", "TARGET_HEADERS", "Request", "Response", "send"]

_HEADER = Text(r"[A-Za-z0-9-]+", "a header's name")
_READING = ("GET", "HEAD")
_SECRETS = "REQUEST_SECRET_HEADERS"
"""The variable that carries secret headers to the process that sends the request, as JSON."""
API_KEY, API_KEY_HEADER = "sb_", "apikey"
"""How a project's publishable and secret keys begin, and the header that they belong in."""
TARGET_HEADERS = "REQUEST_TARGET_HEADERS"
"""The variable with which a target (a drill's) adds headers to its requests, as JSON."""
_SEND = "import sys; from runbook.steps.request import main; sys.exit(main(sys.argv[1:]))"
_LARGEST = 1024 * 1024
"""The most bytes of an answer that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Runnable):
    """One HTTP request to a function of the target; `within` is seconds."""

    places: ClassVar = frozenset({"step", "on_cli", "check"})
    enter_does: ClassVar = "to send it"
    mapping: ClassVar = "request"
    summary: ClassVar = "One HTTP request to an edge function, and what it must answer."

    function: str = key(LINE_TEMPLATE, "The edge function's name.")
    method: str = key(
        Choice(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")), "The method.", default="GET", said="GET"
    )
    path: str = key(LINE_TEMPLATE, "What follows the function's name: a path, a query.", default="")
    headers: Mapping[str, str] = key(MapOf(_HEADER, LINE_TEMPLATE), "Headers, by name.", default=dict)
    secret_headers: Mapping[str, str] = key(
        MapOf(_HEADER, NAME),
        "Headers whose values are secret parameters. Authorization gets `Bearer` before its value, and a value that "
        "begins with `sb_` is sent as `apikey` instead.",
        default=dict,
    )
    json: object = key(Anything(), "A body that is sent as JSON; {{name}} fills texts in it.", default=None)
    body: str | None = key(LITERAL, "A body that is sent as it is.", default=None)
    status: int = key(Whole(100), "The HTTP status that it must answer.", default=200, said="200")
    holds: str | None = key(LITERAL, "A text that the body of the answer must contain.", default=None)
    within: float = key(Duration("sm"), "How long the answer may take.", default=10.0, said="10s")
    only_reads: str | None = key(LINE, "Why a method other than GET and HEAD changes nothing here.", default=None)
    at: Position

    @classmethod
    def made(cls, values: Mapping[str, Any]) -> Request:
        """Return it with the place of its mapping."""
        return cls(**{name: value for name, value in values.items() if name in cls.__dataclass_fields__})

    # --- what is checked in the book ------------------------------------------------------------------------------

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its URL, headers and body, and the secrets in it."""
        del at
        for text in (self.function, self.path, *self.headers.values()):
            yield Use(text, self.at, Becomes.ARGV)
        for text in (*_texts_in(self.json), self.body or ""):
            yield Use(text, self.at, Becomes.FILE)
        if self.holds:
            yield Use(self.holds, self.at, Becomes.COMPARED)
        yield from (Use(secret, self.at, Becomes.SECRET) for secret in self.secret_headers.values())

    def problems(self, role: Role, effect: Effect) -> Iterator[Problem]:
        """Report a second body, a body that the method can't have, and a reason that isn't needed."""
        del role, effect
        if self.json is not None and self.body is not None:
            yield "a request can have only one body: use 'json' or 'body'", "body:"
        if self.only_reads and self.method in _READING:
            yield f"{self.method} never writes: remove 'only_reads'", "only_reads:"
        if (self.json is not None or self.body is not None) and self.method in _READING:
            yield f"{self.method} can't have a body", "json:" if self.body is None else "body:"

    # --- what it sends --------------------------------------------------------------------------------------------

    @property
    def declared(self) -> Effect:
        """Reads for GET and HEAD, and if the author says why the request only reads. Otherwise writes."""
        return Effect.READS if self.method in _READING or self.only_reads else Effect.WRITES

    def expectation(self, own: Expectation) -> Expectation:
        """Return what the answer must be, the status first. Paths to its values begin with `body`."""
        return replace(own, json=(("status", str(self.status)), *own.json))

    def argv(self, values: Values, to: Destination) -> tuple[str, ...]:
        """Return the argv of the process that sends it. `-P` keeps it from importing modules of the project."""
        headers = {name: _one_line(name, text) for name, text in self._headers(values).items()}
        return (
            *(sys.executable, "-P", "-c", _SEND, "--output-format", "json"),
            *(self.method, self._url(values, to, lambda text: quote(text, safe="")), f"{self.within:g}"),
            *(json.dumps(headers), self._body(values), fill_text(self.holds or "", values)),
        )

    def judge(self, argv: tuple[str, ...], to: Destination) -> None:
        """Return None: policy judges commands, but the effect of a request follows from its method."""
        del argv, to

    def environment(self) -> Mapping[str, str]:
        """Return the variable with which the process that sends it finds this package."""
        return {"PYTHONPATH": str(Path(__file__).parents[2])}

    def secret_environment(self, secret: Callable[[str], str]) -> Mapping[str, str]:
        """Return the secret headers for the process that sends it."""
        sent = dict(_header_of(name, secret(parameter)) for name, parameter in self.secret_headers.items())
        return {_SECRETS: json.dumps(sent)} if sent else {}

    def _headers(self, values: Values) -> dict[str, str]:
        """Return the headers that aren't secret. A JSON body gets its content type, unless the author gives another."""
        headers = {name: fill_text(text, values) for name, text in self.headers.items()}
        if self.json is None or "content-type" in map(str.lower, headers):
            return headers
        return {"Content-Type": "application/json", **headers}

    def _url(self, values: Values, to: Destination, written: Callable[[str], str]) -> str:
        """Return the URL. `written` quotes a value, so that it can't end its part of the URL."""

        def filled(template: str) -> str:
            return PLACEHOLDER.sub(lambda found: written(fill_text(found[0], values)), template)

        return f"{to.functions_url()}/{filled(self.function)}{filled(self.path)}"

    def _body(self, values: Values) -> str:
        if self.json is not None:
            return json.dumps(_filled(self.json, values), ensure_ascii=False)
        return fill_text(self.body or "", values)

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield the request, with secrets by their names."""
        secrets = (_header_of(name, f"<{secret}>") for name, secret in self.secret_headers.items())
        headers = (*self._headers(values).items(), *secrets)
        names = tuple(self.secret_headers)
        yield view.HttpRequest(self.method, self._url(values, to, str), headers, self._body(values), names)
        held = [f"the body of the answer contains `{fill_text(self.holds, values)}`"] if self.holds else []
        yield view.Expected((*held, f"it arrives within {self.within:g} s"))


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from (str(name), *_texts_in(item))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)


def _filled(value: object, values: Values) -> object:
    """Fill in the texts of a JSON value one by one, so that a value can't end its text and change the rest."""
    if isinstance(value, str):
        return fill_text(value, values)
    if isinstance(value, Mapping):
        return {fill_text(str(name), values): _filled(item, values) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, values) for item in value]
    return value


def _header_of(name: str, value: str) -> tuple[str, str]:
    """Return a secret header as it is sent.

    A publishable key isn't a token, so the gateway refuses it as one: supabase.com/docs/guides/functions/auth-headers.
    """
    if name.lower() != "authorization":
        return name, value
    return (API_KEY_HEADER, value) if value.startswith(API_KEY) else (name, f"Bearer {value}")


def _one_line(name: str, text: str) -> str:
    if any(character < " " or character == "\x7f" for character in text):
        raise UsageError(f"the header {name} contains a control character", hint="Each header is one line.")
    return text


# --- the process that sends it ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Response:
    """The answer, and the seconds until it was read. `headers` have names in lower case. Cookies are left out."""

    status: int
    seconds: float
    headers: Mapping[str, str]
    text: str


def send(
    method: str, url: str, within: float, headers: Mapping[str, str], body: str, *, largest: int = _LARGEST
) -> Response:
    """Send a request and return the answer. Raises OSError if none comes within that many seconds.

    Of the answer's body, at most `largest` bytes are read.
    """
    import urllib.error  # imported here, because every verb loads the kinds of steps, but only this process sends
    import urllib.request

    class Unfollowed(urllib.request.HTTPRedirectHandler):
        """Return a redirect as the answer: following it would send the secrets elsewhere."""

        def redirect_request(self, *_: object, **__: object) -> None:
            return None

    data = body.encode() if body else None
    request = urllib.request.Request(url, data, dict(headers), method=method)  # noqa: S310 - made from the target
    began = time.monotonic()
    try:
        answer = urllib.request.build_opener(Unfollowed).open(request, timeout=within)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        text = _read(answer, began + within, largest).decode("utf-8", "replace")
        kept = {name.lower(): value for name, value in answer.headers.items() if name.lower() != "set-cookie"}
        return Response(answer.status, round(time.monotonic() - began, 3), kept, text)


def _read(answer: HTTPResponse, until: float, largest: int) -> bytes:
    """Return the body, up to its limit. Raises TimeoutError."""
    data = b""
    # A socket's timeout starts again with each piece of the answer, so this stops a server that sends them slowly.
    while len(data) < largest and (piece := answer.read1(largest - len(data))):
        data += piece
        if time.monotonic() > until:
            raise TimeoutError
    return data


def main(words: list[str]) -> int:
    """Send the request that the words describe (see `Request.argv`), print its answer, and return an exit code."""
    from http.client import HTTPException

    _, _, method, url, within, headers, body, holds = words
    secrets, targets = (json.loads(os.environ.pop(name, "{}")) for name in (_SECRETS, TARGET_HEADERS))
    try:
        answer = send(method, url, float(within), {**json.loads(headers), **secrets, **targets}, body)
    except KeyboardInterrupt:
        return 130
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        late = isinstance(reason, TimeoutError)
        sys.stderr.write(f"no answer within {within} s\n" if late else f"no answer: {reason}\n")
        return 1
    try:
        shown = json.loads(answer.text)
    except (ValueError, RecursionError):
        shown = answer.text
    document = {"status": answer.status, "seconds": answer.seconds, "headers": answer.headers, "body": shown}
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    if holds not in answer.text:
        sys.stderr.write(f"the body of the answer doesn't contain: {holds}\n")
        return 1
    return 0
