"""The files that the runbook's pages load, and the templates that put them there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mkdocs.theme import Theme

__all__ = ["FRAME_WORKER", "TEMPLATE", "add_templates", "asset_files", "scripts", "styles"]

_PACKAGE = Path(__file__).parent
_STYLES = ("tokens", "theme", "procedure", "home", "reference", "player", "print")
_SCRIPTS = (
    "store",
    "quoting",
    "values",
    "choice",
    "checklist",
    "freshness",
    "versions",
    "snippets",
    "labels",
    "player",
)
"""In the order in which they need each other."""
_SEARCH_SCRIPT = "assets/js/search/paste.js"

FRAME_WORKER = "assets/vendor/iframe-worker.js"
"""Makes the search work on pages opened from a disk. The theme would load it from another host."""
TEMPLATE = "runbook.html"
"""The template of the runbook's pages."""


def styles() -> tuple[str, ...]:
    """Return the style sheets of a page, below the runbook's directory."""
    return tuple(f"assets/css/{name}.css" for name in _STYLES)


def scripts(*, own_search: bool) -> tuple[str, ...]:
    """Return the scripts of a page, below the runbook's directory."""
    return (*(f"assets/js/{name}.js" for name in _SCRIPTS), *((_SEARCH_SCRIPT,) if own_search else ()))


def asset_files() -> Iterator[tuple[str, Path]]:
    """Yield each file to copy into the site: its path below the runbook's directory, and where it is."""
    for file in sorted((_PACKAGE / "assets").rglob("*")):
        if file.is_file():
            yield file.relative_to(_PACKAGE).as_posix(), file


def add_templates(theme: Theme, *, whole_site: bool) -> None:
    """Let the theme find the runbook's template behind all others; for a whole site, its page for missing pages too.

    A project's own templates come first in any case.
    """
    theme.dirs.append(str(_PACKAGE / "theme"))
    if whole_site:
        theme.dirs.insert(1 if theme.custom_dir else 0, str(_PACKAGE / "theme" / "whole_site"))
