"""The top of every screen: what is being done, and where it will land."""

from __future__ import annotations

from rich.text import Text

from runbook.engine.events import TargetSeen
from runbook.engine.ports import Screen
from runbook.terminal.lines import Lines, both_ends, one_line

__all__ = ["duration", "head", "run_id", "target_text", "where"]

_COLOURS = {"production": "bold white on red", "local": "bold black on green", "drill": "bold black on yellow"}


def target_text(seen: TargetSeen) -> Text:
    """Return the banner: the kind of target in a word and a colour, its name, the CLI's version."""
    name = "" if seen.name == seen.kind else f"  {one_line(seen.name)}"
    extra = f", {seen.environment}" if seen.environment not in {"", seen.kind} else ""
    banner = Text(f" {seen.kind.upper()} ", style=_COLOURS.get(seen.kind, "reverse"))
    return banner + Text(name, style="bold") + Text(f"  (supabase {seen.cli}{extra})")


def where(seen: TargetSeen) -> str:
    """Name the target in a sentence."""
    return seen.kind.upper() if seen.name == seen.kind else f"{seen.kind.upper()} {one_line(seen.name)}"


def run_id(screen: Screen) -> str:
    """Return the run's id, empty before the run has started."""
    return screen.state.header.run if screen.state.header else ""


def head(screen: Screen, width: int) -> Lines:
    """Return the two or three lines at the top of a step's screen."""
    title = Text(one_line(screen.procedure.title), style="bold")
    number, count, phase = screen.phase
    named = f": {one_line(phase)}" if phase else ""
    left = Text(f"Phase {number} of {count}{named}" if number and count > 1 else one_line(phase), style="dim")
    dry = "DRY RUN, nothing is written   " if screen.state.header and screen.state.header.dry else ""
    right = Text(dry, style="bold") + Text(run_id(screen), style="dim")
    return [*both_ends(title, target_text(screen.target), width), *both_ends(left, right, width)]


def duration(seconds: float) -> str:
    """Return seconds as `mm:ss`, or `h:mm:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
