"""Write a report as Markdown for GitHub: the comment on a pull request, and the summary of a workflow. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from runbook.markup import markdown_code, markdown_prose, markdown_text
from runbook.migration.finding import Finding, Report
from runbook.model.migration_rule import LEVELS
from runbook.printable import counted, shortened

__all__ = ["COMMENT_LIMIT", "SUMMARY_LIMIT", "report_markdown"]

COMMENT_LIMIT = 65_000
"""In bytes. GitHub takes comments of up to 65,536 characters, and the comment begins with a marker."""
SUMMARY_LIMIT = 1_000_000
"""In bytes. GitHub takes summaries of up to 1 MiB."""
_LONGEST = 1_000
"""The most characters of one message, which can contain names from a migration."""
_ROOM = 400
"""How many bytes to leave for the last lines."""

AddressOf = Callable[[str, int], str]
"""Returns the address of a line of a file, "" if there is none."""


def report_markdown(report: Report, compared: str, address_of: AddressOf, limit: int) -> str:
    """Return a report as Markdown of at most `limit` bytes. `compared` is the revision it was compared with.

    Errors come first, so what doesn't fit are the least urgent findings; the text says how many there are.
    """
    head = f"### Migration check: {_counts(report)}\n"
    entries = list(_entries(report, address_of))
    foot = _foot(report, compared)
    room = limit - len(f"{head}{foot}".encode()) - _ROOM
    shown: list[str] = []
    for number, entry in enumerate(entries):
        room -= len(entry.encode()) + 1
        if room < 0:
            left = len(entries) - number
            shown.append(f"\n{left} more {'is' if left == 1 else 'are'} in the log of the workflow.")
            break
        shown.append(entry)
    return "\n".join([head, *shown, foot]) if shown else f"{head}\n{foot}"


def _counts(report: Report) -> str:
    parts = [counted(report.count(level), level) for level in LEVELS if report.count(level)]
    if not parts:
        parts = ["no findings" if report.waived else "all clear"]
    return ", ".join([*parts, *([f"{len(report.waived)} accepted"] if report.waived else [])])


def _entries(report: Report, address_of: AddressOf) -> Iterator[str]:
    for each in sorted(report.findings, key=lambda each: (_rank(each), each)):
        yield f"- **{each.level}** {_place(each, address_of)}: {_text(each.message)}. {markdown_prose(each.fix)}"
    for waived in report.waived:
        each = waived.finding
        yield f"- accepted {_place(each, address_of)}: {_text(each.message)}. Accepted because {_text(waived.reason)}"


def _rank(each: Finding) -> int:
    levels: Sequence[str] = LEVELS
    return levels.index(each.level) if each.level in levels else len(levels)


def _place(each: Finding, address_of: AddressOf) -> str:
    where = markdown_code(f"{each.file}:{each.line}" if each.line else each.file)
    address = address_of(each.file, each.line)
    return f"{f'[{where}](<{address}>)' if address else where} {markdown_code(each.rule)}"


_MENTION = re.compile(r"(?<=@)(?=\w)|(?<=(?<!&)#)(?=\d)|(?<=\bGH-)(?=\d)", re.IGNORECASE)


def _text(text: str) -> str:
    # A name in a migration must not notify a person, or link to an issue. GitHub also does that to escaped characters,
    # but not across a space, whatever its width.
    return _MENTION.sub("&#8203;", markdown_text(shortened(text, _LONGEST), begins_line=False))


def _foot(report: Report, compared: str) -> str:
    files = f"{counted(report.files, 'migration')} checked"
    lines = [f"{files}, compared with {markdown_code(compared)}." if compared else f"{files}."]
    if report.findings:
        rule = report.findings[0].rule
        lines.append(f"Why: {markdown_code(f'runbook migration check --explain {rule}')}.")
        accept = markdown_code("-- runbook: allow RULE because REASON")
        lines.append(f"To accept a finding, write above the statement: {accept}")
    return f"\n<sub>{' '.join(lines)}</sub>\n"
