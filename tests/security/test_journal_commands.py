"""`runbook journal check`, `backup` and `export`: their exit codes, their files, and what a kept hash proves."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from support.journal_files import RUN, change_letter, findings, kept, verb

from runbook.journal.record import from_lines
from runbook.journal.sqlite import SqliteJournal


def test_check_ends_with_0_if_all_is_sound_and_1_if_not(tmp_path: Path) -> None:
    """It names the run, the event and what is wrong."""
    assert (verb(tmp_path, "journal", "check").returncode, list(tmp_path.rglob("journal*"))) == (0, [])
    file = kept(tmp_path / "runbook", "a", "b")
    sound = verb(tmp_path, "journal", "check")
    assert (sound.returncode, sound.stdout) == (0, "2 runs, 8 events: sound.\n")

    change_letter(file, "b")
    broken = verb(tmp_path, "journal", "check")
    assert broken.returncode == 1
    assert broken.stdout.startswith("run b, event 2: ")
    assert broken.stdout.endswith("2 runs, 8 events: damaged.\n")

    file.write_bytes(b"no journal at all" * 999)
    unreadable = verb(tmp_path, "journal", "check")
    assert (unreadable.returncode, "Traceback" in unreadable.stderr) == (1, False)
    assert "file is not a database" in unreadable.stdout


def test_a_backup_is_whole_private_and_never_over_another_file(tmp_path: Path) -> None:
    """While the journal is open in another process; put in the journal's place it is the journal."""
    directory = tmp_path / "runbook"
    with closing(SqliteJournal(directory)) as journal:
        for event in RUN[:3]:
            journal.append("r", event)
        made = verb(tmp_path, "journal", "backup", str(tmp_path / "copy"))
        assert (made.returncode, made.stdout.endswith("1 run, 3 events: sound.\n")) == (0, True)
        assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
        again = verb(tmp_path, "journal", "backup", str(tmp_path / "copy"))
        assert (again.returncode, "already exists" in again.stderr) == (1, True)
        (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
        assert verb(tmp_path, "journal", "backup", str(tmp_path / "link")).returncode == 1
        assert not (tmp_path / "elsewhere").exists()

    shutil.rmtree(directory)
    directory.mkdir(mode=0o700)
    (tmp_path / "copy").rename(directory / "journal.sqlite3")
    with closing(SqliteJournal(directory)) as restored:
        assert restored.events("r") == RUN[:3]
        restored.append("r", RUN[3])
    assert findings(directory) == []


def test_an_export_proves_itself_and_a_report_s_hash_proves_the_journal(tmp_path: Path) -> None:
    """Each line can be checked offline; a head kept elsewhere is found as long as nothing before it was changed."""
    kept(tmp_path / "runbook", "a", "b")
    made = verb(tmp_path, "journal", "export", "--output", str(tmp_path / "all.jsonl"))
    assert (made.returncode, (tmp_path / "all.jsonl").stat().st_mode & 0o777) == (0, 0o600)
    assert (
        verb(tmp_path, "journal", "check", "--export", str(tmp_path / "all.jsonl")).stdout
        == "2 runs, 8 events: sound.\n"
    )
    lines = verb(tmp_path, "journal", "export", "a").stdout.splitlines()
    assert [json.loads(line).get("number") for line in lines] == [1, 2, 3, 4, None]

    head = json.loads(lines[-1])["head"]
    report = verb(tmp_path, "report", "a").stdout
    assert f"4 events, the last with the hash `{head}`" in report
    assert verb(tmp_path, "journal", "check", "--head", head).returncode == 0
    assert verb(tmp_path, "journal", "check", "--head", "0" * 64).returncode == 1

    changed = [line.replace("push", "pull") for line in lines]
    moved = [*lines[:3], lines[3].replace('"sequence": 4', '"sequence": 9'), lines[4]]
    assert moved != lines
    for spoiled in (changed, lines[1:], lines[:2] + lines[3:], [*lines[:3], lines[4]], [*lines, "{"], moved):
        (tmp_path / "spoiled").write_text("\n".join(spoiled))
        assert verb(tmp_path, "journal", "check", "--export", str(tmp_path / "spoiled")).returncode == 1
        assert verb(tmp_path, "verify", "--export", str(tmp_path / "spoiled")).returncode == 1
    (tmp_path / "sound").write_text("\n".join(lines))
    assert verb(tmp_path, "verify", "--export", str(tmp_path / "sound")).returncode == 0


NO_EVENTS = ["", "[]", "null", "7", '{"body": 1}', '{"run": [], "events": 1}', '{"body": "", "run": "r"}', "[" * 9999]
NO_EVENTS += [json.dumps({"run": "r", "events": value, "head": "h", "unproven": 0}) for value in ("1", None, True)]


@pytest.mark.parametrize("line", NO_EVENTS)
def test_a_line_that_is_no_event_is_named(line: str) -> None:
    """Whatever stands in the file."""
    assert list(from_lines([line]).findings()) != []
