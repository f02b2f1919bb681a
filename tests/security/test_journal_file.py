"""A journal whose file is deleted, moved or replaced records nothing unnoticed, and what it held is saved."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.journal_files import RUN, findings, kept
from support.journals import began, holder
from support.places import PUSH, make_place

from runbook.errors import JournalError
from runbook.journal import sqlite
from runbook.journal.chain import hash_of
from runbook.journal.sqlite import SqliteJournal


def delete(directory: Path) -> None:
    """Remove the file alone."""
    (directory / "journal.sqlite3").unlink()


def delete_all(directory: Path) -> None:
    """Remove the directory with everything in it."""
    shutil.rmtree(directory)


def move(directory: Path) -> None:
    """Give the file another name."""
    (directory / "journal.sqlite3").rename(directory / "old.sqlite3")


def replace_by_copy(directory: Path) -> None:
    """Put an equal copy in its place: what is written to the first one is not in it."""
    shutil.copy(directory / "journal.sqlite3", directory / "copy")
    (directory / "copy").replace(directory / "journal.sqlite3")


def replace_by_link(directory: Path) -> None:
    """Put a link to itself in its place: it can be switched at any time."""
    (directory / "journal.sqlite3").rename(directory / "old.sqlite3")
    (directory / "journal.sqlite3").symlink_to(directory / "old.sqlite3")


def move_directory(directory: Path) -> None:
    """Give the directory another name."""
    directory.rename(directory.with_name("old"))


def replace_directory(directory: Path) -> None:
    """Put a copy of the whole directory in its place."""
    directory.rename(directory.with_name("old"))
    shutil.copytree(directory.with_name("old"), directory)


def replace_directory_by_link(directory: Path) -> None:
    """Put a link to the directory in its place."""
    directory.rename(directory.with_name("old"))
    directory.symlink_to(directory.with_name("old"))


def remove_wal(directory: Path) -> None:
    """Remove what was committed last."""
    (directory / "journal.sqlite3-wal").unlink()


def remove_index(directory: Path) -> None:
    """Remove the index of what was committed last: another process would make its own, and both would write."""
    (directory / "journal.sqlite3-shm").unlink()


ATTACKS = [
    delete, delete_all, move, replace_by_copy, replace_by_link, move_directory, replace_directory,
    replace_directory_by_link, remove_wal, remove_index,
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_event_is_said_to_be_recorded_in_a_file_that_is_not_there(
    tmp_path: Path, attack: Callable[[Path], None]
) -> None:
    """The append raises, names the file, and says what to do; so does every question to the journal."""
    with closing(SqliteJournal(tmp_path / "state")) as journal:
        journal.append("r", RUN[0])
        attack(tmp_path / "state")

        for use in (lambda: journal.append("r", RUN[1]), journal.holders, lambda: journal.hold("t", holder("r"))):
            with pytest.raises(JournalError, match=r"the journal .*state.*(gone|replaced)") as raised:
                use()
            assert "runbook resume" in raised.value.hint


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_swapped_journal_held_is_saved(tmp_path: Path, attack: Callable[[Path], None]) -> None:
    """Before it is gone with the process: once, privately, and fit to be put back."""
    kept(tmp_path / "state", "before")
    with closing(SqliteJournal(tmp_path / "state")) as journal:
        journal.append("r", RUN[0])
        attack(tmp_path / "state")
        for _ in range(2):
            with pytest.raises(JournalError) as raised:
                journal.append("r", RUN[1])
    (saved,) = (tmp_path / "state").glob("saved-*.sqlite3")
    assert str(saved) in raised.value.hint
    assert saved.stat().st_mode & 0o777 == 0o600

    (tmp_path / "again").mkdir(mode=0o700)
    saved.rename(tmp_path / "again" / "journal.sqlite3")
    with closing(SqliteJournal(tmp_path / "again")) as journal:
        assert journal.runs() == ("r", "before")
        assert journal.events("before") == (began("before"), *RUN[1:])
        assert journal.events("r") == RUN[:1]
    assert findings(tmp_path / "again") == []


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_happens_to_the_file_during_an_append_is_seen_before_it_returns(
    tmp_path: Path, attack: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look and the end of the transaction: the event is committed, and not where it belongs."""
    with closing(SqliteJournal(tmp_path / "state")) as journal:
        journal.append("r", RUN[0])

        def attacked(*given: object) -> str:
            attack(tmp_path / "state")
            return hash_of(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(sqlite, "hash_of", attacked)
        with pytest.raises(JournalError, match=r"the journal .*(gone|replaced)"):
            journal.append("r", RUN[1])


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_walk_stops_before_its_next_command_when_the_journal_is_swapped(
    tmp_path: Path, attack: Callable[[Path], None]
) -> None:
    """In a real terminal, while the push is being confirmed: the push never starts."""
    place = make_place(tmp_path)
    answer = place.answer

    def attacking(screen: str) -> str:
        if "Type yes to run" in screen:
            attack(place.root / "state" / "runbook")
        return answer(screen)

    place.answer = attacking  # type: ignore[method-assign]
    assert place.session() == 1
    assert PUSH not in place.effects
    assert "Nothing more runs, because nothing could be recorded." in " ".join("".join(place.screens).split())


def test_a_look_from_another_process_takes_no_event_with_it(tmp_path: Path) -> None:
    """A process that opens the journal twice, as `resume` does, keeps what it writes after another one has left."""
    look = f"""
from pathlib import Path
from runbook.journal.sqlite import SqliteJournal
journal = SqliteJournal(Path({str(tmp_path)!r}))
print(len(journal.events("r")))
journal.close()
"""
    with closing(SqliteJournal(tmp_path)) as first, closing(SqliteJournal(tmp_path)) as second:
        first.append("r", RUN[0])
        second.runs()
        for number, event in enumerate(RUN[1:], 2):
            subprocess.run([sys.executable, "-c", look], check=True, capture_output=True)
            second.append("r", event)
            seen = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
            assert int(seen.stdout) == number


def test_a_journal_that_can_only_be_read_stops_the_run(tmp_path: Path) -> None:
    """As another user than root, whom no mode stops: nothing begins, and the message says why."""
    directory = tmp_path / "state"
    file = kept(directory)
    script = f"""
import os
from pathlib import Path
from runbook.journal.sqlite import SqliteJournal
from support.journals import began
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
SqliteJournal(Path({str(directory)!r})).append("new", began("new"))
"""
    for place in (tmp_path, *tmp_path.parents[:3]):
        if place.stat().st_uid == os.geteuid():
            place.chmod(place.stat().st_mode | 0o011)
    if os.geteuid() == 0:
        os.chown(directory, 65534, 65534)
        os.chown(file, 65534, 65534)
    file.chmod(0o400)
    places = os.pathsep.join((*sys.path, str(Path(__file__).parents[1])))
    environment = {**os.environ, "PYTHONPATH": places}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)

    assert "JournalError" in ended.stderr, ended.stderr
    assert "readonly database" in ended.stderr
