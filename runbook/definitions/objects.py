"""Restore triggers, views, tables, types and indexes with the newest statement that creates them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from runbook.definitions.access import Access
from runbook.definitions.catalogue import Catalogue
from runbook.definitions.changes import Change, ObjectName, path_at
from runbook.definitions.columns import columns_after
from runbook.definitions.expressions import words_of
from runbook.definitions.functions import grants_anew
from runbook.definitions.lost import lost_with
from runbook.definitions.restoration import Asked, Restoration, resolve
from runbook.errors import UsageError
from runbook.policy.sql_names import quoted_name
from runbook.policy.sql_tokens import Token, TokenKind, tokens

__all__ = ["restore_gone", "restore_index", "restore_trigger", "restore_view"]


def restore_trigger(catalogue: Catalogue, last: Change, *, before: str = "") -> Restoration:
    """Put a trigger back: enable one that is disabled, replace one that differs, create one that is gone."""
    table, name = last.table, last.object
    assert table is not None
    what = f"trigger {quoted_name(name.name)} on {table.sql}"
    own = [one for one in catalogue.changes if (one.kind, one.table, one.object) == ("trigger", table, name)]
    live = next((one for one in catalogue.triggers if (one.table, one.object) == (table, name)), None)
    creates = [one for one in own if one.verb == "create"]
    usable = [one for one in creates if not before or one.version < before]
    enable = f"alter table {table.sql} enable trigger {quoted_name(name.name)}"
    if live is not None and live.enabled == "D":
        chosen = creates[-1] if creates else None
        text = chosen.text if chosen else live.definition
        wanted = _trigger_wanted(table, name, list(tokens(live.definition)))
        source = chosen.version if chosen else "the database"
        return Restoration(what, source, f"{live.definition}\ndisabled", f"{text}\nenabled", [enable],
                           ["It exists, but it is disabled"], wanted)  # fmt: skip
    if live is not None:
        running = creates[-1] if creates else None
        usable = [one for one in usable if running is None or one.spelling != running.spelling]
    if not usable:
        raise UsageError(f"the history has no {'other version of' if live else 'statement that creates'} {what}")
    chosen = usable[-1]
    cut = [f"drop trigger {quoted_name(name.name)} on {table.sql}"] if live else []
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


def restore_view(catalogue: Catalogue, name: ObjectName, *, before: str = "") -> Restoration:
    """Put a view back, with its options and grants."""
    own = [one for one in catalogue.changes if one.object == name and one.kind in {"view", "table"}]
    creates = [one for one in own if one.verb == "create"]
    live = catalogue.relations.get(name)
    usable = [one for one in creates if not before or one.version < before]
    if live is not None:
        usable = [one for one in usable if _query_of(one) != _query_of(creates[-1])]
    if not usable:
        raise UsageError(f"the history has no {'other ' if live else ''}definition of view {name.sql}")
    chosen = usable[-1]
    later = _until_next(own, chosen)
    materialized = "materialized " if chosen.words[1].text == "materialized" else ""
    statements = [*([f"drop {materialized}view {name.sql}"] if live else []), _without_replace(chosen)]
    statements += [one.text for one in later if one.verb == "alter"]
    if live is not None and live.grants:
        statements += grants_anew("table", name.sql, live.grants, owner="postgres")
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
        statements += [one.text for one in lost_with(catalogue, name, dropped)]
    note = "It is dropped and created again, because replacing a view can't remove columns" if live else "It is gone"
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
    """Return the statements about an object between one of its definitions and the next."""
    at = own.index(chosen) + 1
    end = next((place for place in range(at, len(own)) if own[place].verb in {"create", "drop"}), len(own))
    return list(own[at:end])


def restore_gone(catalogue: Catalogue, kind: str, name: ObjectName) -> Restoration:
    """Create a table, type or sequence that is gone, with all later statements about it."""
    what = f"{kind} {name.sql}"
    if name in catalogue.relations or name in catalogue.types:
        raise UsageError(
            f"{what} exists",
            hint="If a column or constraint is wrong, choose the answer for those; if a policy is, the one about rows.",
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
    lost = [one for one in lost_with(catalogue, name, dropped) if one.table != name]
    references = [
        one.text for one in catalogue.changes
        if one.kind == "table" and one.object != name and one.object in catalogue.relations
        and "references" in one.spelling and one.mentions(name)
    ]  # fmt: skip
    notes = [f"It is gone: {f'migration {dropped} dropped it' if dropped else 'it was dropped by hand'}"]
    notes += ["It comes back empty. Restore its rows with data-recovery"] if kind == "table" else []
    if references:
        notes.append("Foreign keys from other tables were dropped with it. Add them again once the rows are back")
    statements += _published(catalogue, name)
    shown = ";\n".join(statements)
    wanted = {"kind": kind, "schema": name.schema, "name": name.name,
              "columns": columns_after(about[creates[-1] : end]) if kind == "table" else [],
              "rls": bool(Access.after(about[creates[-1] : end], name).rls),
              "policies": sorted(Access.after(about[creates[-1] : end], name).policies)}  # fmt: skip
    statements += [one.text for one in lost]
    return Restoration(what, about[creates[-1]].version, "", shown, statements, notes, wanted)


def _published(catalogue: Catalogue, table: ObjectName) -> list[str]:
    """Return what adds a table to the publications that it was in, such as Realtime's."""
    found = [
        change.object.name for change in catalogue.changes
        if (change.verb, change.kind) == ("alter", "publication")
        if "add" in change.spelling and change.mentions(table)
    ]  # fmt: skip
    return [f"alter publication {quoted_name(name)} add table {table.sql}" for name in dict.fromkeys(found)]


def _plain_index(change: Change) -> str:
    """Return the statement without CONCURRENTLY: nobody waits for a table that was just created."""
    words = [word for word in change.words if word.text == "concurrently" and word.kind is TokenKind.WORD]
    base = change.words[0].start
    text = change.text
    for word in reversed(words):
        text = text[: word.start - base].rstrip() + " " + text[word.end - base :].lstrip()
    return text


def restore_index(catalogue: Catalogue, asked: Asked) -> Restoration:
    """Build an index that is gone again, alone in its file and without locking its table."""
    creates = [one for one in catalogue.changes if (one.verb, one.kind) == ("create", "index")]
    name = resolve(asked, (one.object for one in creates), "index")
    chosen = [one for one in creates if one.object == name][-1]
    text = _plain_index(chosen)
    at = text.lower().index("index") + len("index")
    kind = " ".join(text[:at].split()[1:])
    rest = re.sub(r"^\s+if\s+not\s+exists", "", text[at:], flags=re.IGNORECASE).strip()
    wanted = {"kind": "index", "schema": name.schema, "name": name.name}
    statement = f"create {kind} concurrently {rest}"
    parts = {"kind": kind, "rest": rest}
    return Restoration(f"index {name.sql}", chosen.version, "", chosen.text, [statement], ["It is gone"], wanted, parts)
