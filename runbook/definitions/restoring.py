"""How an object goes back to an earlier definition: the statements, what they change, and what must be so afterwards.

Each restorer looks an object up in what the migrations said (`Catalogue.changes`) and in what the database has. It
raises UsageError where the history holds nothing to go back to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import md5
from typing import Any

from runbook.definitions.catalogue import Catalogue, Function, Policy, Relation
from runbook.definitions.changes import Change, ObjectName, path_at, quoted, text_of
from runbook.definitions.routines import (
    Routine,
    argument_list,
    argument_types,
    read_routine,
    same_arguments,
    split_at_commas,
)
from runbook.errors import UsageError
from runbook.policy.sql_tokens import Token, TokenKind, tokens

__all__ = ["Asked", "Restoration", "restore"]

_BY_HAND = "no migration holds what runs now: it was changed by hand"
_ASKED = re.compile(
    r'(?:(?P<schema>"(?:[^"]|"")+"|[^".(]+)\.)?(?P<name>"(?:[^"]|"")+"|[^"(]+?)\s*(?:\((?P<arguments>.*)\))?'
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An object as a person names it: `name`, `schema.name`, `"Name"`, and for a function `name(types)`."""

    schema: str
    name: str
    arguments: tuple[str, ...] | None = None

    @classmethod
    def read(cls, text: str) -> Asked:
        """Read a name. What isn't quoted is taken as it is typed."""
        found = _ASKED.fullmatch(text.strip())
        if found is None:
            return cls("", text.strip())
        arguments = found["arguments"]
        types = None if arguments is None else argument_types(list(tokens(arguments)))
        return cls(_unquoted(found["schema"] or ""), _unquoted(found["name"]), types)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.strip()


@dataclass(slots=True)
class Restoration:
    """How one object goes back."""

    what: str
    source: str
    """The version of the migration that holds what goes back."""
    now: str
    before: str
    statements: list[str]
    notes: list[str] = field(default_factory=list)
    wanted: dict[str, Any] = field(default_factory=dict)
    """What must be so afterwards; see `runbook.definitions.proving`."""
    parts: dict[str, str] = field(default_factory=dict)
    """Parts of the statement that a file's template puts together itself."""


def restore(of: str, asked: str, catalogue: Catalogue, *, part: str = "") -> list[Restoration]:
    """Return how the objects that are asked for go back. Raises UsageError where that can't be."""
    if of == "migration":
        return _migration(catalogue, asked)
    name = Asked.read(asked)
    match of:
        case "function":
            return [_function(catalogue, name)]
        case "access":
            return [_access(catalogue, _resolve(catalogue, name, _tables(catalogue), "table"))]
        case "column":
            return [_column(catalogue, _resolve(catalogue, name, _tables(catalogue), "table"), part)]
        case "index":
            return [_index(catalogue, name)]
        case _:
            return [_any(catalogue, name)]


def _resolve(catalogue: Catalogue, asked: Asked, names: Iterable[ObjectName], kind: str) -> ObjectName:
    """Return the object that is meant: the name as typed goes before another case, schema public before others."""
    known = set(names)
    fits = [name for name in known if asked.schema in {"", name.schema}]
    found = [name for name in fits if name.name == asked.name]
    found = found or [name for name in fits if name.name.lower() == asked.name.lower()]
    chosen = [name for name in found if name.schema == "public"] if len(found) > 1 else found
    if len(chosen) == 1:
        return chosen[0]
    if found:
        listed = ", ".join(sorted(name.sql for name in found))
        raise UsageError(f"several objects have this name: {listed}", hint="Name the schema too, as in app.name.")
    raise UsageError(f"neither the database nor its migrations know a {kind} called '{asked.name}'")


def _tables(catalogue: Catalogue) -> Iterator[ObjectName]:
    yield from (name for name, relation in catalogue.relations.items() if relation.kind in "rp")
    yield from (change.object for change in catalogue.changes if change.kind == "table")
    yield from (change.table for change in catalogue.changes if change.table is not None)


# --- functions ----------------------------------------------------------------------------------------------------


def _function(catalogue: Catalogue, asked: Asked, *, before: str = "") -> Restoration:
    """Put a function back: the newest version in the history that isn't the one that runs."""
    names = [one.object for one in catalogue.functions]
    names += [change.object for change in catalogue.changes if change.kind == "function"]
    name = _resolve(catalogue, asked, names, "function")
    changes = [change for change in catalogue.changes if change.kind == "function" and change.object == name]
    lives = [one for one in catalogue.functions if one.object == name]
    types = asked.arguments if asked.arguments is not None else _meant(changes, lives)
    own = [one for one in changes if one.arguments is None or same_arguments(one.arguments, types)]
    live = next((one for one in lives if same_arguments(one.types, types)), None)
    what = f"function {name.sql}({', '.join(types)})"
    others = [one for one in lives if one is not live]
    notes = [f"Functions of this name with other arguments stay as they are: {_signatures(others)}"] if others else []
    usable = [one for one in own if one.verb == "create" and (not before or one.version < before)]
    if live is None:
        return _created_again(catalogue, what, own, usable, notes)
    chosen, running = _earlier(usable, [one for one in own if one.verb == "create"], live)
    if chosen is None:
        return _taken_out(catalogue, live, what, changes, others, running)
    notes.insert(0, f"It runs as migration {running.version} made it" if running else f"In production now: {_BY_HAND}")
    return _replaced(catalogue, live, chosen, what, notes)


