"""Events that wait on this machine: a full disk loses none of those that were kept."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runbook.errors import JournalError
from runbook.journal.spool import Entry, Spool


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond that many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def entry(key: int) -> Entry:
    """Return an event with that key."""
    return Entry("2026-11-23T01:20:00+00:00", '{"event":"NoteAdded"}', key, None)


def test_a_full_disk_says_what_to_do_and_keeps_what_was_there(tmp_path: Path) -> None:
    """The event that found no room leaves no half of itself, so later ones can be read."""
    spool = Spool(tmp_path / "spool" / "journal")
    spool.keep("r", entry(1))
    with room_for(150), pytest.raises(JournalError) as full:
        spool.keep("r", entry(2))
    assert "can't be kept" in full.value.message
    assert "Make room there" in full.value.hint

    spool.keep("r", entry(3))
    sent: list[int] = []
    spool.send(lambda _run, one: sent.append(one.key))
    assert sent == [1, 3]
    assert spool.is_empty()
