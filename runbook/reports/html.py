"""The report of a run as one HTML file: no scripts, nothing loaded, for light and dark screens and for paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from runbook.printable import one_line, printable
from runbook.reports.document import Block, Facts, Heading, Items, Line, Paragraph, Span, Table, document_of
from runbook.reports.run_report import RunReport

__all__ = ["as_html"]

_STYLE = """\
:root { color-scheme: light dark; --line: #c9ced6; --soft: #f3f5f8; --text: #1c2330; --page: #fff }
@media (prefers-color-scheme: dark) { :root { --line: #3d4654; --soft: #1d2430; --text: #e3e8f0; --page: #12161d } }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: var(--text); background: var(--page);
  font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line) }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere }
th { white-space: nowrap }
td:first-child { white-space: nowrap; font-variant-numeric: tabular-nums }
li { overflow-wrap: anywhere }
code, pre { font-family: ui-monospace, monospace; font-size: .85rem }
pre { margin: .3rem 0 .6rem; padding: .5rem .7rem; background: var(--soft); border: 1px solid var(--line);
  border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere }
p { margin: .8rem 0 .2rem; overflow-wrap: anywhere }
@media (max-width: 40rem) { td:first-child { white-space: normal } }
@media print {
  :root { --line: #999; --soft: #fff; --text: #000; --page: #fff; font-size: 9pt }
  body { max-width: none; margin: 0; padding: 0; line-height: 1.35 }
  h2 { margin: 1rem 0 .3rem }
  th, td { padding: .1rem .6rem .1rem 0 }
  p { margin: .5rem 0 .1rem }
  h2, p { break-after: avoid }
  tr, li { break-inside: avoid }
}
"""
_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
"""


def as_html(report: RunReport, *, full: bool = False, sources: bool = False) -> str:
    """Return the report as a complete page; no text in it can become an element."""
    head = _HEAD.format(title=_text(f"{report.title}: {report.header.run}"), style=_STYLE)
    parts = "\n".join(_WRITTEN[type(part)](part) for part in document_of(report, full=full, sources=sources))
    return f"{head}{parts}\n</body>\n</html>\n"


def _text(text: str) -> str:
    # Pieces of a line keep the spaces at their ends.
    before, after = (" " if end == " " else "" for end in (text[:1], text[-1:]))
    inner = escape(one_line(text))
    return f"{before}{inner}{after}" if inner else before


def _inline(line: Line) -> str:
    return "".join(_span(one) for one in line)


def _span(one: Span) -> str:
    text = _text(one.text)
    return f"<{one.style}>{text}</{one.style}>" if one.style and text else text


def _facts(part: Facts) -> str:
    rows = "\n".join(f'<tr><th scope="row">{_text(name)}</th><td>{_inline(line)}</td></tr>' for name, line in part.rows)
    return f"<table>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _table(part: Table) -> str:
    heads = "".join(f'<th scope="col">{_text(head)}</th>' for head in part.heads)
    rows = "\n".join("<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in part.rows)
    return f"<table>\n<thead>\n<tr>{heads}</tr>\n</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


_WRITTEN: Mapping[type, Callable[[Any], str]] = {
    Heading: lambda part: f"<h{part.level}>{_inline(part.line)}</h{part.level}>",
    Paragraph: lambda part: f"<p>{_inline(part.line)}</p>",
    Facts: _facts,
    Table: _table,
    Items: lambda part: "<ul>\n" + "\n".join(f"<li>{_inline(line)}</li>" for line in part.lines) + "\n</ul>",
    # HTML drops a line feed that comes first.
    Block: lambda part: f"<pre><code>{escape(printable(part.text))}</code></pre>",
}