def _signatures(functions: Iterable[Function]) -> str:
    return ", ".join(f"{one.object.sql}({', '.join(one.types)})" for one in functions)


def _meant(changes: Sequence[Change], lives: Sequence[Function]) -> tuple[str, ...]:
    """Return the arguments of the function that changed last; a body that no migration holds changed after all."""
    bodies = {read_routine(one.words).body for one in changes if one.verb == "create"}
    by_hand = [one for one in lives if one.body not in bodies]
    if len(by_hand) == 1:
        return by_hand[0].types
    told = [one.arguments for one in changes if one.verb in {"create", "drop"} and one.arguments is not None]
    if told:
        return told[-1]
    if len(lives) == 1:
        return lives[0].types
    raise UsageError(
        f"several functions have this name: {_signatures(lives)}", hint="Name the types too: name(text, integer)."
    )


def _earlier(
    usable: Sequence[Change], creates: Sequence[Change], live: Function
) -> tuple[Change | None, Change | None]:
    """Return the newest version that isn't the one that runs, and the newest that is (None: changed by hand)."""
    current = read_routine(list(tokens(live.definition)))

    def runs(change: Change) -> bool:
        body = read_routine(change.words).body
        return body == live.body if current.body is not None else body is None

    running = next((one for one in reversed(creates) if runs(one)), None)

    def differs(change: Change) -> bool:
        if not runs(change):
            return True
        if running is None or change is running:
            return False
        one, other = read_routine(change.words), read_routine(running.words)
        if one.body is None:
            return change.spelling != running.spelling
        return (one.definer, one.settings) != (other.definer, other.settings)

    return next((one for one in reversed(usable) if differs(one)), None), running


def _replaced(catalogue: Catalogue, live: Function, chosen: Change, what: str, notes: list[str]) -> Restoration:
    text = chosen.text if chosen.words[1].text == "or" else f"{chosen.text[:6]} or replace{chosen.text[6:]}"
    current, routine = read_routine(list(tokens(live.definition))), read_routine(chosen.words)
    users = [one for one in catalogue.triggers if one.function == live.object]
    statements = [text]
    if _needs_drop(current, routine):
        notes.append("Arguments or result differ, so it is dropped and created again, with its triggers and grants")
        signature = f"{live.object.sql}({', '.join(_spelled(live.types))})"
        statements = [f"drop trigger {quoted(one.object.name)} on {one.table.sql}" for one in users]
        statements += [f"drop function {signature}", chosen.text]
        statements += [one.definition for one in users]
        statements += _grants("function", signature, live.grants, owner=live.owner)
        statements += [f"comment on function {signature} is {_literal(live.comment)}"] if live.comment else []
    lost = _lost_with(catalogue, live.object, "")
    statements += [one.text for one in lost]
    statements += [
        f"alter table {one.table.sql} enable trigger {quoted(one.object.name)}" for one in users if one.enabled == "D"
    ]
    wanted = _function_wanted(live.object, live.types, routine)
    wanted |= {"owner": live.owner, "grants": sorted(map(list, live.grants))}
    wanted["triggers"] = _trigger_names([*((one.table, one.object) for one in users), *_keys(lost)])
    return Restoration(what, chosen.version, live.definition, chosen.text, statements, notes, wanted)


def _spelled(types: Iterable[str]) -> Iterator[str]:
    """Write types as SQL does; of a type of another schema only its name is known here."""
    return (one if re.fullmatch(r"[a-z_][a-z0-9_ ]*(\[\])?", one) else quoted(one) for one in types)


def _needs_drop(current: Routine, chosen: Routine) -> bool:
    """Tell whether CREATE OR REPLACE would refuse: another result, renamed arguments, a default taken away."""
    if current.returns != chosen.returns and not (current.returns == "" or chosen.returns == ""):
        return True
    pairs = zip(current.parameters, chosen.parameters, strict=False)
    renamed = any(one[1] and one[1] != other[1] for one, other in pairs)
    pairs = zip(current.parameters, chosen.parameters, strict=False)
    return renamed or any(one[3] and not other[3] for one, other in pairs)


