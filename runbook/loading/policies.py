"""Records to the policy and to what is known of each major of the Supabase CLI."""

from __future__ import annotations

from collections.abc import Mapping

from runbook.loading.records import Record
from runbook.model import Effect, Family, Policy, Rule, RuleTest, SupabaseMajor, TargetKind, Variant, Verdict

__all__ = ["build_majors", "build_policy"]


def build_policy(record: Record, majors: Mapping[int, SupabaseMajor]) -> Policy:
    """Return the policy of a policy.yaml."""
    return Policy(
        rules=tuple(_rule(each) for each in record.many("rules", Record)),
        global_value_flags=record.pairs("global_value_flags", tuple),
        remote_flags=record.many("remote_flags", str),
        majors=majors,
    )


def build_majors(record: Record) -> Mapping[int, SupabaseMajor]:
    """Return the majors of a supabase.yaml."""
    majors: dict[int, Record] = record.get("majors", dict)
    return {number: _major(number, each) for number, each in majors.items()}


def _major(number: int, record: Record) -> SupabaseMajor:
    return SupabaseMajor(
        major=number,
        proven=record.get("proven", str),
        target={
            Family(family): {TargetKind(kind): words for kind, words in kinds.items()}
            for family, kinds in record.pairs("target", dict).items()
        },
        query=record.many("query", str),
        query_read=record.many("query_read", str),
    )


def _rule(record: Record) -> Rule:
    bare: dict[int, str] = record.maybe("bare", dict) or {}
    majors: tuple[int, ...] | None = record.maybe("majors", tuple)
    return Rule(
        id=record.get("id", str),
        program=record.get("program", str),
        command=tuple(record.get("command", str).split()),
        aliases=tuple(tuple(alias.split()) for alias in record.many("aliases", str)),
        reaches=Family(record.get("reaches", str)),
        effect=Effect(record.get("effect", str)),
        remote=Verdict(record.get("remote", str)),
        local=Verdict(record.get("local", str)),
        bare={major: TargetKind(kind) for major, kind in bare.items()},
        reason=record.get("reason", str).strip(),
        instead=(record.maybe("instead", str) or "").strip(),
        variants=tuple(_variant(each) for each in record.many("variants", Record)),
        value_flags=record.many("value_flags", str),
        majors=majors,
        tests=tuple(_rule_test(each) for each in record.many("tests", Record)),
        at=record.at,
    )


def _variant(record: Record) -> Variant:
    effect, sql, remote, local = (record.maybe(name, str) for name in ("effect", "sql", "remote", "local"))
    return Variant(
        flags=record.many("flags", str),
        without=record.many("without", str),
        arguments=record.maybe("arguments", str),
        words=record.maybe("words", str),
        sql=Effect(sql) if sql else None,
        majors=record.many("majors", int),
        effect=Effect(effect) if effect else None,
        remote=Verdict(remote) if remote else None,
        local=Verdict(local) if local else None,
        reason=record.maybe("reason", str),
        instead=record.maybe("instead", str),
    )


def _rule_test(record: Record) -> RuleTest:
    return RuleTest(record.get("line", str), Verdict(record.get("verdict", str)), record.at)
