"""The source of a procedure's page, the parts it is made of, and its place in the nav."""

from __future__ import annotations

from runbook.errors import UsageError
from runbook.model import Section

__all__ = ["HEADINGS", "SECTION_TITLES", "anchor", "page", "with_nav_entry"]

SECTION_TITLES = {
    Section.START: "Start here",
    Section.BEFORE: "Before a migration",
    Section.DURING: "During",
    Section.WRONG: "When it goes wrong",
    Section.FUNCTIONS: "Edge functions",
}
"""The nav is time: what a section is called there."""

HEADINGS: tuple[tuple[str, str], ...] = (
    ("opening", ""),
    ("when", "When to use it"),
    ("warnings", "Warnings and target"),
    ("needs", "What you need"),
    ("values", "Values"),
    ("steps", "Steps"),
    ("checks", "Check that it worked"),
    ("undo", "Undo"),
    ("ending", "End of procedure"),
    ("screen", ""),
    ("status", "Status of this page"),
)
"""The parts of every procedure's page in their order, each with its heading, "" for one that has none."""


def anchor(heading: str) -> str:
    """Return the id of a part's heading, the one that Markdown gives a written heading."""
    return heading.lower().replace(" ", "-")


def page(procedure: str, title: str) -> str:
    """Return the source of a procedure's page: its title, and the one block that makes all parts."""
    # Only the command line knows what the terminal shows first: the site's own code never imports the walk.
    return (
        f"# {title}\n\n"
        f'```python exec="on" html="on" id="{procedure}"\n'
        "from runbook.cli import pages\n"
        f'print(pages.procedure("{procedure}"))\n'
        "```\n"
    )


def with_nav_entry(config: str, procedure: str, section: Section) -> str:
    """Return the text of `mkdocs.yml` with the page as last entry of its section. Raises UsageError without one."""
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
