"""Find the error in the output of a failed command, and the known error of the book that matches it. Pure.

Only the Supabase CLI's own report of an error counts: its JSON error, or the first line that begins like its errors.
It prints an error before the statement that caused it, so text from a migration or a row comes later. A message can
still quote a row, and a row can spell out another error with its SQLSTATE. If there are two SQLSTATEs, neither is
trusted: the error is shown without an explanation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runbook.linear_regex import linear_regex
from runbook.model import KnownError
from runbook.policy.argv import invocation_of
from runbook.printable import lines_of, one_line

__all__ = ["CommandError", "Diagnosis", "diagnose", "error_in", "known_error", "without_styles"]

_BEGINS = r"(?:ERROR|FATAL|PANIC|Error|error): |failed |unexpected |cannot |unable |pg_dump: error: "
"""How errors of PostgreSQL and of the CLI begin, at the start of a line (2.122 and 3.1)."""
_SQLSTATE = re.compile(r"\(SQLSTATE ([0-9A-Z]{5})\)\)*$", re.MULTILINE)
"""Only the end of a line counts, because an error that quotes a row continues after the quote."""
_PREFIX = re.compile(
    r"(?:(?:ERROR|FATAL|PANIC|Error|error): |failed to execute query: |unexpected status \d{3}: |pg_dump: error: )+"
)
"""What the CLI prints before PostgreSQL's own message."""
_STYLE = re.compile(r"\x1b\[[0-9;]{0,64}m")
_CUT = re.compile(r"\[\.\.\. [0-9,]+ characters cut \.\.\.\]")
_MOST_LINES = 8
"""The most lines of one message; later ones are only in the output."""


@dataclass(frozen=True, slots=True)
class CommandError:
    """An error as a command printed it, on one line.

    `sqlstate` is its SQLSTATE, and `detail` is what PostgreSQL adds to the message; both may be "".
    """

    text: str
    sqlstate: str = ""
    detail: str = ""

    @property
    def message(self) -> str:
        """The text from PostgreSQL's own message on."""
        return _PREFIX.sub("", self.text, count=1)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a command failed: its error, and the book's entry for it (None: there is none)."""

    error: CommandError
    known: KnownError | None = None


def diagnose(
    errors: Sequence[KnownError], argv: Sequence[str], exit_code: int | None, output: str, *, major: int | None = None
) -> Diagnosis | None:
    """Return why a command failed; None if it didn't, if its output doesn't say, or if it isn't the Supabase CLI.

    `output` is the stored output, with its JSON last. Output of other programs and edge functions isn't searched.
    """
    if not exit_code or not argv or invocation_of(argv).program != "supabase":
        return None
    found = error_in(output, errors)
    return Diagnosis(found, known_error(errors, found, major=major)) if found else None


def error_in(output: str, errors: Sequence[KnownError] = ()) -> CommandError | None:
    """Return the error in the CLI's output, None if there is none.

    A line also counts if a known error without an SQLSTATE fits it.
    """
    said = _said_in_json(output)
    if said:
        return CommandError(one_line(said), _sqlstate(said))
    text = without_styles(output).replace("\r\n", "\n")
    begins = "|".join((_BEGINS, *(f"(?:{message})" for one in errors if not one.sqlstates for message in one.messages)))
    first = linear_regex(rf"^(?:{begins})[^\n]*$", lines=True).search(text)
    if first is None:
        return None
    lines = lines_of(text)
    lines = lines[lines.index(first.whole) :]
    size = _size_of_message(lines)
    return CommandError(
        one_line("\n".join(lines[:size])), _sqlstate("\n".join(lines)), one_line("\n".join(_detail(lines[size:])))
    )


def known_error(errors: Sequence[KnownError], error: CommandError, *, major: int | None = None) -> KnownError | None:
    """Return the first known error that fits; see `KnownError` for when one does. `major` is the CLI's, if known."""
    return next((one for one in errors if (not one.majors or major in {None, *one.majors}) and _fits(one, error)), None)


def without_styles(text: str) -> str:
    """Return the text without the sequences that set colours and weight."""
    return _STYLE.sub("", text)


def _fits(known: KnownError, error: CommandError) -> bool:
    if known.sqlstates and error.sqlstate:
        if error.sqlstate not in known.sqlstates:
            return False
        return not known.messages or _fits_text(known, error.message)
    return _fits_text(known, error.message) or _fits_text(known, error.text)


def _fits_text(known: KnownError, text: str) -> bool:
    return any(linear_regex(message).search(text) for message in known.messages)


def _said_in_json(output: str) -> str:
    """Return the message of the CLI's JSON error, which ends the output; "" if there is none."""
    start = output.rfind("\n{") + 1 if not output.startswith("{") or "\n{" in output else 0
    try:
        document = json.loads(output[start:]) if output[start : start + 1] == "{" else None
    except (ValueError, RecursionError):
        return ""
    error = document.get("error") if isinstance(document, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else None
    return without_styles(message) if isinstance(message, str) else ""


def _size_of_message(lines: Sequence[str]) -> int:
    """Return how many lines an error has. PostgreSQL's may have several, up to the one with its SQLSTATE."""
    if not lines[0].startswith(("ERROR: ", "FATAL: ")):
        return 1
    return next((number for number, line in enumerate(lines[:_MOST_LINES], start=1) if _SQLSTATE.search(line)), 1)


def _detail(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines that PostgreSQL adds to a message, without the statement and the CLI's own hint."""
    ends = ("At statement: ", "Hint: ", "Try rerunning ")
    size = next((number for number, line in enumerate(lines) if not line.strip() or line.startswith(ends)), 0)
    return lines[:size] if size <= _MOST_LINES else ()


def _sqlstate(text: str) -> str:
    """Return the only SQLSTATE in the text, "" if it has several or a part of it was cut out."""
    found = set(_SQLSTATE.findall(text))
    return found.pop() if len(found) == 1 and not _CUT.search(text) else ""
