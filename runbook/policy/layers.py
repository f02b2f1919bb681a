"""A team's policy on top of the packaged one. It can only ask for more care, except where it loosens with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from runbook.model import Effect, Family, Policy, Rule, Verdict
from runbook.model.policy import Loosening, Side

__all__ = ["extended", "loosening_problem"]

_Flags = Mapping[str, tuple[str, ...]]


def extended(packaged: Policy, own: Policy) -> Policy:
    """Return the packaged policy with a team's own on top; `own.majors` says how the CLI names a target.

    `layers` decides, and the rules of the result are for reading: a rule that both have is listed once, with the
    graver verdicts.
    """
    # The team's rules read a command line with the packaged flags, too. The packaged rules never see the team's flags:
    # a word that the team declares as a flag's value could hide a reset from them.
    judging = replace(
        own,
        global_value_flags=_merged(packaged.global_value_flags, own.global_value_flags),
        global_options=_merged(packaged.global_options, own.global_options),
        remote_flags=_union(packaged.remote_flags, own.remote_flags),
    )
    added = {rule.id: rule for rule in own.rules}
    shared = {rule.id: _graver(rule, added.pop(rule.id)) if rule.id in added else rule for rule in packaged.rules}
    return replace(
        judging,
        rules=(*shared.values(), *added.values()),
        mcp_servers=(*packaged.mcp_servers, *own.mcp_servers),
        layers=(packaged, judging),
    )


def loosening_problem(loosening: Loosening, packaged: Policy) -> str:
    """Return why a loosening can't be used, or "" if it changes a verdict."""
    rule = next((rule for rule in packaged.rules if rule.id == loosening.rule), None)
    if rule is None:
        return f"the packaged policy has no rule '{loosening.rule}'"
    verdicts = _verdicts(rule, loosening.where)
    if loosening.where is Side.REMOTE and rule.reaches is Family.NOTHING:
        return f"'{rule.id}' reaches no project: write 'where: local'"
    if all(verdict is Verdict.ALLOW for _, verdict in verdicts):
        return f"'{rule.id}' is already allowed there"
    if all(effect is Effect.DESTROYS for effect, verdict in verdicts if verdict is not Verdict.ALLOW):
        if loosening.where is Side.REMOTE:
            return f"'{rule.id}' can wipe production, so nobody can loosen it"
        if rule.reaches is Family.NOTHING:
            return f"nobody can tell what '{rule.id}' destroys, so it can't be loosened"
    return ""


def _verdicts(rule: Rule, where: Side) -> list[tuple[Effect, Verdict]]:
    own = (rule.effect, rule.remote if where is Side.REMOTE else rule.local)
    others = ((one.effect, one.remote if where is Side.REMOTE else one.local) for one in rule.variants)
    return [own, *((effect or own[0], verdict or own[1]) for effect, verdict in others)]


def _graver(rule: Rule, own: Rule) -> Rule:
    return replace(rule, remote=_worse(rule.remote, own.remote), local=_worse(rule.local, own.local))


def _worse(one: Verdict, other: Verdict) -> Verdict:
    return max(one, other, key=lambda verdict: verdict.rank)


def _merged(one: _Flags, other: _Flags) -> _Flags:
    return {program: _union(one.get(program, ()), other.get(program, ())) for program in {**one, **other}}


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