def _grants(kind: str, name: str, grants: Sequence[tuple[str, str]], *, owner: str) -> list[str]:
    """Return what gives an object that was made anew the grants it had, and no others."""
    had = {role for role, _ in grants}
    found = [f"revoke all on {kind} {name} from public, anon, authenticated, service_role"]
    for role in sorted(had - {owner}):
        privileges = ", ".join(privilege.lower() for one, privilege in grants if one == role)
        found.append(f"grant {privileges} on {kind} {name} to {role if role == 'public' else quoted(role)}")
    return found


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _created_again(
    catalogue: Catalogue, what: str, own: Sequence[Change], usable: Sequence[Change], notes: list[str]
) -> Restoration:
    """Create a function that is gone: its newest version, what was said of it after that, and what went with it."""
    if not usable:
        raise UsageError(f"no migration creates {what}", hint="Take its definition from git, or from the local stack.")
    chosen = usable[-1]
    dropped = next((one.version for one in reversed(own) if one.verb == "drop"), "")
    where = f"migration {dropped} dropped it" if dropped >= chosen.version else "it was dropped by hand"
    lost = _lost_with(catalogue, chosen.object, dropped)
    statements = [chosen.text, *_said_later(own, chosen), *(one.text for one in lost)]
    routine = read_routine(chosen.words)
    assert chosen.arguments is not None
    wanted = {**_function_wanted(chosen.object, chosen.arguments, routine), "triggers": _trigger_names(_keys(lost))}
    return Restoration(what, chosen.version, "", chosen.text, statements, [f"It is gone: {where}", *notes], wanted)


def _said_later(own: Sequence[Change], chosen: Change) -> list[str]:
    """Return the grants, comments and alterations of an object since it was created, in their order."""
    first = max(
        (at for at, one in enumerate(own[: own.index(chosen)]) if one.verb == "drop"),
        default=-1,
    )
    later = (one for one in own[first + 1 :] if one.verb in {"grant", "revoke", "comment", "alter"})
    return list(dict.fromkeys(one.text for one in later if not _renames(one)))


def _renames(change: Change) -> bool:
    return change.verb == "alter" and "rename" in change.spelling


def _function_wanted(name: ObjectName, types: Sequence[str], routine: Routine) -> dict[str, Any]:
    body = None if routine.body is None else _digest(routine.body)
    return {
        "kind": "function", "schema": name.schema, "name": name.name, "types": list(types), "body": body,
        "definer": routine.definer, "settings": [list(one) for one in routine.settings if "current" not in one],
    }  # fmt: skip


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _taken_out(  # noqa: PLR0913 - all that may stand beside a function of this name
    catalogue: Catalogue,
    live: Function,
    what: str,
    changes: Sequence[Change],
    others: Sequence[Function],
    running: Change | None,
) -> Restoration:
    """Take out a function that has no earlier version: a migration put it beside, or in the place of, another one."""
    version = running.version if running else ""
    replaced = [
        one.arguments for one in changes
        if one.verb == "drop" and one.version == version and one.arguments is not None
        and not same_arguments(one.arguments, live.types)
    ]  # fmt: skip
    drop = f"drop function {live.object.sql}({', '.join(_spelled(live.types))})"
    if replaced:
        own = [one for one in changes if one.arguments is None or same_arguments(one.arguments, replaced[-1])]
        usable = [one for one in own if one.verb == "create"]
        name = f"function {live.object.sql}({', '.join(replaced[-1])})"
        back = _created_again(catalogue, name, own, usable, [])
        users = [one for one in catalogue.triggers if one.function == live.object]
        cut = [f"drop trigger {quoted(one.object.name)} on {one.table.sql}" for one in users]
        notes = [f"Migration {version} put {what} in its place, which goes"]
        return replace(back, now=live.definition, statements=[*cut, drop, *back.statements], notes=notes)
    if version and others:
        notes = [f"Migration {version} put it beside {_signatures(others)}, so calls fit both. It is taken out"]
        wanted = {"kind": "no function", "schema": live.object.schema, "name": live.object.name,
                  "types": list(live.types)}  # fmt: skip
        return Restoration(what, version, live.definition, "", [drop], notes, wanted)
    raise UsageError(
        f"the history holds no other version of {what}",
        hint="Take an earlier one from git, or undo what else the migration changed.",
    )


# --- what goes when something else is dropped -----------------------------------------------------------------------


def _lost_with(catalogue: Catalogue, name: ObjectName, version: str) -> list[Change]:
    """Return what used an object, was never dropped on purpose, and is no longer there.

    A trigger, policy or view that the same migration (`version`) dropped by name counts as lost with it.
    """
    state: dict[tuple[str, ObjectName | None, ObjectName], list[Change]] = {}
    for change in catalogue.changes:
        key = (change.kind, change.table, change.object)
        if change.kind == "table" and change.verb == "drop" and change.object != name:
            state = {one: each for one, each in state.items() if one[1] != change.object}
        if change.kind not in {"trigger", "policy", "view"}:
            continue
        if change.verb == "create":
            state.pop(key, None)
            if change.mentions(name):
                state[key] = [change]
        elif change.verb == "alter" and key in state:
            state[key].append(change)
        elif change.verb == "drop" and change.version != version:
            state.pop(key, None)
    there = _there(catalogue)
    return [
        change for key, each in state.items() if key not in there and _has_table(catalogue, key[1], name)
        for change in each
    ]  # fmt: skip


