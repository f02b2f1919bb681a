"""Restore a table's policies, row level security and grants to what they were before the last change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from runbook.definitions.catalogue import Catalogue, Policy, Relation
from runbook.definitions.changes import Change, ObjectName, path_at
from runbook.definitions.expressions import words_of
from runbook.definitions.restoration import Restoration
from runbook.definitions.routines import argument_list, split_at_commas
from runbook.errors import UsageError
from runbook.policy.sql_names import quoted_name
from runbook.policy.sql_tokens import Token, TokenKind, tokens

__all__ = ["Access", "policy_differences", "restore_access"]


_SWITCHES = frozenset({"enable", "disable"})


@dataclass(slots=True)
class Access:
    """The access to a table's rows after some migrations: its policies (each with its alterations), and RLS."""

    policies: dict[str, list[Change]] = field(default_factory=dict)
    rls: bool | None = None
    """None if no migration sets it: the dashboard may have turned it on."""

    @classmethod
    def after(cls, changes: Iterable[Change], table: ObjectName) -> Access:
        """Replay these changes."""
        access = cls()
        for change in changes:
            if change.kind == "table" and change.object == table and change.verb == "drop":
                access = cls()
            if change.table != table:
                continue
            if change.kind == "rls":
                switched = [verb for verb, word in pairwise(change.spelling) if word == "row" and verb in _SWITCHES]
                access.rls = switched[-1] == "enable" if switched else access.rls
            if change.kind == "policy":
                access._apply(change)
        return access

    def _apply(self, change: Change) -> None:
        name = change.object.name
        if change.verb == "create":
            self.policies[name] = [change]
        elif change.verb == "drop":
            self.policies.pop(name, None)
        elif change.verb == "alter" and name in self.policies:
            if "rename" in change.spelling:
                renamed, _ = path_at(change.words, len(change.words) - 1)
                if renamed is not None:
                    self.policies[renamed.name] = [*self.policies.pop(name), change]
            else:
                self.policies[name] = [*self.policies[name], change]

    def texts(self, name: str) -> list[str]:
        """Return the statements that make one policy."""
        return [one.text for one in self.policies.get(name, ())]


def restore_access(catalogue: Catalogue, table: ObjectName, *, before: str = "") -> Restoration:
    """Put a table's policies, RLS and grants back to what they were before the last migration that changed them."""
    relation = catalogue.relations.get(table)
    if relation is None:
        raise UsageError(f"table {table.sql} doesn't exist", hint="Choose the answer for a table that is gone.")
    about = [one for one in catalogue.changes if _is_access(one, table)]
    if not about:
        raise UsageError(
            f"no migration changed the access to rows of {table.sql}",
            hint="Somebody changed it in the dashboard: look there under Authentication, then Policies.",
        )
    latest = Access.after(catalogue.changes, table)
    live = {one.object.name: one for one in catalogue.policies if one.table == table}
    by_hand = not before and _is_by_hand(latest, live, relation)
    version = before or about[-1].version
    made = [
        one.version for one in catalogue.changes if one.verb == "create" and (one.kind, one.object) == ("table", table)
    ]
    if not by_hand and version in made[-1:]:
        raise UsageError(
            f"migration {version} created {table.sql} and its policies, so there is nothing earlier to go back to",
            hint="Write the policies again, together with the database owner.",
        )
    wanted = latest if by_hand else Access.after((one for one in catalogue.changes if one.version < version), table)
    statements: list[str] = []
    for name in dict.fromkeys([*live, *latest.policies, *wanted.policies]):
        known = name in latest.policies or name in wanted.policies
        if not known or (
            name in live and wanted.texts(name) == latest.texts(name) and _reads_like(live[name], wanted.policies[name])
        ):
            continue
        statements += [f"drop policy {quoted_name(name)} on {table.sql}"] if name in live else []
        statements += wanted.texts(name)
    if wanted.rls is None:
        # If a migration turned it on, it was off before. Otherwise no migration changed it.
        wanted.rls = False if latest.rls and not by_hand else relation.rls
    if wanted.rls != relation.rls:
        statements.append(f"alter table {table.sql} {'enable' if wanted.rls else 'disable'} row level security")
    privileges = [] if by_hand else [one for one in about if one.version == version and one.verb in {"grant", "revoke"}]
    statements += [_reversed(one) for one in reversed(privileges)]
    if not statements:
        raise UsageError(
            f"policies, RLS and grants of {table.sql} match the history",
            hint="Look for another cause: a function that a policy calls, a view, or the role of the client.",
        )
    note = (
        "No migration has the current state: it was changed by hand. It goes back to the state in the history"
        if by_hand
        else f"Migration {version} was the last to change it"
    )
    if relation.rls and not wanted.rls:
        note += ". Without row level security, anyone with the anon key can read and write whatever its grants allow"
    proof = {
        "kind": "access", "schema": table.schema, "name": table.name, "rls": wanted.rls,
        "policies": {name: _policy_wanted(each) for name, each in wanted.policies.items()},
        "gone": sorted(name for name in latest.policies if name not in wanted.policies),
        "grants": sorted(_grants_wanted(privileges)),
    }  # fmt: skip
    return Restoration(
        f"access to {table.sql}", "the whole history" if by_hand else f"before {version}",
        _access_now(live.values(), relation), _access_before(wanted), statements, [note], proof,
    )  # fmt: skip


