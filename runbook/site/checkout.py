"""Where the sources of the site lie."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["checkout"]


def checkout() -> Path:
    """Return the directory of `mkdocs.yml`, which markdown-exec names while it builds."""
    named = os.environ.get("MKDOCS_CONFIG_DIR")
    return Path(named) if named else Path(__file__).resolve().parents[2]
