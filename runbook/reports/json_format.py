"""The report of a run as JSON: everything that is known about it, uncut, under stable keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.engine.state import StepRecord
from runbook.journal.codec import encode
from runbook.journal.events import DrillEnded
from runbook.printable import json_text
from runbook.reports.run_report import Command, Failure, Note, RunReport, Unknown
from runbook.reports.timeline import Entry

__all__ = ["KEYS", "as_json"]

KEYS: Mapping[str, str] = {
    "format": "The version of this format: 2. It changes only if a key is removed or changes its meaning.",
    "run": "The run's id.",
    "procedure": "The procedure's id.",
    "title": "The procedure's title.",
    "digest": "The SHA-256 of the procedure as it was followed.",
    "outcome": "How far the run got, in words.",
    "dry": "Whether it was a dry run.",
    "drill": "How it went, if it was a drill: scenario, passed, failed (proofs), trouble, hints. Otherwise null.",
    "target": "What was proven about the target: kind, name, environment, CLI version.",
    "operators": "Who started and resumed it, in order.",
    "roles": "The names by which the shared journal knows those who acted, as they logged in to it.",
    "ticket": "The ticket that the run was for.",
    "host": "The machine on which it started.",
    "directory": "The project's directory there.",
    "rules": "The book's directory and the digest of its policy.",
    "versions": "The versions of runbook and of the Supabase CLI.",
    "began": "The time of the first event (UTC, ISO 8601, like all times).",
    "updated": "The time of the last event.",
    "seconds": "How long the run took.",
    "impact": "Empty: fill it in.",
    "values": "The values by name, without secrets.",
    "choices": "The answers by the path of the question.",
    "decisions": "The answers in order: at, who, step, question, answer, suggested, because.",
    "timeline": "What happened: at, who, step, title, what, result, seconds.",
    "commands": "Each execution: at, who, step, title, purpose, commands, effect, confirmed, seconded (who else "
    "confirmed it), by_hand, outcome, exit, seconds, evidence, output. `outcome` is null if the end isn't recorded.",
    "skipped": "Steps that were skipped: at, who, step, title, text (the reason).",
    "notes": "Notes, hand-overs and takeovers: at, who, step, text.",
    "unknowns": "Steps whose end nobody saw: at, step, title, how, settled (entries of the timeline).",
    "changes": "Accepted changes of procedure, target or policy: at, what, diff.",
    "steps": "What became of each step: path, title, status, reason, seconds, captured, attempts.",
    "snapshots": "The target before the first write and after the last one: for each look, its lines.",
    "differences": "What is different between them, for each look: look, gone, new, problem.",
    "failures": "Why commands failed: at, step, error, sqlstate, known (the id of the book's entry).",
    "events": "Every event of the journal, as recorded.",
    "head": "The hash of the last event; `runbook journal check --head HASH` looks for it.",
}
"""Every key of the document, with its content. The reference page lists them."""


def as_json(report: RunReport) -> str:
    """Return the whole report as a JSON object with the keys `KEYS`."""
    header, state = report.header, report.state
    found: dict[str, object] = {
        "format": 2,
        "run": header.run,
        "procedure": header.procedure,
        "title": report.title,
        "digest": state.digest,
        "outcome": report.outcome,
        "dry": header.dry,
        "drill": _drill(state.drill),
        "target": encode(header)["target"],
        "operators": report.operators,
        "roles": report.roles,
        "ticket": header.ticket,
        "host": header.host,
        "directory": header.directory,
        "rules": {"book": state.rules.book, "digest": state.rules.digest},
        "versions": {"runbook": header.runbook, "supabase": header.target.cli},
        "began": header.at.isoformat(),
        "updated": (state.updated or header.at).isoformat(),
        "seconds": state.seconds,
        "impact": "",
        "values": state.values,
        "choices": state.choices,
        "decisions": [
            {
                "at": one.at.isoformat(),
                "who": one.who,
                "step": one.step,
                "question": report.name(one.step),
                "answer": one.answer,
                "suggested": one.suggested,
                "because": one.because,
            }
            for one in report.answers
        ],
        "timeline": [_entry(report, one) for one in report.timeline],
        "commands": [_command(report, one) for one in report.commands],
        "skipped": [
            {
                "at": one.at.isoformat(),
                "who": one.who,
                "step": one.step,
                "title": report.name(one.step),
                "text": one.text,
            }
            for one in report.skipped
        ],
        "notes": [_note(one) for one in report.notes],
        "unknowns": [_unknown(report, one) for one in report.unknowns],
        "changes": [{"at": one.at.isoformat(), "what": one.what, "diff": one.diff} for one in report.changes],
        "steps": [
            _step(record, report.steps[record.path].title if record.path in report.steps else "")
            for record in state.steps.values()
        ],
        "snapshots": {when.value: taken.found for when, taken in state.snapshots.items()},
        "differences": [
            {"look": one.title, "gone": one.gone, "new": one.new, "problem": one.problem} for one in report.differences
        ],
        "failures": [_failure(one) for one in report.failures],
        "events": [encode(event) for event in report.events],
        "head": report.proof,
    }
    return json_text(found, indent=2) + "\n"


def _drill(ended: DrillEnded | None) -> dict[str, Any] | None:
    if ended is None:
        return None
    return {name: getattr(ended, name) for name in ("scenario", "passed", "failed", "trouble", "hints")}


def _entry(report: RunReport, one: Entry) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "who": one.who,
        "step": one.step,
        "title": report.name(one.step),
        "what": one.what,
        "result": one.result,
        "seconds": one.seconds,
    }


def _command(report: RunReport, one: Command) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "who": one.who,
        "step": one.step,
        "title": report.name(one.step),
        "purpose": one.purpose.value,
        "commands": one.lines,
        "effect": one.effect,
        "confirmed": one.confirmed,
        "seconded": one.seconded,
        "by_hand": one.is_direct,
        "outcome": one.outcome.value if one.outcome else None,
        "exit": one.exit,
        "seconds": one.seconds,
        "evidence": one.evidence,
        "output": one.output,
    }


def _note(one: Note) -> dict[str, Any]:
    return {"at": one.at.isoformat(), "who": one.who, "step": one.step, "text": one.text}


def _unknown(report: RunReport, one: Unknown) -> dict[str, Any]:
    settled = [_entry(report, entry) for entry in one.settled]
    title = report.name(one.step)
    return {"at": one.at.isoformat(), "step": one.step, "title": title, "how": one.how, "settled": settled}


def _failure(one: Failure) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "step": one.step,
        "error": one.why.error.text,
        "sqlstate": one.why.error.sqlstate,
        "known": one.why.known.id if one.why.known else "",
    }


def _step(record: StepRecord, title: str) -> dict[str, Any]:
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
