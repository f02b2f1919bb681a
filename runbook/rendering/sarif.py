"""Print findings as SARIF 2.1.0, which code scanning reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from runbook import __version__
from runbook.paths import relative_path
from runbook.printable import json_text, printable

__all__ = ["SarifNotification", "SarifResult", "SarifRule", "sarif_text"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"notice": "note"}


@dataclass(frozen=True, slots=True)
class SarifRule:
    """A rule that results name."""

    id: str
    title: str
    text: str
    help: str
    level: str = "error"
    address: str = ""


@dataclass(frozen=True, slots=True)
class SarifResult:
    """One finding. `source` is the line that it is on: it identifies the finding after lines above have changed."""

    rule: str
    level: str
    message: str
    file: str
    line: int
    column: int
    source: str = ""
    reason: str = ""
    """Why somebody has accepted the finding, if they have."""


@dataclass(frozen=True, slots=True)
class SarifNotification:
    """A file that couldn't be read."""

    message: str
    file: str
    line: int = 0
    column: int = 0


def sarif_text(
    rules: Sequence[SarifRule], results: Sequence[SarifResult], notifications: Sequence[SarifNotification] = ()
) -> str:
    """Return one run of `runbook` as SARIF."""
    index = {rule.id: number for number, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "runbook", "version": __version__, "rules": [_rule(each) for each in rules]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(each) for each in notifications],
            }
        ],
        "results": [_result(each, index) for each in results],
    }
    return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(rule: SarifRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.text},
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": _LEVELS.get(rule.level, rule.level)},
        **({"helpUri": rule.address} if rule.address else {}),
    }


def _result(each: SarifResult, index: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": each.rule,
        "ruleIndex": index[each.rule],
        "level": _LEVELS.get(each.level, each.level),
        "message": {"text": printable(each.message)},
        "locations": [_location(each.file, each.line, each.column)],
    }
    if each.source:
        known = f"{each.rule}\0{relative_path(each.file)}\0{' '.join(each.source.split())}"
        result["partialFingerprints"] = {"runbook/v1": sha256(known.encode()).hexdigest()[:32]}
    if each.reason:
        result["suppressions"] = [{"kind": "inSource", "justification": printable(each.reason)}]
    return result


def _location(file: str, line: int, column: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(relative_path(file))}}
    if line:
        place["region"] = {"startLine": line, "startColumn": column}
    return {"physicalLocation": place}


def _notification(each: SarifNotification) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": printable(each.message)},
        "locations": [_location(each.file, each.line, each.column)],
    }
