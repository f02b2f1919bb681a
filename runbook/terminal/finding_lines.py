"""What a step left to judge: what it showed, and what to look for in it."""

from __future__ import annotations

from rich.text import Text

from runbook.engine.pace import Finding
from runbook.engine.ports import Screen
from runbook.markup import plain_prose
from runbook.printable import lines_of, one_line
from runbook.rendering.json_format import json_at_end, readable_output
from runbook.terminal.block_lines import labelled
from runbook.terminal.lines import Band, Lines, band, fit, keys, output_line, wrap

__all__ = ["finding_bands", "finding_title", "is_output_cut", "render_finding", "render_last_finding"]

_KEY = "o"
"""The key that shows the output again."""


def finding_bands(found: Finding | None, width: int) -> list[Band]:
    """Return a finding as parts of the next step's screen; none for no finding."""
    if found is None:
        return []
    notes = [band(lines, 2) for lines in _notes(found, width)]
    return [band(finding_title(found, width), 1), band(_output(found, width), 2, more=_KEY), *notes, band([Text()], 0)]


def is_output_cut(one: Band, size: int) -> bool:
    """Tell whether a part of a screen is a finding's output, of which only `size` lines are shown."""
    return one.more == _KEY and size < len(one.lines)


def finding_title(found: Finding, width: int) -> Lines:
    """Return the line that says at which step it was seen."""
    return wrap(one_line(found.title), width, first=f"Seen at step {found.number}   ", style="bold")


def render_finding(found: Finding, width: int = 80) -> Lines:
    """Return all of a finding, however long it is: what to look for, then what the step showed."""
    return [
        *finding_title(found, width),
        *(line for lines in _notes(found, width) for line in lines),
        *_output(found, width),
    ]


def render_last_finding(screen: Screen, width: int = 80, height: int = 24) -> Lines:
    """Return what is shown before the end if the last step, right above, left something to judge."""
    said = [line for lines in _notes(screen.finding, width) for line in lines] if screen.finding else []
    ask = keys("Press Enter if all is well, or:", ["b back to this step", "o output", "q stop"], width)
    return fit([band(said, 2), band(ask)], height - 1)


def _notes(found: Finding, width: int) -> list[Lines]:
    """Return what to look for in it, and what to compare it with."""
    said = [labelled(f"{note.label}:", plain_prose(note.text), width) for note in found.notes]
    return [*said, labelled("To compare:", found.compare, width)]


def _output(found: Finding, width: int) -> Lines:
    # The JSON document is the answer; the CLI prints the lines before it with every command.
    whole = readable_output(json_at_end(found.output) or found.output, width - 6)
    return [line for text in lines_of(whole) if text.strip() for line in output_line(text, width, "  | ")]
