"""What a search needs, as scripts of the site: a page from a disk may load a script, but not JSON.

The worker loads the index of `runbook find` with the first search, and the texts of the pages if that finds nothing
certain. The theme would load those texts with every page.
"""

from __future__ import annotations

import json
from pathlib import Path

from runbook.search.index import build_index
from runbook.site.source import book, for_one_build

__all__ = ["FILE", "script", "set_texts_apart"]

FILE = "assets/search-index.js"
"""Where the search worker finds the index."""
_TEXTS = "assets/search-texts.js"
"""Where it finds the texts of the pages."""
_THEME_INDEX = "search/search_index.json"


@for_one_build
def script() -> str:
    """Return the script; it is the same for the same book."""
    record = build_index(book()).record
    return f"self.runbookIndex = {json.dumps(record, separators=(',', ':'))};\n"


def set_texts_apart(site: Path) -> None:
    """Take the texts of all pages out of the theme's index, which every page loads, into a script of their own."""
    index = site / _THEME_INDEX
    read = json.loads(index.read_text(encoding="utf-8"))
    texts = json.dumps(read["docs"], ensure_ascii=False, separators=(",", ":"))
    (site / _TEXTS).write_text(f"self.runbookTexts = {texts};\n", encoding="utf-8")
    index.write_text(json.dumps({**read, "docs": []}), encoding="utf-8")