def _has_table(catalogue: Catalogue, table: ObjectName | None, restored: ObjectName) -> bool:
    return table is None or table == restored or table in catalogue.relations


def _there(catalogue: Catalogue) -> set[tuple[str, ObjectName | None, ObjectName]]:
    found: set[tuple[str, ObjectName | None, ObjectName]] = set()
    found |= {("trigger", one.table, one.object) for one in catalogue.triggers}
    found |= {("policy", one.table, one.object) for one in catalogue.policies}
    return found | {("view", None, name) for name, one in catalogue.relations.items() if one.kind in "vm"}


def _keys(changes: Iterable[Change]) -> Iterator[tuple[ObjectName, ObjectName]]:
    return ((one.table, one.object) for one in changes if one.kind == "trigger" and one.table is not None)


def _trigger_names(pairs: Iterable[tuple[ObjectName, ObjectName]]) -> list[list[str]]:
    return sorted([table.schema, table.name, trigger.name] for table, trigger in set(pairs))


# --- who may see and change rows ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Access:
    """What migrations say of a table's rows: its policies (each with its alterations), whether RLS is on."""

    policies: dict[str, list[Change]] = field(default_factory=dict)
    rls: bool = False

    @classmethod
    def after(cls, changes: Iterable[Change], table: ObjectName) -> _Access:
        """Replay these changes."""
        access = cls()
        for change in changes:
            if change.kind == "table" and change.object == table and change.verb == "drop":
                access = cls()
            if change.table != table:
                continue
            if change.kind == "rls" and "force" not in change.spelling:
                access.rls = "enable" in change.spelling
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


def _access(catalogue: Catalogue, table: ObjectName, *, before: str = "") -> Restoration:
    """Put a table's policies, RLS and grants back to what they were before the last migration that changed them."""
    relation = catalogue.relations.get(table)
    if relation is None:
        raise UsageError(f"table {table.sql} doesn't exist", hint="Choose that a table is gone.")
    about = [one for one in catalogue.changes if _is_access(one, table)]
    if not about:
        raise UsageError(
            f"no migration changed who sees rows of {table.sql}",
            hint="Look at Authentication, then Policies, in the dashboard: somebody changed it there.",
        )
    latest = _Access.after(catalogue.changes, table)
    live = {one.object.name: one for one in catalogue.policies if one.table == table}
    by_hand = not before and _is_by_hand(latest, live, relation)
    version = before or about[-1].version
    made = [
        one.version for one in catalogue.changes if one.verb == "create" and (one.kind, one.object) == ("table", table)
    ]
    if not by_hand and version in made[-1:]:
        raise UsageError(
            f"migration {version} made {table.sql} and its policies; there is nothing earlier to go back to",
            hint="Write the policies anew, with the database owner.",
        )
    wanted = latest if by_hand else _Access.after((one for one in catalogue.changes if one.version < version), table)
    statements: list[str] = []
    for name in dict.fromkeys([*live, *latest.policies, *wanted.policies]):
        known = name in latest.policies or name in wanted.policies
        if not known or (
            name in live and wanted.texts(name) == latest.texts(name) and _reads_like(live[name], wanted.policies[name])
        ):
            continue
        statements += [f"drop policy {quoted(name)} on {table.sql}"] if name in live else []
        statements += wanted.texts(name)
    if wanted.rls != relation.rls:
        statements.append(f"alter table {table.sql} {'enable' if wanted.rls else 'disable'} row level security")
    privileges = [] if by_hand else [one for one in about if one.version == version and one.verb in {"grant", "revoke"}]
    statements += [_reversed(one) for one in reversed(privileges)]
    if not statements:
        raise UsageError(
            f"policies, RLS and grants of {table.sql} are what the history says",
            hint="Look for another cause: a function in a policy, a view, the client's own role.",
        )
    note = (
        "No migration holds what is in force now: it was changed by hand. It goes back to what the history says"
        if by_hand
        else f"Migration {version} was the last to change it"
    )
    proof = {
        "kind": "access", "schema": table.schema, "name": table.name, "rls": wanted.rls,
        "policies": {name: _policy_wanted(each) for name, each in wanted.policies.items()},
        "gone": sorted(name for name in latest.policies if name not in wanted.policies),
        "grants": sorted(_grants_wanted(privileges, table, relation)),
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


def _is_by_hand(latest: _Access, live: Mapping[str, Policy], relation: Relation) -> bool:
    """Tell whether what is in force isn't what all migrations together make."""
    if latest.rls != relation.rls or not set(latest.policies) <= set(live):
        return True
    return not all(_reads_like(live[name], each) for name, each in latest.policies.items())


def _reads_like(policy: Policy, changes: Sequence[Change]) -> bool:
    """Tell whether a policy can be what these statements make. PostgreSQL writes expressions in its own way."""
    wanted = _policy_wanted(changes)
    return not policy_differences(policy, wanted)


def policy_differences(policy: Policy, wanted: Mapping[str, Any]) -> list[str]:
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
        if not set(wanted[name]) <= set(words_of(list(tokens(text)))) or bool(wanted[name]) != bool(text):
            found.append(name)
    return found


def words_of(words: Iterable[Token]) -> list[str]:
    """Return the names, texts and truth values in an expression, which stay when PostgreSQL writes it anew."""
    kinds = {TokenKind.WORD, TokenKind.NAME, TokenKind.TEXT}
    seen = {word.text for word in words if word.kind in kinds and re.fullmatch(r"\w*[^\W\d]\w*", word.text)}
    return sorted(seen - _REWRITTEN)


_REWRITTEN = frozenset(
    "in between like ilike not any some all array as is null distinct similar cast interval date timestamp timestamptz"
    " time uuid text int integer bigint smallint boolean bool varchar numeric json jsonb public coalesce extract"
    " current_user session_user user asc inner left outer cross join on exists select from where and or"
    " int4 int8 float8 case when then else end current_date current_timestamp collate true".split()
) - {"true"}


def _policy_wanted(changes: Sequence[Change]) -> dict[str, Any]:
    wanted: dict[str, Any] = {"permissive": True, "command": "all", "roles": ["public"], "using": [], "check": []}
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
    """Return the statement that takes a grant or a revoke back."""
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


def _grants_wanted(changes: Sequence[Change], table: ObjectName, relation: Relation) -> Iterator[list[Any]]:
    """Yield role, privilege and whether the role must have it, once these changes are taken back."""
    del table, relation
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
            f"policy {quoted(one.object.name)}{'' if one.permissive else ' restrictive'} for {one.command}"
            f" to {', '.join(one.roles)}"
        )
        lines += [f"  using {one.using}"] if one.using else []
        lines += [f"  with check {one.check}"] if one.check else []
    return "\n".join(lines)


