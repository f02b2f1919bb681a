"""`runbook drill` as it is typed: briefed, walked, proven, told; kept and ended; refused with a sentence."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pexpect
import pytest
from support.terminals import found, type_keys

from runbook.cli import main
from runbook.cli.run_options import person
from runbook.drill.database import query
from runbook.drill.machine import Process
from runbook.drill.registry import SandboxRecord, records, write
from runbook.errors import RunbookError
from runbook.journal.events import DrillEnded, RunStarted, RunStopped
from runbook.journal.facts import Query
from runbook.journal.sqlite import SqliteJournal
from runbook.loading import PACKAGED_BOOK
from runbook.reports.run_history import stopped
from runbook.user_directories import cache_directory, state_directory


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """Return the environment of a person with an empty home; the cache and its key are shared, for speed."""
    key, state = state_directory() / "cache.key", tmp_path / "state" / "runbook"
    if key.exists():
        state.mkdir(parents=True, mode=0o700)
        shutil.copy(key, state)
    shared = {"XDG_CACHE_HOME": str(cache_directory().parent)}
    return {**os.environ, **shared, "HOME": str(tmp_path), "XDG_STATE_HOME": str(state.parent), "NO_COLOR": "1"}


def drill(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run `runbook drill` without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "runbook", "drill", *words],
        env=dict(environment), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def test_a_drill_walks_by_itself_and_prints_its_proofs(environment: Mapping[str, str], tmp_path: Path) -> None:
    """The first drill of the first emergency: the real CLI, the real database, proofs one a line, exit 0.

    It's recorded: each screen as a person at a terminal sees it, with what they type, from the briefing to the debrief.
    """
    done = drill(environment, "emergency-rollback", "--record", str(tmp_path / "recording.json"))

    assert done.returncode == 0, done.stdout + done.stderr
    frames = json.loads((tmp_path / "recording.json").read_text(encoding="utf-8"))["frames"]
    assert "Press Enter to take the call" in frames[0]["screen"]
    assert ("yes Enter", "y") in pairwise(frame["keys"] for frame in frames)
    (write,) = (frame["screen"] for frame in frames if frame["keys"] == "yes Enter")
    assert "WRITES" in write
    assert write.endswith("> yes")
    assert "Drill passed" in frames[-1]["screen"]
    assert "ok      The rollback is in the history" in done.stdout
    assert "ok      Nothing was lost or destroyed" in done.stdout
    assert "ok      No command tried to leave this machine" in done.stdout
    assert "failed" not in done.stdout
    assert not (tmp_path / "state" / "runbook" / "journal.sqlite3").exists(), "nobody practised"


def test_a_drill_that_fails_says_what_did_not_hold(environment: Mapping[str, str], tmp_path: Path) -> None:
    """A procedure that misleads fails its drill: exit 1, and the proof with what was found."""
    book = shutil.copytree(PACKAGED_BOOK, tmp_path / "book")
    page = book / "procedures" / "backup-before-migration.yaml"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("select to_regnamespace('backup') is null", "select false"), encoding="utf-8")
    done = drill(
        {**environment, "RUNBOOK_BOOK": str(book)}, "backup-before-migration", "--scenario", "only-adds", "--auto"
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "failed  No copy was made (wanted true, found false)" in done.stdout
    assert "Drill FAILED" in done.stdout


@pytest.fixture
def kept(environment: Mapping[str, str]) -> Iterator[str]:
    """Hold a drill whose sandbox stays up; yield what was printed, and end it."""
    done = drill(environment, "backup-before-migration", "--scenario", "only-adds", "--auto", "--keep")
    try:
        yield done.stdout
    finally:
        ended = drill(environment, "--end", "all")
    assert "ended" in ended.stdout


def test_a_kept_sandbox_answers_psql_and_the_cli(
    kept: str, environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The printed commands work: psql and the CLI, by the script that sets the password; then `--end` ends it.

    A shell of it begins with where one is, and with a line that reaches the database.
    """
    psql = re.search(r"psql +(\S+) psql '(postgresql://\S+)'", kept)
    enter = re.search(r"shell +(\S+)", kept)
    assert psql, kept
    assert enter, kept
    # psql isn't installed everywhere. psycopg takes the URL and the password from the same places.
    count = f"import psycopg; print(psycopg.connect({psql[2]!r}).execute('select count(*) from tasks').fetchall())"
    rows = subprocess.run([psql[1], sys.executable, "-c", count], capture_output=True, text=True, check=False)
    with pytest.raises(RunbookError, match="no password supplied"):
        query(psql[2], "select 1")
    functions = subprocess.run(
        [enter[1], "npx", "supabase", "functions", "list", "--output-format", "json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    shell = subprocess.run([enter[1]], input="", capture_output=True, text=True, check=False)
    (line,) = (line for line in shell.stdout.splitlines() if "db query" in line)
    asked = subprocess.run([enter[1], "sh", "-c", f"{line} --yes"], capture_output=True, text=True, check=False)
    ended = drill(environment, "--end", enter[1].partition("runbook-drill-")[2].partition("/")[0])
    monkeypatch.setenv("XDG_STATE_HOME", environment["XDG_STATE_HOME"])
    write(SandboxRecord(id="another", owner=Process(0, ""), directory=str(tmp_path / "another"), kept=True))

    assert psql[1] == enter[1]
    assert rows.stdout.strip() == "[(36,)]", rows.stderr
    assert '"functions"' in functions.stdout, functions.stderr
    assert "You are in the drill's project." in shell.stdout
    assert asked.returncode == 0, asked.stderr
    assert ended.returncode == 0
    assert not Path(enter[1]).exists()
    assert [record.id for record in records()] == ["another"], "--end all ends this one"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(["--auto"], 2, "no procedure given", id="no-procedure"),
        pytest.param(["nothing", "--auto"], 2, "no procedure is called 'nothing'", id="unknown"),
        pytest.param(["add-index", "--scenario", "x", "--auto"], 2, "no scenario called 'x'", id="no-scenario"),
        pytest.param(["add-index", "--scenario", "mistyped-table"], 2, "can't be drilled by hand", id="no-practice"),
        pytest.param(["--all"], 2, "--all requires --auto", id="all-by-hand"),
        pytest.param(["add-index", "--auto", "--cli", "both"], 2, "--cli both requires --all", id="both"),
        pytest.param(
            ["add-index", "--auto", "--postgres", "postgresql://db.example.com/x"], 2, "on this machine", id="far"
        ),
        pytest.param(["--end", "nothing"], 2, "no kept sandbox 'nothing'", id="end"),
    ],
)
def test_a_wrong_line_gets_a_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, message: str
) -> None:
    """No traceback, the right exit code, and what to do."""
    returned, shown = main(["drill", *words]), capsys.readouterr()

    assert returned == code, shown.out + shown.err
    assert message in shown.err
    assert "Traceback" not in shown.err


