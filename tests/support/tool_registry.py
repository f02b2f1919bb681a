"""Stand in for npm: a program on PATH that installs stand-ins for the pinned tools, and can fail in npm's ways."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

import pytest

from runbook.runtime.toolchain import LOCK, pinned_cli, pinned_postgres
from support.terminals import python_program

__all__ = ["Npm", "write_tools"]

_POSTGRES = f"@embedded-postgres/{sys.platform}-{'arm64' if platform.machine() in {'arm64', 'aarch64'} else 'x64'}"


def write_tools(modules: Path, *, cli: dict[int, str] | None = None) -> None:
    """Write a node_modules whose tools answer with the pinned versions, or the given ones, as npm would leave it."""
    versions = cli or pinned_cli()
    for major, version in versions.items():
        package = modules / ("supabase" if major == 3 else "supabase-2")
        (package / "dist").mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"name": "supabase", "version": version}))
        (package / "dist" / "supabase.js").write_text(f"console.log({json.dumps(version)})\n")
    native = modules / _POSTGRES / "native"
    for folder in ("bin", "lib"):
        (native / folder).mkdir(parents=True)
    (native.parent / "package.json").write_text(json.dumps({"version": pinned_postgres()}))
    (native / "lib" / "libreal.so.1").touch()
    links = [{"source": "native/lib/libreal.so.1", "target": "native/lib/libreal.so"}]
    (native / "pg-symlinks.json").write_text(json.dumps(links))
    server = native / "bin" / "postgres"
    server.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {'.'.join(pinned_postgres().split('.')[:2])}'\n")
    server.chmod(0o755)
    locked = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    (modules / ".package-lock.json").write_text(json.dumps({"packages": {k: v for k, v in locked.items() if k}}))


class Npm:
    """A home with a cache of its own, and a PATH whose npm is a stand-in. It notes each call."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root, self.bin, self.log = root, root / "bin", root / "npm.log"
        self.cache = root / "cache" / "runbook" / "tools"
        self._patch = patch
        patch.setenv("HOME", str(root))
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        patch.setenv("PATH", f"{self.bin}{os.pathsep}{os.environ['PATH']}")
        patch.delenv("RUNBOOK_TOOLS", raising=False)
        # As outside of a checkout, wherever these tests run.
        patch.setattr("runbook.runtime.toolchain.checkout", lambda: None)
        patch.setattr("runbook.installation.checkout", lambda: None)
        patch.chdir(root)
        self.installs()

    @property
    def calls(self) -> list[dict[str, object]]:
        """Return the argv and the environment of each call."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def installs(self, then: str = "") -> None:
        """Make npm install the stand-ins, and then run some lines of Python in its directory."""
        self._does(
            "import sys; sys.path[:0] = " + repr([*map(str, _paths())]) + "\n"
            "from pathlib import Path\n"
            "from support.tool_registry import write_tools\n"
            "write_tools(Path('node_modules'))\n" + then
        )

    def fails(self, said: str, code: int = 1) -> None:
        """Make npm write half of a node_modules, say something on standard error, and fail."""
        self._does(
            f"import os, sys\nos.makedirs('node_modules/supabase')\nsys.stderr.write({said!r})\nsys.exit({code})"
        )

    def _does(self, lines: str) -> None:
        python_program(
            self.bin,
            "npm",
            "import json, os, sys\n"
            f"with open({str(self.log)!r}, 'a') as log:\n"
            "    print(json.dumps({'argv': sys.argv[1:], 'environment': dict(os.environ)}), file=log)\n" + lines,
        )


def _paths() -> tuple[Path, Path]:
    tests = Path(__file__).parents[1]
    return tests, tests.parent