def _access_before(wanted: _Access) -> str:
    lines = [f"row level security {'on' if wanted.rls else 'off'}"]
    for name in sorted(wanted.policies):
        lines += [line for text in wanted.texts(name) for line in text.splitlines()]
    return "\n".join(lines)


# --- views, triggers, tables and whatever else can be created -------------------------------------------------------


def _any(catalogue: Catalogue, asked: Asked) -> Restoration:
    """Put back whatever has this name, of the kind that the history speaks of last."""
    kinds = {"function", "view", "trigger", "table", "type", "sequence", "domain"}
    about = [one for one in catalogue.changes if one.kind in kinds and one.object.name.lower() == asked.name.lower()]
    if not about:
        raise UsageError(
            f"no migration speaks of a view, trigger, table, type or function called '{asked.name}'",
            hint="Take its definition from git or the local stack, or restore it with the database owner.",
        )
    last = [one for one in about if one.verb in {"create", "drop", "alter"}] or about
    kind = last[-1].kind
    if kind == "function":
        return _function(catalogue, asked)
    name = _resolve(catalogue, asked, (one.object for one in about if one.kind == kind), kind)
    if kind == "trigger":
        return _trigger(catalogue, [one for one in about if one.kind == kind and one.object == name][-1])
    if kind == "view":
        return _view(catalogue, name)
    return _gone(catalogue, kind, name)


def _trigger(catalogue: Catalogue, last: Change, *, before: str = "") -> Restoration:
    table, name = last.table, last.object
    assert table is not None
    what = f"trigger {quoted(name.name)} on {table.sql}"
    own = [one for one in catalogue.changes if (one.kind, one.table, one.object) == ("trigger", table, name)]
    live = next((one for one in catalogue.triggers if (one.table, one.object) == (table, name)), None)
    creates = [one for one in own if one.verb == "create"]
    usable = [one for one in creates if not before or one.version < before]
    enable = f"alter table {table.sql} enable trigger {quoted(name.name)}"
    if live is not None and live.enabled == "D":
        chosen = creates[-1] if creates else None
        text = chosen.text if chosen else live.definition
        wanted = _trigger_wanted(table, name, list(tokens(live.definition)))
        source = chosen.version if chosen else "the database"
        return Restoration(what, source, f"{live.definition}\ndisabled", f"{text}\nenabled", [enable],
                           ["It is there and disabled"], wanted)  # fmt: skip
    if live is not None:
        running = creates[-1] if creates else None
        usable = [one for one in usable if running is None or one.spelling != running.spelling]
    if not usable:
        raise UsageError(f"the history holds no {'other version of' if live else 'statement that creates'} {what}")
    chosen = usable[-1]
    cut = [f"drop trigger {quoted(name.name)} on {table.sql}"] if live else []
    note = "It is replaced" if live else "It is gone"
    wanted = _trigger_wanted(table, name, chosen.words)
    text = _without_replace(chosen)
    return Restoration(what, chosen.version, live.definition if live else "", chosen.text, [*cut, text], [note], wanted)


def _without_replace(change: Change) -> str:
    words = change.words
    if words[1].text == "or":
        return f"create{change.text[words[2].end - words[0].start :]}"
    return change.text


