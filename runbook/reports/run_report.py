"""The record of a run, written for people: a timeline in Markdown or JSON, and one line to paste into a chat."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from runbook.engine.next_action import Finish, Over, next_action
from runbook.engine.state import Attempt, RunState, StepRecord, fold
from runbook.engine.unknown_step import span
from runbook.engine.way import way_of
from runbook.filling import Shown, fill_text
from runbook.journal.codec import encode
from runbook.journal.events import (
    ChangeAccepted,
    ChildStarted,
    Event,
    RunResumed,
    RunStarted,
    StepFinished,
    StepStarted,
)
from runbook.model import Procedure
from runbook.rendering.command_text import quoted
from runbook.reports.timeline import DID, describe_event, execution

__all__ = ["as_json", "as_markdown", "outcome_of", "status_line", "titles_of", "write", "write_private"]


def as_markdown(events: Sequence[Event], titles: Mapping[str, str] | None = None) -> str:
    """Return the whole record as Markdown. `titles` names steps by their paths; without one the path itself stands."""
    state, names = fold(events), titles or {}
    parts = [
        *_head(state, events),
        *_timeline(events, names),
        "## Steps",
        "",
        *(line for record in state.steps.values() for line in _step(record, names)),
        *_changes(events),
        *_sources(state),
    ]
    return "\n".join(parts).rstrip() + "\n"


def as_json(events: Sequence[Event], titles: Mapping[str, str] | None = None) -> str:
    """Return the whole record as JSON: a summary, what became of each step, and every event."""
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
        "versions": {"runbook": header.runbook, "supabase": header.target.cli},
        "began": header.at.isoformat(),
        "updated": (state.updated or header.at).isoformat(),
        "seconds": _seconds(state),
        "values": state.values,
        "choices": state.choices,
        "steps": [_step_as_json(record, names) for record in state.steps.values()],
        "events": [encode(event) for event in events],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, default=list) + "\n"


def status_line(state: RunState, procedure: Procedure | None, now: datetime) -> str:
    """Return one line that tells a channel where a run stands."""
    header = state.header
    if header is None:
        return "A run is about to begin."
    title = procedure.title if procedure else header.procedure
    where = f"{title} on {header.target.kind} {header.target.name}"
    since = f"{state.operator} since {header.at:%H:%M} UTC ({span((now - header.at).total_seconds())})"
    doing = outcome_of(state) if state.ended or state.paused else _standing(state, procedure)
    return f"{where}: {doing}. {since}. Run {header.run}"


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
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            if keep is not None:
                os.fchmod(stream.fileno(), keep)
            stream.write(text)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


# --- Markdown ---------------------------------------------------------------------------------------------------


def _head(state: RunState, events: Sequence[Event]) -> Iterator[str]:
    header = state.header
    assert header is not None
    target = header.target
    environment = f", {target.environment}" if target.environment else ""
    facts = {
        "Outcome": outcome_of(state) + (" (dry run: nothing was written)" if header.dry else ""),
        "Target": f"{target.kind} `{target.name}`{environment}",
        "Began": f"{header.at:%Y-%m-%d %H:%M:%S} UTC",
        "Took": span(_seconds(state)),
        "Operator": ", ".join(_operators(events)) + f" on {header.host}",
        "Directory": _code(header.directory),
        "Versions": f"supabase {target.cli}, runbook {header.runbook}",
        "Procedure": f"`{header.procedure}`, digest `{header.digest[:12]}`",
    }
    yield from (f"# Run {header.run}", "", "| | |", "|---|---|")
    yield from (f"| {name} | {_cell(value)} |" for name, value in facts.items())
    yield ""
    if state.values:
        yield from ("## Values", "", "| Name | Value |", "|---|---|")
        for name, value in state.values.items():
            yield f"| {name} | {_cell(_code(value if isinstance(value, str) else ', '.join(value)))} |"
        yield ""


def _timeline(events: Sequence[Event], titles: Mapping[str, str]) -> Iterator[str]:
    yield from ("## Timeline", "", "| UTC | What happened | Took |", "|---|---|---|")
    open_one: StepStarted | None = None
    for event in events:
        if isinstance(event, StepFinished) and open_one is not None:
            yield _row(open_one, execution(open_one, event, titles), span(event.seconds))
            open_one = None
        elif not isinstance(event, ChildStarted):
            if open_one is not None:
                yield _row(open_one, execution(open_one, None, titles))
            open_one = event if isinstance(event, StepStarted) else None
            text = describe_event(event, titles)
            yield from [_row(event, text)] if text is not None else []
    if open_one is not None:
        yield _row(open_one, execution(open_one, None, titles))
    yield ""


def _row(event: Event, text: str, took: str = "") -> str:
    return f"| {event.at:%H:%M:%S} | {_cell(text)} | {took} |"


def _step(record: StepRecord, titles: Mapping[str, str]) -> Iterator[str]:
    yield f"### {titles.get(record.path, record.path)}"
    yield ""
    reason = f" ({record.reason})" if record.reason else ""
    yield f"`{record.path}`: **{record.status.value}**{reason}"
    yield ""
    for attempt in record.attempts:
        yield from _attempt(attempt)


def _attempt(attempt: Attempt) -> Iterator[str]:
    how = attempt.outcome.value if attempt.outcome else "its end is not on record"
    code = f", exit {attempt.exit}" if attempt.exit is not None else ""
    said = f", confirmed with `{attempt.confirmed}`" if attempt.confirmed else ""
    yield f"- {attempt.started:%H:%M:%S} UTC, {DID[attempt.purpose]}{said}: {how}{code}, {span(attempt.seconds)}"
    yield ""
    if attempt.argv:
        yield from _fenced(" ".join(quoted(word) for word in attempt.argv), "sh")
    if "\n" in attempt.evidence:
        yield from _fenced(attempt.evidence)
    elif attempt.evidence:
        yield from (f"  {_cell(attempt.evidence)}", "")
    if attempt.output.strip():
        yield from _fenced(attempt.output.strip("\n"))


def _fenced(text: str, language: str = "text") -> Iterator[str]:
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    yield from (f"  {fence}{language}", *(f"  {line}" for line in text.splitlines()), f"  {fence}", "")


def _changes(events: Sequence[Event]) -> Iterator[str]:
    for event in events:
        if isinstance(event, ChangeAccepted):
            yield from (f"## What changed in the {event.what}, accepted at {event.at:%H:%M:%S} UTC", "")
            yield from _fenced(event.diff)


def _sources(state: RunState) -> Iterator[str]:
    header = state.header
    if header is None:
        return
    yield from ("## The procedure as it was", "")
    for name, text in state.sources.items():
        yield from (f"`{name}`", "", *_fenced(text))


def _cell(text: str) -> str:
    flat = " ".join(text.split())
    return flat.replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    return f"`{text}`" if text and "`" not in text else text


# --- JSON and the rest ------------------------------------------------------------------------------------------


def _step_as_json(record: StepRecord, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "path": record.path,
        "title": titles.get(record.path, ""),
        "status": record.status.value,
        "reason": record.reason,
        "seconds": record.seconds,
        "captured": record.captured,
        "attempts": [_attempt_as_json(attempt) for attempt in record.attempts],
    }


def _attempt_as_json(attempt: Attempt) -> dict[str, Any]:
    return {
        "purpose": attempt.purpose.value,
        "started": attempt.started.isoformat(),
        "argv": attempt.argv,
        "effect": attempt.effect,
        "confirmed": attempt.confirmed,
        "outcome": attempt.outcome.value if attempt.outcome else None,
        "exit": attempt.exit,
        "seconds": attempt.seconds,
        "evidence": attempt.evidence,
        "output": attempt.output,
    }


def _operators(events: Sequence[Event]) -> list[str]:
    names = (event.operator for event in events if isinstance(event, RunStarted | RunResumed))
    return list(dict.fromkeys(names))


def _seconds(state: RunState) -> float:
    began, ended = (state.header.at if state.header else None), state.updated
    return (ended - began).total_seconds() if began and ended else 0.0


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
