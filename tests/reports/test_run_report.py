"""The record of a run, for people and for programs."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.walks import (
    AT,
    START,
    FakeExecutor,
    FakeOperator,
    Walked,
    book,
    check,
    command,
    confirm,
    ended,
    parameter,
    procedure,
    step,
    tick,
)

from runbook.engine.ports import Execution, Go, HandOver, Resolve, Screen, Skip, Stop, Undecided
from runbook.engine.state import fold
from runbook.journal.events import Outcome
from runbook.model import Family
from runbook.model.evidence import Evidence
from runbook.reports.html import as_html
from runbook.reports.json_format import KEYS, as_json
from runbook.reports.markdown import as_markdown
from runbook.reports.report_file import write, write_private
from runbook.reports.run_history import Running, rows, running
from runbook.reports.run_report import RunReport, report_of, status_line
from runbook.steps.choose import Choose, Option
from runbook.steps.survey import Look, Survey

FIX = procedure(
    step("see", "look {{table}}", title="See {{table}}"),
    step("push", "change", title="Push it", verify=check("look again")),
    tick("tell"),
    tick("rest"),
    parameters=[parameter("table")],
)


@pytest.fixture
def walked(tmp_path: Path) -> Walked:
    """Return a walk with a failure, a retry, a skip and a hand-over."""
    executor = FakeExecutor(
        {"look tasks": ended(output="| a | <b> |\n```\nfence"), "change": [ended(1, "no"), ended()]}
    )
    operator = FakeOperator([confirm, confirm, Go("yes"), Skip("nobody | there"), HandOver("watch it", "grace")])
    done = Walked(book(FIX), tmp_path, operator, executor)
    done.begin(table="tasks")
    return done


def reported(walked: Walked) -> RunReport:
    """Return the report of the newest run."""
    return report_of(walked.journal.events(walked.run), walked.book)


def markdown(walked: Walked) -> str:
    """Return the report of the newest run as Markdown."""
    return as_markdown(reported(walked))


def rows_of(report: RunReport) -> list[str]:
    """Return the timeline, each entry as a line without its time."""
    named = ((report.name(one.step) if one.step else "", one) for one in report.timeline)
    return [" | ".join(part for part in (one.who, name, one.what, one.result) if part) for name, one in named]


def test_a_report_has_what_a_review_asks(walked: Walked) -> None:
    """What, where, who, when and how far; a place for the impact; the timeline; what was skipped and handed over."""
    report = reported(walked)
    head, rest = as_markdown(report).split("## Impact")

    assert head.startswith("# Fix: 20261123-0120-fix\n")
    for line in (
        "| Target | production `qwertyuiopasdfghjklz` |",
        "| Operator | ada on here |",
        "| Start | 2026-11-23 01:20:03 UTC |",
        "| Outcome | not finished (handed over) |",
        "| Steps | 2 passed, 1 skipped |",
        "| Wrote | Push it |",
        "| Versions | supabase 3.1.0, runbook 0.1 |",
    ):
        assert line in head
    assert rest.lstrip().startswith("To fill in:")
    assert "| table | `tasks` |" in rest
    assert rows_of(report) == [
        "ada | started the run on here",
        "ada | See tasks | ran | passed",
        "ada | Push it | ran, confirmed with 'yes' | failed: expected exit 0, saw exit 1",
        "ada | Push it | ran, confirmed with 'yes' | passed",
        "ada | Push it | checked | passed",
        "ada | Tell | skipped | nobody | there",
        "ada | handed over to grace | watch it",
    ]
    assert "**Tell**: nobody \\| there (ada)" in rest.split("## Skipped")[1].split("##")[0]
    assert "Handed over to grace: watch it (ada)" in rest.split("## Notes and hand-overs")[1].split("##")[0]


def test_a_run_of_a_few_steps_makes_a_page_and_long_output_is_cut(walked: Walked, tmp_path: Path) -> None:
    """The middle of an output is left out, with how to see it; the book's text comes on request alone."""
    assert len(markdown(walked).splitlines()) < 85

    numbers = "\n".join(f"line {number}" for number in range(200))
    long = Walked(book(FIX), tmp_path / "long", executor=FakeExecutor({"look tasks": ended(output=numbers)}))
    long.begin(table="tasks")
    report = reported(long)
    for written in (as_markdown, as_html):
        short, full = written(report), written(report, full=True, sources=True)
        assert "line 0\nline 1\nline 2\n… 194 lines …\nline 197\nline 198\nline 199" in short
        assert ("--full" in short, "--full" in full, "--full" in written(reported(walked))) == (True, False, False)
        assert "line 100\n" in full
        assert ("Appendix" in short, "Appendix" in full) == (False, True)


