"""Lines of a screen: wrapped, printable, and never wider or more numerous than the screen has room for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from runbook.model.team import DASHBOARD
from runbook.printable import counted, printable
from runbook.rendering.command_text import broken, command_text

__all__ = ["Band", "Lines", "band", "both_ends", "command_lines", "diff_lines", "fit", "fitting_sizes", "keys"]
__all__ += ["output_line", "plain", "wrap"]

Lines = list[Text]

_ASCII = str.maketrans("…·•–—→←✓✗─│“”‘’", ".-*--><+x-|\"\"''")  # noqa: RUF001 - the characters that are replaced
_DIFF = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(slots=True)
class Band:
    """Lines that belong together; `least` is how many must stay if room is short (the last ones if `keep_end`).

    `more` is the key that shows the lines left out, if it isn't the screen's usual one.
    """

    lines: Lines
    least: int
    keep_end: bool = False
    more: str = ""


def plain(text: str) -> str:
    """Return the text in ASCII, for a terminal that supports nothing else."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_ASCII))
    kept = (one for one in decomposed if not unicodedata.combining(one))
    return "".join(one if one < "\x80" else "?" for one in kept)


def wrap(text: str, width: int, *, first: str = "", rest: str | None = None, style: str = "", most: int = 0) -> Lines:
    """Break a text at spaces. `first` starts its first line, `rest` (default: as many spaces) the others.

    With `most`, it has at most that many lines; a text that needs more ends after a word, with `…`.
    """
    indent = " " * cell_len(first) if rest is None else rest
    lines: Lines = []
    for paragraph in printable(text).split("\n"):
        lead = indent if lines else first
        for line in broken(paragraph, max(width - max(cell_len(first), cell_len(indent)), 8), cell_len):
            lines.append(Text(lead) + Text(line, style=style))
            lead = indent
    if most and len(lines) > most:
        lead = first if most == 1 else indent
        room = max(width - cell_len(lead) - 2, 8)
        cut = broken(lines[most - 1].plain[len(lead) :], room, cell_len)[0]
        lines[most - 1 :] = [Text(lead) + Text(f"{cut} …", style=style)]
    return _with_links(lines, text)


_DASHBOARD_PAGE = re.compile(rf"{re.escape(DASHBOARD)}[a-z_/-]*")


def _with_links(lines: Lines, text: str) -> Lines:
    """Make each address of a dashboard page a link (OSC 8), both halves of one that is broken over two lines.

    No other address becomes one: a row of a table can contain any.
    """
    addresses, rest, whole = iter(_DASHBOARD_PAGE.findall(text) if DASHBOARD in text else ()), "", ""
    for line in lines if DASHBOARD in text else ():
        shown = line.plain
        if rest and shown.lstrip().startswith(rest):
            start = len(shown) - len(shown.lstrip())
            line.stylize(f"link {whole}", start, start + len(rest))
        rest = ""
        for found in re.finditer(re.escape(_ADDRESS_START), shown):
            whole = next(addresses, "")
            part = _ADDRESS_PART.match(shown, found.start())[0]  # type: ignore[index] # it matches nothing, too
            part = part if whole.startswith(part) else whole  # a full stop after it isn't part of it
            line.stylize(f"link {whole}", found.start(), found.start() + len(part))
            rest = whole[len(part) :]
    return lines


_ADDRESS_START = DASHBOARD[:26]
_ADDRESS_PART = re.compile(r"[a-z_/:.-]*")


def output_line(text: str, width: int, lead: str, *, style: str = "") -> Lines:
    """Show one line that a command printed, after `lead`. What doesn't fit goes below the line's own text."""
    first = lead + " " * min(len(text) - len(text.lstrip()), width // 2)
    return wrap(text.lstrip(), width, first=first, rest=f"{first}  ", style=style)


def command_lines(argv: Sequence[str], width: int, *, first: str = "  $ ", rest: str = "    ") -> Lines:
    """Show an argv as it would be typed. It breaks between words, so it can be pasted, or inside a quoted text."""
    lines = command_text(argv, width, first, rest, size=cell_len)
    return [Text(line[: len(first)]) + Text(line[len(first) :], style="bold") for line in lines]


def diff_lines(diff: Iterable[str], width: int) -> Lines:
    """Show the lines of a diff. Colour only repeats what + and - say."""
    return [line for text in diff for line in output_line(text, width, "", style=_DIFF.get(text[:1], ""))]


def keys(ask: str, names: Sequence[str], width: int) -> Lines:
    """Say what to type and list the keys (`s skip`); a line never breaks inside a key."""
    lines, line = [], f"  {ask}" if ask else " "
    for name in names:
        if cell_len(f"{line} {name}") > width:
            lines.append(line)
            line = " "
        line += f" {name} " if name != names[-1] else f" {name}"
    return [Text(one.rstrip()) for one in (*lines, line)]


def both_ends(left: Text, right: Text, width: int) -> Lines:
    """Put two texts at the two ends of one line, or on two lines if they don't fit."""
    gap = width - left.cell_len - right.cell_len
    if gap >= 2:
        return [left + Text(" " * gap) + right]
    lines: Lines = []
    for text in (left, right):
        lines += [text] if text.cell_len <= width else wrap(text.plain, width, style=str(text.style) or "bold")
    return lines


def band(lines: Iterable[Text], least: int | None = None, *, keep_end: bool = False, more: str = "") -> Band:
    """Make a part of a screen; without `least`, all its lines stay."""
    kept = list(lines)
    return Band(kept, len(kept) if least is None else min(least, len(kept)), keep_end, more)


def fitting_sizes(bands: Sequence[Band], height: int) -> list[int]:
    """Return how many lines each band gets if there is room for `height`, as far as `least` allows."""
    sizes = [len(one.lines) for one in bands]
    while sum(sizes) > height:
        spare = [size - one.least for size, one in zip(sizes, bands, strict=True)]
        # Nothing can shrink further: showing what must be read matters more than fitting the screen.
        if max(spare, default=0) <= 0:
            break
        largest = max(range(len(sizes)), key=lambda index: (spare[index] > 0, sizes[index]))
        sizes[largest] -= 1
    return sizes


def fit(bands: Sequence[Band], height: int, *, more: str = "?") -> Lines:
    """Join bands to at most `height` lines, as far as `least` allows: the longest band shrinks first.

    `more` is the key, or the thing, that shows the lines left out.
    """
    fitted: Lines = []
    for one, size in zip(bands, fitting_sizes(bands, height), strict=True):
        lines, left = one.lines, len(one.lines) - size + 1
        if 0 < size < len(lines):
            cut = lines[max(size - 1, 1)].plain
            indent = " " * max(2, len(cut) - len(cut.lstrip()))
            note = Text(f"{indent}[{counted(left, 'more line')}: {one.more or more} shows all]", style="dim")
            lines = [note, *lines[left:]] if one.keep_end else [*lines[: size - 1], note]
        fitted += lines if size else []
    return fitted
