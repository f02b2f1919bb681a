"""What the runbook's template knows beyond what MkDocs tells it."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.model import Procedure
from runbook.site.reference import Change

__all__ = ["ThemeContext"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeContext:
    """Addresses count from the top of the site; the template makes them relative."""

    home_url: str
    errors_url: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]
    frame_worker: str
    """The script that makes the search work from a disk; empty if the project has one, or no search from a disk."""
    own_search: bool
    emergency: Procedure | None
    emergency_url: str
    is_alarm_shown: bool = False
    is_home: bool = False
    changes: tuple[Change, ...] = ()
    report_url: str | None = None
