"""Find the files of a task runner, and read the tasks in them."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runbook.guard.command_files.contents import Contents, NotReadableError
from runbook.guard.command_files.reading import read_commands
from runbook.guard.programs.task_words import Asked, joined_path
from runbook.guard.shell.call import Call
from runbook.guard.shell.texts import Texts
from runbook.model.command_files import CommandFile, TaskRunner

__all__ = ["FoundFile", "find_files"]

# What a project may have that a line can't follow. Beyond that, the name of the task decides.
_MOST_PACKAGES = 50
_MOST_FILES = 50
_WILD = frozenset("*?[")


class FoundFile(NamedTuple):
    """A file's commands, and the directory where they run, None if it isn't known."""

    kind: CommandFile
    contents: Contents
    directory: str | None


def find_files(call: Call, runner: TaskRunner, kinds: Sequence[CommandFile], asked: Asked) -> Iterator[FoundFile]:
    """Yield what the runner's files hold: those that it is given, or those that it finds, and those of the packages."""
    here = call.state.directory
    if asked.files and runner.takes != "file":
        for name in asked.files:
            texts = call.state.stdin if name == "-" else call.shell.contents(name, call.state)
            directory = _directory_of(here, name) if runner.upward else here
            for kind in kinds[:1] if texts is not None else ():
                yield from _read(call, kind, texts or (), directory, asked)
        return
    directories = list(call.state.directories_above()) if runner.upward else [here]
    # A file that the line itself has written is there even if the directory isn't known.
    for kind in kinds:
        in_each = (list(_in_directory(call, kind, directory, asked)) for directory in directories or [None])
        yield from next(filter(None, in_each), [])
    if runner.in_packages and asked.everywhere:
        for package in _packages(call):
            if package != here:
                yield from (each for kind in kinds for each in _in_directory(call, kind, package, asked))


def _in_directory(call: Call, kind: CommandFile, directory: str | None, asked: Asked) -> Iterator[FoundFile]:
    """Yield what the files of a kind in a directory hold: the first one, or all that a pattern names."""
    for pattern in kind.names:
        # Subdirectories are only searched by a scan.
        name = pattern.replace("**/", "")
        if _WILD & set(name) and directory is not None:
            folder, _, last = name.rpartition("/")
            place = f"{directory}/{folder}" if folder else directory
            if _WILD & set(folder) or (not asked.files and not folder):
                continue
            paths = [f"{place}/{each}" for each in _names_in(place) if fnmatch.fnmatch(each, last)][:_MOST_FILES]
        else:
            paths = [f"{directory}/{name}" if directory is not None else name]
        wanted = asked.files
        found = False
        for path in paths:
            texts = call.shell.contents(path, call.state)
            for each in _read(call, kind, texts or (), directory, asked):
                if not wanted or _is_wanted(path, texts or (), wanted):
                    found = True
                    yield each
        if found:
            return


def _is_wanted(path: str, texts: Texts, names: Sequence[str]) -> bool:
    """Whether a file is one of those that are named, by its path or by the `name:` in it, as GitHub has them."""
    if any(path.endswith(f"/{name.removeprefix('./')}") for name in names):
        return True
    titles = {
        found[1].strip("'\"")
        for text in texts
        for found in re.finditer(r"^name:[ \t]*(.+?)[ \t]*$", text, re.MULTILINE)
    }
    return bool(titles & set(names))


def _read(call: Call, kind: CommandFile, texts: Texts, directory: str | None, asked: Asked) -> Iterator[FoundFile]:
    def read(name: str) -> str | None:
        path = f"{directory}/{name}" if directory is not None and not name.startswith("/") else name
        found = call.shell.contents(path, call.state)
        return found[0] if found else None

    for text in texts:
        try:
            contents = read_commands(text, kind, read=read, given=asked.given, programs=call.shell.outline.risky)
        except NotReadableError:
            continue
        yield FoundFile(kind, contents, directory)


def _names_in(directory: str) -> list[str]:
    """Return the names in a directory. What the files contain is read as any other file that a line uses."""
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - names alone
    except (OSError, ValueError):
        return []


def _packages(call: Call) -> Iterator[str]:
    """Yield the directories of the packages of the project that this directory belongs to."""
    from runbook.guard.command_files.paths import find_texts
    from runbook.guard.command_files.trees import read_tree

    count = 0
    for directory in call.state.directories_above():
        for name, paths in call.shell.outline.workspaces.items():
            for text in call.shell.contents(f"{directory}/{name}", call.state) or ():
                try:
                    tree = read_tree(text, "json" if name.endswith("json") else "yaml")
                except NotReadableError:
                    continue
                for pattern in dict.fromkeys(found for path in paths for found in find_texts(tree, path)):
                    for package in _expanded(directory, pattern):
                        count += 1
                        if count > _MOST_PACKAGES:
                            return
                        yield package


def _expanded(directory: str, pattern: str) -> Iterator[str]:
    """Yield the directories that a pattern such as `packages/*` names."""
    if pattern.startswith("!") or ".." in pattern:
        return
    places = [directory]
    for part in pattern.strip("/").split("/"):
        if part == ".":
            continue
        if _WILD & set(part):
            wild = part.replace("**", "*")
            places = [
                f"{place}/{name}"
                for place in places
                for name in _names_in(place)
                if fnmatch.fnmatch(name, wild) and name != "node_modules" and not name.startswith(".")
            ]
        else:
            places = [f"{place}/{part}" for place in places]
    yield from places


def _directory_of(directory: str | None, path: str) -> str | None:
    return joined_path(directory, path.rpartition("/")[0] or ("/" if path.startswith("/") else "."))
