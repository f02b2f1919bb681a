"""Waivers: comments right above a statement that accept a finding, with the reason.

-- runbook: allow drop-column because nothing has read it since March
alter table tasks drop column note;

A file that is put together by a program, such as a rollback, may accept rules `in this file`. That isn't possible for a
rule whose statements destroy data: each of them has its own reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runbook.migration.source import Source
from runbook.migration.statements import Parsed
from runbook.model.migration_rule import MigrationRule

__all__ = ["Waiver", "find_waivers"]

_MARK = re.compile(r"--\s*runbook:\s*allow\b", re.IGNORECASE)
_WAIVER = re.compile(
    r"\s*--\s*runbook:\s*allow\s+(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)(?P<whole>\s+in\s+this\s+file)?(?:\s+because\s+(?P<reason>\S.*))?\s*",
    re.IGNORECASE,
)


@dataclass
class Waiver:
    """One comment: the rules that it accepts for the statement with that number, or in the whole file, and why."""

    line: int
    column: int
    rules: tuple[str, ...]
    reason: str
    statement: int
    whole_file: bool = False
    used: set[str] = field(default_factory=set)

    def accepts(self, rule: MigrationRule, statement: int) -> bool:
        """Whether the comment is about that rule and the statement with that number."""
        is_about = rule.id in self.rules
        return is_about and (self.statement == statement or (self.whole_file and not rule.destroys))

    def problems(self, known: Mapping[str, MigrationRule]) -> Iterator[str]:
        """Yield what is wrong with the comment, after every finding has been compared with it."""
        if not self.rules:
            yield "expected `-- runbook: allow RULE because REASON`"
        elif not self.reason:
            yield f"the waiver of {', '.join(self.rules)} gives no reason, so it doesn't count"
        elif self.statement < 0 and not self.whole_file:
            yield "there is no statement right below this waiver"
        for rule in self.rules:
            if rule not in known:
                yield f"there is no rule {rule}"
            elif not known[rule].can_be_waived:
                yield f"{rule} can't be waived"
            elif self.whole_file and known[rule].destroys:
                yield f"{rule} can't be waived in a whole file, because it destroys data; waive it above each statement"
            elif not self.whole_file and self.reason and self.statement >= 0 and rule not in self.used:
                yield f"the statement below has no finding of {rule}"


def find_waivers(source: Source, parsed: Parsed) -> list[Waiver]:
    """Return all waivers in a file. Lines of comments right above the first line of a statement belong to it."""
    if not _MARK.search(source.text):
        return []
    below = _statement_by_line(source, parsed)
    found = []
    for number, line in enumerate(source.lines, 1):
        mark = _MARK.search(line)
        if mark is None or line[: mark.start()].strip():
            continue
        match = _WAIVER.fullmatch(line)
        rules = tuple(re.split(r"\s*,\s*", match["rules"].lower())) if match else ()
        reason = (match["reason"] or "").strip() if match else ""
        at = number + 1
        while source.line(at).lstrip().startswith("--"):
            at += 1
        found.append(Waiver(number, mark.start() + 1, rules, reason, below.get(at, -1), bool(match and match["whole"])))
    return found


def _statement_by_line(source: Source, parsed: Parsed) -> dict[int, int]:
    found: dict[int, int] = {}
    for each in parsed.statements:
        found.setdefault(source.place(each.start)[0], each.index)
    return found
