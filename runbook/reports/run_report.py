"""The record of a run, written for people: a timeline in Markdown or JSON, and one line to paste into a chat."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from runbook.diagnosis import Diagnosis
from runbook.engine.next_action import Finish, Over, next_action
from runbook.engine.state import RunState, StepRecord, fold
from runbook.engine.unknown_step import span
from runbook.engine.way import way_of
from runbook.filling import Shown, fill_text
from runbook.journal import events as known
from runbook.journal.codec import encode
from runbook.journal.events import Event, Purpose, StepFinished, StepStarted
from runbook.markup import markdown_cell_code, markdown_code, markdown_fence, markdown_text
from runbook.model import KnownError, Procedure
from runbook.printable import json_text, one_line
from runbook.rendering.command_text import quoted
from runbook.reports.failures import failures, in_one_sentence

__all__ = ["as_json", "as_markdown", "outcome_of", "rules_line", "status_line", "titles_of", "write", "write_private"]


def as_markdown(
    events: Sequence[Event],
    titles: Mapping[str, str] | None = None,
    proof: str = "",
    errors: Sequence[KnownError] = (),
) -> str:
    """Return the whole record as Markdown. `titles` names steps by their paths; without a title the path is shown.

    `proof` is the hash of the last event, with which a copy of the report can later prove a change of the journal.
    `errors` are those that the book knows.
    """
    state, names = fold(events), titles or {}
    parts = [*_head(state, events, proof), "## Timeline", "", "| UTC | What happened | Took |", "|---|---|---|"]
    parts += (f"| {at:%H:%M:%S} | {text} | {took} |" for at, text, took in _timeline(events, names))
    failed = [(finished, why) for finished, why in failures(events, errors) if why]
    parts += ["", "## What failed", ""] if failed else []
    for finished, why in failed:
        said = markdown_text(one_line(in_one_sentence(why)))
        parts.append(f"- {finished.at:%H:%M:%S} UTC, {_named(finished.step, names)}: {said}")
    parts += ["", "## Steps", ""]
    parts += (line for record in state.steps.values() for line in _step(record, names))
    for event in events:
        if isinstance(event, known.ChangeAccepted):
            parts += [f"## What changed in the {markdown_text(event.what)}, accepted at {event.at:%H:%M:%S} UTC", ""]
            parts += _fenced(event.diff)
    # A report outlives the book: what the run followed is kept in it, word for word.
    parts += ["## The procedure as it was", ""] if state.header else []
    parts += (line for name, text in state.sources.items() for line in (markdown_code(name), "", *_fenced(text)))
    return "\n".join(parts).rstrip() + "\n"


def as_json(
    events: Sequence[Event],
    titles: Mapping[str, str] | None = None,
    proof: str = "",
    errors: Sequence[KnownError] = (),
) -> str:
    """Return the whole record as JSON: a summary, what became of each step, what failed and why, and every event."""
    state, names = fold(events), titles or {}
    header = state.header
    assert header is not None
    document = {
        "format": 1,
        "run": header.run,
        "procedure": header.procedure,
        "digest": state.digest,
        "outcome": outcome_of(state),
        "dry": header.dry,
        "target": encode(header)["target"],
        "operators": _operators(events),
        "host": header.host,
        "directory": header.directory,
        "rules": {"book": state.rules.book, "digest": state.rules.digest},
        "versions": {"runbook": header.runbook, "supabase": header.target.cli},
        "began": header.at.isoformat(),
        "updated": (state.updated or header.at).isoformat(),
        "seconds": state.seconds,
        "values": state.values,
        "choices": state.choices,
        "steps": [_step_as_json(record, names.get(record.path, "")) for record in state.steps.values()],
        "failures": [_failure_as_json(event, why) for event, why in failures(events, errors) if why],
        "events": [encode(event) for event in events],
        "head": proof,
    }
    return json_text(document, indent=2) + "\n"


def status_line(state: RunState, procedure: Procedure | None, now: datetime) -> str:
    """Return one line that tells a channel where a run stands."""
    header = state.header
    if header is None:
        return "A run is about to begin."
    title = procedure.title if procedure else header.procedure
    where = f"{title} on {header.target.kind} {header.target.name}"
    since = f"{state.operator} since {header.at:%H:%M} UTC ({span(state.seconds_until(now))})"
    doing = outcome_of(state) if state.ended or state.paused else _standing(state, procedure)
    return one_line(f"{where}: {doing}. {since}. Run {header.run}")


def rules_line(state: RunState) -> str:
    """Return the book and the policy that a run follows; "" if an older version began it."""
    if not state.rules.digest:
        return ""
    return f"{state.rules.book or 'the packaged book'}, policy {state.rules.digest[:12]}"


def outcome_of(state: RunState) -> str:
    """Return in a few words how far a run got."""
    if state.ended:
        return "finished"
    if state.unknown is not None:
        return f"not finished, the end of step {state.unknown.path} is unknown"
    return f"not finished ({state.paused})" if state.paused else "not finished"


def titles_of(procedure: Procedure, state: RunState) -> dict[str, str]:
    """Return the titles of a run's steps, by path."""
    return {one.path: fill_text(one.step.title, Shown(one.scope.values)) for one in way_of(procedure, state).places}


