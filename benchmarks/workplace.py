"""A place to measure in: a home and a project of their own, which nothing else on the machine changes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.environments import ROOT

__all__ = ["Workplace", "workplace"]

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TERM")


class Workplace(NamedTuple):
    """`project` is linked and has both CLIs; the home in `environment` is empty at first."""

    project: Path
    environment: Mapping[str, str]

    @property
    def cache(self) -> Path:
        """What runbook keeps."""
        return Path(self.environment["HOME"]) / ".cache/runbook"


@contextmanager
def workplace() -> Iterator[Workplace]:
    """Make one, and remove it after the block."""
    with tempfile.TemporaryDirectory(prefix="runbook-bench-") as place:
        home, project = Path(place) / "home", Path(place) / "project"
        (project / "supabase/.temp").mkdir(parents=True)
        home.mkdir()
        (project / "supabase/config.toml").write_text('project_id = "bench"\n', encoding="utf-8")
        (project / "supabase/.temp/project-ref").write_text("abcdefghijklmnopqrst", encoding="utf-8")
        (project / "node_modules").symlink_to(ROOT / "node_modules", target_is_directory=True)
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        yield Workplace(project, {**kept, "HOME": str(home), "NO_COLOR": "1", "SUPABASE_TELEMETRY_DISABLED": "1"})
