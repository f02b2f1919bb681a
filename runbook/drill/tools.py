"""The tools that drills start: find them before anything is set up, offer to install them, check that they start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from runbook.cli.doctor_checks import Diagnosis, Found, check_part, lacking_modules
from runbook.errors import MissingPartError, RunbookError
from runbook.installation import command_that_adds, command_that_adds_tools
from runbook.runtime.toolchain import cli_package, node_directory, pinned_cli, postgres_package, system_postgres

__all__ = ["check_tools", "provide_tools"]

_MODULES = ("psycopg", "pgparse")
"""Procedures check their migration files, which needs PostgreSQL's parser, and a drill runs those checks, too."""


def provide_tools(majors: Sequence[int], *, url: str | None) -> None:
    """Make sure that drills on these CLI majors find their tools. At a terminal, offer to install them.

    With the `url` of a server, they need no PostgreSQL. Raises MissingPartError with the command that adds what is
    missing.
    """
    # First what no installation of tools would add.
    node_directory()
    lacking = lacking_modules(_MODULES)
    if lacking:
        raise MissingPartError(
            f"drills need {' and '.join(lacking)}", hint=f"Add it with: {command_that_adds('drill')}"
        )
    try:
        _require(majors, url)
    except MissingPartError as missing:
        from runbook.cli.setup import offer

        offer(missing)
        _require(majors, url)


def _require(majors: Sequence[int], url: str | None) -> None:
    for major in majors:
        found = cli_package(major)
        if found.is_of_project:
            click.echo(f"This drill uses the project's own Supabase CLI {found.version}: {found.directory}", err=True)
    if url is None and postgres_package() is None and system_postgres() is None:
        hint = f"Run `{command_that_adds_tools()}`, install PostgreSQL, or use --postgres URL."
        raise MissingPartError("no PostgreSQL for the drill's throwaway database", hint=hint)


def check_tools() -> Iterator[Diagnosis]:
    """Start each tool that a drill would start, and say which version answered and where it is."""
    yield check_part("drill", _MODULES, "practises on a throwaway database")
    from runbook.drill.machine import cache_directory, find_binaries, server_account
    from runbook.runtime.tool_install import program_version, started_cli

    for major in sorted(pinned_cli(), reverse=True):
        name = f"drill CLI {major}"
        try:
            tool = started_cli(cli_package(major))
            yield Diagnosis(name, Found.GOOD, f"{tool.version}, {tool.directory} ({tool.origin})")
        except RunbookError as error:
            yield Diagnosis(name, Found.OPTIONAL, error.message, command_that_adds_tools())
    try:
        # What a drill starts is a copy of the package, with its libraries linked and within the server's reach.
        account = server_account()
        binaries = find_binaries(cache_directory(account), account)
        version = program_version("PostgreSQL", (str(binaries.directory / "postgres"), "--version"))
        yield Diagnosis("PostgreSQL", Found.GOOD, f"for drills, {version}, {binaries.directory} ({binaries.origin})")
    except RunbookError as error:
        fix = f"{command_that_adds_tools()} (or: runbook drill --postgres URL)"
        yield Diagnosis("PostgreSQL", Found.OPTIONAL, error.message, fix)
