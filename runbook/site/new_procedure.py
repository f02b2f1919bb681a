"""A procedure in the site's sources: the first draft of its YAML, its page, and its place in the nav."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from runbook.errors import UsageError
from runbook.markup import markdown_prose, yaml_text
from runbook.model import Section

__all__ = ["HEADINGS", "SECTION_TITLES", "anchor", "draft", "nav_entries", "page", "page_heading", "with_nav_entry"]

SECTION_TITLES = {
    Section.START: "Start here",
    Section.BEFORE: "Before a migration",
    Section.DURING: "During",
    Section.WRONG: "When it goes wrong",
    Section.FUNCTIONS: "Edge functions",
}
"""The titles of the sections in the nav, which follows time."""

HEADINGS: tuple[tuple[str, str], ...] = (
    ("opening", ""),
    ("before", "Before you start"),
    ("steps", "Steps"),
    ("checks", "Check that it worked"),
    ("undo", "Undo"),
    ("ending", "End of procedure"),
    ("screen", ""),
    ("status", "Status of this page"),
)
"""The parts of every procedure's page in order, each with its heading ("" for none)."""


def anchor(heading: str) -> str:
    """Return the id of a part's heading, as Markdown would make it for a written heading."""
    return heading.lower().replace(" ", "-")


# --- Its page ---------------------------------------------------------------------------------------------------------


def page_heading(title: str) -> str:
    """Return the first line of a procedure's page, as Markdown."""
    return f"# {markdown_prose(title)}"


def page(procedure: str, title: str) -> str:
    """Return the source of a procedure's page: its title, and the one block that generates all parts."""
    # Only the command line knows what the terminal shows first, because the site's own code never imports the walk.
    return (
        f"{page_heading(title)}\n\n"
        f'```python exec="on" html="on" id="{procedure}"\n'
        "from runbook.cli import pages\n"
        f'print(pages.procedure("{procedure}"))\n'
        "```\n"
    )


def with_nav_entry(config: str, procedure: str, section: Section) -> str:
    """Return the text of `mkdocs.yml` with the page as the last entry of its section. Raises UsageError without one.

    Without a nav, the plugin puts each page where it belongs, so nothing is to be written.
    """
    if not _NAV.search(config):
        return config
    entry = f"      - procedures/{procedure}.md"
    title = SECTION_TITLES[section]
    written = config.splitlines()
    heads = [f"  - {title}:", f"  - {title}: []"]
    start = next((index for index, one in enumerate(written) if one.rstrip() in heads), None)
    if start is None:
        raise UsageError(f"mkdocs.yml has no nav section '{title}'", hint=f"Add `  - {title}:` below `nav:`.")
    written[start] = heads[0]
    end = start + 1
    while end < len(written) and written[end].startswith("      "):
        end += 1
    written.insert(end, entry)
    return "\n".join(written) + "\n"


_NAV = re.compile(r"^nav:", re.MULTILINE)
# `mkdocs.yml` has tags that only MkDocs can read (`!ENV`), so its nav is read line by line.
_ENTRY = re.compile(r"^\s*-\s+(?:.*:\s+)?procedures/(?P<name>[\w-]+)\.md\s*$")
_SECTION = re.compile(r"^\s{2}-\s+(?P<title>[^:]+):")


def nav_entries(config: Path) -> dict[str, str]:
    """Return the procedures in the nav of `mkdocs.yml`, in order, each with its section's title."""
    entries = {}
    section = ""
    for written in config.read_text(encoding="utf-8").partition("\nnav:\n")[2].splitlines():
        if heading := _SECTION.match(written):
            section = heading["title"].strip()
        if entry := _ENTRY.match(written):
            entries[entry["name"]] = section
    return entries


# --- Its YAML ---------------------------------------------------------------------------------------------------------


def draft(title: str, section: Section, *, owner: str, reviewed: date) -> str:
    """Return the text of a procedure that reads the history and has one thing to tick off."""
    return _DRAFT.format(title=yaml_text(title), section=section.value, owner=yaml_text(owner), reviewed=reviewed)


_DRAFT = """\
# yaml-language-server: $schema=../schema/procedure.schema.json
title: {title}
summary: One sentence that says what it achieves or when it is needed.
section: {section}
use_when:
  - What somebody sees or wants when this is the right procedure, in their words
owner: {owner}
reviewed: {reviewed}
review_every: 90d
minutes: 5
needs:
  - The project linked in this directory
steps:
  - id: see-history
    phase: Look
    title: See which migrations production has
    why: Why this step is needed, if the title doesn't say.
    run: npx supabase migration list {{{{target}}}} --output-format json
    look_for: What to look for in the output before you continue.
    minutes: 1
  - id: saw-it
    tick: A thing that only a person can do or see
after:
  - What is left to do when all steps are done.
"""
