"""What decides is pinned to the run and shown: a policy that allows more than it did is asked about."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.books import FIX_HEAD, POLICY, write_book
from support.places import make_place
from support.walks import (
    PRODUCTION,
    FakeOperator,
    Walked,
    check,
    command,
    procedure,
    step,
)
from support.walks import book as plain_book

from runbook.engine.ports import Stop
from runbook.engine.rules import describe_book
from runbook.errors import ExitCode
from runbook.journal.events import ChangeAccepted, RulesSeen, RunStarted
from runbook.journal.interface import MemoryJournal
from runbook.loading import PACKAGED_BOOK, read_book
from runbook.model import Book, Undo
from runbook.reports.json_format import as_json
from runbook.reports.markdown import as_markdown
from runbook.reports.run_history import running
from runbook.reports.run_report import report_of
from runbook.terminal.event_lines import render_event
from runbook.terminal.intro import render_begin, render_book, render_intro

FIX = (
    FIX_HEAD
    + """\
steps:
  - id: push
    title: Push
    run: npx supabase db push {{target}}
    verify: {run: "npx supabase migration list {{target}}"}
    undo: {run: "npx supabase db push --dry-run {{target}}"}
"""
)


def _book(root: Path, policy: str = POLICY, *, more: str = "") -> Book:
    found = read_book(write_book(root, {"fix": FIX + more}, policy=policy))
    # The texts have the same names wherever the book lies. Its policy stands in for a packaged one of another version.
    return replace(found, directory="/team/book", policy=found.policy.layers[-1])


def _stopped(tmp_path: Path, book: Book) -> Walked:
    walked = Walked(book, tmp_path / "scratch", FakeOperator([Stop()]))
    walked.begin()
    return walked


PUSH = "effect: writes\n    remote: allow"
_CONFIRMED = POLICY.replace(PUSH, "effect: writes\n    remote: confirm")
_LISTED = "effect: reads\n    remote: allow"
_WEAKER = {
    "a verdict": (_CONFIRMED, POLICY, "Step push: was confirm, is now allow: npx supabase db push"),
    "an effect": (
        POLICY,
        POLICY.replace(PUSH, "effect: reads\n    remote: allow"),
        "Step push: was judged 'writes', is now 'reads'",
    ),
    "a check": (
        POLICY.replace(_LISTED, "effect: reads\n    remote: confirm", 1),
        POLICY,
        "Step push (check): was confirm, is now allow",
    ),
}


@pytest.mark.parametrize("change", _WEAKER)
def test_a_weaker_policy_is_shown_and_must_be_accepted(tmp_path: Path, change: str) -> None:
    """Without a yes nothing runs and nothing is written; the sentence comes before the lines of the file."""
    before, now, sentence = _WEAKER[change]
    walked = _stopped(tmp_path, _book(tmp_path / "before", before))
    weaker = _book(tmp_path / "now", now)
    known = walked.events

    refused = walked.again(book=weaker, operator=FakeOperator(accepts=False))
    assert refused.resume() is ExitCode.NOT_COMPLETED
    assert (refused.events, refused.executor.ran) == (known, [])
    assert refused.operator.diffs[0].startswith(sentence)
    assert "policy.yaml when the run began" in refused.operator.diffs[0]

    accepted = walked.again(Stop(), book=weaker)
    accepted.resume()
    assert ("ChangeAccepted", "policy") in accepted.events
    # What was accepted is pinned in its turn.
    third = accepted.again(Stop(), book=weaker)
    third.resume()
    assert [entry for entry in third.operator.log if entry[0] == "accept"] == []


def test_other_words_for_the_target_must_be_accepted(tmp_path: Path) -> None:
    """A supabase.yaml that names another project sends every command there."""
    walked = _stopped(tmp_path, plain_book(procedure(step("push", "change {{target}}"))))
    event = next(event for event in walked.journal.events(walked.run) if isinstance(event, RunStarted))
    assert event.rules.commands["push"].command == "change --remote"
    other = walked.again(Stop())
    other.target.words = lambda _words, _major: ("--remote=elsewhere",)  # type: ignore[method-assign, assignment]
    other.resume()
    assert other.operator.diffs == [
        "Step push: was change --remote, is now change --remote=elsewhere",
    ]


def test_an_undo_that_became_a_read_must_be_accepted(tmp_path: Path) -> None:
    """Its command runs as well, and on Enter if it is judged to read."""
    walked = _stopped(
        tmp_path,
        plain_book(procedure(step("push", "change", verify=check("look"), undo=Undo(action=command("destroy it"))))),
    )
    policy = walked.book.policy
    rules = tuple(replace(rule, effect=policy.rules[0].effect, remote=policy.rules[0].remote) for rule in policy.rules)
    later = walked.again(Stop(), book=replace(walked.book, policy=replace(policy, rules=rules)))
    later.resume()
    (said,) = later.operator.diffs
    assert "Step push: was judged 'writes', is now 'reads'" in said
    assert "Step push (undo): was judged 'destroys', is now 'reads': destroy it" in said


def test_a_stricter_policy_is_said_and_not_asked_about(tmp_path: Path) -> None:
    """Nobody needs to allow more care; it is on record, and one line tells of it."""
    walked = _stopped(tmp_path, _book(tmp_path / "before"))
    later = walked.again(Stop(), book=_book(tmp_path / "now", _CONFIRMED))
    later.resume()
    assert later.operator.diffs == []
    (event,) = (event for event in later.operator.told if isinstance(event, ChangeAccepted))
    (line,) = render_event(event, later.operator.screens[-1].state, None, width=200)
    assert line.plain == "The policy changed. No command of this run is judged more leniently than when it began."


def test_a_step_that_was_added_is_compared_from_then_on(tmp_path: Path) -> None:
    """The rules are pinned again with the procedure that was accepted, so a policy can't weaken for its new step."""
    more = "  - {id: set, title: Set, run: 'npx supabase secrets set A=1 {{target}}', undo: {none: 'No'}}\n"
    rule = POLICY.index("id: secrets-set")
    strict = POLICY[:rule] + POLICY[rule:].replace("remote: allow", "remote: confirm", 1)
    walked = _stopped(tmp_path, _book(tmp_path / "before", strict))
    longer = walked.again(Stop(), book=_book(tmp_path / "longer", strict, more=more))
    longer.resume()
    weaker = longer.again(Stop(), book=_book(tmp_path / "weaker", more=more))
    weaker.resume()
    assert weaker.operator.diffs[0].startswith("Step set: was confirm, is now allow: npx supabase secrets set A=1")


