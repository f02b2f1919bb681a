"""Read the HTTP request that a client's argv sends, and find what the policy says about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runbook.linear_regex import linear_regex
from runbook.model import Effect, Policy, TargetKind, Verdict
from runbook.model.http_requests import HttpClient, HttpRequest
from runbook.policy.argv import Words, is_elsewhere, read_words

__all__ = ["Request", "find_request", "requests_of", "target_of", "verdict_of"]

_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.IGNORECASE)
# A name, and how its value is meant: `:=` JSON, `==` in the URL, `=` a text, `:` a header, `@` a file.
_ITEM = re.compile(r"([^:=@]*)(:=@?|==|=@?|:|@)(.*)", re.DOTALL)
# `name = value`, with or without dashes; a colon or a blank may be in the place of the equals sign.
_OPTION = re.compile(r"\s*(-{0,2}[A-Za-z][\w-]*)\s*[=:]?\s*(.*)")
_RANGE = re.compile(r"\[\w+-\w+(:\d+)?\]|\{[^{}]*,[^{}]*\}")
_LISTED = "$1"
"""The path of a URL in a file that can't be seen here. A path that is known begins with a slash."""
_METHODS = ("DELETE", "PATCH", "POST", "PUT", "GET")
"""What an unknown method may be, the most dangerous first."""


class Request(NamedTuple):
    """A request. An unknown part of a text is `$1` or a variable's name; a body that can't be seen is None.

    `is_guess` is true if the method isn't known, and this is one that it may be. `is_repeated` is true if the client
    sends many that differ, in a loop or for a range of URLs.
    """

    method: str
    host: str
    path: str
    query: str
    body: str | None
    is_guess: bool = False
    is_repeated: bool = False

    @property
    def has_host(self) -> bool:
        """Whether the host is known."""
        return bool(self.host) and "$" not in self.host


def requests_of(
    client: HttpClient, arguments: Sequence[str], stdin: str | None, *, repeats: bool = False
) -> tuple[Request, ...]:
    """Return the requests that a client sends: one for each URL, and for each method if that isn't known.

    `repeats` says that the client runs again with other words.
    """
    words = read_words(arguments, _taking(client))
    if "-" in words.values(*client.config_flags) and stdin is not None:
        # The file with its options is read from there, so a body can't be.
        words, stdin = read_words((*arguments, *_options_in(stdin)), _taking(client)), None
    positionals = list(words.positionals)
    if client.command:
        if positionals[:1] != [client.command]:
            return ()
        positionals.pop(0)
    found = tuple(_requests(client, words, positionals, stdin))
    return tuple(each._replace(is_repeated=True) for each in found) if repeats else found


def _taking(client: HttpClient) -> frozenset[str]:
    sent = (client.method_flags, client.url_flags, client.host_flags, client.body_flags, client.upload_flags)
    read = (client.config_flags, client.list_flags, client.value_flags)
    return frozenset(flag for flags in (*sent, *read) for flag in flags)


def _requests(client: HttpClient, words: Words, positionals: list[str], stdin: str | None) -> Iterator[Request]:
    method = next(iter(reversed(words.values(*client.method_flags))), "")
    more_query: list[str] = []
    bodies = [_body_text(text, stdin) for text in words.values(*client.body_flags)]
    if client.items:
        if not method and len(positionals) > 1 and re.fullmatch(r"[A-Za-z]+|\$\w+", positionals[0]):
            method = positionals.pop(0)
        more_query, fields = _items(positionals[1:])
        bodies += [fields] if fields else []
        positionals = positionals[:1]
    body: str | None = ""
    for text in bodies:
        body = None if body is None or text is None else f"{body}&{text}" if body else text
    if any(words.has(flag) for flag in client.query_flags):
        more_query.append(body or "")
    method = method or _implied_method(client, words, has_body=bool(bodies))
    methods = _METHODS if "$" in method else (method.upper(),)
    for url in (*words.values(*client.url_flags), *positionals):
        address = _address(url, client, words)
        if address is not None:
            host, path, query = address
            whole = "&".join(filter(None, (query, *more_query)))
            is_range = client.globs and _RANGE.search(url) is not None
            for each in methods:
                yield Request(each, host, path, whole, body, is_guess="$" in method, is_repeated=is_range)
    if words.values(*client.list_flags):
        yield from (Request(each, "", _LISTED, "", body, "$" in method, is_repeated=True) for each in methods)


def _options_in(text: str) -> Iterator[str]:
    """Yield the words of a file of options: `url = "…"`, `request: DELETE`, `-X DELETE`."""
    for line in text.splitlines():
        found = _OPTION.match(line)
        if found is None:
            continue
        name, value = found[1], found[2].strip()
        yield name if name.startswith("-") else f"--{name}"
        quoted = re.match(r'"((?:[^"\\]|\\.)*)"', value)
        if value:
            yield re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value.split()[0]