def test_decisions_come_with_what_was_suggested(tmp_path: Path) -> None:
    """A review asks why an answer was given."""
    looks = (Look(title="locks", action=command("look"), at=AT),)
    options = (Option("A lock", at=AT), Option("Else", at=AT))
    which = Choose(options, "{{likely}}", "{{likely_because}}")
    steps = step("triage", Survey(looks=looks, suggests="likely", at=AT)), step("which", which, title="What is it?")
    walked = Walked(book(procedure(*steps)), tmp_path, FakeOperator([confirm, Go(value="Else")]))
    walked.executor.endings = {"look": ended(output='[{"fact": "pid 7 blocks", "suggests": "A lock"}]')}
    walked.begin()

    line = "**What is it?**: Else (ada). The suggestion was: A lock, because of pid 7 blocks."
    assert line in markdown(walked)


def test_a_statement_that_changed_production_by_hand_is_listed(tmp_path: Path) -> None:
    """No migration holds it, so the report must; a push and a reading query are not among them."""
    sql = "npx supabase db query --linked delete-all"
    steps = (step("repair", sql), step("push", "npx supabase db push --linked"), step("see", "look"))
    walked = Walked(book(procedure(*steps)), tmp_path)
    walked.begin()
    report = reported(walked)

    assert [one.step for one in report.by_hand] == ["repair"]
    section = as_markdown(report).split("## Changed without a migration or a deploy")[1].split("## Commands")[0]
    assert "```sh\nnpx supabase db query --linked delete-all\n```" in section


def test_the_commands_of_a_survey_are_in_the_report_and_the_status(tmp_path: Path) -> None:
    """A survey ran them, so it isn't a step done by hand. The status counts them."""
    looks = tuple(Look(title=name, action=command(f"look {name}"), at=AT) for name in ("locks", "errors"))
    walked = Walked(book(procedure(step("triage", Survey(looks=looks, at=AT)))), tmp_path)
    seen: list[Running] = []

    def spy(_: object) -> object:
        seen.extend(running(walked.journal, {}, START))
        return ended(output="[]")

    walked.executor.endings = {"look": spy}  # type: ignore[dict-item]
    walked.begin()

    text = markdown(walked)
    assert "Passed, 2.0 s: nothing found" in text
    assert "```sh\nlook locks\n```\n\n```sh\nlook errors\n```" in text
    (attempt,) = json.loads(as_json(reported(walked)))["steps"][0]["attempts"]
    assert attempt["looks"] == ["look locks", "look errors"]
    assert "triage, running since 01:20:05 UTC: 2 commands at the same time" in seen[0].as_text()


def test_output_can_not_break_out_of_its_fence(walked: Walked) -> None:
    """A longer fence than any in the text."""
    assert "````text\n| a | <b> |\n```\nfence\n````" in markdown(walked)


def test_the_json_has_the_summary_the_steps_and_every_event(walked: Walked) -> None:
    """For programs; nothing is lost, and every key is documented."""
    document = json.loads(as_json(reported(walked)))

    assert list(document) == list(KEYS)
    assert document["outcome"] == "not finished (handed over)"
    assert document["operators"] == ["ada"]
    assert [(one["path"], one["title"], one["status"]) for one in document["steps"]] == [
        ("see", "See tasks", "passed"),
        ("push", "Push it", "passed"),
        ("tell", "Tell", "skipped"),
    ]
    assert [one["outcome"] for one in document["steps"][1]["attempts"]] == ["failed", "passed", "passed"]
    assert [one["outcome"] for one in document["commands"]] == ["passed", "failed", "passed", "passed"]
    assert len(document["events"]) == len(walked.journal.events(walked.run))


def test_one_line_tells_a_channel_where_a_run_stands(tmp_path: Path) -> None:
    """The step, the target, who, since when."""
    lines: list[str] = []

    def note(screen: Screen) -> Go:
        lines.append(status_line(screen.state, FIX, START + timedelta(minutes=12)))
        return confirm(screen)

    walked = Walked(book(FIX), tmp_path, FakeOperator([confirm, note, Stop("lunch")]))
    walked.begin(table="tasks")

    where = "Fix on production qwertyuiopasdfghjklz: step 2 of 4, Push it (waiting for the operator)."
    assert lines == [f"{where} ada since 01:20 UTC (12 min). Run 20261123-0120-fix"]
    stopped = status_line(fold(walked.journal.events(walked.run)), FIX, START)
    assert "not finished (lunch)" in stopped


def test_another_terminal_sees_what_is_running(tmp_path: Path) -> None:
    """The command under way and since when; the output of another command is not shown as its own."""
    walked = Walked(book(FIX), tmp_path)
    seen: list[Running] = []

    def spy(_: object) -> object:
        seen.extend(running(walked.journal, {"fix": FIX}, START))
        return ended()

    walked.executor.endings = {"look tasks": ended(output="one\ntwo\n"), "change": spy}  # type: ignore[dict-item]
    walked.begin(table="tasks")

    assert [(one.step, one.command, one.is_executing, one.output) for one in seen] == [("push", ("change",), True, ())]
    assert "step 2 of 4" in seen[0].as_text()
    assert max(map(len, seen[0].as_text(60).splitlines())) <= 60
    assert running(walked.journal, {}, START) == ()