def write(file: Path, text: str) -> None:
    """Write the text to a file that somebody named. Raises OSError.

    A regular file is replaced all at once and keeps its mode. A symlink stays; what it points to is written. A pipe or
    a device gets the text as it is.
    """
    found = file.stat() if file.exists() else None
    if found is not None and not stat.S_ISREG(found.st_mode):
        with file.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
        return
    real = Path(os.path.realpath(file))
    real.parent.mkdir(parents=True, exist_ok=True)
    # The umask applies to a new file, as with any program.
    _replace(real, text, mode=0o666, keep=None if found is None else stat.S_IMODE(found.st_mode))


def write_private(file: Path, text: str) -> None:
    """Write the text, all at once, to a file that only this user can read. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(file, text, mode=0o600)


def _replace(file: Path, text: str, *, mode: int, keep: int | None = None) -> None:
    """Put a new file in the place of this one: readers see the old text or the new, never half of it."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    # O_EXCL and a name that can't be guessed: nobody else's file or link is written through.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            if keep is not None:
                # Not by `mode`, which the umask narrows.
                os.fchmod(stream.fileno(), keep)
            stream.write(text)
        temporary.replace(file)
    except BaseException:  # Ctrl-C too leaves nothing behind
        temporary.unlink(missing_ok=True)
        raise


# --- Markdown ---------------------------------------------------------------------------------------------------


