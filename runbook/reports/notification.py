"""The messages about an event that receivers of notifications get, in each form. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from runbook.engine.state import RunState
from runbook.engine.way import way_of
from runbook.filling import Shown, fill_text
from runbook.journal.events import (
    ConfirmationAsked,
    Event,
    HandedOver,
    Outcome,
    Purpose,
    RunFinished,
    RunResumed,
    RunStarted,
    RunStopped,
    StepFinished,
    StepStarted,
)
from runbook.model import Procedure, TargetKind
from runbook.model.notification import Moment
from runbook.printable import one_line, shortened

__all__ = ["Message", "message_of", "payload"]

_LONGEST = 500
"""Characters of a message: whoever wants more reads the run."""
_WRITES = frozenset({"writes", "destroys"})
_OF_STEP = frozenset({Purpose.RUN, Purpose.UNDO, Purpose.OWN})

Message = dict[str, str]
"""What happened, by the names that a webhook gets: `moment`, `text`, `run`, `procedure`, `target`, `operator`, …"""


def message_of(event: Event, state: RunState, procedure: Procedure) -> Message | None:
    """Return what to tell about an event, None if it is none of a `Moment`; `state` is the run's state after it.

    Dry runs and drills tell nobody.
    """
    said = _said(event, state)
    header, target = state.header, state.target
    if said is None or header is None or target is None or header.dry or target.kind == TargetKind.DRILL:
        return None
    moment, what = said
    path = str(getattr(event, "step", ""))
    title = _title(path, state, procedure)
    name = target.kind if target.name == target.kind else f"{target.kind} {target.name}"
    ticket = f" ({header.ticket})" if header.ticket else ""
    by = str(getattr(event, "operator", "")) or state.operator
    text = f"{procedure.title} on {name}{ticket}: {by} {what}{f': {title}' if title else ''}"
    return {
        "moment": moment.value,
        "text": shortened(one_line(text), _LONGEST),
        "run": header.run,
        "procedure": header.procedure,
        "target": name,
        "operator": by,
        "host": state.host,
        "step": path,
        "ticket": header.ticket,
        "at": event.at.isoformat(),
    }


def payload(message: Mapping[str, str], form: str) -> str:
    """Return the JSON for a receiver of that kind: `slack`, `teams`, or the message itself for any other."""
    text = f"{message['text']}\nrunbook watch {message['run']}"
    if form == "slack":
        # By Slack's rules for text, these three would begin links and mentions.
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return json.dumps({"text": escaped, "unfurl_links": False})
    if form == "teams":
        blocks = [{"type": "TextBlock", "text": line, "wrap": True} for line in text.split("\n")]
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": blocks,
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        return json.dumps({"type": "message", "attachments": [attachment]})
    return json.dumps(dict(message))


def _said(event: Event, state: RunState) -> tuple[Moment, str] | None:  # noqa: PLR0911 - one for each kind of event
    match event:
        case RunStarted():
            return Moment.START, f"began run {event.run} on {event.host}"
        case RunResumed():
            return Moment.START, f"continues on {event.host}"
        case StepStarted() if event.effect in _WRITES and event.purpose in _OF_STEP:
            done = "is undoing" if event.purpose is Purpose.UNDO else "is running a command that writes"
            return Moment.WRITE, f"{done}{f', confirmed by {event.seconded}' if event.seconded else ''}"
        case StepFinished() if event.outcome is not Outcome.PASSED and event.purpose is not Purpose.PROBE:
            how = "failed" if event.outcome is Outcome.FAILED else "was cut off; nobody saw its end"
            return Moment.STUCK, f"is stuck: a step {how}"
        case ConfirmationAsked():
            return Moment.STUCK, f"needs a second person (runbook confirm {state.header.run if state.header else ''})"
        case HandedOver():
            return Moment.END, f"handed it over{f' to {event.to}' if event.to else ''}: {event.note}"
        case RunStopped():
            return Moment.END, f"stopped: {event.reason}"
        case RunFinished():
            return Moment.END, "finished it"
    return None


def _title(path: str, state: RunState, procedure: Procedure) -> str:
    place = way_of(procedure, state).find(path) if path else None
    return path if place is None else fill_text(place.step.title, Shown(place.scope.values))
