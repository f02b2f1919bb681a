"""Run the examples of the rules: each must be reported, not reported or waived, as its entry says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from runbook.checks.findings import Notes
from runbook.checks.subject import Subject
from runbook.errors import UsageError
from runbook.loading.files import shown_name
from runbook.loading.place import PACKAGED_BOOK
from runbook.migration.check import check_migrations
from runbook.migration.detectors import DATABASE_RULES, rule_ids
from runbook.migration.finding import Report
from runbook.migration.history import Base
from runbook.migration.rules import RULES_FILE, Setup
from runbook.migration.source import MigrationFile
from runbook.model.migration_rule import EARLIER_NAME, PLACE, MigrationExample, MigrationRule
from runbook.model.migration_settings import MigrationSettings
from runbook.model.terms import Position

__all__ = ["Checked", "check_example", "check_rules"]

_NOW = datetime(2026, 6, 1)
_FOLDER = "supabase/migrations"


class Checked(NamedTuple):
    """An example's report, and the line and column that a finding must have, if the example says so."""

    report: Report
    place: tuple[int, int] | None


def check_example(example: MigrationExample, rules: Mapping[str, MigrationRule]) -> Checked:
    """Check the file of an example, beside its earlier file and compared with its base."""
    at = example.sql.find(PLACE)
    sql = example.sql.replace(PLACE, "")
    before = sql[:at]
    place = (before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1) if at >= 0 else None
    path = f"{_FOLDER}/{example.name}"
    base = _base(example, path)
    is_old = base is not None and path in base.paths
    files = [MigrationFile(path, sql.encode(), judged=not is_old)] if example.name else []
    if example.earlier:
        files.append(MigrationFile(f"{_FOLDER}/{EARLIER_NAME}", example.earlier.encode(), judged=False))
    settings = MigrationSettings(at=Position("", 1, 1), postgres=example.postgres)
    return Checked(check_migrations(files, Setup(rules, settings), base=base, now=_NOW), place)


def _base(example: MigrationExample, path: str) -> Base | None:
    if example.base is None:
        return None
    before = {f"{_FOLDER}/{name}": text for name, text in example.base.items()}
    now = {path: example.sql.replace(PLACE, "")}
    return Base(
        revision="main",
        paths=frozenset(before),
        edited=frozenset(one for one, text in before.items() if one in now and now[one] != text),
        removed=frozenset(f"{_FOLDER}/{name}" for name in example.removes),
    )


def check_rules(subject: Subject, notes: Notes) -> None:
    """Report rules without code, code without a rule, and examples that aren't judged as their entry says.

    Only the packaged rules count. They are tested with the packaged book, not again with each team's.
    """
    every, packaged = subject.book.migration_rules, f"{shown_name(PACKAGED_BOOK)}/{RULES_FILE}"
    own = next((rule for rule in every if rule.at.file != packaged), None)
    if own is not None and not _is_a_copy(subject.book.sources.get(own.at.file, "")):
        notes.add(own.at, "the rules are the package's; set their levels in team.yaml, under migrations", own.id)
    elif every and Path(subject.book.directory) == PACKAGED_BOOK:
        _check_packaged({rule.id: rule for rule in every}, notes)


def _is_a_copy(text: str) -> bool:
    """Whether these are the packaged rules, as in a copy of the whole book."""
    return text == (PACKAGED_BOOK / RULES_FILE).read_text(encoding="utf-8")


def _check_packaged(rules: Mapping[str, MigrationRule], notes: Notes) -> None:
    detected = rule_ids()
    for rule in rules.values():
        if rule.id not in detected:
            notes.add(rule.at, f"no code detects the rule '{rule.id}'", rule.id)
    for missing in sorted(detected - set(rules)):
        at = next(iter(rules.values())).at
        notes.add(at, f"there is no entry for the rule '{missing}', which the code detects")
    if detected != set(rules):
        return
    try:
        for rule in rules.values():
            for message, example in _problems(rule, rules):
                notes.add(rule.at, message, example.sql.splitlines()[0].strip())
    except UsageError:
        return  # the parser is an optional part; `runbook migration check` says so


def _problems(rule: MigrationRule, rules: Mapping[str, MigrationRule]) -> list[tuple[str, MigrationExample]]:
    if rule.id in DATABASE_RULES:
        return []  # its examples need a database, so a test runs them
    found = []
    for example in rule.fails:
        checked = check_example(example, rules)
        places = [(each.line, each.column) for each in checked.report.findings if each.rule == rule.id]
        if not places:
            found.append((f"'{rule.id}' doesn't report this example", example))
        elif checked.place and checked.place not in places:
            found.append((f"'{rule.id}' reports this example at {places}, not at {checked.place}", example))
    found += [
        (f"'{rule.id}' reports this example, which should pass", example)
        for example in rule.passes
        if any(each.rule == rule.id for each in check_example(example, rules).report.findings)
    ]
    if rule.waived:
        report = check_example(rule.waived, rules).report
        if not any(each.finding.rule == rule.id for each in report.waived):
            found.append((f"'{rule.id}' isn't waived in this example", rule.waived))
        if any(each.rule in {rule.id, "waiver"} for each in report.findings):
            found.append((f"'{rule.id}' is still reported in this example", rule.waived))
    return found
