"""A recorded drill for a page to play: every screen with what was typed at it, as text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from rich.text import Text

from runbook.errors import RunbookError
from runbook.site.pictures import StyledText, styled
from runbook.site.source import DATA, book, for_one_build
from runbook.site.templating import render

__all__ = ["Frame", "player", "read_recording", "renewal"]


@dataclass(frozen=True, slots=True)
class Frame:
    """A screen as rows of styled text, and the words that were typed at it: an answer, `Enter`, or nothing."""

    rows: tuple[tuple[StyledText, ...], ...]
    keys: tuple[str, ...]


def player(name: str) -> Markup:
    """Render the recorded drill of a procedure. Without scripts, all its screens are listed one below another."""
    recording = read_recording(name)
    return render(
        "recording.html",
        recording=recording,
        procedure=book().procedure(name),
        frames=[_frame(each["screen"], each["keys"]) for each in recording["frames"]],
        renewal=renewal(name, recording["scenario"]),
    )


def renewal(name: str, scenario: str) -> tuple[str, ...]:
    """Return the command that records that drill again."""
    file = f"runbook/site/data/recordings/{name}.json"
    return ("runbook", "drill", name, "--scenario", scenario, "--auto", "--record", file)


@for_one_build
def read_recording(name: str) -> dict[str, Any]:
    """Return what `runbook drill --record` wrote. Raises RunbookError if that can't be read."""
    file = DATA / "recordings" / f"{name}.json"
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = f"Record it: runbook drill {name} --auto --record {file}"
        raise RunbookError(f"the recording {file} can't be read: {error}", hint=hint) from error
    return found


def _frame(screen: str, keys: str) -> Frame:
    rows = Text.from_ansi(screen).split("\n", allow_blank=True)
    # An answer may contain spaces; Enter comes after it.
    answer, has_enter, _ = keys.rpartition("Enter")
    typed = (answer.strip(), "Enter") if has_enter else (keys,)
    return Frame(tuple(styled(row) for row in rows), tuple(filter(None, typed)))
