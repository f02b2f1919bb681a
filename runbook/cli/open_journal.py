"""Which journal this user records in: the team's shared one, or the one on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runbook.errors import BookError, UsageError

if TYPE_CHECKING:
    from runbook.journal.address import JournalAddress
    from runbook.journal.interface import StoredJournal
    from runbook.journal.sqlite import SqliteJournal
    from runbook.model import Team

__all__ = ["journal_here", "journal_of", "local_journal", "shared_address"]

_LOCAL = "local"


def journal_here(book: str | None) -> StoredJournal:
    """Return the journal for the book in that directory (None: as every command finds it).

    Raises UsageError if the address is wrong, or if nobody can tell because the team's file has a mistake.
    """
    address = shared_address(book)
    return local_journal() if address is None else _shared(address)


def journal_of(team: Team | None) -> StoredJournal:
    """Return the journal of that team. Raises UsageError for a wrong address."""
    address = _address(team)
    return local_journal() if address is None else _shared(address)


def shared_address(book: str | None) -> JournalAddress | None:
    """Return where the shared journal is, None if there is none. Raises what `journal_here` raises."""
    return _address(None) if os.environ.get("RUNBOOK_JOURNAL") else _address(_team(book))


def local_journal() -> SqliteJournal:
    """Return this user's journal on this machine."""
    from runbook.journal.machine_locks import MachineLocks
    from runbook.journal.sqlite import SqliteJournal
    from runbook.user_directories import locks_directory, state_directory

    directory = state_directory()
    return SqliteJournal(directory, MachineLocks(locks_directory(), os.path.realpath(directory)))


def _shared(address: JournalAddress) -> StoredJournal:
    from runbook.journal.machine_locks import MachineLocks
    from runbook.journal.postgres import PostgresJournal
    from runbook.user_directories import locks_directory, state_directory

    return PostgresJournal(address, state_directory(), MachineLocks(locks_directory(), address.place))


def _address(team: Team | None) -> JournalAddress | None:
    named = os.environ.get("RUNBOOK_JOURNAL") or (team.journal if team else "")
    if named in {"", _LOCAL}:
        return None
    from runbook.journal.address import parse_address
    from runbook.known_secrets import remember

    address = parse_address(named)
    remember(filter(None, [address.password]))
    return address


def _team(book: str | None) -> Team | None:
    from runbook.loading.files import read_team
    from runbook.loading.place import book_directory

    try:
        return read_team(book_directory(book))
    except BookError as error:
        raise UsageError(
            "the team's file can't be read, so nobody knows which journal it names",
            hint=f"`runbook check` shows why. Or name the journal in RUNBOOK_JOURNAL (`{_LOCAL}`: this machine's).",
        ) from error
