"""Print findings for people, as compilers do: the place, the line with a caret, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator

from runbook.errors import Finding as ShownFinding
from runbook.migration.finding import Finding, Report
from runbook.migration.screen import PLAIN, Screen
from runbook.printable import one_line

__all__ = ["text_report"]

_INDENT = " " * 6
_NOTE = f"{_INDENT}= "


def text_report(report: Report, screen: Screen = PLAIN) -> str:
    """Return all findings by place, and in the last line whether a push destroys data.

    What to write instead is shown once for each rule. On a terminal, lines fit its width.
    """
    accepted = {each.finding: each.reason for each in report.waived}
    blocks, explained = [], set[str]()
    for each in sorted([*report.findings, *accepted]):
        lines = [*_head(each, bool(accepted.get(each)), screen)]
        if reason := accepted.get(each):
            lines += _note(f"accepted because {one_line(reason)}", screen)
        elif each.rule not in explained:
            explained.add(each.rule)
            lines += _note(one_line(each.fix), screen)
            lines.append(screen.paint(f"{_NOTE}runbook migration check --explain {each.rule}", "quiet"))
        blocks.append("\n".join(lines))
    if report.files:
        blocks.append("\n".join(_wrapped(_effect(report), "", screen)))
    return "\n\n".join(blocks)


def _effect(report: Report) -> str:
    if not report.destroys:
        return "A push of it destroys no data"
    open_rules = {each.rule for each in report.findings}
    waived = {each.finding.rule for each in report.waived}
    named = [
        rule if rule in open_rules else f"{rule} ({'waived' if rule in waived else 'off'})" for rule in report.destroys
    ]
    return f"A push of it destroys data: {', '.join(named)}"


def _head(each: Finding, is_waived: bool, screen: Screen) -> Iterator[str]:
    level = "waived" if is_waived else each.level
    message = f"{level} {each.rule}: {each.message}"
    first, *source = str(ShownFinding(each.file, each.line, each.column, message, each.source)).split("\n")
    if not screen.width:
        yield from (first, *source)
        return
    place, said = f"{one_line(each.file)}:{each.line}:{each.column}:", f"{level} {each.rule}:"
    rest = first.removeprefix(f"{place} {said} ")
    head = f"{screen.paint(place, 'place')} {screen.paint(said, level)}"
    if len(first) <= screen.width:
        yield f"{head} {rest}"
    else:
        yield head
        yield from _wrapped(rest, _INDENT, screen)
    if source:
        yield from _source(source[0], source[1], level, screen)


def _source(source: str, caret: str, level: str, screen: Screen) -> Iterator[str]:
    """Yield the line of the file and the caret below, cut around the caret if they are too wide."""
    gutter, text, mark = source[:8], source[8:], caret[8:]
    room, at = screen.width - len(gutter), len(mark) - len(mark.lstrip())
    start = max(0, min(at - room // 3, len(text) - room)) if len(text) > room else 0
    yield screen.paint(gutter, "quiet") + text[start : start + room]
    yield " " * len(gutter) + " " * (at - start) + screen.paint(mark.strip()[: room - at + start], level)


def _note(text: str, screen: Screen) -> list[str]:
    return _wrapped(text, _NOTE, screen)


def _wrapped(text: str, lead: str, screen: Screen) -> list[str]:
    if not screen.width:
        return [f"{lead}{text}"]
    from textwrap import wrap

    indent = " " * len(lead)
    return wrap(text, screen.width, initial_indent=lead, subsequent_indent=indent, break_on_hyphens=False)
