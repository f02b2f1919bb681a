"""A request of the book as a line for a shell: curl, which gets secrets from its input, never from its argv."""

from __future__ import annotations

from runbook.steps.view import HttpRequest

__all__ = ["curl_argv", "secrets_to_curl"]


def curl_argv(request: HttpRequest) -> tuple[str, ...]:
    """Return curl's argv. It prints the status and the headers of the answer, too."""
    method = {"GET": ("-i",), "HEAD": ("-I",)}.get(request.method, ("-i", "-X", request.method))
    shown = [
        word for name, value in request.headers if name not in request.secrets for word in ("-H", f"{name}: {value}")
    ]
    hidden = ("-H", "@-") if request.secrets else ()
    # `--data` would read a file if the body began with @.
    body = ("--data-raw", request.body) if request.body else ()
    return ("curl", *method, request.url, *hidden, *shown, *body)


def secrets_to_curl(request: HttpRequest) -> str:
    """Return what asks for the secrets without showing them, and pipes their headers into curl; empty without any."""
    asked, lines, variables = list[str](), list[str](), list[str]()
    for header, value in request.headers:
        if header in request.secrets:
            scheme, _, name = value.rstrip(">").partition("<")
            asked.append(f"printf '{name}: '; read -rs {name.upper()}; echo; ")
            lines.append(f"{header}: {scheme}%s\\n")
            variables.append(f'"${name.upper()}"')
    return f"{''.join(asked)}printf '{''.join(lines)}' {' '.join(variables)} | " if asked else ""
