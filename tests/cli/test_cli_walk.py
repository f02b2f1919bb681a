"""Run the verbs of a walk as a user does: access, the view from another terminal, and disk failures."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.books import FIX_HEAD
from support.forked import start
from support.places import Place, make_place

from runbook.journal.events import RunStarted
from runbook.journal.sqlite import SqliteJournal


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a project with a book and a stand-in CLI."""
    return make_place(tmp_path)


def runbook(place: Place, *words: str, stdin: int | None = subprocess.DEVNULL, text: str | None = None) -> Ended:
    """Run the program without a terminal."""
    argv = [sys.executable, "-m", "runbook", "--book", str(place.root / "book"), *words]
    given = {"input": text} if text is not None else {"stdin": stdin}
    return subprocess.run(
        argv, env=place.environment, cwd=place.root / "project", capture_output=True, text=True, check=False, **given
    )


Ended = subprocess.CompletedProcess[str]


def closed_input(argv: Sequence[str], place: Place) -> int:
    """Run with no standard input at all."""
    return subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *argv], env=place.environment, cwd=place.root / "project", check=False
    ).returncode


def piped_yes(argv: Sequence[str], place: Place) -> int:
    """Run with answers in a pipe."""
    text = "\n\n\nyes\nyes\n\n"
    return subprocess.run(
        argv, env=place.environment, cwd=place.root / "project", check=False, input=text, text=True
    ).returncode


def terminal_in_pipe_out(argv: Sequence[str], place: Place) -> int:
    """Run with a terminal to type at and a pipe to print into."""
    master, slave = pty.openpty()
    try:
        os.write(master, b"\ryes\r")
        return subprocess.run(
            argv, env=place.environment, cwd=place.root / "project", check=False, stdin=slave, stdout=subprocess.PIPE
        ).returncode
    finally:
        os.close(master)
        os.close(slave)


