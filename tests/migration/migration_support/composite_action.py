"""Run the steps of this project's action as a runner does, in a checkout on this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ACTION", "ROOT", "RUNBOOK", "Ran", "run_action", "steps"]

ROOT = Path(__file__).parents[3]
RUNBOOK = Path(sys.executable).with_name("runbook")
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
_EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
_PYTHON = """\
#!/bin/sh
# Stand in for the Python of the runner: create an environment whose pip notes what it should install.
echo "$@" >>"{log}"
mkdir -p "{place}/bin"
printf '#!/bin/sh\\necho "$@" >>"%s"\\n' "{log}" >"{place}/bin/python"
chmod +x "{place}/bin/python"
ln -sf "{runbook}" "{place}/bin/runbook"
"""


@dataclass
class Ran:
    """What the action did."""

    code: int = 0
    stdout: str = ""
    stderr: str = ""
    installed: list[str] = field(default_factory=list)
    """The command lines of Python while installing."""
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def annotations(self) -> list[tuple[str, dict[str, str], str]]:
        """The annotations: level, properties and message, as GitHub decodes them."""
        found = []
        for line in self.stdout.splitlines():
            match = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
            assert match, line
            pairs = (each.partition("=") for each in match[2].split(","))
            found.append((match[1], {name: _decoded(value) for name, _, value in pairs}, _decoded(match[3])))
        return found


def _decoded(text: str) -> str:
    for code, character in (("%0A", "\n"), ("%0D", "\r"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def steps() -> list[dict[str, Any]]:
    """Return the steps of the action."""
    found: list[dict[str, Any]] = ACTION["runs"]["steps"]
    return found


def run_action(checkout: Path, scratch: Path, variables: Mapping[str, str], token: str = "", **inputs: str) -> Ran:
    """Run each step that has a script, with bash as a runner starts it. Stop at the first that fails."""
    scratch.mkdir(parents=True, exist_ok=True)
    runner, home = scratch / "temp", scratch / "home"
    for each in (runner, home):
        each.mkdir(exist_ok=True)
    python, log = scratch / "python", scratch / "installed.txt"
    python.write_text(_PYTHON.format(log=log, place=runner / "migration-check", runbook=RUNBOOK))
    python.chmod(0o755)
    known = {
        "github.token": token,
        "steps.python.outputs.python-path": str(python),
    }
    # The default of an input may be an expression itself.
    given = {name: inputs.get(name.replace("-", "_"), each["default"]) for name, each in ACTION["inputs"].items()}
    known |= {f"inputs.{name}": _filled(value, known) for name, value in given.items()}
    ran = Ran()
    files = {name: scratch / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.write_text("")
    for step in steps():
        if "run" not in step:
            continue
        assert step["shell"] == "bash"
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ},
            "HOME": str(home),
            "RUNNER_TEMP": str(runner),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": "/actions/acme/migration-runbook/v1",
            **{name: str(file) for name, file in files.items()},
            **variables,
            **{name: _filled(value, known) for name, value in step["env"].items()},
        }
        script = scratch / "script.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        ran.code, ran.stdout, ran.stderr = done.returncode, ran.stdout + done.stdout, ran.stderr + done.stderr
        if done.returncode:
            break
    ran.installed = log.read_text().splitlines()
    ran.outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    ran.summary = files["GITHUB_STEP_SUMMARY"].read_text()
    return ran


def _filled(text: str, known: Mapping[str, str]) -> str:
    """Replace each expression; one that isn't known fails the test."""
    return _EXPRESSION.sub(lambda match: known[match[1]], str(text))
