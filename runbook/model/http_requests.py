"""What HTTP requests to a project do, and where the command lines of HTTP clients say which request they send."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.model.fields import (
    EFFECT,
    FLAGS,
    KEBAB,
    LINE,
    TESTS,
    TEXTS,
    VERDICT,
    Choice,
    ListOf,
    Regex,
    Truth,
    key,
    shape,
)
from runbook.model.line_test import LineTest
from runbook.model.terms import Effect, Position, Verdict

__all__ = ["SHAPES", "HttpClient", "HttpRequest"]

_METHOD = Choice(("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpClient:
    """A program that sends an HTTP request, and where its command line says which."""

    program: str = key(LINE, "The program, without a path.")
    also: tuple[str, ...] = key(ListOf(LINE), "Other programs with the same command line.", default=())
    command: str = key(LINE, "The subcommand that sends a request, if there is one.", default="")
    method_flags: tuple[str, ...] = key(FLAGS, "Flags whose value is the method.", default=())
    url_flags: tuple[str, ...] = key(FLAGS, "Flags whose value is the URL.", default=())
    host_flags: tuple[str, ...] = key(FLAGS, "Flags whose value is the host of a URL without one.", default=())
    body_flags: tuple[str, ...] = key(FLAGS, "Flags whose value is the body. They make it a POST.", default=())
    upload_flags: tuple[str, ...] = key(FLAGS, "Flags whose value is a file to upload. They make it a PUT.", default=())
    query_flags: tuple[str, ...] = key(FLAGS, "Flags that move the body into the URL and make it a GET.", default=())
    head_flags: tuple[str, ...] = key(FLAGS, "Flags that make it a HEAD.", default=())
    config_flags: tuple[str, ...] = key(
        FLAGS, "Flags whose value is a file of options, one a line. `-` is standard input.", default=()
    )
    list_flags: tuple[str, ...] = key(FLAGS, "Flags whose value is a file of URLs.", default=())
    value_flags: tuple[str, ...] = key(FLAGS, "Its other flags that take a value in the next word.", default=())
    globs: bool = key(
        Truth(), "It sends a request for each URL that brackets and braces stand for: `[1-99]`.", default=False
    )
    items: bool = key(
        Truth(),
        "Its words may be a method, a URL and items, as in HTTPie: `id==1` for the URL, `id=1` for the body.",
        default=False,
    )

    def is_for(self, program: str) -> bool:
        """Whether the program has this command line."""
        return program == self.program or program in self.also


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """What one kind of request does to a project. Of all that fit a request, the first counts.

    `sql` is exactly what the SQL in the body does. A part of the request that can't be seen fits nothing that must be
    found in it.
    """

    id: str = key(KEBAB, "The name of this entry; unique among rules and requests.")
    request: str = key(LINE, "The request in short, as pages show it.")
    methods: tuple[str, ...] = key(ListOf(_METHOD), "The methods.")
    host: str | None = key(
        Regex(), "A regular expression that must occur in the host's name. A host that isn't known fits.", default=None
    )
    path: str = key(Regex(), "A regular expression that must occur in the path.")
    excludes: str | None = key(Regex(), "A regular expression that must not occur in the path.", default=None)
    once: bool = key(
        Truth(), "It fits only a request that is sent once, not one of a loop or of a range of URLs.", default=False
    )
    query: str | None = key(Regex(), "A regular expression that must occur in the URL after `?`.", default=None)
    body: str | None = key(Regex(), "A regular expression that must occur in the body.", default=None)
    sql: Effect | None = key(EFFECT, "What the SQL in the body does.", default=None, read=Effect)
    effect: Effect = key(EFFECT, "What it does to the project.", read=Effect)
    remote: Verdict = key(VERDICT, "The verdict on a hosted project.", read=Verdict)
    local: Verdict = key(VERDICT, "The verdict on the local stack.", read=Verdict)
    reason: str = key(TEXTS, "The reason for the verdict, in one sentence.", read=str.strip)
    instead: str = key(TEXTS, "What to do instead.", default="", read=str.strip)
    tests: tuple[LineTest, ...] = key(TESTS, "Lines with the verdict that each must get.", default=())
    at: Position


SHAPES = (
    shape(HttpClient, "http-client", "an HTTP client", "A program that sends an HTTP request."),
    shape(HttpRequest, "http-request", "a request", "What one kind of HTTP request does to a project."),
)
"""HTTP clients and requests."""
