"""Add drills to runbook: their verb, and what they need in `runbook doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook.extras import Extra

if TYPE_CHECKING:
    import click

    from runbook.cli.doctor_checks import Diagnosis

__all__ = ["EXTRA"]


def _load_command() -> click.Command:
    from runbook.drill.verb import command

    return command


def _check_machine() -> Iterator[Diagnosis]:
    from runbook.cli.doctor_checks import Diagnosis, Found, check_part
    from runbook.errors import RunbookError
    from runbook.runtime.toolchain import postgres_package, system_postgres

    yield check_part("drill", ("psycopg",), "practises on a throwaway database")
    try:
        found = postgres_package() or system_postgres()
    except RunbookError:
        found = None
    if found:
        yield Diagnosis("PostgreSQL", Found.GOOD, f"for drills, {found}")
    else:
        fix = "npm ci, or runbook drill --postgres URL"
        yield Diagnosis("PostgreSQL", Found.OPTIONAL, "drills need one of their own", fix)


def _under_way() -> tuple[str, ...]:
    from runbook.drill.registry import under_way

    return under_way()


EXTRA = Extra(
    summary="Practise a procedure on a throwaway database.",
    listed_before="check",
    load_command=_load_command,
    check_machine=_check_machine,
    under_way=_under_way,
)
