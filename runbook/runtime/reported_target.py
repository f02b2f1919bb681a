"""The target that a Supabase command reports: CLI 3 names it in its JSON, and in the first line of its text."""

from __future__ import annotations

import json
import re

from runbook.engine.ports import Execution
from runbook.model.team import REF

__all__ = ["reported_target"]

_LINE = re.compile(r"^Target: (?P<what>.+)$", re.MULTILINE)
_REF = re.compile(rf"\b{REF}\b")


def reported_target(ended: Execution) -> str:
    """Return the project's ref, `local`, or the database's address that a command reports; "" if it reports none."""
    return _from_document(ended.document) or _from_text(ended.output)


def _from_document(document: str) -> str:
    try:
        target = json.loads(document)["target"]
        kind = target["kind"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    if kind == "linked":
        return str(target.get("project_ref", ""))
    return "local" if kind == "local" else f"{target.get('host')}:{target.get('port')}"


def _from_text(output: str) -> str:
    # The first such line is the CLI's own, because it comes before anything that a database could print.
    line = _LINE.search(output)
    if line is None:
        return ""
    what = line["what"].strip()
    if what.startswith("local"):
        return "local"
    if address := re.match(r"custom Postgres \((?P<address>\S+)\)", what):
        return address["address"]
    refs = _REF.findall(what)
    return refs[-1] if refs else ""
