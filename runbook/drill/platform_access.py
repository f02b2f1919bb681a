"""Who may ask the platform's stand-in. Every user of this machine can reach its port, and pages in a browser can too.

So a request needs what only the drill's own commands have, and must name the host that they name. It is refused before
anything else of it is read.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runbook.drill.platform_api import ApiReply, ApiRequest, answer, is_call
from runbook.steps.request import TARGET_HEADERS

__all__ = ["CALL_HEADER", "TARGET_HEADERS", "Keys", "refusal"]

CALL_HEADER = "x-drill-key"
"""The header that a call of a function must carry. On production anybody may call; here, only who is in the drill."""
_LARGEST = 64 * 1024 * 1024
"""Bytes of a request's body: more than a deploy sends."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What opens one stand-in, made anew for each."""

    # The CLI demands this form of a token; a call's key has that of a secret key. So every outlet masks both.
    token: str = field(default_factory=lambda: f"sbp_{secrets.token_hex(20)}", repr=False)
    """For the management API."""
    call: str = field(default_factory=lambda: f"sb_secret_{secrets.token_urlsafe(24)}", repr=False)
    """For calls of functions."""

    @property
    def call_headers(self) -> Mapping[str, str]:
        """The headers that admit a call."""
        return {CALL_HEADER: self.call}


def refusal(request: ApiRequest, keys: Keys, *, hosts: Sequence[str], port: int) -> ApiReply | None:
    """Return the answer to a request that is not the drill's, or can't be taken; None where it may go on."""
    # A page can make its own name lead to 127.0.0.1, but its browser then sends that name.
    if len(hosts) != 1 or hosts[0].lower() not in {f"127.0.0.1:{port}", f"localhost:{port}"}:
        return answer(421, {"message": "This is a drill's platform, on 127.0.0.1 alone"})
    name, wanted = (CALL_HEADER, keys.call) if is_call(request) else ("authorization", f"Bearer {keys.token}")
    if not hmac.compare_digest(request.headers.get(name, "").encode(), wanted.encode()):
        return answer(401, {"message": "Unauthorized: a drill's platform answers the drill's own commands alone"})
    length = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers or not (length.isascii() and length.isdigit()):
        return answer(411, {"message": "The drill's platform wants a Content-Length"})
    too_large = len(length) > len(str(_LARGEST)) or int(length) > _LARGEST
    return answer(413, {"message": "Too large for the drill's platform"}) if too_large else None