def on_a_terminal(argv: Sequence[str], place: Place) -> int:
    """Run on a terminal where nobody types anything."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(place.root / "project")
        os.execve(argv[0], list(argv), place.environment)
    try:
        while os.read(master, 4096):
            pass
    except OSError:  # EIO: it has ended
        pass
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("verb", ["run fix", "run fix --target local", "run fix --dry-run", "resume"])
@pytest.mark.parametrize(
    ("way", "flags"),
    [
        pytest.param(closed_input, [], id="closed input"),
        pytest.param(closed_input, ["--yes"], id="closed input and --yes"),
        pytest.param(piped_yes, [], id="answers in a pipe"),
        pytest.param(piped_yes, ["--yes"], id="answers in a pipe and --yes"),
        pytest.param(terminal_in_pipe_out, [], id="output in a pipe"),
        pytest.param(on_a_terminal, ["--yes"], id="--yes at a terminal"),
    ],
)
def test_without_a_person_nothing_begins(
    place: Place, verb: str, way: Callable[[Sequence[str], Place], int], flags: list[str]
) -> None:
    """Every combination exits with 4. No command runs, and no journal is created."""
    argv = [sys.executable, "-m", "runbook", "--book", str(place.root / "book"), *verb.split(), *flags]

    assert way(argv, place) == 4
    assert place.effects == []
    assert not (place.root / "state").exists()


def test_the_message_says_what_to_do(place: Place) -> None:
    """Standard error has one sentence and a hint; standard output is empty."""
    ended = runbook(place, "run", "fix")

    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        "runbook: there is no terminal to confirm on, so nothing was started",
        "  Run it at a terminal, not in a pipe or a job. To only read it: runbook show NAME",
    ]


def test_a_procedure_that_reaches_no_project_needs_none(place: Place) -> None:
    """Without a link and without the CLI, it runs on this machine. What reaches the project is refused first."""
    (place.root / "bin" / "npx").unlink()
    for part in (place.root / "project").rglob("project-ref"):
        part.unlink()
    head = FIX_HEAD.replace("title: Fix", "title: Look")
    text = f"{head}steps:\n  - {{id: see, tick: See it}}\n  - {{id: say, tick: Say so}}\n"
    (place.root / "book" / "procedures" / "look.yaml").write_text(text)

    assert "no project is linked" in second_terminal(place)[1]
    words = ["--book", str(place.root / "book"), "run", "look"]
    child = start(words, environment=place.environment, directory=place.root / "project")
    assert child.converse(lambda screen: "") == 0, child.screens
    header = place.events[0]
    assert isinstance(header, RunStarted)
    assert (header.procedure, header.target.kind, header.target.cli) == ("look", "this machine", "")


def test_history_report_and_status_are_read_from_another_terminal(place: Place) -> None:
    """A finished walk is shown with titles from the book, as text and as JSON."""
    assert place.session() == 0, place.screens
    header = place.events[0]
    assert isinstance(header, RunStarted)

    assert runbook(place, "history").stdout.startswith(f"{header.run}  finished\n")
    (row,) = json.loads(runbook(place, "history", "--format", "json").stdout)
    assert (row["run"], row["target"]) == (header.run, "production qwertyuiopasdfghjklz")
    assert runbook(place, "status").stdout == "Nothing is running.\n"
    report = runbook(place, "report").stdout
    assert "| **Push**: ran, confirmed with 'yes' | passed |" in report
    assert (place.root / "state" / "runbook" / "reports" / f"{header.run}.md").read_text() == report
    part = header.run[:13]
    assert json.loads(runbook(place, "report", part, "--format", "json").stdout)["outcome"] == "finished"


def second_terminal(place: Place, *reasons: str) -> tuple[int, str]:
    """Try the same procedure on the same target from another terminal; return the exit code and all screens."""
    words = ["--book", str(place.root / "book"), "run", "fix", "--workdir", str(place.root / "project")]
    child = start(words, environment=place.environment, directory=place.root)
    left = iter(reasons)

    def answer(screen: str) -> str:
        if screen.endswith("reason> "):
            return next(left, "")
        return "q" if "q stop" in screen else ""

    code = child.converse(answer)
    return code, " ".join("".join(child.screens).split())


def test_one_run_per_target_and_status_tells_the_others(place: Place) -> None:
    """While a run waits at a prompt, status shows it, and a second run on that target exits with 5."""
    answer = place.answer
    seen: list[str] = []
    codes: list[int] = []

    def look_around(screen: str) -> str:
        if "Type yes to run" in screen and not seen:
            code, screens = second_terminal(place)
            seen.extend((runbook(place, "status").stdout, screens))
            codes.append(code)
        return answer(screen)

    place.answer = look_around  # type: ignore[method-assign]
    assert place.session() == 0, place.screens

    status, screens = seen
    assert "Fix it on production qwertyuiopasdfghjklz: step 2 of 4, Push (waiting for the operator)." in status
    assert "In process" in status
    assert codes == [5]
    assert "has been running fix on this target since" in screens
    assert len({event.run for event in place.events if isinstance(event, RunStarted)}) == 1


def test_a_take_over_ends_the_other_run_before_its_next_command(place: Place) -> None:
    """The person who lost the target gets a message at the next step, and none of their commands runs."""
    answer = place.answer
    seen: list[tuple[int, str]] = []

    def lose(screen: str) -> str:
        if "Type yes to run" in screen and not seen:
            seen.append(second_terminal(place, "she is on a plane"))
        return answer(screen)

    place.answer = lose  # type: ignore[method-assign]
    assert place.session() == 5

    assert "took over the target during this run" in " ".join("".join(place.screens).split())
    assert place.effects == []


def test_status_tells_of_a_run_that_was_killed(place: Place) -> None:
    """Status says that its process is gone and the step's result is unknown, and how to continue."""
    (place.root / "kill").touch()
    assert place.session() == -signal.SIGKILL

    text = runbook(place, "status").stdout

    assert "step 2 of 4, Push" in text
    assert "is gone. To continue: runbook resume" in text
    (one,) = json.loads(runbook(place, "status", "--format", "json").stdout)["running"]
    assert (one["alive"], one["step"], one["command"]) == (False, "push", ["npx", "supabase", "db", "push", "--remote"])


