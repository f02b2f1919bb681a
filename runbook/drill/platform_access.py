"""Decide who may use the platform's stand-in. Every user of this machine can reach its port, and so can web pages.

So a request must carry a key that only the drill's own commands have, and name the host that they name. The stand-in
checks that before it reads the body.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runbook.drill.platform_api import ApiReply, ApiRequest, answer, is_call

__all__ = ["Keys", "refusal"]

_CALL_HEADER = "x-drill-key"
"""Every call of a function must have this header. On production anybody may call; here, only the drill's commands."""
_LARGEST = 64 * 1024 * 1024
"""The most bytes of a request's body. A deploy sends fewer."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one stand-in. Each stand-in has its own."""

    # The CLI accepts tokens of this form only. The other key looks like a secret key, so the redaction masks both.
    token: str = field(default_factory=lambda: f"sbp_{secrets.token_hex(20)}", repr=False)
    """For the management API."""
    call: str = field(default_factory=lambda: f"sb_secret_{secrets.token_urlsafe(24)}", repr=False)
    """For calls of functions."""

    @property
    def call_headers(self) -> Mapping[str, str]:
        """The headers that admit a call."""
        return {_CALL_HEADER: self.call}


def refusal(request: ApiRequest, keys: Keys, *, hosts: Sequence[str], port: int) -> ApiReply | None:
    """Return the error for a request that isn't the drill's own or has no acceptable length, None if it's admitted."""
    # A page can point its own host name at 127.0.0.1 (DNS rebinding), but the browser then sends that name.
    if len(hosts) != 1 or hosts[0].lower() not in {f"127.0.0.1:{port}", f"localhost:{port}"}:
        return answer(421, {"message": "A drill's platform answers only on 127.0.0.1"})
    name, wanted = (_CALL_HEADER, keys.call) if is_call(request) else ("authorization", f"Bearer {keys.token}")
    if not hmac.compare_digest(request.headers.get(name, "").encode(), wanted.encode()):
        return answer(401, {"message": "Unauthorized: a drill's platform answers only the drill's own commands"})
    length = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers or not (length.isascii() and length.isdigit()):
        return answer(411, {"message": "The drill's platform requires a Content-Length"})
    too_large = len(length) > len(str(_LARGEST)) or int(length) > _LARGEST
    return answer(413, {"message": "Too large for the drill's platform"}) if too_large else None
