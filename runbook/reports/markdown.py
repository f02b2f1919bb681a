"""The report of a run as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runbook.markup import markdown_cell_code, markdown_code, markdown_fence, markdown_text
from runbook.reports.document import Block, Facts, Heading, Items, Line, Paragraph, Span, Table, document_of
from runbook.reports.run_report import RunReport

__all__ = ["as_markdown"]


def as_markdown(report: RunReport, *, full: bool = False, sources: bool = False) -> str:
    """Return the report as Markdown that every flavour reads the same way; no text in it can become markup."""
    parts = document_of(report, full=full, sources=sources)
    return "\n".join(line for part in parts for line in (*_WRITTEN[type(part)](part), "")).rstrip() + "\n"


def _inline(line: Line, *, in_cell: bool = False) -> str:
    return "".join(_span(one, begins_line=not in_cell and one is line[0], in_cell=in_cell) for one in line)


def _span(one: Span, *, begins_line: bool, in_cell: bool) -> str:
    if one.style == "code":
        return markdown_cell_code(one.text) if in_cell else markdown_code(one.text)
    text = markdown_text(one.text, begins_line=begins_line)
    if one.style == "strong":
        return f"**{text}**" if text else ""
    # The spaces between two pieces belong to neither text.
    before, after = (" " if end == " " else "" for end in (one.text[:1], one.text[-1:]))
    return f"{before}{text}{after}" if text else before


def _cells(*lines: Line) -> str:
    return "| " + " | ".join(_inline(line, in_cell=True) for line in lines) + " |"


def _facts(part: Facts) -> Iterator[str]:
    yield from ("| | |", "|---|---|")
    yield from (_cells((Span(name),), line) for name, line in part.rows)


def _table(part: Table) -> Iterator[str]:
    yield _cells(*((Span(head),) for head in part.heads))
    yield "|" + "---|" * len(part.heads)
    yield from (_cells(*row) for row in part.rows)


_WRITTEN: Mapping[type, Callable[[Any], Iterator[str]]] = {
    Heading: lambda part: iter((f"{'#' * part.level} {_inline(part.line)}",)),
    Paragraph: lambda part: iter((_inline(part.line),)),
    Facts: _facts,
    Table: _table,
    Items: lambda part: (f"- {_inline(line)}" for line in part.lines),
    # At the margin, where every flavour of Markdown recognizes a code block.
    Block: lambda part: iter(markdown_fence(part.text, part.language)),
}