def test_the_history_sums_up_each_run(walked: Walked) -> None:
    """Newest first."""
    later = Walked(walked.book, walked.scratch, journal=walked.journal)
    later.begin(table="tasks")

    assert [(row.run, row.outcome, row.operator) for row in rows(walked.journal, 10)] == [
        ("20261123-0120-fix-2", "finished", "ada"),
        ("20261123-0120-fix", "not finished (handed over)", "ada"),
    ]


def test_a_report_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """It replaces an older one, and half characters do not stop it."""
    file = tmp_path / "reports" / "r.md"
    write(file, "old")
    write(file, "new \udcff")

    assert file.read_text() == "new \\udcff"
    assert [one.name for one in file.parent.iterdir()] == ["r.md"]


def test_a_reader_of_the_old_report_keeps_it(tmp_path: Path) -> None:
    """A regular file is replaced, not written over."""
    file = tmp_path / "r.md"
    write(file, "old")
    with file.open() as reader:
        write(file, "new")
        assert reader.read() == "old"


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_a_new_report_respects_the_umask_and_an_old_one_keeps_its_mode(tmp_path: Path, umask: int) -> None:
    """The automatic report is private whatever the umask."""
    new, old, private = tmp_path / "new", tmp_path / "old", tmp_path / "private"
    old.touch()
    old.chmod(0o664)
    before = os.umask(umask)
    try:
        write(new, "text")
        write(old, "text")
        write_private(private, "text")
    finally:
        os.umask(before)

    assert [stat.S_IMODE(one.stat().st_mode) for one in (new, old, private)] == [0o666 & ~umask, 0o664, 0o600]


@pytest.mark.parametrize("exists", [True, False])
def test_a_report_goes_through_a_symlink(tmp_path: Path, exists: bool) -> None:
    """The link stays, and its target holds the report, also where the target was not there yet."""
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "r.md", tmp_path / "link.md"
    if exists:
        target.write_text("old")
    link.symlink_to("elsewhere/r.md")
    write(link, "text")

    assert link.is_symlink()
    assert target.read_text() == "text"


def test_a_report_goes_into_a_pipe(tmp_path: Path) -> None:
    """Whoever reads the pipe gets it, and the pipe stays one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        write(pipe, "text")
        assert reader.communicate()[0] == "text"
    assert pipe.is_fifo()


def test_a_report_that_can_not_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """A full disk, here a limit on sizes, leaves the old report and no half one."""
    file = tmp_path / "r.md"
    write(file, "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write(file, "text" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)

    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("r.md", "old")]


def test_an_execution_without_an_end_is_reported_with_how_it_was_settled(tmp_path: Path) -> None:
    """While nobody has decided, the report says that; afterwards it says who decided what, and why."""
    lost = Walked(book(FIX), tmp_path, executor=FakeExecutor({"change": RuntimeError("the machine is gone")}))
    with pytest.raises(RuntimeError):
        lost.begin(table="tasks")
    text = markdown(lost)
    assert "| **Push it**: ran, confirmed with 'yes' | its end isn't recorded |" in text
    assert "**Push it**: its end isn't recorded. Nobody has decided yet." in text

    later = lost.again(Resolve(Undecided.DONE, "the history has it"))
    later.resume()
    text = markdown(later)
    section = text.split("## What was unknown")[1].split("## Timeline")[0]
    assert "ada decided that it is done: the history has it." in section
    assert "| ada | resumed the run on here |" in text


def test_a_report_shows_what_is_different_from_before_the_first_write(tmp_path: Path) -> None:
    """Look by look: lines that are gone and new, none, or why nobody knows."""
    looks = tuple(
        Evidence(title=title, family=Family.DATABASE, action=command(f"look {title}"), at=AT)
        for title in ("migrations", "rows", "locks")
    )

    def facts(*texts: str) -> Execution:
        return ended(output=json.dumps([{"fact": text} for text in texts]))

    failed = replace(ended(1, "ERROR: permission denied"), outcome=Outcome.FAILED)
    executor = FakeExecutor(
        {
            "look migrations": [facts("1 a"), facts("1 a", "2 b")],
            "look rows": [facts("public.t 3"), facts("public.t 3")],
            "look locks": failed,
        }
    )
    done = Walked(replace(book(FIX), evidence=looks), tmp_path, FakeOperator([confirm, Go("yes")]), executor)
    done.begin(table="tasks")
    report = report_of(done.journal.events(done.run), done.book)
    text = as_markdown(report)
    section = text[text.index("## The target before the first write and after the last one") :]
    assert "migrations:" in section
    assert "+2 b" in section
    assert "-1 a" not in section
    assert "rows: no difference" in section
    assert "locks: unknown before the first write" in section
    assert json.loads(as_json(report))["differences"][0] == {
        "look": "migrations",
        "gone": [],
        "new": ["2 b"],
        "problem": "",
    }