def _trigger_wanted(table: ObjectName, name: ObjectName, words: Sequence[Token]) -> dict[str, Any]:
    return {
        "kind": "trigger", "schema": table.schema, "table": table.name, "name": name.name, "words": words_of(words)
    }  # fmt: skip


def _view(catalogue: Catalogue, name: ObjectName, *, before: str = "") -> Restoration:
    own = [one for one in catalogue.changes if one.object == name and one.kind in {"view", "table"}]
    creates = [one for one in own if one.verb == "create"]
    live = catalogue.relations.get(name)
    usable = [one for one in creates if not before or one.version < before]
    if live is not None:
        usable = [one for one in usable if _query_of(one) != _query_of(creates[-1])]
    if not usable:
        raise UsageError(f"the history holds no {'other' if live else ''} definition of view {name.sql}")
    chosen = usable[-1]
    later = _until_next(own, chosen)
    materialized = "materialized " if chosen.words[1].text == "materialized" else ""
    statements = [*([f"drop {materialized}view {name.sql}"] if live else []), _without_replace(chosen)]
    statements += [one.text for one in later if one.verb == "alter"]
    if live is not None and live.grants:
        statements += _grants("table", name.sql, live.grants, owner="postgres")
    else:
        statements += [one.text for one in later if one.verb in {"grant", "revoke"}]
    statements += [one.text for one in later if one.verb == "comment"]
    if materialized:
        statements += [
            _plain_index(one)
            for one in catalogue.changes
            if one.kind == "index" and one.table == name and one.verb == "create"
        ]
    if live is None:
        dropped = next((one.version for one in reversed(own) if one.verb == "drop"), "")
        statements += [one.text for one in _lost_with(catalogue, name, dropped)]
    note = "It is dropped and created again: views have no other way back to fewer columns" if live else "It is gone"
    wanted = {"kind": "view", "schema": name.schema, "name": name.name, "words": words_of(_query_of_words(chosen)),
              "grants": sorted(map(list, live.grants)) if live else []}  # fmt: skip
    return Restoration(f"view {name.sql}", chosen.version, live.definition if live else "", chosen.text, statements,
                       [note], wanted)  # fmt: skip


def _query_of_words(change: Change) -> list[Token]:
    at = next((at for at, word in enumerate(change.words) if word.text == "as" and word.kind is TokenKind.WORD), 0)
    return list(change.words[at + 1 :])


def _query_of(change: Change) -> tuple[str, ...]:
    """Return what tells two versions of a view apart, without `or replace` and its name."""
    at = next((at for at, word in enumerate(change.words) if word.text == "view"), 0)
    _, at = path_at(change.words, at + 1)
    return tuple(word.text for word in change.words[at:])


def _until_next(own: Sequence[Change], chosen: Change) -> list[Change]:
    """Return what was said of an object after one of its definitions and before the next."""
    at = own.index(chosen) + 1
    end = next((place for place in range(at, len(own)) if own[place].verb in {"create", "drop"}), len(own))
    return list(own[at:end])


def _gone(catalogue: Catalogue, kind: str, name: ObjectName) -> Restoration:
    """Create a table, type or sequence that is gone, with all that was said of it since it was created."""
    what = f"{kind} {name.sql}"
    if name in catalogue.relations or name in catalogue.types:
        raise UsageError(
            f"{what} exists",
            hint="For a rule on it choose the answer on columns and constraints, for its policies the one on rows.",
        )
    about = [one for one in catalogue.changes if (one.object == name and one.kind == kind) or one.table == name]
    creates = [at for at, one in enumerate(about) if (one.verb, one.kind) == ("create", kind) and one.object == name]
    if not creates:
        raise UsageError(
            f"no migration creates {what}: it was made by hand",
            hint="Take its definition from the local stack, a dump or a backup that is restored beside production.",
        )
    end = next(
        (at for at in range(creates[-1], len(about)) if (about[at].verb, about[at].kind) == ("drop", kind)), len(about)
    )
    statements = list(dict.fromkeys(_plain_index(one) for one in about[creates[-1] : end]))
    dropped = about[end].version if end < len(about) else ""
    lost = [one for one in _lost_with(catalogue, name, dropped) if one.table != name]
    references = [
        one.text for one in catalogue.changes
        if one.kind == "table" and one.object != name and one.object in catalogue.relations
        and "references" in one.spelling and one.mentions(name)
    ]  # fmt: skip
    notes = [f"It is gone: {f'migration {dropped} dropped it' if dropped else 'it was dropped by hand'}"]
    notes += ["It comes back empty. Bring its rows back with data-recovery"] if kind == "table" else []
    if references:
        notes.append("Foreign keys of other tables to it went too; add them again once the rows are back")
    shown = ";\n".join(statements)
    wanted = {"kind": kind, "schema": name.schema, "name": name.name,
              "columns": _columns_of(about[creates[-1] : end]) if kind == "table" else [],
              "rls": _Access.after(about[creates[-1] : end], name).rls,
              "policies": sorted(_Access.after(about[creates[-1] : end], name).policies)}  # fmt: skip
    statements += [one.text for one in lost]
    return Restoration(what, about[creates[-1]].version, "", shown, statements, notes, wanted)


