"""The index of `runbook find` as a script of the site: a page from a disk may load a script, but not JSON."""

from __future__ import annotations

import json

from runbook.search.index import build_index
from runbook.site.source import book, for_one_build

__all__ = ["FILE", "script"]

FILE = "assets/search-index.js"
"""Where the search worker finds it."""


@for_one_build
def script() -> str:
    """Return the script; it is the same for the same book."""
    record = build_index(book()).record
    return f"self.runbookIndex = {json.dumps(record, separators=(',', ':'))};\n"
