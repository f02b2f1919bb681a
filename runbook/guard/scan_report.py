"""Print what a scan found for people, programs, code scanning (SARIF 2.1.0) and GitHub's annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from runbook.guard.scanning import UNCLEAR, PassedOver, Scan, Stopped
from runbook.model import Policy, Verdict
from runbook.printable import counted, json_text, one_line, printable
from runbook.rendering.annotations import Annotation, annotation_line
from runbook.rendering.sarif import SarifNotification, SarifResult, SarifRule, sarif_text

__all__ = ["FORMATS", "passed_over_lines", "report_of", "summary_of"]


def report_of(scan: Scan, form: str, policy: Policy) -> str:
    """Return a scan in one of FORMATS, "" if there is nothing to say."""
    return FORMATS[form](scan, policy)


def summary_of(scan: Scan) -> str:
    """Return one line: how many files were read and passed over, and how many findings there are."""
    read, passed_over = counted(scan.files, "file"), counted(len(scan.passed_over), "file")
    return f"{read} read, {passed_over} passed over, {counted(len(scan.stopped), 'finding')}"


# pre-commit names every file of a commit.
_MOST_NAMED = 5


def passed_over_lines(scan: Scan) -> list[str]:
    """Return a line for each file that was passed over, or for many of them with the same reason."""
    by_reason: dict[str, list[PassedOver]] = {}
    for each in scan.passed_over:
        by_reason.setdefault(each.reason, []).append(each)
    lines: list[tuple[str, str]] = []
    for reason, some in by_reason.items():
        if len(some) <= _MOST_NAMED or any(each.line for each in some):
            lines += [(each.file, str(each)) for each in some]
        else:
            names = ", ".join(one_line(each.file) for each in some[:_MOST_NAMED])
            more = f"{names} and {len(some) - _MOST_NAMED} more: passed over: {printable(reason)}"
            lines.append((some[0].file, more))
    return [line for _, line in sorted(lines)]


def _text(scan: Scan, _policy: Policy) -> str:
    return "\n".join(map(str, scan.stopped))


def _json(scan: Scan, _policy: Policy) -> str:
    found = {
        "files": scan.files,
        "stopped": [asdict(each) for each in scan.stopped],
        "passed_over": [asdict(each) for each in scan.passed_over],
    }
    return json_text(found, indent=2)


# --- programs ------------------------------------------------------------------------------------------------------


_LEVELS = {Verdict.REFUSE: "error", Verdict.CONFIRM: "warning"}


def _github(scan: Scan, _policy: Policy) -> str:
    found = [
        Annotation(_LEVELS[each.verdict], each.file, each.message, each.line, each.column) for each in scan.stopped
    ]
    found += [
        Annotation("notice", each.file, f"passed over: {each.reason}", each.line, each.column)
        for each in scan.passed_over
    ]
    return "\n".join(map(annotation_line, found))


_HELP = {
    UNCLEAR: (
        "A person must confirm this command",
        "The guard can't tell what this command does. Write its program, its subcommand and its target in the line.",
    )
}


def _sarif(scan: Scan, policy: Policy) -> str:
    results = [
        SarifResult(each.rule, _LEVELS[each.verdict], each.message, each.file, each.line, each.column)
        for each in scan.stopped
    ]
    notifications = [
        SarifNotification(f"{each.file} was passed over: {each.reason}", each.file, each.line, each.column)
        for each in scan.passed_over
    ]
    return sarif_text(_rules(scan.stopped, policy), results, notifications)


def _rules(stopped: Sequence[Stopped], policy: Policy) -> list[SarifRule]:
    """Return the rules that the findings name, with what to do instead."""
    known = {rule.id: rule for rule in policy.rules}
    found = []
    for name in sorted({each.rule for each in stopped}):
        rule = known.get(name)
        title, text = (
            _HELP[UNCLEAR] if rule is None else (f"{rule.program} {' '.join(rule.command)}".strip(), rule.reason)
        )
        advice = f"{text} {rule.instead}".strip() if rule is not None else text
        found.append(SarifRule(name, title, text, advice))
    return found


FORMATS: Mapping[str, Callable[[Scan, Policy], str]] = {
    "text": _text,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
"""How a scan can be printed."""
