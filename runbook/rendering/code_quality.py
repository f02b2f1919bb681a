"""Print findings as a Code Quality report, which GitLab shows in merge requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from runbook.paths import relative_path
from runbook.printable import json_text, one_line

__all__ = ["QualityIssue", "code_quality_text"]

_SEVERITIES = {"error": "critical", "warning": "major", "notice": "info"}


class QualityIssue(NamedTuple):
    """One finding. `level` is error, warning or notice; `source` is the line that it is on, which identifies it."""

    rule: str
    level: str
    message: str
    file: str
    line: int
    source: str = ""


def code_quality_text(issues: Iterable[QualityIssue]) -> str:
    """Return the report: for each finding, the fields that GitLab reads."""
    seen = Counter[str]()
    records = []
    for each in issues:
        path = relative_path(each.file)
        known = f"{each.rule}\0{path}\0{' '.join(each.source.split())}"
        seen[known] += 1
        records.append(
            {
                "description": one_line(each.message),
                "check_name": each.rule,
                # Two equal lines of a file are two findings, and GitLab shows each fingerprint once.
                "fingerprint": sha256(f"{known}\0{seen[known]}".encode()).hexdigest()[:32],
                "severity": _SEVERITIES[each.level],
                "location": {"path": path, "lines": {"begin": max(1, each.line)}},
            }
        )
    return json_text(records, indent=2)
