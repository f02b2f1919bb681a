"""Print a report for people, programs, code scanning (SARIF 2.1.0), and the annotations of GitHub and GitLab."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from runbook.migration.finding import Finding, Report
from runbook.migration.screen import PLAIN, Screen
from runbook.migration.text_report import text_report
from runbook.model.migration_rule import LEVELS, MigrationRule
from runbook.printable import counted, json_text, printable

__all__ = ["FORMATS", "report_text", "rule_text", "summary_line"]

_Rules = Mapping[str, MigrationRule]


def report_text(report: Report, form: str, rules: _Rules, screen: Screen = PLAIN) -> str:
    """Return a report in one of FORMATS, "" if there is nothing to print. The screen counts for `text`."""
    return text_report(report, screen) if form == "text" else FORMATS[form](report, rules)


def summary_line(report: Report) -> str:
    """Return one line: how many files were read, and how many findings there are of each level."""
    parts = [counted(report.count(level), level) for level in LEVELS if report.count(level)]
    if report.waived:
        parts.append(f"{len(report.waived)} waived")
    place = f" against {report.against}" if report.against else ""
    return f"{counted(report.files, 'file')}{place}: {', '.join(parts) or 'no findings'}"


def rule_text(rule: MigrationRule, width: int, ways: Sequence[str] = ()) -> str:
    """Return all that the book says about a rule, in lines of that width. `ways` are commands that do it safely."""
    from textwrap import fill

    parts = [f"{rule.id} ({rule.level}): {rule.title}"]
    parts += [fill(each, width) for each in (rule.catches, rule.why, f"Instead: {rule.fix}")]
    for title, examples in (("Reported:", rule.fails), ("Not reported:", rule.passes)):
        shown = [f"    {line}" for line in examples[0].shown.split("\n")]
        parts.append("\n".join([title, *shown]))
    if rule.by_size:
        parts.append(_BY_SIZE[rule.by_size])
    accept = f"To accept it, write above the statement:\n    -- runbook: allow {rule.id} because REASON"
    parts.append(accept if rule.can_be_waived else "It can't be waived.")
    if ways:
        parts.append("\n".join(["The safe way:", *(f"    {each}" for each in ways)]))
    parts.append(f"Behind it: {rule.source}")
    return "\n\n".join(map(printable, parts))


_BY_SIZE = {
    "both": "With --against, it's a notice if the table is small, and a warning becomes an error if it's large.",
    "raises": "With --against, a warning becomes an error if the table is large.",
}


# --- programs --------------------------------------------------------------------------------------------------------


def _record(each: Finding) -> dict[str, object]:
    names = ("file", "line", "column", "level", "rule", "message", "fix")
    return {name: getattr(each, name) for name in names}


def _json(report: Report, _rules: _Rules) -> str:
    found = {
        "findings": [_record(each) for each in report.findings],
        "waived": [{**_record(each.finding), "reason": each.reason} for each in report.waived],
        "files": report.files,
        "effect": "destroys" if report.destroys else "writes",
        **({"against": report.against} if report.against else {}),
    }
    return json_text(found, indent=2)


def _github(report: Report, _rules: _Rules) -> str:
    from runbook.rendering.annotations import Annotation, annotation_line

    return "\n".join(
        annotation_line(
            Annotation(each.level, each.file, f"{each.message}. {each.fix}", each.line, each.column, title=each.rule)
        )
        for each in report.findings
    )


def _gitlab(report: Report, _rules: _Rules) -> str:
    from runbook.rendering.code_quality import QualityIssue, code_quality_text

    return code_quality_text(
        QualityIssue(each.rule, each.level, f"{each.message}. {each.fix}", each.file, each.line, each.source)
        for each in report.findings
    )


def _sarif(report: Report, rules: _Rules) -> str:
    from runbook.rendering.sarif import SarifResult, SarifRule, sarif_text

    every = [*((each, "") for each in report.findings), *((each.finding, each.reason) for each in report.waived)]
    named = sorted({each.rule for each, _ in every})
    results = [
        SarifResult(each.rule, each.level, each.message, each.file, each.line, each.column, each.source, reason)
        for each, reason in every
    ]
    every_rule = [
        SarifRule(each.id, each.title, each.catches, f"{each.why} {each.fix}", each.level, each.source)
        for each in (rules[name] for name in named)
    ]
    return sarif_text(every_rule, results)


FORMATS: Mapping[str, Callable[[Report, _Rules], str]] = {
    "text": lambda report, _rules: text_report(report),
    "json": _json,
    "github": _github,
    "gitlab": _gitlab,
    "sarif": _sarif,
}
"""How a report can be printed."""
