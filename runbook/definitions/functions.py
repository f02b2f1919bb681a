"""Restore a function to the newest version in the history that isn't the one that runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import md5
from typing import Any

from runbook.definitions.catalogue import Catalogue, Function
from runbook.definitions.changes import Change, ObjectName
from runbook.definitions.lost import lost_with, trigger_keys, trigger_names
from runbook.definitions.restoration import Asked, Restoration, refuse_masked, resolve
from runbook.definitions.routines import Routine, read_routine, same_arguments
from runbook.errors import UsageError
from runbook.policy.sql_names import quoted_name, quoted_text
from runbook.policy.sql_tokens import tokens

__all__ = ["digest", "grants_anew", "restore_function", "with_or_replace"]


def restore_function(catalogue: Catalogue, asked: Asked, *, before: str = "") -> Restoration:
    """Put a function back: the newest version in the history that isn't the one that runs."""
    names = [one.object for one in catalogue.functions]
    names += [change.object for change in catalogue.changes if change.kind == "function"]
    name = resolve(asked, names, "function")
    changes = [change for change in catalogue.changes if change.kind == "function" and change.object == name]
    lives = [one for one in catalogue.functions if one.object == name]
    types = asked.arguments if asked.arguments is not None else _meant(changes, lives)
    own = [one for one in changes if one.arguments is None or same_arguments(one.arguments, types)]
    live = next((one for one in lives if same_arguments(one.types, types)), None)
    what = f"function {name.sql}({', '.join(types)})"
    refuse_masked([*(one.text for one in own), *([live.body, live.definition] if live else [])])
    others = [one for one in lives if one is not live]
    notes = [f"Functions of this name with other arguments are left alone: {_signatures(others)}"] if others else []
    usable = [one for one in own if one.verb == "create" and (not before or one.version < before)]
    if live is None:
        return _created_again(catalogue, what, own, usable, notes)
    chosen, running = _earlier(usable, [one for one in own if one.verb == "create"], live)
    if chosen is None and running is not None and (lost := _lost_from(catalogue, live)):
        return _users_again(live, running, lost, what)
    if chosen is None:
        return _drop_added(catalogue, live, what, changes, others, running)
    notes.insert(
        0,
        f"Migration {running.version} created the version that runs now"
        if running
        else "No migration has the version that runs now: it was changed by hand",
    )
    now = running.text if running else live.definition
    return replace(_replaced(catalogue, live, chosen, what, notes), now=now)


def _users_again(live: Function, running: Change, lost: Sequence[Change], what: str) -> Restoration:
    """Leave the function as it is, and create what was dropped with it."""
    texts = [one.text for one in lost]
    wanted = _function_wanted(live.object, live.types, read_routine(running.words))
    wanted["triggers"] = trigger_names(trigger_keys(lost))
    notes = ["The function matches the history. What used it was dropped, and is created again"]
    return Restoration(what, lost[-1].version, "", ";\n".join(texts), texts, notes, wanted)


def _signatures(functions: Iterable[Function]) -> str:
    return ", ".join(f"{one.object.sql}({', '.join(one.types)})" for one in functions)


