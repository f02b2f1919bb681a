"""Where a command lands: on the local stack or on a hosted project. What can't be told counts as hosted. Pure."""

from __future__ import annotations

from runbook.model import Family, Policy, Rule, TargetKind
from runbook.policy.argv import Words, host_of, is_loopback

__all__ = ["targets_of"]

_LOCAL, _REMOTE = TargetKind.LOCAL, TargetKind.PRODUCTION


def targets_of(rule: Rule, words: Words, policy: Policy, major: int | None) -> tuple[TargetKind | None, ...]:
    """Return every place where the command may land; several where the CLI's major is not known.

    A hosted project counts as production, and so does every URL given to the Supabase CLI: behind a loopback
    address there may be a tunnel, and `db reset --db-url` has wiped databases that were thought to be isolated.
    A plain PostgreSQL client counts as local on a loopback host or a socket.
    """
    if rule.reaches is Family.NOTHING:
        return (None,)
    if rule.program != "supabase":
        return (_client(words),)
    named = [flag for flag in words.flags if flag.name in policy.remote_flags]
    if any(not flag.is_off for flag in named):
        return (_REMOTE,)
    if words.has("--local"):
        return (_LOCAL,)
    if major is not None and major in rule.bare:
        return (rule.bare[major],)
    return tuple(dict.fromkeys(rule.bare.values())) or (_REMOTE,)


def _client(words: Words) -> TargetKind:
    """Return where a PostgreSQL client goes, by its host flags and by connection strings."""
    named = [*words.values("-h", "--host"), *(host_of(text) for text in _databases(words))]
    hosts = [host for host in named if host is not None]
    variables = any("$" in text for text in (*hosts, *_databases(words)))
    return _REMOTE if variables or not all(is_loopback(host) for host in hosts) else _LOCAL


def _databases(words: Words) -> tuple[str, ...]:
    return (*words.positionals, *words.values("-d", "--dbname", "--maintenance-db"))
