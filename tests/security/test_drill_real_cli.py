"""The real CLI goes where its command says, whatever files are around; the platform's stand-in sees where it goes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from runbook.drill.platform import Platform, environment, serve, write_profile
from runbook.drill.platform_state import initial_state
from runbook.filling import fill_command, target_words
from runbook.loading import PACKAGED_BOOK
from runbook.loading.files import read_policy
from runbook.model import Policy, TargetKind
from runbook.runtime.environment import isolated_environment, settled_environment
from runbook.runtime.toolchain import cli_package, node_directory

PROVEN, OTHER = "qwertyuiopasdfghjklz", "a" * 20


@cache
def _policy() -> Policy:
    return read_policy(PACKAGED_BOOK)


@dataclass
class RealCli:
    """One major of the real CLI in a linked project. Its only network is a stand-in on loopback."""

    root: Path
    major: int
    platform: Platform

    def __post_init__(self) -> None:
        self.project, self.home = self.root / "project", self.root / "home"
        (self.project / "supabase" / ".temp").mkdir(parents=True)
        (self.home / ".supabase").mkdir(parents=True)
        (self.project / "supabase" / "config.toml").write_text('project_id = "x"\n')
        write_profile(self.home / "profile.yaml", self.platform.url)

    def line(self, *template: str) -> tuple[str, ...]:
        """Return a command for the proven project, as the packaged book writes it."""
        kind, names = TargetKind.PRODUCTION, {"project_ref": PROVEN}
        words = target_words(template, policy=_policy(), major=self.major, kind=kind, names=names)
        return fill_command(template, {}, target=words)

    def run(self, argv: tuple[str, ...], given: Mapping[str, str]) -> str:
        """Run it with closed input and return what it printed."""
        script = cli_package(self.major).directory / "dist" / "supabase.js"
        token = {"SUPABASE_ACCESS_TOKEN": self.platform.keys.token}
        whole = {**isolated_environment(self.home, proxy="http://127.0.0.1:9"), **token, **given}
        done = subprocess.run(
            [str(node_directory() / "node"), str(script), *argv[2:]],
            cwd=self.project, env={**whole, "SUPABASE_API_MAX_RETRIES": "0"}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    @property
    def own(self) -> dict[str, str]:
        """Return the environment that a walk gives the CLI, with the stand-in as the service."""
        return {**settled_environment(str(self.project)), **self.platform_environment}

    @property
    def platform_environment(self) -> Mapping[str, str]:
        """Return the variables that point the CLI at the stand-in and let it log in there."""
        return environment(self.home / "profile.yaml", self.platform)

    @property
    def reached(self) -> set[str]:
        """Return the projects that any request was for."""
        parts = (request.split()[1].split("/") for request in self.platform.state.requests)
        return {part[3] for part in parts if part[1:3] == ["v1", "projects"] and len(part) > 3}


@contextmanager
def _real(root: Path, major: int) -> Iterator[RealCli]:
    state = initial_state(deployed={}, secrets={}, platform={})
    with serve(state) as platform:
        yield RealCli(root, major, platform)


_LIST = ("npx", "supabase", "functions", "list", "{{target}}")
_POOLER = f"postgresql://postgres.{OTHER}:[YOUR-PASSWORD]@aws-0.pooler.drill.invalid:6543/postgres"
_SWITCHES: dict[str, Callable[[Path], object]] = {
    "link": lambda supabase: (supabase / ".temp" / "project-ref").write_text(OTHER),
    "pooler": lambda supabase: (supabase / ".temp" / "pooler-url").write_text(_POOLER),
    "env file": lambda supabase: (supabase / ".env").write_text(f"SUPABASE_PROJECT_ID={OTHER}\n"),
    "workdir": lambda supabase: (supabase.parent / ".env").write_text("SUPABASE_WORKDIR=/elsewhere\n"),
}


_QUERIES = {("link", 2), ("env file", 3), ("workdir", 2), ("pooler", 2), ("pooler", 3)}
"""Those that a query meets, the others a list. Only a query would use the pooler."""


@pytest.mark.parametrize("switch", _SWITCHES)
@pytest.mark.parametrize("major", [2, 3])
def test_the_real_cli_goes_where_the_command_says(tmp_path: Path, major: int, switch: str) -> None:
    """Something redirects the project after the check, and the command still goes to the project that was checked."""
    with _real(tmp_path, major) as cli:
        (cli.project / "supabase" / ".temp" / "project-ref").write_text(PROVEN)
        _SWITCHES[switch](cli.project / "supabase")
        query = [word.replace("{{sql}}", "select 1") for word in _policy().majors[major].query_read]
        cli.run(cli.line(*(query if (switch, major) in _QUERIES else _LIST)), cli.own)
        assert cli.reached == {PROVEN}


@pytest.mark.parametrize("major", [2, 3])
def test_the_real_cli_asks_no_service_that_a_file_names(tmp_path: Path, major: int) -> None:
    """A profile left in the home directory would send the token and every request to another service."""
    with _real(tmp_path, major) as cli:
        (cli.home / ".supabase" / "profile").write_text(str(cli.home / "profile.yaml"))
        cli.run(cli.line(*_LIST), {})
        assert cli.reached == {PROVEN}, "this CLI no longer reads that file, so this test proves nothing"
        cli.platform.state.requests.clear()
        cli.run(cli.line(*_LIST), settled_environment(str(cli.project)))
        assert cli.reached == set()


def test_no_file_confirms_for_the_real_cli_2(tmp_path: Path) -> None:
    """A `.env` that appears after the last look would confirm a reset without a word."""
    with _real(tmp_path, 2) as cli:
        (cli.project / "supabase" / ".env").write_text("SUPABASE_YES=true\n")
        reset = ("npx", "supabase", "db", "reset", "--db-url", "postgresql://u:p@127.0.0.1:9/x")
        assert "Resetting remote database" in cli.run(reset, cli.platform_environment)
        assert "Resetting remote database" not in cli.run(reset, cli.own)
