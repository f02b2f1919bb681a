"""A request of the book as a line for a shell: curl, which gets secrets from its input, never from its argv."""

from __future__ import annotations

from runbook.steps.request import API_KEY, API_KEY_HEADER
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
    asked, sent = list[str](), list[str]()
    for header, value in request.headers:
        if header not in request.secrets:
            continue
        scheme, _, name = value.rstrip(">").partition("<")
        variable = f'"${name.upper()}"'
        asked.append(f"printf '{name}: '; read -rs {name.upper()}; echo; ")
        line = f"printf '{header}: {scheme}%s\\n' {variable}"
        if scheme:  # as the walk does, see `runbook.steps.request`
            line = f"case {variable} in {API_KEY}*) printf '{API_KEY_HEADER}: %s\\n' {variable};; *) {line};; esac"
        sent.append(line)
    if not asked:
        return ""
    together = sent[0] if len(sent) == 1 else f"{{ {'; '.join(sent)}; }}"
    return f"{''.join(asked)}{together} | "
