"""Handle programs that search for files and start a command for each: find and fd."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from itertools import pairwise
from typing import NamedTuple

from runbook.guard.shell.call import Call
from runbook.guard.shell.texts import ANY, ANY_WORDS, UNKNOWN, Texts, either, is_known, plain, without_patterns

_FIND_STARTS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_FD_STARTS = frozenset({"-x", "--exec", "-X", "--exec-batch"})
_FD_MARKS = re.compile(r"\{(?:/|//|\.|/\.)?\}")
_FD_VALUES = frozenset({"-e", "--extension", "-t", "--type", "-d", "--max-depth", "-E", "--exclude", "-S", "--size"})
_DEEPEST_FOUND = 3
_MOST_ROOTS = 4
_MOST_DIRECTORIES = 30


class _Found(NamedTuple):
    """A path that a search may print, in parts: where the search began, what is below that, and the file's name."""

    root: str
    below: str
    name: str

    @property
    def path(self) -> str:
        return f"{self.root}/{self.below}{self.name}"


def run_find(call: Call) -> Texts:
    """`find … -exec COMMAND ;`. It prints the paths that it finds, which are known in part."""
    words = call.words[1:]
    found = _found_by_find(call.arguments)
    for at, word in enumerate(words):
        if plain(word) in _FIND_STARTS:
            rest = words[at + 1 :]
            end = next((n for n, item in enumerate(rest) if plain(item) in {";", "+"}), len(rest))
            is_in_each = plain(word) in {"-execdir", "-okdir"}
            # Nobody knows which files are found: `find -exec` may get any path.
            paths = [ANY, *(f"./{each.name}" if is_in_each else each.path for each in found)]
            started = [tuple(item.replace("{}", path) for item in rest[:end]) for path in dict.fromkeys(paths)]
            for place in _directories_below(call) if is_in_each else [call.state.directory]:
                _start_for(call, place, started)
    return _printed(found)


def run_fd(call: Call) -> Texts:
    """`fd PATTERN DIRECTORY -x COMMAND`: a path takes the place of its marks, or comes last if there are none."""
    words = call.words[1:]
    at = next((at for at, word in enumerate(words) if plain(word) in _FD_STARTS), len(words))
    found = _found_by_fd([plain(word) for word in words[:at]])
    rest = words[at + 1 :]
    end = next((n for n, item in enumerate(rest) if plain(item) == ";"), len(rest))
    if not any(_FD_MARKS.search(plain(item)) for item in rest[:end]):
        # With -X, it starts once with all paths.
        rest, end = (*rest[:end], "{}"), end + 1
        anything = ANY_WORDS if plain("".join(words[at : at + 1])) in {"-X", "--exec-batch"} else ANY
    else:
        anything = ANY
    if at < len(words):
        started = [tuple(_FD_MARKS.sub(anything, item) for item in rest[:end])]
        started += [tuple(_filled(item, each) for item in rest[:end]) for each in found]
        _start_for(call, call.state.directory, list(dict.fromkeys(started)))
    return _printed(found)


def _start_for(call: Call, directory: str | None, started: list[tuple[str, ...]]) -> None:
    """Start a command for an unknown path, the first, and for paths that may be found."""
    for number, words in enumerate(started):
        inner = call._replace(state=call.state.copy())
        inner.state.directory = directory
        with call.shell.repeating(), ExitStack() as only_reading:
            if number:
                only_reading.enter_context(call.shell.perhaps())
            inner.start(words)


def _printed(found: list[_Found]) -> Texts:
    return either(UNKNOWN, ("".join(f"{each.path}\n" for each in found),)) if found else UNKNOWN


def _filled(item: str, found: _Found) -> str:
    """Return a word with a path in place of fd's marks: `{}`, `{/}` its name, `{//}` its directory, without suffix."""
    stem, dot, _ = found.name.rpartition(".")
    name = stem if dot else found.name
    folder = f"{found.root}/{found.below}".rstrip("/")
    values = {"{}": found.path, "{/}": found.name, "{//}": folder, "{.}": f"{folder}/{name}", "{/.}": name}
    return _FD_MARKS.sub(lambda mark: values[mark[0]], item)


def _found_by_find(words: Sequence[str]) -> list[_Found]:
    first = next((at for at, word in enumerate(words) if re.match(r"-[a-z]{2}|[(!]", word)), len(words))
    roots = [word for word in words[:first] if not word.startswith("-")] or ["."]
    names = [words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-name", "-iname"}]
    return _levels(roots, [without_patterns(name) for name in names], _only_directories(words, "-type"))


def _found_by_fd(words: Sequence[str]) -> list[_Found]:
    positionals: list[str] = []
    suffixes: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in _FD_VALUES and rest:
            value = rest.pop(0)
            suffixes += [value] if word in {"-e", "--extension"} else []
        elif not word.startswith("-"):
            positionals.append(word)
    pattern = positionals[0] if positionals else ""
    # A regular expression for a part of the name.
    middle = f"{ANY}{pattern}{ANY}" if re.fullmatch(r"[\w-]+", pattern) else ANY
    names = [f"{middle}.{suffix}" for suffix in suffixes] or ([middle] if middle != ANY else [])
    return _levels(positionals[1:] or ["."], names, _only_directories(words, "-t", "--type"))


def _only_directories(words: Sequence[str], *flags: str) -> bool:
    joined = any(word == f"{flag}d" for word in words for flag in flags)
    return joined or any(word in flags and after in {"d", "directory"} for word, after in pairwise(words))


def _levels(roots: Sequence[str], names: Sequence[str], only_directories: bool) -> list[_Found]:
    """Return what a search for files may find: in each place, and some levels below it."""
    if only_directories:
        return []
    return [
        _Found(root.rstrip("/"), f"{ANY}/" * level, name)
        for root in roots[:_MOST_ROOTS]
        for name in (names or [ANY])[:_MOST_ROOTS]
        for level in range(_DEEPEST_FOUND)
        if is_known(root)
    ]


def _directories_below(call: Call) -> list[str | None]:
    """Return the directory here and some below it, where `find -execdir` may start a command."""
    here = call.state.directory
    found: list[str | None] = [here]
    for place in found:
        if place is None or len(found) >= _MOST_DIRECTORIES:
            break
        with suppress(OSError, ValueError), os.scandir(place) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
            found += [f"{place}/{name}" for name in names if name not in {".git", "node_modules"}]
    return found[:_MOST_DIRECTORIES]
