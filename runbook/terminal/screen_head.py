"""The top of every screen: what is being done, where it will land, which step this is, and the time."""

from __future__ import annotations

from rich.text import Text

from runbook.engine.ports import Screen
from runbook.engine.state import RunState
from runbook.journal.events import TargetSeen
from runbook.printable import one_line
from runbook.terminal.lines import Lines, both_ends, wrap

__all__ = ["duration", "head", "is_dry", "step_line", "step_place", "target_text"]

# Colour only repeats the word: it may be off, and some people can't tell red from green.
_COLOURS = {"production": "bold white on red", "local": "bold black on green", "drill": "bold black on yellow"}
"""By kind of target; any other is shown in reverse."""


def head(screen: Screen, width: int) -> Lines:
    """Return the two or three lines at the top of a step's screen, and one if events wait for the journal."""
    title = Text(one_line(screen.procedure.title), style="bold")
    number, count, phase = screen.phase
    named = f": {one_line(phase)}" if phase else ""
    left = Text(f"Phase {number} of {count}{named}" if number and count > 1 else one_line(phase), style="dim")
    dry = "DRY RUN, nothing is written   " if is_dry(screen.state) else ""
    run = screen.state.header.run if screen.state.header else ""
    right = Text(dry, style="bold") + Text(run, style="dim")
    unsent = f"The shared journal can't be reached: {screen.unsent}." if screen.unsent else ""
    return [
        *both_ends(title, target_text(screen.target), width),
        *both_ends(left, right, width),
        *(wrap(unsent, width, first="! ", style="bold yellow") if unsent else []),
    ]


def target_text(seen: TargetSeen) -> Text:
    """Return the banner: the kind of target as a word and a colour, its name, and the CLI's version."""
    name = "" if seen.name == seen.kind else f"  {one_line(seen.name)}"
    extra = f", {seen.environment}" if seen.environment not in {"", seen.kind} else ""
    cli = f"  {one_line(f'(supabase {seen.cli}{extra})')}" if seen.cli else ""
    banner = Text(f" {seen.kind.upper()} ", style=_COLOURS.get(seen.kind, "reverse"))
    return banner + Text(name, style="bold") + Text(cli)


def duration(seconds: float) -> str:
    """Return seconds as `mm:ss`, or `h:mm:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def step_place(screen: Screen) -> str:
    """Say which step this is; a `+` means that a later answer decides how many there are."""
    place = "Before step 1," if screen.path.startswith("before/") else "Step"
    return f"{place} {screen.number} of {screen.total}{'+' if screen.has_more else ''}"


def step_line(screen: Screen, width: int, phase: str = "") -> Lines:
    """Return which step this is, its title, and the time: how long it takes, and how long the run has taken."""
    numbered = f"{step_place(screen)}{phase}"
    title = one_line(screen.title)
    minutes = f"about {screen.step.minutes:g} min, " if screen.step.minutes else ""
    clock = Text(f"{minutes}{duration(screen.seconds_so_far)} so far", style="dim")
    left = Text(f"{numbered}   ") + Text(title, style="bold")
    if left.cell_len + 2 + clock.cell_len <= width:
        return both_ends(left, clock, width)
    return [*both_ends(Text(numbered), clock, width), *wrap(title, width, first="  ", style="bold")]


def is_dry(state: RunState) -> bool:
    """Tell whether the run only shows what it would do."""
    return state.header is not None and state.header.dry
