"""Records to drills."""

from __future__ import annotations

from collections.abc import Mapping

from runbook.loading.records import Record
from runbook.model import Answer, Drill, FunctionResponse, Proof, Scenario, ScenarioEvent, ScenarioMigration

__all__ = ["build_drills"]


def build_drills(record: Record) -> tuple[Drill, ...]:
    """Return the drills of a procedure's record."""
    return tuple(_drill(each) for each in record.many("drills", Record))


def _drill(record: Record) -> Drill:
    return Drill(
        name=record.get("name", str),
        briefing=record.get("briefing", str),
        scenario=_scenario(record.get("scenario", Record)),
        answers=_answers(record),
        prove=tuple(_proof(each) for each in record.many("prove", Record)),
        reactions=record.maybe("reactions", dict) or {},
        ends=record.maybe("ends", str) or "done",
        practice=record.maybe("practice", bool) is not False,
        loses=record.many("loses", str),
    )


def _answers(record: Record) -> Mapping[str, Answer]:
    return record.maybe("answers", dict) or {}


def _scenario(record: Record) -> Scenario:
    return Scenario(
        migrations=tuple(_migration(each) for each in record.many("migrations", Record)),
        seed=record.many("seed", str),
        traffic=record.many("traffic", str),
        hold=record.maybe("hold", str),
        functions=record.pairs("functions", str),
        earlier=record.pairs("earlier", str),
        deployed=record.pairs("deployed", str),
        responses={
            name: tuple(_response(each) for each in found) for name, found in record.pairs("responses", tuple).items()
        },
        secrets=record.pairs("secrets", str),
        platform=record.pairs("platform", object),
        events=tuple(_event(each) for each in record.many("events", Record)),
    )


def _response(record: Record) -> FunctionResponse:
    return FunctionResponse(
        version=record.maybe("version", int),
        source=record.maybe("source", str) or "",
        status=record.maybe("status", int) or 200,
        body=record.values.get("body", ""),
        headers=record.pairs("headers", str),
        delay=record.maybe("delay", float) or 0,
    )


def _migration(record: Record) -> ScenarioMigration:
    return ScenarioMigration(record.get("name", str), record.get("sql", str), record.maybe("state", str) or "applied")


def _event(record: Record) -> ScenarioEvent:
    return ScenarioEvent(
        at=record.get("at", str),
        kind=record.kind,
        what=record.get(record.kind, str),
        turn=record.maybe("turn", int),
        status=record.maybe("status", int),
        delay=record.maybe("delay", float) or 0,
        times=record.maybe("times", int) or 1,
        text=record.maybe("text", str) or "",
    )


def _proof(record: Record) -> Proof:
    request = record.maybe("request", str)
    return Proof(
        text=record.get("text", str),
        sql=record.maybe("sql", str),
        history=record.many("history", str) if record.kind == "history" else None,
        function=record.maybe("function", str),
        source=record.maybe("source", str),
        secret=record.maybe("secret", str),
        request=request,
        checked=record.many("checked", str) if record.kind == "checked" else None,
        walked=record.many("walked", str) if record.kind == "walked" else None,
        equals=record.maybe("equals", str) or ("yes" if request else None),
    )
