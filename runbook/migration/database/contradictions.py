"""Rules: what a pending migration says and the database contradicts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from runbook.migration.context import Migration
from runbook.migration.database.asked import drop_of
from runbook.migration.database.change import Act, Change
from runbook.migration.database.changes import changes_of
from runbook.migration.database.note import Note, listed
from runbook.migration.database.world import World

__all__ = ["contradictions"]


def contradictions(migration: Migration, world: World) -> Iterator[Note]:
    """Yield what the database contradicts in one migration, and apply its statements to the world."""
    by_statement = [(each, list(changes_of(each, migration))) for each in migration.statements]
    renewed = {each.name.name for _, changes in by_statement for each in changes if each.kind == "function"}
    for statement, changes in by_statement:
        # In a block, a condition decides; a text that's put together at run time may have made anything.
        is_sure = not statement.inside and not migration.unseen
        if is_sure:
            for note in _of_statement(changes, world, renewed):
                yield note._replace(statement=statement.index)
        for change in changes:
            world.apply(change, perhaps=not is_sure)


def _of_statement(changes: list[Change], world: World, renewed: Collection[str]) -> Iterator[Note]:
    missing = False
    for change in changes:
        exists = world.has(change)
        if change.act is Act.MAKES:
            yield from _made(change, world, exists=exists)
        elif exists is False:
            if not change.lenient and not missing:
                yield Note("missing-object", f"there is no {_named(change)}", change.offset)
            missing = True  # what belongs to it is missing, too
        elif change.act is not Act.NEEDS:
            yield from _removed(change, changes, world, renewed)
        elif change.as_index:
            yield from _used_as_index(change, world)


def _named(change: Change) -> str:
    if change.part:
        return f"{change.kind} {change.part} on {change.name}"
    if change.kind == "function" and change.types is not None:
        return f"function {change.name}({', '.join(change.types)})"
    return f"{change.kind} {change.name}".removeprefix("relation ")


def _made(change: Change, world: World, *, exists: bool | None) -> Iterator[Note]:
    if not change.part and change.name.schema and not world.has_schema(change.name.schema):
        yield Note("missing-object", f"there is no schema {change.name.schema}", change.offset)
        return
    if change.kind == "function":
        others = world.functions(change.name)
        if exists is False and others and change.types is not None:
            kept = " and ".join(f"({', '.join(each)})" for each in others[:5])
            message = f"{change.name} exists with the arguments {kept}; this adds a second function beside it"
            yield Note("new-overload", message, change.offset)
    if not exists or change.replaces:
        return
    if not change.lenient:
        yield Note("existing-object", f"{_named(change)} exists already", change.offset)
        return
    relation = world.relation(change.name) if not change.part else None
    if relation is not None and relation.as_index is not None and not relation.as_index.valid:
        message = f"the index {change.name} exists and isn't valid; IF NOT EXISTS skips it, and it stays invalid"
        yield Note("hidden-invalid-index", message, change.offset)
    elif change.kind not in {"schema", "extension"}:
        message = f"{_named(change)} exists already, so this is skipped, however different it is"
        yield Note("skipped-create", message, change.offset)


def _used_as_index(change: Change, world: World) -> Iterator[Note]:
    relation = world.relation(change.name)
    if relation is None:
        return  # made by a pending statement
    index, table = relation.as_index, change.table.name if change.table else ""
    if index is None:
        problem = "isn't an index"
    elif index.table != table:
        problem = f"is an index on {index.table}"
    elif not index.valid:
        problem = "isn't valid: its build failed or goes on"
    elif not index.unique:
        problem = "isn't unique"
    elif not index.plain:
        problem = "has an expression or a condition"
    elif index.constraint:
        problem = "belongs to a constraint already"
    else:
        return
    yield Note("unusable-index", f"{change.name} {problem}", change.offset)


def _removed(change: Change, changes: list[Change], world: World, renewed: Collection[str]) -> Iterator[Note]:
    drop = drop_of(change)
    if drop is None or world.is_changed(change.kind, change.name, change.part):
        return
    what = _named(change)
    relation = world.facts.relations.get(change.name)
    if change.act is Act.DROPS:
        beside = World(world.facts)
        for each in changes:
            beside.apply(each)
        found = beside.remaining(world.remaining(list(world.facts.dependents.get(drop, ()))))
        if found and change.cascade:
            message = f"CASCADE also drops {listed(list(map(str, found)))}"
            yield Note("cascade-drop", message, change.offset)
        elif found:
            verb = "depends" if len(found) == 1 else "depend"
            message = f"{what} can't be dropped: {listed(list(map(str, found)))} {verb} on it"
            yield Note("blocked-drop", message, change.offset)
        if relation is not None and relation.publications and change.kind == "relation":
            publications = listed(list(relation.publications))
            message = f"{what} is in the publication {publications}: its subscribers get nothing more"
            yield Note("published-table", message, change.offset)
    texts = [each for each in world.facts.texts.get(drop, ()) if _function_name(each) not in renewed]
    if texts:
        verb = "names" if len(texts) == 1 else "name"
        message = f"{listed(texts)} {verb} {change.part or change.name.name} in the text and may fail when called"
        yield Note("named-in-function", message, change.offset)


def _function_name(signature: str) -> str:
    return signature.partition("(")[0].rpartition(".")[2]