def _is_access(change: Change, table: ObjectName) -> bool:
    if change.verb == "comment":
        return False
    if change.table == table:
        return change.kind in {"policy", "rls"}
    if change.verb not in {"grant", "revoke"}:
        return False
    return (change.kind == "table" and change.object == table) or (
        change.kind == "tables" and change.object.name == table.schema
    )


def _is_by_hand(latest: Access, live: Mapping[str, Policy], relation: Relation) -> bool:
    """Tell whether the current access differs from the result of all migrations."""
    if latest.rls not in {None, relation.rls} or not set(latest.policies) <= set(live):
        return True
    return not all(_reads_like(live[name], each) for name, each in latest.policies.items())


def _reads_like(policy: Policy, changes: Sequence[Change]) -> bool:
    """Tell whether a policy can be what these statements make. PostgreSQL rewrites its expressions."""
    wanted = _policy_wanted(changes)
    return not policy_differences(policy, wanted)


def policy_differences(policy: Policy, wanted: Mapping[str, Any]) -> list[str]:
    """Return the parts of a policy that aren't as wanted. In its conditions, only names and texts are compared."""
    found = [
        name
        for name, is_same in (
            ("command", policy.command == wanted["command"]),
            ("roles", list(policy.roles) == wanted["roles"]),
            ("permissive", policy.permissive == wanted["permissive"]),
        )
        if not is_same
    ]
    for name, text in (("using", policy.using), ("check", policy.check)):
        words = wanted[name]
        if (words is None) != (not text) or not set(words or ()) <= set(words_of(tokens(text))):
            found.append(name)
    return found


def _policy_wanted(changes: Sequence[Change]) -> dict[str, Any]:
    wanted: dict[str, Any] = {"permissive": True, "command": "all", "roles": ["public"], "using": None, "check": None}
    for change in changes:
        words = change.words
        spoken = [word.text if word.kind is TokenKind.WORD else "" for word in words]
        at = spoken.index("on") + 1
        _, at = path_at(words, at)
        while at < len(words):
            if spoken[at] == "as":
                wanted["permissive"] = spoken[at + 1] == "permissive"
            elif spoken[at] == "for":
                wanted["command"] = spoken[at + 1]
            elif spoken[at] == "to" and "rename" not in spoken:
                wanted["roles"] = sorted(_roles(words, at + 1))
            elif spoken[at] in {"using", "check"}:
                inside, end = argument_list(words, at + 1)
                wanted[spoken[at]] = words_of(inside or ())
                at = end - 1
            at += 1
    return wanted


def _roles(words: Sequence[Token], at: int) -> Iterator[str]:
    while at < len(words):
        yield words[at].text
        if at + 1 >= len(words) or words[at + 1].text != ",":
            return
        at += 2


def _reversed(change: Change) -> str:
    """Return the statement that reverses a grant or a revoke."""
    words = [word for word in change.words if word.text not in {"cascade", "restrict", "granted"}]
    start = 4 if [word.text for word in words[1:4]] == ["grant", "option", "for"] else 1
    links = {"grant": ("revoke", "to", "from"), "revoke": ("grant", "from", "to")}
    verb, old, new = links[change.verb]
    at = next(at for at, word in enumerate(words) if word.text == old and word.kind is TokenKind.WORD)
    end = next((place for place in range(at, len(words)) if words[place].text == "with"), len(words))
    base = change.words[0].start
    head = change.text[words[start].start - base : words[at - 1].end - base]
    tail = change.text[words[at + 1].start - base : words[end - 1].end - base]
    return f"{verb} {head} {new} {tail}"


def _grants_wanted(changes: Sequence[Change]) -> Iterator[list[Any]]:
    """Yield role, privilege and whether the role must have it once these changes are reversed."""
    for change in changes:
        spoken = [word.text for word in change.words]
        link = "to" if change.verb == "grant" else "from"
        roles = list(_roles(change.words, spoken.index(link) + 1))
        named = [part[0].text for part in split_at_commas(change.words[1 : spoken.index("on")]) if part]
        every = ["select", "insert", "update", "delete"] if named[:1] == ["all"] else named
        yield from ([role, one, change.verb == "revoke"] for role in roles for one in every)


def _access_now(policies: Iterable[Policy], relation: Relation) -> str:
    lines = [f"row level security {'on' if relation.rls else 'off'}"]
    for one in sorted(policies, key=lambda each: each.object):
        lines.append(
            f"policy {quoted_name(one.object.name)}{'' if one.permissive else ' restrictive'} for {one.command}"
            f" to {', '.join(one.roles)}"
        )
        lines += [f"  using {one.using}"] if one.using else []
        lines += [f"  with check {one.check}"] if one.check else []
    return "\n".join(lines)


def _access_before(wanted: Access) -> str:
    lines = [f"row level security {'on' if wanted.rls else 'off'}"]
    for name in sorted(wanted.policies):
        lines += [line for text in wanted.texts(name) for line in text.splitlines()]
    return "\n".join(lines)
