"""What the audit adds: its verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook.extras import Extra

if TYPE_CHECKING:
    import click

__all__ = ["EXTRA"]


def _load_command() -> click.Command:
    from runbook.audit.verb import command

    return command


EXTRA = Extra(
    summary="Check the book against the help of the installed Supabase CLIs.",
    listed_before="schema",
    load_command=_load_command,
)
