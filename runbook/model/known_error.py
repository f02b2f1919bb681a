"""An error that PostgreSQL, the platform or the CLI shows, with what it means and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.model.fields import (
    KEBAB,
    LINE,
    LINES,
    MAJOR,
    PROSE,
    Field,
    ListOf,
    ProcedureId,
    Regex,
    Shaped,
    Text,
    Truth,
    file_of,
    key,
    shape,
)
from runbook.model.terms import Position

__all__ = ["SHAPES", "KnownError"]

_SQLSTATE = Text(r"[0-9A-Z]{5}", "an SQLSTATE: five digits or capital letters, such as 42P07")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownError:
    """One error, with why it happens and what to do; `runbook.diagnosis` says when it fits.

    If `sqlstates` are given, an error that carries an SQLSTATE must have one of them. If `messages` are given, one of
    them must occur in its text. The first entry of the file that fits is used, so specific entries come first.
    """

    id: str = key(KEBAB, "The error's name; unique in the file.")
    title: str = key(LINE, "What happened, in words that people search for.")
    sqlstates: tuple[str, ...] = key(ListOf(_SQLSTATE), "The SQLSTATEs that the error can have.", default=())
    messages: tuple[str, ...] = key(
        ListOf(Regex()), "Regular expressions, one of which must occur in the error's text.", default=()
    )
    majors: tuple[int, ...] = key(ListOf(MAJOR), "Only on these majors of the CLI.", default=(), said="all")
    shown: tuple[str, ...] = key(
        LINES, "Errors as they are printed, each on one line. `runbook check` makes sure that each is recognized."
    )
    means: str = key(PROSE, "Why it happens, in one or two sentences.", read=str.strip)
    do: tuple[str, ...] = key(ListOf(PROSE), "What to do, in order.")
    nothing_ran: bool = key(
        Truth(),
        "Whether the command stopped before it did anything. If true, the step's own advice on failures isn't shown.",
        default=False,
        said="false",
    )
    see: str | None = key(ProcedureId(), "The id of the procedure that helps.", default=None)
    at: Position


SHAPES = (
    file_of(
        Field("errors", ListOf(Shaped("error")), "One entry for each error, specific ones before general ones."),
        "errors",
        "the errors file",
        "Known errors: what they mean, and what to do.",
    ),
    shape(KnownError, "error", "an error", "A known error: what it means, and what to do."),
)
"""The errors file."""
