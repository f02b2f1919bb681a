"""How this runbook is installed, and the commands that add something to that installation."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

__all__ = ["checkout", "command_that_adds", "command_that_adds_tools"]

_DISTRIBUTION = "migration-runbook"


def checkout() -> Path | None:
    """Return the checkout of this repository that the package runs from, None if it's installed elsewhere."""
    root = Path(__file__).resolve().parents[1]
    return root if (root / "pyproject.toml").is_file() and (root / "scripts" / "setup").is_file() else None


def command_that_adds_tools() -> str:
    """Return the command that installs the tools of drills: both Supabase CLIs and PostgreSQL."""
    return "scripts/setup tools" if checkout() else "runbook setup"


def command_that_adds(part: str) -> str:
    """Return the command that adds an optional part (`drill`, `site`, `check`), for pipx, uv, a venv or a checkout."""
    if checkout():
        return "scripts/setup python"
    wanted = shlex.quote(f"{_DISTRIBUTION}[{part}]{_origin()}")
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx runpip {_DISTRIBUTION} install {wanted}"
    if _is_made_by_uv(prefix):
        # uvx keeps its environments in uv's cache. The next call with other requirements gets another one.
        if any(name.startswith(("archive-v", "environments-v")) for name in prefix.parts):
            return f"uvx --from {wanted} runbook"
        return f"uv pip install --python {shlex.quote(sys.executable)} {wanted}"
    if sys.prefix == sys.base_prefix:  # distributions protect their own Python from pip (PEP 668)
        return f"pipx install --include-deps {wanted}"
    return f"{shlex.quote(sys.executable)} -m pip install {wanted}"


def _is_made_by_uv(prefix: Path) -> bool:
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in settings.splitlines())


def _origin() -> str:
    """Return ` @ URL` if this package was installed from a file or a repository (PEP 610), "" for an index."""
    from importlib.metadata import PackageNotFoundError, distribution  # slow to import, and only for a message

    try:
        written = json.loads(distribution(_DISTRIBUTION).read_text("direct_url.json") or "{}")
        url, vcs = str(written.get("url", "")), written.get("vcs_info", {})
        if not url:
            return ""
        return f" @ {vcs['vcs']}+{url}@{vcs['commit_id']}" if vcs else f" @ {url}"
    except (PackageNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return ""
