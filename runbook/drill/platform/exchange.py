"""One request and one reply, as plain values, so that the handlers need no server to be tested."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from typing import cast

__all__ = ["Reply", "Request", "answer", "parts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked. `place` are the groups of the route's pattern."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name, in lower case."""
    place: tuple[str, ...] = ()

    def json(self) -> object:
        """Return the body's JSON, None when it is empty."""
        return json.loads(self.body or b"null")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, after `delay` seconds."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0


def answer(status: int, document: object) -> Reply:
    """Return a JSON reply."""
    return Reply(status, json.dumps(document).encode())


def parts_of(request: Request) -> tuple[Mapping[str, object], tuple[tuple[str, bytes], ...]]:
    """Return the `metadata` document and the files of an upload."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n".encode()
    message = message_from_bytes(head + request.body, policy=HTTP)
    metadata: Mapping[str, object] = {}
    files: list[tuple[str, bytes]] = []
    for part in message.iter_parts():
        content = cast("bytes | None", part.get_payload(decode=True)) or b""
        name = part.get_param("name", header="content-disposition")
        if name == "metadata":
            metadata = json.loads(content)
        else:
            files.append((part.get_filename() or str(name), content))
    return metadata, tuple(files)