def _plain_index(change: Change) -> str:
    """Return the statement without CONCURRENTLY: on a table that was just made, nobody waits."""
    words = [word for word in change.words if word.text == "concurrently" and word.kind is TokenKind.WORD]
    base = change.words[0].start
    text = change.text
    for word in reversed(words):
        text = text[: word.start - base].rstrip() + " " + text[word.end - base :].lstrip()
    return text


def _index(catalogue: Catalogue, asked: Asked) -> Restoration:
    """Build an index that is gone again, alone in its file and without locking its table."""
    creates = [one for one in catalogue.changes if (one.verb, one.kind) == ("create", "index")]
    name = _resolve(catalogue, asked, (one.object for one in creates), "index")
    chosen = [one for one in creates if one.object == name][-1]
    text = _plain_index(chosen)
    at = text.lower().index("index") + len("index")
    kind = " ".join(text[:at].split()[1:])
    rest = re.sub(r"^\s+if\s+not\s+exists", "", text[at:], flags=re.IGNORECASE).strip()
    wanted = {"kind": "index", "schema": name.schema, "name": name.name}
    statement = f"create {kind} concurrently {rest}"
    parts = {"kind": kind, "rest": rest}
    return Restoration(
        f"index {name.sql}", chosen.version, "", chosen.text, [statement], ["It is gone"], wanted, parts
    )


# --- columns ----------------------------------------------------------------------------------------------------------


def _columns_of(changes: Iterable[Change]) -> list[str]:
    """Return the columns that a table has after these changes, as far as they are written out."""
    columns: list[str] = []
    for change in changes:
        for verb, name, _ in _column_steps(change):
            if verb == "drop":
                columns = [one for one in columns if one != name]
            elif verb == "add" and name not in columns:
                columns.append(name)
            elif verb == "rename":
                old, new = name.split("\0")
                columns = [new if one == old else one for one in columns]
    return columns


_NOT_COLUMNS = frozenset({"constraint", "primary", "unique", "check", "foreign", "exclude", "like"})


def _column_steps(change: Change) -> Iterator[tuple[str, str, list[Token]]]:
    """Yield what a statement does to columns: `add` or `type`, the column's name, and what follows it."""
    words = change.words
    if (change.verb, change.kind) == ("create", "table"):
        opening = next((at for at, word in enumerate(words) if word.text == "("), len(words))
        inside, _ = argument_list(words, opening)
        for part in split_at_commas(inside or ()):
            if part[0].kind is TokenKind.NAME or part[0].text not in _NOT_COLUMNS:
                yield "add", part[0].text, part[1:]
    elif (change.verb, change.kind) == ("alter", "table"):
        for part in split_at_commas(words[_behind_name(words) :]):
            yield from _column_action(part)


def _behind_name(words: Sequence[Token]) -> int:
    at = 2
    while at < len(words) and words[at].text in {"if", "exists", "only"}:
        at += 1
    return path_at(words, at)[1]


def _column_action(part: list[Token]) -> Iterator[tuple[str, str, list[Token]]]:
    spoken = [word.text if word.kind is TokenKind.WORD else "" for word in part]
    verb, rest = spoken[0], [word for word in part[1:]]
    at = 1
    while at < len(part) and spoken[at] in {"column", "if", "not", "exists"}:
        at += 1
    if at >= len(part):
        return
    name, rest = part[at].text, part[at + 1 :]
    if verb == "add" and spoken[at] not in _NOT_COLUMNS:
        yield "add", name, rest
    elif verb == "drop" and spoken[at] != "constraint":
        yield "drop", name, rest
    elif verb == "rename" and len(rest) == 2 and rest[0].text == "to":
        yield "rename", f"{name}\0{rest[1].text}", rest
    elif verb == "alter" and "type" in spoken[at : at + 4]:
        yield "type", name, rest[spoken[at + 1 :].index("type") + 1 :]


_TYPE_ENDS = frozenset(
    {"collate", "compression", "constraint", "not", "null", "check", "default", "generated", "unique", "primary"}
    | {"references", "storage", "using", "deferrable"}
)


def _type_words(words: Sequence[Token]) -> list[Token]:
    """Return the tokens of a type at the beginning of what follows a column's name."""
    end = next((at for at, word in enumerate(words) if word.kind is TokenKind.WORD and word.text in _TYPE_ENDS), None)
    return list(words[:end])


