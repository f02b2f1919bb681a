"""Return the packaged policy, and small policies for tests of single rules."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path
from typing import Any

import runbook
from runbook.loading import read_book
from runbook.model import Effect, Family, Policy, Position, Rule, SupabaseMajor, TargetKind, Verdict
from runbook.policy.judgement import Context, Judgement, classify

__all__ = ["BOOK", "book_policy", "judged", "policy_of", "rule"]

BOOK = Path(runbook.__file__).parent / "book"


@cache
def book_policy() -> Policy:
    """Return the packaged book's policy."""
    return read_book(BOOK).policy


def judged(line: str, *, major: int | None = None, stdin: str | None = None) -> Judgement:
    """Classify a plain line, split as a shell splits words, by the packaged policy."""
    return classify(shlex.split(line), book_policy(), major=major, context=Context(stdin))


def rule(**parts: Any) -> Rule:
    """Build a rule. Whatever is left out is harmless."""
    defaults: dict[str, Any] = {
        "id": "a-rule",
        "program": "supabase",
        "command": ("a",),
        "reaches": Family.DATABASE,
        "effect": Effect.READS,
        "remote": Verdict.ALLOW,
        "local": Verdict.ALLOW,
        "reason": "Because.",
        "at": Position("policy.yaml", 1, 1),
    }
    return Rule(**{**defaults, **parts})


def policy_of(*rules: Rule) -> Policy:
    """Build a policy of these rules, with both majors and their usual words."""
    words = {
        3: {TargetKind.PRODUCTION: ("--remote",), TargetKind.LOCAL: (), TargetKind.DRILL: ("--remote={{drill_url}}",)},
        2: {TargetKind.PRODUCTION: ("--linked",), TargetKind.DRILL: ("--db-url", "{{drill_url}}")},
    }
    return Policy(
        rules=rules,
        global_value_flags={"supabase": ("--workdir", "--project-ref", "--db-url")},
        remote_flags=("--linked", "--remote", "--project-ref", "--db-url"),
        majors={
            major: SupabaseMajor(
                major=major,
                proven=f"{major}.0.0",
                target={Family.DATABASE: kinds},
                query=("npx", "supabase", "db", "query", "{{target}}", "--", "{{sql}}"),
                query_read=("npx", "supabase", "db", "query", "--read-only", "{{target}}", "--", "{{sql}}"),
            )
            for major, kinds in words.items()
        },
    )
