"""Render the Markdown of a generated page with the runbook's own extensions, whatever the project has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markdown import Markdown  # type: ignore[import-untyped] # ships no types
from markdown_exec import formatter, validator

from runbook.site.source import DATA

__all__ = ["guarded", "to_html"]

_EXTENSIONS: Mapping[str, Mapping[str, object]] = {
    "abbr": {},
    "admonition": {},
    "attr_list": {},
    "def_list": {},
    "md_in_html": {},
    "tables": {},
    "toc": {"permalink": True, "permalink_title": "Link to this section"},
    "pymdownx.details": {},
    "pymdownx.highlight": {"anchor_linenums": False},
    "pymdownx.inlinehilite": {},
    "pymdownx.superfences": {},
    "pymdownx.tabbed": {"alternate_style": True},
}
"""The extensions that the packaged pages are written for. A test holds this list and `mkdocs.yml` together."""


def to_html(text: str, *, on_exit: Callable[[object, str], None]) -> str:
    """Render Markdown with its generated blocks; `on_exit` is called with a block that tries to end the build."""
    blocks = {"name": "python", "class": "python", "validator": validator, "format": guarded(formatter, on_exit)}
    configs: dict[str, dict[str, Any]] = {name: dict(config) for name, config in _EXTENSIONS.items()}
    configs["pymdownx.superfences"] = {"custom_fences": [blocks]}
    glossary = (DATA / "glossary.md").read_text(encoding="utf-8")
    html: str = Markdown(extensions=list(_EXTENSIONS), extension_configs=configs).convert(f"{text}\n\n{glossary}")
    return html


def guarded(run: Callable[..., str], on_exit: Callable[[object, str], None]) -> Callable[..., str]:
    """Return the function that runs a block, so that a block can't end the build as if it had succeeded."""

    # markdown-exec only catches `Exception`, so `exit(0)` in a block would pass.
    def run_guarded(source: str, *args: Any, **options: Any) -> str:
        try:
            return run(source, *args, **options)
        except SystemExit as stop:
            on_exit(stop.code, source)
            return ""

    return run_guarded
