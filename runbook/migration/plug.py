"""Add migrations to runbook: their verb, and the tests of rules, patterns and templates in `runbook check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook.extras import Extra

if TYPE_CHECKING:
    import click

    from runbook.checks.findings import Notes
    from runbook.checks.subject import Subject

__all__ = ["EXTRA"]


def _load_command() -> click.Command:
    from runbook.migration.verb import command

    return command


def _check_book(subject: Subject, notes: Notes) -> None:
    from runbook.migration.new.patterns import check_templates
    from runbook.migration.rule_tests import check_rules
    from runbook.migration.step_templates import check_step_templates

    check_rules(subject, notes)
    check_templates(subject, notes)
    check_step_templates(subject, notes)


EXTRA = Extra(
    summary="Create migrations, and check them before review.",
    listed_before="check",
    load_command=_load_command,
    check_book=_check_book,
)
