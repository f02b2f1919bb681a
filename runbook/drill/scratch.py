"""The scratch project of a drill: a directory as a team has it, with git, npm's links and the Supabase files."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from runbook.errors import MissingPartError, RunbookError
from runbook.runtime.environment import own_programs
from runbook.runtime.toolchain import CliPackage, node_directory

__all__ = ["BASE_MIGRATION", "PLATFORM_SQL", "ROWS_SQL", "commit_all", "make_project", "project_sql", "spare_npx"]

BASE_MIGRATION = "20260101000000_base"
PLATFORM_SQL = "platform"
ROWS_SQL = "rows"

_IGNORED = "node_modules/\nsupabase/.temp/\nsupabase/.branches/\n.env*\n"
_NPX = """#!/bin/sh
if [ "$1" = supabase ] && [ -x node_modules/.bin/supabase ]; then
  shift
  exec node_modules/.bin/supabase "$@"
fi
exec {npx} "$@"
"""
_WHO = ("-c", "user.name=Drill", "-c", "user.email=drill@example.com", "-c", "commit.gpgsign=false")


def project_sql(name: str) -> str:
    """Return one of the SQL files that ship with the drills."""
    return (files("runbook.drill") / "project" / f"{name}.sql").read_text(encoding="utf-8")


def make_project(project: Path, *, cli: CliPackage, local_port: int) -> None:
    """Write the project: `npx supabase` is that CLI, the local stack is at `local_port`."""
    migrations = project / "supabase" / "migrations"
    migrations.mkdir(parents=True)
    (project / "supabase" / "functions").mkdir()
    (migrations / f"{BASE_MIGRATION}.sql").write_text(project_sql(BASE_MIGRATION), encoding="utf-8")
    (project / "supabase" / "config.toml").write_text(_config(local_port), encoding="utf-8")
    (project / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    _link_cli(project, cli)


def commit_all(project: Path, message: str, environment: Mapping[str, str]) -> None:
    """Commit everything in the project (the repository is made if there is none); raises RunbookError."""
    commands = [["add", "--all"], [*_WHO, "commit", "--quiet", "--allow-empty", f"--message={message}"]]
    if not (project / ".git").exists():
        commands.insert(0, ["init", "--quiet", "--initial-branch=main"])
    for words in commands:
        _git(project, words, environment)


def _git(project: Path, words: list[str], environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            ["git", *words],  # noqa: S607 - the operator's own git, found on the drill's PATH
            cwd=project, env=dict(environment), capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise MissingPartError("git is not on PATH; procedures use it", hint="Install git.") from error
    if done.returncode != 0:
        raise RunbookError(f"`git {words[0]}` failed in the scratch project: {done.stderr.strip()}")


def _config(port: int) -> str:
    return f'project_id = "drill"\n\n[db]\nport = {port}\nmajor_version = 17\n'


def _link_cli(project: Path, cli: CliPackage) -> None:
    manifest = {"name": "drill", "private": True, "devDependencies": {"supabase": cli.version}}
    (project / "package.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    programs = project / "node_modules" / ".bin"
    programs.mkdir(parents=True)
    (project / "node_modules" / "supabase").symlink_to(cli.directory, target_is_directory=True)
    (programs / "supabase").symlink_to("../supabase/dist/supabase.js")


def spare_npx(home: Path) -> None:
    """Let `npx supabase` start the project's CLI directly, for drills that nobody watches.

    It is the program that npx would find; finding it costs npx 0.4 s of processor time, as much as the CLI's start.
    """
    programs = own_programs(home)
    programs.mkdir()
    file = programs / "npx"
    file.write_text(_NPX.format(npx=shlex.quote(str(node_directory() / "npx"))), encoding="utf-8")
    file.chmod(0o700)