def _column(catalogue: Catalogue, table: ObjectName, column: str) -> Restoration:
    """Put a column back: one that is gone, empty; one whose type was changed, with its earlier type."""
    relation = catalogue.relations.get(table)
    if relation is None:
        raise UsageError(f"table {table.sql} doesn't exist", hint="Choose that a table is gone.")
    found = [
        (change, verb, rest)
        for change in catalogue.changes if change.kind == "table" and change.object == table
        for verb, name, rest in _column_steps(change) if name == column and verb in {"add", "type"}
    ]  # fmt: skip
    what = f"column {quoted(column)} of {table.sql}"
    if not found:
        raise UsageError(f"no migration says the type of {what}", hint="Take it from git or from the local stack.")
    wanted = {"kind": "column", "schema": table.schema, "table": table.name, "name": column}
    now = relation.columns.get(column)
    if now is None:
        change, _, rest = found[-1]
        definition, note = _refillable(change, rest)
        statement = f"alter table {table.sql} add column {quoted(column)} {definition}"
        wanted["type"] = _canonical_type(rest)
        notes = ["It is gone. It comes back empty; its values come back with data-recovery", *note]
        return Restoration(what, change.version, "", f"{quoted(column)} {definition}", [statement], notes, wanted)
    earlier = [(change, rest) for change, _, rest in found if _canonical_type(rest) != canonical_text(now)]
    if not earlier:
        raise UsageError(f"the history knows no other type of {what} than {now}")
    change, rest = earlier[-1]
    words = _type_words(rest)
    kind = text_of(change.text, [_moved(word, -change.words[0].start) for word in words])
    statement = f"alter table {table.sql} alter column {quoted(column)} type {kind} using {quoted(column)}::{kind}"
    wanted["type"] = _canonical_type(rest)
    notes = [f"The table is {relation.size}. Most type changes write it anew, and block it while they do"]
    return Restoration(what, change.version, f"{column} {now}", f"{column} {kind}", [statement], notes, wanted)


def _moved(word: Token, by: int) -> Token:
    return word._replace(start=word.start + by, end=word.end + by)


def _canonical_type(rest: Sequence[Token]) -> str:
    kinds = argument_types(_type_words(rest))
    length = [word.text for word in _type_words(rest) if word.kind is TokenKind.NUMBER]
    serial = {"serial": "integer", "bigserial": "bigint", "smallserial": "smallint"}
    name = serial.get(kinds[0], kinds[0]) if kinds else ""
    return f"{name}({','.join(length)})" if length else name


def canonical_text(kind: str) -> str:
    return _canonical_type(list(tokens(kind)))


def _refillable(change: Change, rest: Sequence[Token]) -> tuple[str, list[str]]:
    """Return a column's definition as a table with rows can get it: NOT NULL only where there is a value."""
    base = change.words[0].start
    whole = change.text[rest[0].start - base : rest[-1].end - base] if rest else "text"
    spoken = [word.text for word in rest if word.kind is TokenKind.WORD]
    if "not" in spoken and not {"default", "generated"} & set(spoken):
        at = next(at for at, word in enumerate(rest) if word.text == "not" and word.kind is TokenKind.WORD)
        head = change.text[rest[0].start - base : rest[at - 1].end - base]
        tail = change.text[rest[at + 1].end - base : rest[-1].end - base]
        return f"{head}{tail}", ["NOT NULL is left out until the values are back"]
    return whole, []


# --- all that one migration changed -----------------------------------------------------------------------------------


def _migration(catalogue: Catalogue, version: str) -> list[Restoration]:
    """Put back every function, view, trigger and policy that a migration changed and that existed before it."""
    own = [one for one in catalogue.changes if one.version == version]
    if not own:
        raise UsageError(f"the history has no migration {version} that changes functions, views, triggers or policies")
    found: list[Restoration] = []
    notes: list[str] = []
    for restorer in dict.fromkeys(_restorers(own)):
        kind, table, name, arguments = restorer
        asked = Asked(name.schema, name.name, arguments)
        attempts: Mapping[str, Callable[[], Restoration]] = {
            "function": lambda asked=asked: _function(catalogue, asked, before=version),  # type: ignore[misc]
            "view": lambda name=name: _view(catalogue, name, before=version),  # type: ignore[misc]
            "trigger": lambda name=name, table=table: _trigger(  # type: ignore[misc]
                catalogue, [one for one in own if one.kind == "trigger" and (one.object, one.table) == (name, table)][-1],
                before=version,
            ),
            "access": lambda table=table: _access(catalogue, table, before=version),  # type: ignore[misc]
        }  # fmt: skip
        try:
            found.append(attempts[kind]())
        except UsageError as error:
            notes.append(f"Left as it is: {error.message}")
    if not found:
        raise UsageError(
            f"nothing that migration {version} changed has an earlier version in the history", hint="; ".join(notes)
        )
    found[0].notes += notes
    return found


_Restorer = tuple[str, ObjectName | None, ObjectName, tuple[str, ...] | None]


def _restorers(own: Iterable[Change]) -> Iterator[_Restorer]:
    for change in own:
        if change.kind == "function" and change.verb in {"create", "drop"}:
            yield "function", None, change.object, change.arguments
        elif change.kind == "view" and change.verb in {"create", "drop"}:
            yield "view", None, change.object, None
        elif change.kind == "trigger":
            yield "trigger", change.table, change.object, None
        elif change.kind in {"policy", "rls"} and change.table is not None:
            yield "access", change.table, change.table, None
        elif change.verb in {"grant", "revoke"} and change.kind == "table":
            yield "access", change.object, change.object, None
