"""Open a book to read, not to run: its sound parts can be read even if other parts have problems."""

from __future__ import annotations

import click

from runbook.errors import BookError, UsageError
from runbook.loading import book_directory, load_book, load_procedure
from runbook.model import Book, Procedure
from runbook.printable import counted

__all__ = ["open_at", "open_if_sound", "open_to_read", "read_sound"]


def open_at(directory: str | None, name: str) -> tuple[Book, Procedure]:
    """Return one procedure, and the part of the book that it takes to read it.

    Raises what `open_to_read` raises, and UsageError naming close ones if there is no such procedure.
    """
    reading = load_procedure(book_directory(directory), name)
    if reading.book is not None and not reading.findings and name in reading.book.procedures:
        return reading.book, reading.book.procedures[name]
    book = open_to_read(directory)
    return book, book.procedure(name)


def open_to_read(directory: str | None) -> Book:
    """Return the sound part of the book, and print the number of problems to standard error.

    Raises BookError if nothing can be read, UsageError if there is no book. In an emergency, a typo in one procedure
    must not put a sound one out of reach; `runbook run` is stricter.
    """
    return read_sound(directory)[0]


def read_sound(directory: str | None) -> tuple[Book, bool]:
    """Return what `open_to_read` returns, and whether the whole book is sound."""
    reading = load_book(book_directory(directory))
    if reading.book is None:
        raise BookError(reading.findings)
    if reading.findings:
        problems = counted(len(reading.findings), "problem")
        click.echo(f"runbook: the book has {problems}; `runbook check` shows them", err=True)
    return reading.book, not reading.findings


def open_if_sound(directory: str | None) -> Book | None:
    """Return the book, or None if it can't be used: a run can be read without it, with the paths of its steps."""
    from runbook.checks import open_book

    try:
        return open_book(directory)
    except (BookError, UsageError):
        return None