def _meant(changes: Sequence[Change], lives: Sequence[Function]) -> tuple[str, ...]:
    """Return the arguments of the function that changed last. A body that no migration has is the latest change."""
    bodies = {read_routine(one.words).body for one in changes if one.verb == "create"}
    made = [one.arguments for one in changes if one.verb == "create" and one.arguments is not None]
    by_hand = [one for one in lives if one.body not in bodies and any(same_arguments(one.types, each) for each in made)]
    if len(by_hand) == 1:
        return by_hand[0].types
    named = [one.arguments for one in changes if one.verb in {"create", "drop"} and one.arguments is not None]
    if named:
        return named[-1]
    if len(lives) == 1:
        return lives[0].types
    raise UsageError(
        f"several functions have this name: {_signatures(lives)}", hint="Give the types too, as in name(text, integer)."
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
    text = with_or_replace(chosen)
    current, routine = read_routine(list(tokens(live.definition))), read_routine(chosen.words)
    users = [one for one in catalogue.triggers if one.function == live.object]
    statements = [text]
    if _needs_drop(current, routine):
        notes.append("Arguments or result differ, so it is dropped and created again, with its triggers and grants")
        signature = f"{live.object.sql}({', '.join(_spelled(live.types))})"
        statements = [f"drop trigger {quoted_name(one.object.name)} on {one.table.sql}" for one in users]
        statements += [f"drop function {signature}", chosen.text]
        statements += [one.definition for one in users]
        statements += grants_anew("function", signature, live.grants, owner=live.owner)
        if live.owner != "postgres":  # who creates it on a hosted project
            statements.append(f"alter function {signature} owner to {quoted_name(live.owner)}")
        statements += [f"comment on function {signature} is {quoted_text(live.comment)}"] if live.comment else []
    lost = _lost_from(catalogue, live)
    statements += [one.text for one in lost]
    notes += (
        ["What used it was dropped, and is created again, too: " + ", ".join(one.object.name for one in lost)]
        if lost
        else []
    )
    statements += [
        f"alter table {one.table.sql} enable trigger {quoted_name(one.object.name)}"
        for one in users
        if one.enabled == "D"
    ]
    wanted = _function_wanted(live.object, live.types, routine)
    wanted |= {"owner": live.owner, "grants": sorted(map(list, live.grants))}
    wanted["triggers"] = trigger_names([*((one.table, one.object) for one in users), *trigger_keys(lost)])
    return Restoration(what, chosen.version, live.definition, chosen.text, statements, notes, wanted)


def with_or_replace(change: Change) -> str:
    """Return the text of a `create function` with `or replace`, whether it has that or not."""
    return change.text if change.words[1].text == "or" else f"{change.text[:6]} or replace{change.text[6:]}"


def _lost_from(catalogue: Catalogue, live: Function) -> list[Change]:
    """Return what was lost when a migration dropped the function. If none dropped it, look for lost triggers only."""
    drops = [
        one.version for one in catalogue.changes
        if (one.verb, one.kind, one.object) == ("drop", "function", live.object)
    ]  # fmt: skip
    lost = lost_with(catalogue, live.object, drops[-1] if drops else "", Change.calls)
    return lost if drops else [one for one in lost if one.kind == "trigger"]


def _spelled(types: Iterable[str]) -> Iterator[str]:
    """Yield types as SQL writes them. For a type in another schema, only its name is known here."""
    return (one if re.fullmatch(r"[a-z_][a-z0-9_ ]*(\[\])?", one) else quoted_name(one) for one in types)


def _needs_drop(current: Routine, chosen: Routine) -> bool:
    """Tell whether CREATE OR REPLACE would refuse: another result, renamed arguments, a default taken away."""
    if current.returns != chosen.returns and not (current.returns == "" or chosen.returns == ""):
        return True
    pairs = zip(current.parameters, chosen.parameters, strict=False)
    renamed = any(one[1] and one[1] != other[1] for one, other in pairs)
    pairs = zip(current.parameters, chosen.parameters, strict=False)
    return renamed or any(one[3] and not other[3] for one, other in pairs)


def grants_anew(kind: str, name: str, grants: Sequence[tuple[str, str]], *, owner: str) -> list[str]:
    """Return the statements that give an object that is created again the grants it had, and no others."""
    had = {role for role, _ in grants}
    found = [f"revoke all on {kind} {name} from public, anon, authenticated, service_role"]
    for role in sorted(had - {owner}):
        privileges = ", ".join(privilege.lower() for one, privilege in grants if one == role)
        found.append(f"grant {privileges} on {kind} {name} to {role if role == 'public' else quoted_name(role)}")
    return found


def _created_again(
    catalogue: Catalogue, what: str, own: Sequence[Change], usable: Sequence[Change], notes: list[str]
) -> Restoration:
    """Create a function that is gone: its newest version, later statements about it, and what was dropped with it."""
    if not usable:
        raise UsageError(f"no migration creates {what}", hint="Take its definition from git, or from the local stack.")
    chosen = usable[-1]
    dropped = next((one.version for one in reversed(own) if one.verb == "drop"), "")
    where = f"migration {dropped} dropped it" if dropped >= chosen.version else "it was dropped by hand"
    lost = lost_with(catalogue, chosen.object, dropped, Change.calls)
    statements = [chosen.text, *_later_statements(own, chosen), *(one.text for one in lost)]
    routine = read_routine(chosen.words)
    assert chosen.arguments is not None
    wanted = {
        **_function_wanted(chosen.object, chosen.arguments, routine),
        "triggers": trigger_names(trigger_keys(lost)),
    }
    return Restoration(what, chosen.version, "", chosen.text, statements, [f"It is gone: {where}", *notes], wanted)


def _later_statements(own: Sequence[Change], chosen: Change) -> list[str]:
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
    body = None if routine.body is None else digest(routine.body)
    return {
        "kind": "function", "schema": name.schema, "name": name.name, "types": list(types), "body": body,
        "definer": routine.definer, "settings": [list(one) for one in routine.settings if "current" not in one],
    }  # fmt: skip


def digest(text: str) -> str:
    """Return the digest by which bodies are compared."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _drop_added(
    catalogue: Catalogue,
    live: Function,
    what: str,
    changes: Sequence[Change],
    others: Sequence[Function],
    running: Change | None,
) -> Restoration:
    """Drop a function that has no earlier version: a migration added it beside another one, or in its place."""
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
        cut = [f"drop trigger {quoted_name(one.object.name)} on {one.table.sql}" for one in users]
        notes = [f"Migration {version} replaced it by {what}, which is dropped"]
        return replace(back, now=live.definition, statements=[*cut, drop, *back.statements], notes=notes)
    if version and others:
        notes = [f"Migration {version} added it beside {_signatures(others)}, so calls match both. It is dropped"]
        wanted = {"kind": "no function", "schema": live.object.schema, "name": live.object.name,
                  "types": list(live.types)}  # fmt: skip
        return Restoration(what, f"before {version}", live.definition, "", [drop], notes, wanted)
    raise UsageError(
        f"the history has no other version of {what}",
        hint="Take an earlier one from git, or undo the other changes of the migration.",
    )
