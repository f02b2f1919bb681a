"""A MkDocs project of somebody else, with habits of its own, and the same project with the runbook in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["FOREIGN_NAV", "build_project", "own_pages", "write_project"]

_CONFIG = """\
site_name: Ledger docs
site_url: https://docs.example.com/ledger/
repo_url: https://github.com/ledger/app
edit_uri: edit/main/docs/
strict: true
theme:
  name: material
  custom_dir: overrides
  features: [content.action.edit, navigation.tabs]
plugins:
{plugins}
hooks: [hooks.py]
extra_css: [house.css]
extra_javascript: ["https://cdn.example.com/tracker.js"]
validation:
  nav: {{omitted_files: warn, not_found: warn, absolute_links: warn}}
  links: {{not_found: warn, anchors: warn, absolute_links: warn, unrecognized_links: warn}}
{more}
"""

FOREIGN_NAV = """\
nav:
  - Home: index.md
  - Operations:
      - operations/alerts.md
"""

_FILES = {
    "docs/index.md": "# Ledger\n\nSee [alerts](operations/alerts.md).\n",
    "docs/operations/alerts.md": (
        '# Alerts\n\n!!! note "At night"\n\n    Call the person on call.\n\n'
        "| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |\n"
    ),
    "docs/house.css": "body { color: #222; }\n",
    "overrides/main.html": (
        '{% extends "base.html" %}\n{% block announce %}<p>The audit is on Friday.</p>{% endblock %}\n'
    ),
    "overrides/404.html": '{% extends "main.html" %}\n{% block content %}<h1>Lost in the ledger</h1>{% endblock %}\n',
    "hooks.py": (
        "def on_page_markdown(markdown, page, **_):\n"
        "    page.meta['reviewer'] = 'house'\n"
        "    return markdown + '\\n\\nReviewed by the house.\\n'\n"
        "def on_post_page(output, **_):\n"
        "    return output + '<!-- house -->'\n"
    ),
}


def write_project(directory: Path, *plugins: str, more: str = "") -> Path:
    """Write a project with these plugins (as YAML) and further configuration; return its `mkdocs.yml`."""
    for name, text in _FILES.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    lines = "\n".join(f"  - {plugin}" for plugin in plugins)
    config = directory / "mkdocs.yml"
    config.write_text(_CONFIG.format(plugins=lines, more=more), encoding="utf-8")
    return config


def build_project(
    config: Path, output: Path, *, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `mkdocs build --strict` for a project, from any directory."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(output)],
        cwd=cwd or config.parent,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


_INNER_NAV = re.compile(r"<nav\b(?:(?!<nav\b).)*?</nav>", re.DOTALL)
_NEIGHBOUR = re.compile(r'<link rel="(?:next|prev)"[^>]*>')
_SPACE = re.compile(r"\s*\n\s*")


def own_pages(site: Path, runbook: str) -> dict[str, str]:
    """Return the project's own pages without their navigation, by address: all that must stay as it was."""
    found = {}
    for file in sorted(site.rglob("*.html")):
        name = file.relative_to(site).as_posix()
        if not name.startswith(runbook):
            found[name] = _without_nav(file.read_text(encoding="utf-8"))
    return found


def _without_nav(html: str) -> str:
    while (shorter := _INNER_NAV.sub("", html)) != html:
        html = shorter
    # A page without a neighbour has an empty line instead of the link to it.
    return _SPACE.sub("\n", _NEIGHBOUR.sub("", html))