def _head(state: RunState, events: Sequence[Event], proof: str) -> Iterator[str]:
    header = state.header
    assert header is not None
    target = header.target
    environment = f", {markdown_text(target.environment)}" if target.environment else ""
    facts = {
        "Outcome": markdown_text(outcome_of(state)) + (" (dry run: nothing was written)" if header.dry else ""),
        "Target": f"{markdown_text(target.kind)} {markdown_cell_code(target.name)}{environment}",
        "Began": f"{header.at:%Y-%m-%d %H:%M:%S} UTC",
        "Took": span(state.seconds),
        "Operator": markdown_text(", ".join(_operators(events)) + f" on {header.host}"),
        "Directory": markdown_cell_code(header.directory),
        "Versions": markdown_text(f"supabase {target.cli}, runbook {header.runbook}"),
        "Procedure": f"{markdown_cell_code(header.procedure)}, digest {markdown_cell_code(header.digest[:12])}",
        "Rules": markdown_text(rules_line(state)),
    }
    if proof:
        facts["Record"] = f"{len(events)} events, the last with the hash `{proof}`"
    yield from (f"# Run {markdown_text(header.run)}", "", "| | |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in facts.items() if value)
    yield ""
    if state.values:
        yield from ("## Values", "", "| Name | Value |", "|---|---|")
        for name, value in state.values.items():
            shown = value if isinstance(value, str) else ", ".join(value)
            yield f"| {markdown_text(name)} | {markdown_cell_code(shown)} |"
        yield ""


def _step(record: StepRecord, titles: Mapping[str, str]) -> Iterator[str]:
    reason = f" ({markdown_text(record.reason)})" if record.reason else ""
    yield from (f"### {markdown_text(titles.get(record.path, record.path))}", "")
    yield from (f"{markdown_code(record.path)}: **{record.status.value}**{reason}", "")
    for attempt in record.attempts:
        how = attempt.outcome.value if attempt.outcome else "its end is not on record"
        code = f", exit {attempt.exit}" if attempt.exit is not None else ""
        said = f", confirmed with {markdown_code(attempt.confirmed)}" if attempt.confirmed else ""
        yield f"- {attempt.started:%H:%M:%S} UTC, {_DID[attempt.purpose]}{said}: {how}{code}, {span(attempt.seconds)}"
        yield ""
        if attempt.argv:
            yield from _fenced(" ".join(quoted(word) for word in attempt.argv), "sh")
        for command in attempt.looks:
            yield from _fenced(command, "sh")
        if "\n" in attempt.evidence:
            yield from _fenced(attempt.evidence)
        elif attempt.evidence:
            yield from (f"  {markdown_text(attempt.evidence)}", "")
        if attempt.output.strip():
            yield from _fenced(attempt.output.strip("\n"))


def _fenced(text: str, language: str = "text") -> Iterator[str]:
    # At the margin, where every flavour of Markdown recognizes a block of code.
    yield from (*markdown_fence(text, language), "")


# --- Timeline: what each event says, in one sentence of Markdown ---------------------------------------------------

_DID = {
    Purpose.RUN: "ran",
    Purpose.VERIFY: "checked",
    Purpose.UNDO: "took back",
    Purpose.PROBE: "probed",
    Purpose.PREPARE: "prepared",
    Purpose.OWN: "ran a command of the operator's own",
}
"""What was done to a step, by the purpose of an execution."""

_RETOLD: Mapping[type[Event], Callable[[Any, str], str]] = {
    known.RunStarted: lambda event, _: markdown_text(f"{event.operator} began"),
    known.RunResumed: lambda event, _: markdown_text(f"{event.operator} went on, on {event.host}"),
    known.TakenOver: lambda event, _: _with(
        f"{markdown_text(event.operator)} took the target over from run {markdown_cell_code(event.was)}", event.reason
    ),
    known.ChangeAccepted: lambda event, _: (
        f"the {markdown_text(event.what)} had changed, which was accepted (the difference is below)"
    ),
    known.StepSkipped: lambda event, name: _with(f"{name}: skipped", event.reason or "left as it is"),
    known.StepResolved: lambda event, name: _with(
        f"{name}: its end was unknown; the operator says {event.decision.value}", event.note
    ),
    known.OptionChosen: lambda event, name: _with(name, event.option),
    known.ValueGiven: lambda event, _: _with(f"the operator gave {markdown_text(event.name)}", str(event.value)),
    known.SteppedBack: lambda _, name: f"went to {name} again",
    known.NoteAdded: lambda event, name: _with(f"note at {name}", event.note),
    known.HandedOver: lambda event, _: _with(
        markdown_text(f"handed over to {event.to}" if event.to else "handed over"), event.note
    ),
    known.RunStopped: lambda event, _: _with("stopped", event.reason),
    known.RunFinished: lambda _event, _name: "finished",
}
"""What an event adds to the timeline, with the name of its step; others are told of by the execution around them."""


def _timeline(events: Sequence[Event], titles: Mapping[str, str]) -> Iterator[tuple[datetime, str, str]]:
    """Yield when, what, and how long. An execution is one row at its beginning, whether its end is on record or not."""
    open_one: StepStarted | None = None
    for event in events:
        if isinstance(event, StepFinished) and open_one is not None:
            yield open_one.at, _execution(open_one, event, titles), span(event.seconds)
            open_one = None
        # A child process starts in the middle of an execution, which goes on.
        elif not isinstance(event, known.ChildStarted):
            if open_one is not None:
                yield open_one.at, _execution(open_one, None, titles), ""
            open_one = event if isinstance(event, StepStarted) else None
            if retell := _RETOLD.get(type(event)):
                yield event.at, retell(event, _named(str(getattr(event, "step", "")), titles)), ""
    if open_one is not None:
        yield open_one.at, _execution(open_one, None, titles), ""


def _execution(started: StepStarted, finished: StepFinished | None, titles: Mapping[str, str]) -> str:
    is_by_hand = started.purpose is Purpose.RUN and not started.argv and not started.looks
    done = "done by hand" if is_by_hand else _DID[started.purpose]
    # Enter is what an operator presses anyway; a word that was typed shows that somebody meant it.
    said = f", confirmed with {markdown_cell_code(started.confirmed)}" if started.confirmed not in {"", "Enter"} else ""
    head = f"{_named(started.step, titles)}: {done}{said}"
    if started.purpose is Purpose.OWN:
        head = f"{head}: {markdown_cell_code(' '.join(quoted(word) for word in started.argv))}"
    if finished is None:
        return f"{head}; its end is not on record"
    return _with(f"{head}, {finished.outcome.value}", finished.evidence.split("\n", maxsplit=1)[0])


def _named(step: str, titles: Mapping[str, str]) -> str:
    path = markdown_cell_code(step)
    return f"**{markdown_text(titles[step])}** ({path})" if step in titles else path


def _with(markdown: str, more: str) -> str:
    """Add a text that isn't Markdown to a sentence that is."""
    return f"{markdown}: {markdown_text(more)}" if more else markdown


# --- JSON and the rest ------------------------------------------------------------------------------------------


def _failure_as_json(event: StepFinished, diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "step": event.step,
        "error": diagnosis.error.text,
        "sqlstate": diagnosis.error.sqlstate,
        "known": diagnosis.known.id if diagnosis.known else "",
    }


def _step_as_json(record: StepRecord, title: str) -> dict[str, Any]:
    attempts = [
        {
            "purpose": attempt.purpose.value,
            "started": attempt.started.isoformat(),
            "argv": attempt.argv,
            "effect": attempt.effect,
            "confirmed": attempt.confirmed,
            "looks": attempt.looks,
            "outcome": attempt.outcome.value if attempt.outcome else None,
            "exit": attempt.exit,
            "seconds": attempt.seconds,
            "evidence": attempt.evidence,
            "output": attempt.output,
        }
        for attempt in record.attempts
    ]
    return {
        "path": record.path,
        "title": title,
        "status": record.status.value,
        "reason": record.reason,
        "seconds": record.seconds,
        "captured": record.captured,
        "attempts": attempts,
    }


def _operators(events: Sequence[Event]) -> list[str]:
    joined = (event.operator for event in events if isinstance(event, known.RunStarted | known.RunResumed))
    return list(dict.fromkeys(joined))


def _standing(state: RunState, procedure: Procedure | None) -> str:
    """Return which step a run is at, as far as the procedure is known."""
    if procedure is None:
        return f"at step {list(state.steps)[-1]}" if state.steps else "at its beginning"
    way = way_of(procedure, state)
    action = next_action(way, state)
    if isinstance(action, Finish | Over):
        return "at its end"
    number, total = way.number_of(action.at.path)
    part = "before step 1" if action.at.is_before else f"step {number} of {total}"
    return f"{part}, {action.at.step.title}"
