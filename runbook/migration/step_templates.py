"""Check the migrations that procedures write: by the same rules as files, before anybody is in a hurry.

During a walk, a command of the step checks the finished file. Here a template's places are filled with their names. A
place that is a statement of its own stays empty, because nobody knows yet what comes there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.errors import UsageError
from runbook.migration.check import check_migrations
from runbook.migration.finding import Finding
from runbook.migration.rules import Setup, read_rules
from runbook.migration.source import MigrationFile
from runbook.model.migration_settings import MigrationSettings
from runbook.model.templates import PLACEHOLDER
from runbook.model.terms import Position

__all__ = ["check_step_templates"]

_STATEMENT = re.compile(rf"^[ \t]*{PLACEHOLDER.pattern}[ \t]*;?[ \t]*$", re.MULTILINE)
_FOR_THE_WRITER = frozenset({"header", "skipped-file", "file-name", "file-name-style"})
"""What the person who fills in the template decides."""
_NAME = "supabase/migrations/20260101000000_template.sql"


def check_step_templates(subject: Subject, notes: Notes) -> None:
    """Report what the rules find in each template of a migration, notices as well, at the team's levels."""
    team = subject.book.team
    settings = (team.migrations if team else None) or MigrationSettings(at=Position("", 1, 1))
    setup = Setup(read_rules(), settings)
    for _, place in subject.places:
        for action in place.step.actions:
            file = action.written_file()
            if file is None or file.text is None or not file.is_migration:
                continue
            lines = ["", *file.text.splitlines(), ""]
            for finding in _findings(file.text, setup):
                line, below = lines[finding.line].strip(), lines[finding.line + 1]
                is_part = finding.rule == "syntax-error" and PLACEHOLDER.search(line)
                is_above_place = finding.rule == "waiver" and _STATEMENT.fullmatch(below)
                if is_part or is_above_place:
                    continue  # what comes there decides
                notes.add(place.step.at, f"{finding.rule}: {finding.message}", "template:", line)


def _findings(template: str, setup: Setup) -> Iterator[Finding]:
    text = PLACEHOLDER.sub(r"\1", _STATEMENT.sub("", template))
    try:
        report = check_migrations([MigrationFile(_NAME, text.encode())], setup)
    except UsageError:
        return  # the parser is an optional part; `runbook migration check` says so
    for finding in report.findings:
        if finding.rule not in _FOR_THE_WRITER:
            yield finding
