"""Send a team's notifications during a run, and name at the end the receivers that got none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from runbook.engine.state import RunState
    from runbook.journal.events import Event
    from runbook.model import Book, Procedure

__all__ = ["notifying"]


@contextmanager
def notifying(book: Book) -> Iterator[Callable[[Event, RunState, Procedure], None] | None]:
    """Yield a function that notifies the book's receivers of an event; None if there are none.

    After the block, print a line for each receiver that got no message. Raises UsageError for an unsafe address.
    """
    if book.team is None or not book.team.notify:
        yield None
        return
    from runbook.reports.notification import message_of, payload
    from runbook.runtime.notifier import Notifier, receivers_of

    notifier = Notifier(receivers_of(book.team.notify, Path(book.directory), os.environ, payload))

    def notify(event: Event, state: RunState, procedure: Procedure) -> None:
        if message := message_of(event, state, procedure):
            notifier.send(message)

    try:
        yield notify
    finally:
        for problem in notifier.close():
            with suppress(OSError):  # the terminal may be gone
                click.echo(f"Note: {problem}", err=True)