def test_a_report_goes_to_a_file_or_says_why_not(place: Place) -> None:
    """If the directory can't be created, the error is one sentence."""
    place.session()

    assert runbook(place, "report", "--output", "out.md").returncode == 0
    assert (place.root / "project" / "out.md").read_text().startswith("# Fix it: ")
    ended = runbook(place, "report", "--output", "/proc/nowhere/out.md")
    assert ended.returncode == 1
    assert ended.stderr.startswith("runbook: the report can't be written to /proc/nowhere/out.md")


def test_a_report_on_the_standard_output_leaves_the_rest_of_it(place: Place) -> None:
    """The report goes to /dev/stdout. What the shell writes before and after it stays."""
    place.session()
    # A link of the test's own: a program that replaces links would replace the machine's.
    name = place.root / "stdout"
    name.symlink_to("/proc/self/fd/1")
    book = ["--book", str(place.root / "book")]
    argv = [sys.executable, "-m", "runbook", *book, "report", "--output", str(name)]
    subprocess.run(
        ["/bin/sh", "-c", 'exec > out.md; echo before; "$@"; echo after', "sh", *argv],
        env=place.environment,
        cwd=place.root,
        check=True,
    )

    assert name.is_symlink()
    assert (place.root / "out.md").read_text() == f"before\n{runbook(place, 'report').stdout}after\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["report", "nothing"], "there is no run called 'nothing'", id="unknown run"),
        pytest.param(["report"], "there are no runs yet", id="no runs"),
    ],
)
def test_a_run_that_is_not_there_is_one_sentence(place: Place, words: list[str], says: str) -> None:
    """The exit code is 2."""
    ended = runbook(place, *words)

    assert ended.returncode == 2
    assert says in ended.stderr


def test_a_full_disk_stops_the_run_before_the_command(place: Place) -> None:
    """A file size limit plays the full disk. The run exits with 1 and a sentence, and the write never starts."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    answer = place.answer

    def fill(screen: str) -> str:
        if "Type yes to run" in screen:
            journal = place.root / "state" / "runbook" / "journal.sqlite3-wal"
            limit = journal.stat().st_size
            resource.prlimit(place.child, resource.RLIMIT_FSIZE, (limit, limit))
        return answer(screen)

    place.answer = fill  # type: ignore[method-assign]
    try:
        assert place.session() == 1
    finally:
        signal.signal(signal.SIGXFSZ, ignored)

    assert "can't be written" in place.screens[-1]
    assert "Nothing runs without it" in place.screens[-1]
    assert place.effects == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == before


def test_an_unusable_state_directory_stops_the_run_before_anything(place: Place) -> None:
    """There is a file in place of the directory."""
    (place.root / "state").mkdir()
    (place.root / "state" / "runbook").write_text("")

    assert place.session() == 1
    assert "the journal can't be kept in" in "".join(place.screens)
    assert place.effects == []


def test_completion_offers_procedures_and_runs(place: Place) -> None:
    """The test asks for completions in the way the shell does."""
    place.session()
    environment = {**place.environment, "_RUNBOOK_COMPLETE": "bash_complete", "RUNBOOK_BOOK": str(place.root / "book")}

    def complete(words: str) -> list[str]:
        asked = {**environment, "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        argv = [str(Path(sys.executable).parent / "runbook")]
        ended = subprocess.run(argv, env=asked, capture_output=True, text=True, check=False)
        return [line.removeprefix("plain,") for line in ended.stdout.splitlines()]

    assert complete("runbook run fi") == ["fix"]
    assert complete("runbook report 2") == list(SqliteJournal(place.root / "state" / "runbook").runs())
