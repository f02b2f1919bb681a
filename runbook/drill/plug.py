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
    from runbook.drill.tools import check_tools

    yield from check_tools()


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
