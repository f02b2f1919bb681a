"""Find the commands of a tree by the paths of its kind of file."""

from __future__ import annotations

import shlex
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import NamedTuple

from runbook.guard.command_files.contents import Command, Contents, Piece, Task, filled
from runbook.guard.command_files.trees import Tree
from runbook.model.command_files import CommandFile

__all__ = ["find_texts", "tasks_of"]


def tasks_of(tree: Tree, kind: CommandFile, given: Mapping[str, str]) -> Contents:
    """Return the tasks of a tree. `given` are values that take precedence over the file's own."""
    values = {**_values(tree, kind), **given}
    commands: dict[str, list[Command]] = {}
    # A later path may find the same commands under another name. An anchor stands in several tasks.
    seen: set[int] = set()
    for path in kind.commands:
        new = [each for each in _find(tree, path.split(".")) if id(each.tree) not in seen]
        seen.update(id(each.tree) for each in new)
        for found in new:
            if not _is_excluded(found.owner, kind.unless):
                commands.setdefault(_name_of(found, kind), []).extend(_commands(found, kind, values))
    needs = _needs(tree, kind)
    if kind.calls:
        for name, some in commands.items():
            commands[name] = list(_without_calls(some, kind.calls, commands, needs.setdefault(name, [])))
    names = dict.fromkeys((*commands, *needs))
    tasks = {name: Task(name, tuple(commands.get(name, ())), tuple(needs.get(name, ()))) for name in names}
    aliases = {
        text: found.name
        for path in kind.aliases
        for found in _find(tree, path.split("."))
        for text in _texts(found.tree)
    }
    return Contents(tasks, aliases=aliases, values=values)


def _without_calls(some: Iterable[Command], mark: str, tasks: Container[str], needs: list[str]) -> Iterator[Command]:
    """Yield the commands that aren't names of other tasks, such as `@build`. Add those to what the task needs."""
    for each in some:
        words = each.text.removeprefix(mark).split()
        if not each.text.startswith(mark) or not words:
            yield each
        elif words[0] in tasks:
            needs.append(words[0])
        else:  # `@php FILE` is php
            place = each.pieces[0]
            moved = place._replace(start=place.start + len(mark))
            yield each._replace(text=each.text.removeprefix(mark), pieces=(moved,))


def find_texts(tree: Tree, path: str) -> Iterator[str]:
    """Yield the texts at the end of a path."""
    for found in _find(tree, path.split(".")):
        yield from _texts(found.tree)


class _Found(NamedTuple):
    """A value at the end of a path, the key or item that the first `*` stood for, and the mapping around it."""

    tree: Tree
    name: str
    owner: Tree


def _find(tree: Tree, path: list[str]) -> Iterator[_Found]:
    waiting = [(tree, 0, "", tree)]
    # Anchors may stand for trees in trees in trees. Each one is searched once for each name and part of the path.
    seen: set[tuple[int, int, str]] = set()
    while waiting:
        here, at, name, owner = waiting.pop()
        if (id(here), at, name) in seen:
            continue
        seen.add((id(here), at, name))
        if at == len(path):
            yield _Found(here, name, owner)
            continue
        part = path[at]
        owner = here if here.members else owner
        below: list[tuple[Tree, int, str, Tree]] = []
        if part == "**":
            below.append((here, at + 1, name, owner))
            below += [(child, at, name, owner) for _, child in here.children if child.text is None]
        elif part == "*":
            below += [
                (child, at + 1, name if "*" in path[:at] else key or str(number), owner)
                for number, (key, child) in enumerate(here.children)
            ]
        else:
            found = here.get(part)
            below += [(found, at + 1, name, owner)] if found is not None else []
        waiting += reversed(below)


def _name_of(found: _Found, kind: CommandFile) -> str:
    if not kind.named_by:
        return found.name
    named = found.owner.get(kind.named_by)
    return (named.text or "") if named is not None else ""


def _is_excluded(owner: Tree, unless: Mapping[str, tuple[str, ...]]) -> bool:
    beside = {key: owner.get(key) for key in unless}
    return any(tree is not None and tree.text in unless[key] for key, tree in beside.items())


def _needs(tree: Tree, kind: CommandFile) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for path in kind.needs:
        for found in _find(tree, path.split(".")):
            needs.setdefault(_name_of(found, kind), []).extend(_texts(found.tree))
    return needs


def _values(tree: Tree, kind: CommandFile) -> dict[str, str]:
    found = (each.tree for path in kind.values for each in _find(tree, path.split(".")))
    return {name: value.text for each in found for name, value in each.members if value.text is not None}


def _texts(tree: Tree) -> list[str]:
    return [each.text for each in (tree, *tree.items) if each.text]


def _commands(found: _Found, kind: CommandFile, values: Mapping[str, str]) -> Iterator[Command]:
    """Yield the commands of a value: of a text, of each line in a list, or the one whose words the list has."""
    lines = [each for each in _lines(found.tree, set()) if each.text and each.text.strip()]
    more = found.owner.get(kind.arguments) if kind.arguments else None
    # Without a command beside it, the list of words may be the command.
    words = _words(more) if more is not None and more is not found.tree else []
    if not lines:
        return
    start, end = lines[0].start, lines[-1].end
    if kind.is_argv and found.tree.items:
        argv = tuple(filled(each.text or "", kind.fills, values) for each in found.tree.items)
        yield Command(" ".join(argv), (Piece(0, start, end, lines[0].has_escapes),), words=(*argv, *words))
        return
    commands = [_command(line, kind, values) for line in lines]
    if words:
        commands = [Command(f"{each.text} {shlex.join(words)}", each.pieces) for each in commands]
    yield from [_joined(commands)] if kind.one_shell and len(commands) > 1 else commands


def _words(tree: Tree) -> list[str]:
    """Return the words of a list, or of a text."""
    if tree.text is None:
        return [item.text or "" for item in tree.items]
    try:
        return shlex.split(tree.text)
    except ValueError:
        return [tree.text]


def _command(line: Tree, kind: CommandFile, values: Mapping[str, str]) -> Command:
    text, start = line.text or "", line.start
    for prefix in kind.prefixes:
        if text.startswith(prefix):
            text, start = text[len(prefix) :], start + len(prefix)
    return Command(filled(text, kind.fills, values), (Piece(0, start, line.end, line.has_escapes),))


def _joined(commands: list[Command]) -> Command:
    """Return lines that one shell runs as one text."""
    text, pieces = "", []
    for each in commands:
        pieces.append(each.pieces[0]._replace(at=len(text)))
        text += f"{each.text}\n"
    return Command(text, tuple(pieces))


def _lines(tree: Tree, seen: set[int]) -> Iterator[Tree]:
    """Yield the texts of a value, and of lists in lists, which anchors bring."""
    if tree.text is not None:
        yield tree
    for item in tree.items:
        if id(item) not in seen:
            seen.add(id(item))
            yield from _lines(item, seen)
