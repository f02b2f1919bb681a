"""A MkDocs project that shows the runbook, read from its `mkdocs.yml` without MkDocs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from runbook.loading.place import TEAM_FOLDER

__all__ = ["CONFIG", "SiteProject", "nearest_project", "read_project"]

CONFIG = "mkdocs.yml"
PLUGIN = "runbook"


@dataclass(frozen=True, slots=True)
class SiteProject:
    """A project: its configuration, its pages, and the directory below them (`""` or `name/`) that is the runbook's."""

    config: Path
    docs: Path
    directory: str

    @property
    def pages(self) -> Path:
        """The directory of the runbook's pages."""
        return self.docs / self.directory


class _Loader(yaml.SafeLoader):
    """Reads a configuration of MkDocs, which has tags that only MkDocs understands (`!ENV`, `!relative`)."""


def _ignored(_loader: yaml.SafeLoader, _suffix: str, _node: yaml.Node) -> None:
    return None


_Loader.add_multi_constructor("", _ignored)


def read_project(config: Path) -> SiteProject | None:
    """Return the project of a `mkdocs.yml`, or None if that can't be read or doesn't use the plugin."""
    written = _read(config)
    plugins = written.get("plugins")
    named = plugins if isinstance(plugins, dict) else _options(plugins)
    if PLUGIN not in named:
        return None
    options = named[PLUGIN] if isinstance(named[PLUGIN], dict) else {}
    docs, directory = written.get("docs_dir"), options.get("directory", f"{PLUGIN}/")
    below = directory.strip("/") if isinstance(directory, str) else ""
    return SiteProject(
        config, config.parent / (docs if isinstance(docs, str) else "docs"), f"{below}/" if below else ""
    )


def _read(config: Path, seen: frozenset[Path] = frozenset()) -> dict[str, Any]:
    try:
        written = yaml.load(config.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    if not isinstance(written, dict):
        return {}
    parent = written.get("INHERIT")
    if not isinstance(parent, str) or config in seen:
        return written
    inherited = _read(config.parent / parent, seen | {config})
    return {**inherited, **written}


def _options(plugins: object) -> dict[str, Any]:
    """Return the options of plugins that are given as a list."""
    found: dict[str, Any] = {}
    for each in plugins if isinstance(plugins, list) else ():
        found |= each if isinstance(each, dict) else {each: None} if isinstance(each, str) else {}
    return found


def nearest_project(start: Path) -> SiteProject | None:
    """Return the project of `mkdocs.yml` or `team-runbook/mkdocs.yml` in a directory or above that uses the plugin."""
    for directory in (start, *start.parents):
        for config in (directory / CONFIG, directory / TEAM_FOLDER / CONFIG):
            if found := read_project(config):
                return found
    return None
