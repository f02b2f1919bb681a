"""The part of the package's metadata that depends on where the project is published.

There is no address in this repository. A release names it in the variables that the site's build reads, too:

    RUNBOOK_EDIT_URI=https://HOST/OWNER/REPO/edit/main/docs/   the source, from which the other links follow
    RUNBOOK_SITE_URL=https://HOST/runbook/                     the documentation

Without them, the metadata has no URLs, and the description shows README's links as plain text, because a package index
can't follow a link to a file of the repository.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from setuptools import setup

README = Path(__file__).with_name("README.md")
IMAGE = re.compile(r"!\[(?P<text>[^\]]*)\]\((?!https?:)(?P<path>[^)\s]+)\)\n*")
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?!https?:)(?P<path>[^)\s]+)\)")
EDITED = re.compile(r"(?P<source>https?://.+?)(?:/-)?/edit/(?P<branch>[^/]+)/docs/?")


def urls(source: str, branch: str, site: str) -> dict[str, str]:
    """Return the links of the project that are known."""
    from_source = {
        "Source": source,
        "Issues": f"{source}/issues",
        "Changelog": f"{source}/blob/{branch}/CHANGELOG.md",
    }
    return {**({"Documentation": site} if site else {}), **(from_source if source else {})}


def description(readme: str, source: str, branch: str) -> str:
    """Return README for a package index: links to files are absolute if the source is known, else plain text."""
    if not source:
        return LINK.sub(r"\g<text>", IMAGE.sub("", readme))
    shown = IMAGE.sub(rf"![\g<text>]({source}/raw/{branch}/\g<path>)\n\n", readme)
    return LINK.sub(rf"[\g<text>]({source}/blob/{branch}/\g<path>)", shown)


edited = EDITED.fullmatch(os.environ.get("RUNBOOK_EDIT_URI", ""))
SOURCE, BRANCH = (edited["source"], edited["branch"]) if edited else ("", "")

if __name__ == "__main__":
    setup(
        long_description=description(README.read_text(encoding="utf-8"), SOURCE, BRANCH),
        long_description_content_type="text/markdown",
        project_urls=urls(SOURCE, BRANCH, os.environ.get("RUNBOOK_SITE_URL", "")),
    )
