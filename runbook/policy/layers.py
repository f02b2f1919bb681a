"""A team's policy on top of the packaged one. It can only ask for more care, except where it loosens with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from runbook.model import Effect, Family, Policy, Rule, Verdict
from runbook.model.http_requests import HttpRequest
from runbook.model.policy import Loosening, Side

__all__ = ["extended", "loosening_problem"]

_Entry = TypeVar("_Entry", bound=Rule | HttpRequest)
_Flags = Mapping[str, tuple[str, ...]]


def extended(packaged: Policy, own: Policy) -> Policy:
    """Return the packaged policy with a team's own on top; `own.majors` says how the CLI names a target.

    `layers` decides, and the rules and requests of the result are for reading: one that both have is listed once, with
    the graver verdicts.
    """
    # The team's rules read a command line with the packaged flags, too. The packaged rules never see the team's flags:
    # a word that the team declares as a flag's value could hide a reset from them.
    judging = replace(
        own,
        global_value_flags=_merged(packaged.global_value_flags, own.global_value_flags),
        global_options=_merged(packaged.global_options, own.global_options),
        remote_flags=_union(packaged.remote_flags, own.remote_flags),
        address_flags=_merged(packaged.address_flags, own.address_flags),
        address_variables=_union(packaged.address_variables, own.address_variables),
        http_clients=(*own.http_clients, *packaged.http_clients),
        sql_keys=_union(packaged.sql_keys, own.sql_keys),
    )
    # A team's client sends the packaged requests, too. It comes last, so it can't change how a packaged one is read.
    clients = (*packaged.http_clients, *own.http_clients)
    base = replace(packaged, http_clients=clients) if own.http_clients else packaged
    return replace(
        judging,
        rules=_listed(packaged.rules, own.rules),
        http_requests=_listed(packaged.http_requests, own.http_requests),
        programs=replace(own.programs, layers=(packaged.programs, own.programs)),
        mcp_servers=(*packaged.mcp_servers, *own.mcp_servers),
        layers=(base, judging),
    )


def loosening_problem(loosening: Loosening, packaged: Policy) -> str:
    """Return why a loosening can't be used, or "" if it changes a verdict."""
    entries: tuple[Rule | HttpRequest, ...] = (*packaged.rules, *packaged.http_requests)
    rule = next((entry for entry in entries if entry.id == loosening.rule), None)
    if rule is None:
        return f"the packaged policy has no rule '{loosening.rule}'"
    verdicts = _verdicts(rule, loosening.where)
    reaches_nothing = isinstance(rule, Rule) and rule.reaches is Family.NOTHING
    if loosening.where is Side.REMOTE and reaches_nothing:
        return f"'{rule.id}' reaches no project: write 'where: local'"
    if all(verdict is Verdict.ALLOW for _, verdict in verdicts):
        return f"'{rule.id}' is already allowed there"
    if all(effect is Effect.DESTROYS for effect, verdict in verdicts if verdict is not Verdict.ALLOW):
        if loosening.where is Side.REMOTE:
            return f"'{rule.id}' can wipe production, so nobody can loosen it"
        if reaches_nothing:
            return f"nobody can tell what '{rule.id}' destroys, so it can't be loosened"
    return ""


def _verdicts(rule: Rule | HttpRequest, where: Side) -> list[tuple[Effect, Verdict]]:
    own = (rule.effect, rule.remote if where is Side.REMOTE else rule.local)
    variants = rule.variants if isinstance(rule, Rule) else ()
    others = ((one.effect, one.remote if where is Side.REMOTE else one.local) for one in variants)
    return [own, *((effect or own[0], verdict or own[1]) for effect, verdict in others)]


def _listed(packaged: Sequence[_Entry], own: Sequence[_Entry]) -> tuple[_Entry, ...]:
    added = {entry.id: entry for entry in own}
    shared = [_graver(entry, added.pop(entry.id)) if entry.id in added else entry for entry in packaged]
    return (*shared, *added.values())


def _graver(entry: _Entry, own: _Entry) -> _Entry:
    return replace(entry, remote=_worse(entry.remote, own.remote), local=_worse(entry.local, own.local))


def _worse(one: Verdict, other: Verdict) -> Verdict:
    return max(one, other, key=lambda verdict: verdict.rank)


def _merged(one: _Flags, other: _Flags) -> _Flags:
    return {program: _union(one.get(program, ()), other.get(program, ())) for program in {**one, **other}}


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
