"""Records to procedures."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

from runbook.loading.build import build
from runbook.loading.drills import build_drills
from runbook.loading.records import Record
from runbook.loading.schema import SHAPES
from runbook.model import Mode, Procedure, Reference, Section

__all__ = ["build_procedure"]

_SECONDS_OF_DAY = 86400


def build_procedure(record: Record, name: str, text: str) -> Procedure:
    """Return the procedure called `name` as its own file has it: what it includes is not resolved yet."""
    return Procedure(
        id=name,
        title=record.get("title", str),
        summary=record.get("summary", str).strip(),
        section=Section(record.get("section", str)),
        use_when=record.many("use_when", str),
        not_for=tuple(
            Reference(each.get("text", str), each.maybe("see", str)) for each in record.many("not_for", Record)
        ),
        owner=record.get("owner", str),
        reviewed=record.get("reviewed", date),
        review_days=int(record.get("review_every", float) / _SECONDS_OF_DAY),
        minutes=record.get("minutes", int),
        mode=Mode(record.maybe("mode", str) or Mode.READ_DO),
        needs=record.many("needs", str),
        warnings=record.many("warnings", str),
        parameters=tuple(build(each, SHAPES, keyed=key) for key, each in record.pairs("parameters", Record).items()),
        before=tuple(build(each, SHAPES) for each in record.many("before", Record)),
        steps=tuple(build(each, SHAPES) for each in record.many("steps", Record)),
        after=record.many("after", str),
        related=record.many("related", str),
        drills=build_drills(record),
        source=text,
        digest=sha256(text.encode()).hexdigest(),
        at=record.at,
    )
