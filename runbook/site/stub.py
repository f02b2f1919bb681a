"""The fixed skeleton of a procedure's page, and its place in the nav."""

from __future__ import annotations

from runbook.errors import UsageError
from runbook.model import Section

__all__ = ["HEADINGS", "SECTION_TITLES", "block_names", "page", "with_nav_entry"]

SECTION_TITLES = {
    Section.START: "Start here",
    Section.BEFORE: "Before a migration",
    Section.DURING: "During",
    Section.WRONG: "When it goes wrong",
    Section.FUNCTIONS: "Edge functions",
}
"""The nav is time: what a section is called there."""

HEADINGS = (
    ("", "opening"),
    ("When to use it", "when"),
    ("Warnings and target", "warnings"),
    ("What you need", "needs"),
    ("Values", "values"),
    ("Steps", "steps"),
    ("Check that it worked", "checks"),
    ("Undo", "undo"),
    ("End of procedure", "ending"),
    ("", "screen"),
    ("Status of this page", "status"),
)
"""Every page has these headings in this order; the function that makes what stands below each."""


def block_names(procedure: str) -> tuple[str, ...]:
    """Return the ids of the generated blocks that a procedure's page must have."""
    return tuple(f"{procedure}-{function}" for _, function in HEADINGS)


def page(procedure: str, title: str) -> str:
    """Return the source of a procedure's page."""
    parts = [f"# {title}"]
    for heading, function in HEADINGS:
        parts += [f"## {heading}"] if heading else []
        parts.append(_block(procedure, function))
    return "\n\n".join(parts) + "\n"


def _block(procedure: str, function: str) -> str:
    # Only the command line knows what the terminal shows: the site's own code never imports the walk.
    package, call = ("cli", "screenshots.first_screen") if function == "screen" else ("site", f"procedure.{function}")
    return (
        f'```python exec="on" html="on" id="{procedure}-{function}"\n'
        f"from runbook.{package} import {call.partition('.')[0]}\n"
        f'print({call}("{procedure}"))\n'
        "```"
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
