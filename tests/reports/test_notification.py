"""The messages that receivers of notifications get, in each form."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.walks import (
    Answer,
    Ending,
    FakeExecutor,
    FakeOperator,
    Walked,
    book,
    check,
    confirm,
    ended,
    procedure,
    step,
)

from runbook.engine.ports import Go, HandOver, Stop
from runbook.engine.state import RunState, apply
from runbook.journal.events import RunStarted
from runbook.model import TargetKind
from runbook.reports.notification import Message, message_of, payload

FIX = procedure(step("see", "look"), step("push", "change", title="Push it", verify=check("look again")))


def told(walked: Walked) -> list[Message]:
    """Return the messages about all events of a walk."""
    state, messages = RunState(), []
    for event in walked.journal.events(walked.run):
        state = apply(state, event)
        messages.append(message_of(event, state, FIX))
    return [message for message in messages if message]


def walk(directory: Path, *answers: Answer, **endings: list[Ending]) -> list[Message]:
    """Walk with these answers and return the messages. A keyword says how its command ends."""
    walked = Walked(book(FIX), directory, FakeOperator([*answers]), FakeExecutor({**endings}))
    walked.begin()
    return told(walked)


def test_a_run_tells_of_its_start_its_writes_its_failures_and_its_end(tmp_path: Path) -> None:
    """Steps that only read tell nobody."""
    messages = walk(tmp_path, confirm, Go("yes"), Go("yes"), change=[ended(1, "no"), ended()])
    assert [message["moment"] for message in messages] == ["start", "write", "stuck", "write", "end"]
    texts = [message["text"] for message in messages]
    assert texts[0].endswith(f"began run {messages[0]['run']} on {messages[0]['host']}")
    assert texts[1].endswith(f"{messages[0]['operator']} is running a command that writes: Push it")
    assert texts[2].endswith("is stuck: a step failed: Push it")
    assert texts[4].endswith("finished it")
    assert all(message["target"] in message["text"] for message in messages)


def test_who_leaves_a_run_tells_why(tmp_path: Path) -> None:
    """A hand-over and a stop are ends, with what the operator said."""
    assert walk(tmp_path / "a", HandOver("watch it", "grace"))[-1]["text"].endswith("handed it over to grace: watch it")
    assert walk(tmp_path / "b", Stop("lunch"))[-1]["text"].endswith("stopped: lunch")


def test_a_dry_run_tells_nobody(tmp_path: Path) -> None:
    """Nothing happens in it. The same goes for a drill, whose production is throwaway."""
    walked = Walked(book(FIX), tmp_path, FakeOperator(), FakeExecutor())
    walked.begin()
    header = walked.journal.events(walked.run)[0]
    assert isinstance(header, RunStarted)
    drill = replace(header.target, kind=TargetKind.DRILL)
    for changed in (header, replace(header, dry=True), replace(header, target=drill)):
        is_told = message_of(changed, apply(RunState(), changed), FIX) is not None
        assert is_told == (changed is header)


MESSAGE = {"moment": "end", "text": "<!channel> & <https://evil.example|click>", "run": "r1"}


def test_slack_shows_names_as_text() -> None:
    """A note can't call a whole channel, or hide an address behind another text."""
    sent = json.loads(payload(MESSAGE, "slack"))
    assert sent["text"] == "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;\nrunbook watch r1"
    assert sent["unfurl_links"] is False


def test_teams_gets_a_card() -> None:
    """Workflows in Teams take a message with one adaptive card, whose lines are blocks."""
    sent = json.loads(payload(MESSAGE, "teams"))
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in attachment["content"]["body"]][1] == "runbook watch r1"
    assert all(block["type"] == "TextBlock" for block in attachment["content"]["body"])


@pytest.mark.parametrize("form", ["slack", "teams", "webhook"])
def test_every_form_has_the_text_and_the_run(form: str) -> None:
    """Whoever reads it knows how to see more."""
    assert "r1" in payload(MESSAGE, form)
    assert "click" in payload(MESSAGE, form)
