"""How the real CLI is led to the stand-in: a profile file, a token that is worth nothing, and the link files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from runbook.drill.platform.state import PROJECT_REF

__all__ = ["TOKEN", "environment", "write_link", "write_profile"]

TOKEN = "sbp_" + "d" * 40
"""Of the form that the CLI demands (`sbp_` and 40 hexadecimal digits), known to the stand-in alone."""


def write_profile(file: Path, url: str) -> None:
    """Write the CLI profile that sends every API request to `url`."""
    hosts = {"project_host": "drill.invalid", "pooler_host": "drill.invalid"}
    lines = {"name": "drill", "api_url": url, "dashboard_url": f"{url}/dashboard", **hosts}
    file.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()), encoding="utf-8")


def environment(profile: Path) -> Mapping[str, str]:
    """Return what the CLI needs in its environment to use the profile, without telemetry and without retries."""
    return {
        "SUPABASE_PROFILE": str(profile),
        "SUPABASE_ACCESS_TOKEN": TOKEN,
        "SUPABASE_API_MAX_RETRIES": "0",
        "SUPABASE_TELEMETRY_DISABLED": "1",
    }


def write_link(project: Path) -> None:
    """Leave in a project directory what `link` would have left there."""
    directory = project / "supabase" / ".temp"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "project-ref").write_text(PROJECT_REF, encoding="utf-8")
    linked = {"ref": PROJECT_REF, "name": "drill", "organization_id": "drill", "organization_slug": "drill"}
    (directory / "linked-project.json").write_text(json.dumps(linked), encoding="utf-8")
