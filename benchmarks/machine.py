"""Name the machine that figures are of."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["describe"]


def describe(root: Path) -> Mapping[str, str]:
    """Return what the figures depend on: processor, memory, systems, versions, load, and the measured commit."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "node": _said("node", "--version"),
        "chromium": _said("chromium", "--version"),
        "load at the start": f"{os.getloadavg()[0]:.1f}",
        "commit": _said("git", "-C", str(root), "describe", "--always", "--dirty"),
    }


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _said(*argv: str) -> str:
    if shutil.which(argv[0]) is None:
        return "none"
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    return ran.stdout.strip() or "unknown"
