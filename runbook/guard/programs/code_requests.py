"""Find the HTTP requests that code of another language sends: a URL, with the method beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from runbook.guard.programs.code_strings import CodeString

__all__ = ["requests_in"]

_METHODS = frozenset({"DELETE", "PATCH", "POST", "PUT"})
# `requests.delete(`, `axios.delete(`, `Net::HTTP::Delete.new(`
_CALL = re.compile(r"(?i)[.:](delete|patch|post|put)(?:\.new)?\s*\(\s*f?$")
_URL = re.compile(r"(?i)\S*(?:://|/v1/)\S*")
_NEAR = 6
"""Strings between a URL and its method: `fetch(url, {headers: {…}, method: "DELETE"})`."""


def requests_in(found: Sequence[CodeString]) -> Iterator[tuple[str, str]]:
    """Yield the method and the URL of each request that isn't a plain GET."""
    for at, string in enumerate(found):
        if not _URL.fullmatch(string.value):
            continue
        called = _CALL.search(string.before)
        near = [each.value.upper() for each in (*found[at + 1 : at + 1 + _NEAR], *found[max(0, at - _NEAR) : at][::-1])]
        method = called[1].upper() if called else next((word for word in near if word in _METHODS), "")
        if method:
            yield method, string.value