def test_a_run_of_an_older_version_goes_on(tmp_path: Path) -> None:
    """It has no policy on record: there is nothing to compare."""
    walked = _stopped(tmp_path, _book(tmp_path / "before", _CONFIRMED))
    old = MemoryJournal()
    for event in walked.journal.events(walked.run):
        old.append(walked.run, replace(event, rules=RulesSeen()) if isinstance(event, RunStarted) else event)
    later = walked.again(Stop(), book=_book(tmp_path / "now"), journal=old)
    later.resume()
    assert later.operator.diffs == []


def test_a_book_that_is_not_the_packaged_one_is_named_on_the_first_screen(tmp_path: Path) -> None:
    """With its policy, in the very question whether to begin: somebody may have set RUNBOOK_BOOK for the operator."""
    place = make_place(tmp_path)
    place.session()
    first = " ".join(next(screen for screen in place.screens if "Commands will land on" in screen).split())
    assert f"The book is {tmp_path / 'book'}, not the packaged one." in first
    assert "Its own policy.yaml and supabase.yaml add to what is asked and refused." in first


def test_the_book_is_on_the_first_screen_however_crowded_that_is() -> None:
    """Warnings and notes make room for it; nothing makes room in its place."""
    long = "Something long to read, " * 12
    crowded = replace(procedure(step("a", "look")), use_when=(long,) * 9, warnings=(long,) * 9)
    said = "The book is /a/long/way/down/to/the/book, not the packaged one. It has no rules of its own."
    intro = render_intro(crowded, height=24 - len(render_book(said)))
    begin = render_begin(PRODUCTION, [long, long], book=said)
    assert len(intro) + len(begin) + 3 <= 24
    assert said in " ".join(" ".join(line.plain for line in begin).split())


def test_the_packaged_book_needs_no_mention(tmp_path: Path) -> None:
    """A book without rules of its own says so; the packaged one is what everybody expects."""
    packaged = read_book(PACKAGED_BOOK)
    assert describe_book(packaged) == ""
    (tmp_path / "procedures").mkdir()
    assert "It has no rules of its own." in describe_book(replace(packaged, directory=str(tmp_path)))


def test_status_and_report_name_the_rules(tmp_path: Path) -> None:
    """Whoever looks at a run later sees by what it was judged."""
    walked = _stopped(tmp_path, _book(tmp_path / "before"))
    events = walked.journal.events(walked.run)
    header = events[0]
    assert isinstance(header, RunStarted)
    assert f"/team/book, policy {header.rules.digest[:12]}" in as_markdown(report_of(events))
    assert json.loads(as_json(report_of(events)))["rules"] == {"book": "/team/book", "digest": header.rules.digest}
    walked.again(lambda _: _look(walked)).resume()


def _look(walked: Walked) -> Stop:
    (one,) = running(walked.journal, {}, walked.clock.now())
    assert "Follows /team/book, policy" in one.as_text()
    return Stop()