def _implied_method(client: HttpClient, words: Words, *, has_body: bool) -> str:
    if any(words.has(flag) for flag in client.head_flags):
        return "HEAD"
    if any(words.has(flag) for flag in client.query_flags):
        return "GET"
    if any(words.has(flag) for flag in client.upload_flags):
        return "PUT"
    return "POST" if has_body else "GET"


def _body_text(text: str, stdin: str | None) -> str | None:
    """Return the body in a flag's value. `@-` is standard input, and any other file can't be seen."""
    if text in {"@-", "-"}:
        return stdin
    return None if text.startswith("@") else text


def _items(words: Sequence[str]) -> tuple[list[str], str]:
    """Return the parts of the URL and the body that HTTPie's items make."""
    query: list[str] = []
    fields: list[str] = []
    for word in words:
        found = _ITEM.match(word)
        if found and found[2] == "==":
            query.append(f"{found[1]}={found[3]}")
        elif found and found[2] != ":":
            fields.append(f"{found[1]}={found[3]}")
    return query, "&".join(fields)


def _address(url: str, client: HttpClient, words: Words) -> tuple[str, str, str] | None:
    """Return the host, the path and the query of a URL, or None if it goes to a host that isn't the project's."""
    from urllib.parse import unquote  # the guard counts milliseconds

    if client.host_flags and "://" not in url:
        hosts = words.values(*client.host_flags)
        host = hosts[-1] if hosts else client.host
        if not host:
            return None
        url = f"{host}/{url}"
    if client.items and re.match(r":\d*(/|$)", url):
        url = f"localhost{url}"
    # Outside quotes, `?` is a pattern for the shell, so it arrives as an unknown part before a filter.
    found = _URL.match(url if "?" in url else re.sub(r"\$1(?=[\w.]+=)", "?", url, count=1))
    if found is None:
        return None
    host = re.sub(r":\d*$", "", found[1].rpartition("@")[2]).lower()
    path = re.sub(r"/{2,}", "/", unquote(found[2])).removesuffix("/")
    return host, path, unquote(found[3] or "")


def find_request(request: Request, policy: Policy) -> HttpRequest | None:
    """Return the first entry of the policy that fits a request, or None if there is none."""
    entries = (each for each in policy.http_requests if not (each.once and request.is_repeated))
    return next((each for each in entries if _fits(each, request, policy)), None)


def verdict_of(request: Request, entry: HttpRequest) -> Verdict:
    """Return the entry's verdict where the request goes. A request that may be another one is only asked about."""
    verdict = entry.local if target_of(request) is TargetKind.LOCAL else entry.remote
    may_be_another = request.is_guess or (entry.host is not None and not request.has_host)
    return Verdict.CONFIRM if may_be_another and verdict is Verdict.REFUSE else verdict


def target_of(request: Request) -> TargetKind:
    """Return where a request goes: a host that isn't known counts as hosted."""
    is_hosted = not request.has_host or is_elsewhere(request.host)
    return TargetKind.PRODUCTION if is_hosted else TargetKind.LOCAL


def _fits(entry: HttpRequest, request: Request, policy: Policy) -> bool:
    if request.method not in entry.methods or not _found(entry.path, request.path):
        return False
    if entry.host is not None and request.has_host and not _found(entry.host, request.host):
        return False
    if entry.excludes is not None and _found(entry.excludes, request.path):
        return False
    if entry.query is not None and not _found(entry.query, request.query):
        return False
    if entry.body is not None and not _found(entry.body, request.body):
        return False
    return entry.sql is None or entry.sql is _sql_effect(request, policy)


def _found(pattern: str, text: str | None) -> bool:
    return text is not None and linear_regex(pattern).search(text) is not None


def _sql_effect(request: Request, policy: Policy) -> Effect | None:
    """Return the effect of the SQL in the body, or None if there is none that can be seen."""
    from runbook.policy.sql_effect import effect_of  # few lines have SQL, and startup time counts

    texts = [value for name, value in _fields(request.body or "") if name in policy.sql_keys]
    return effect_of("\n;".join(texts), read_only=False) if texts else None


def _fields(body: str) -> list[tuple[str, str]]:
    """Return the texts in a body by name: those of a JSON object, or of a form."""
    import json
    from urllib.parse import parse_qsl

    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return parse_qsl(body)
    fields = found.items() if isinstance(found, dict) else ()
    return [(name, value) for name, value in fields if isinstance(value, str)]