def test_without_a_terminal_nobody_drills_by_hand(environment: Mapping[str, str]) -> None:
    """The process says so, with the exit code for it."""
    done = drill(environment, "emergency-rollback")

    assert done.returncode == 4, done.stdout + done.stderr
    assert "no terminal" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_drills_are_listed(environment: Mapping[str, str]) -> None:
    """Each line can be typed behind `runbook drill`."""
    done = drill(environment, "--list")

    lines = done.stdout.splitlines()
    assert "emergency-rollback --scenario lost-rows" in lines
    assert "add-index --scenario mistyped-table --auto" in lines, "nobody can practise it"


def test_a_person_is_briefed_and_walks(environment: Mapping[str, str], tmp_path: Path) -> None:
    """At a terminal: the pager's words, a key, the introduction, the first step; leaving asks whether to go on.

    In its shell, `runbook status` shows the run. The end names the drill to do next. The drill is kept in the journal,
    with the person's name, and is nothing that anybody could resume.
    """
    child = pexpect.spawn(
        sys.executable, ["-m", "runbook", "drill", "migration-health"],
        env=dict(environment), dimensions=(24, 80), encoding="utf-8", timeout=60,
    )  # fmt: skip
    child.expect("It's Monday")
    child.expect("Press Enter to take the call. ")
    (enter,) = re.findall(r"/\S+/enter", str(child.before))
    type_keys(child, "")
    child.expect("all-well")
    child.expect("Press Enter to begin")
    child.expect("> ")
    type_keys(child, "")
    child.expect("Step 1 of")
    child.expect("Enter continues: ")  # what the first steps found takes a page
    type_keys(child, "")
    child.expect("> ")
    status = subprocess.run([enter, "runbook", "status"], capture_output=True, text=True, check=False)
    assert "Migration health on drill all-well: step 2 of 8" in status.stdout, status
    type_keys(child, "q")
    child.expect("e to end the drill: ")
    type_keys(child, "e")
    child.expect("Proofs, with Supabase CLI 3")
    child.expect("Debrief")
    proofs = str(child.before)
    assert "ok      Nothing was lost" in proofs
    assert "in its order" not in proofs, "which steps are done is a person's own business"
    child.expect("It took ")
    child.expect("Try again: runbook drill migration-health --scenario all-well")
    run = found(child, r"Report: runbook report (\S+-migration-health-drill-\S+)")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 1
    with closing(SqliteJournal(tmp_path / "state" / "runbook")) as journal:
        (_, last), events = journal.last_events(Query(kind="drill"))[0], journal.events(run)
        assert journal.runs() == (run,)
        assert stopped(journal) == ()
        assert journal.inspect()[1] == []
    assert isinstance(events[0], RunStarted)
    assert events[0].run == run
    assert events[0].operator == person()
    assert isinstance(events[-2], RunStopped)
    assert last == events[-1]
    assert isinstance(last, DrillEnded)
    assert (last.procedure, last.scenario, last.operator) == ("migration-health", "all-well", person())
    assert (last.passed, last.trouble, last.failed) == (False, "stopped by the operator", ())
