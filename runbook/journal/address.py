"""Where a shared journal is: a PostgreSQL address, as libpq reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from runbook.errors import UsageError
from runbook.printable import one_line

__all__ = ["JournalAddress", "parse_address"]

_SCHEMES = {"postgresql", "postgres"}
_EXAMPLE = "Example: postgresql://db.example.com/runbook, or postgresql:///?service=runbook."


@dataclass(frozen=True, slots=True)
class JournalAddress:
    """An address that may contain a password; `place` is the same for people to read, without it."""

    url: str = field(repr=False)
    place: str
    password: str = field(default="", repr=False)


def parse_address(text: str) -> JournalAddress:
    """Return the address. Raises UsageError, which never repeats the password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError("the journal's address can't be read", hint=f"{one_line(str(error))}. {_EXAMPLE}") from error
    if parts.scheme not in _SCHEMES:
        raise UsageError("the journal's address must begin with postgresql://", hint=_EXAMPLE)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    password = asked.get("password") or unquote(parts.password or "")
    # In libpq, what the query says takes precedence.
    where = asked.get("host") or unquote(parts.hostname or "")
    where += f":{asked.get('port', port)}" if asked.get("port", port) else ""
    name = asked.get("dbname") or unquote(parts.path.lstrip("/"))
    service = f"?service={asked['service']}" if asked.get("service") else ""
    return JournalAddress(text, one_line(f"postgresql://{where}/{name}{service}"), password)
