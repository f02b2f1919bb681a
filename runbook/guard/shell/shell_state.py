"""Keep what a shell knows at one moment: variables, functions, aliases, arguments, directory, files written so far."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

from runbook.guard.shell.nodes import ShellStatement
from runbook.guard.shell.texts import (
    ANY,
    ANY_WORDS,
    Texts,
    concatenated,
    either,
    is_known,
    is_whole_unknown,
    may_be,
    plain,
)

__all__ = ["ANY_LIST", "Disk", "Lists", "ShellState", "Variable", "read_small", "scalar"]

Disk: TypeAlias = Callable[[str], str | None]
"""Reads the file at an absolute path, and returns None if it can't be read."""

Lists: TypeAlias = tuple[tuple[str, ...], ...]
"""What an array, or the words of a command, may be: one of these."""

ANY_LIST: Lists = ((ANY_WORDS,),)
# Paths multiply: each `if` may double the possible values of a variable.
_MOST_LISTS = 24
_MOST_COPIES = 16
_LARGEST = 64 * 1024
# What a pattern such as `scripts/*.sh` may name, and how many names of a directory are compared with it.
_MOST_FITTING = 50
_MOST_NAMES = 1000
# ELF, Mach-O (both byte orders, and universal binaries) and Windows.
_BINARIES = (b"\x7fELF", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ\x90\0")


class Variable(NamedTuple):
    """The possible values of a variable. A scalar is a list of one. A keyed array's order is unknown."""

    lists: Lists
    keyed: bool = False

    def first(self) -> Texts:
        """Return what `$name` gives."""
        return either(tuple(items[0] if items else "" for items in self.lists))


def scalar(texts: Texts) -> Variable:
    """Return a variable whose value is one of these texts."""
    return Variable(tuple((text,) for text in texts))


class ShellState:
    """The mutable state of one shell.

    `functions`: a name's bodies; None among them: it may not be defined. `stdin`: the text that commands read, None
    where it is the terminal or nothing. `environment`: what children see, as far as this text sets it. `odd`: the
    variables with an attribute that changes what is assigned to them. `copies`: sources and targets of what was copied,
    moved or linked. `left`: the directories that `pushd` left. `has_local_programs`: node_modules/.bin leads
    PATH, as it does for a script of package.json.
    """

    def __init__(self, directory: str | None = None) -> None:
        self.variables: dict[str, Variable] = {}
        self.functions: dict[str, tuple[ShellStatement | None, ...]] = {}
        self.aliases: dict[str, str] = {}
        self.arguments: Lists = ANY_LIST
        self.name: str = ANY
        self.directory = directory
        self.left: tuple[str | None, ...] = ()
        self.files: dict[str, Texts] = {}
        self.copies: list[tuple[str, str]] = []
        self.traps: list[str] = []
        self.environment: dict[str, str] = {}
        self.shared_functions: set[str] = set()
        self.odd: set[str] = set()
        self.stdin: Texts | None = None
        self.has_local_programs = False

    def copy(self) -> ShellState:
        """Return a subshell's state, which starts as a copy of this one without the traps."""
        # A fork keeps everything, exported or not.
        twin = self.child()
        twin.variables = dict(self.variables)
        twin.functions = dict(self.functions)
        twin.aliases = dict(self.aliases)
        twin.arguments, twin.name = self.arguments, self.name
        twin.odd = set(self.odd)
        return twin

    def child(self) -> ShellState:
        """Return the state of another shell started from this one. It sees exported variables and all files."""
        other = ShellState(self.directory)
        # Shared, not copied: all shells write to one disk.
        other.files, other.copies = self.files, self.copies
        other.environment = dict(self.environment)
        other.shared_functions = set(self.shared_functions)
        other.variables = {name: scalar((text,)) for name, text in self.environment.items()}
        other.functions = {name: self.functions[name] for name in self.shared_functions if name in self.functions}
        other.stdin = self.stdin
        other.has_local_programs = self.has_local_programs
        other.left = self.left
        return other

    def assign(self, name: str, variable: Variable) -> None:
        """Set a variable. If it's exported, children see the new value too."""
        # `declare -u A; A=reset` gives RESET: what such attributes do is not followed.
        if name in self.odd:
            variable = scalar((ANY,))
        self.variables[name] = variable
        if name in self.environment:
            self.export(name)

    def export(self, name: str) -> None:
        """Show a variable to children. If it has several possible texts, none of them is shown."""
        texts = self.variables[name].first() if name in self.variables else (ANY,)
        self.environment[name] = texts[0] if len(texts) == 1 else ANY

    def join(self, other: ShellState) -> None:
        """Become the state after either of two paths was taken."""
        for name in self.variables.keys() | other.variables.keys():
            self.variables[name] = _either_variable(self.variables.get(name), other.variables.get(name))
        for name in self.functions.keys() | other.functions.keys():
            bodies = (*self.functions.get(name, (None,)), *other.functions.get(name, (None,)))
            self.functions[name] = tuple(dict.fromkeys(bodies))
        self.aliases.update(other.aliases)
        for name in self.environment.keys() | other.environment.keys():
            if self.environment.get(name) != other.environment.get(name):
                self.environment[name] = ANY
        self.odd |= other.odd
        self.shared_functions |= other.shared_functions
        self.arguments = _either_lists(self.arguments, other.arguments)
        self.traps += [trap for trap in other.traps if trap not in self.traps]
        if self.directory != other.directory:
            self.directory = None

    def enter(self, path: str) -> None:
        """Change to a directory. The text doesn't say where `-`, `~name` and unknown words lead."""
        path = plain(path)
        if path.startswith(("~", "-")) or not is_known(path):
            self.directory = None
        elif path.startswith("/"):
            self.directory = path
        else:
            self.directory = None if self.directory is None else f"{self.directory}/{path}"

    def directories_above(self) -> Iterator[str]:
        """Yield the directory, if it is known, and those above it, as git, npm and node search them."""
        directory = self.directory
        while directory is not None and directory.startswith("/"):
            yield directory
            directory = directory.rstrip("/").rpartition("/")[0] or None

    def _key(self, path: str) -> str:
        """Return the name of a file here, which is absolute if the directory is known."""
        path = plain(path)
        if self.directory is not None and not path.startswith(("/", "~", ANY)):
            path = f"{self.directory}/{path}"
        return os.path.normpath(path)

    def write(self, path: str, texts: Texts, *, append: bool = False) -> None:
        """Note what a file may contain now. Its old content stays possible: it may be written on only one path."""
        key = self._key(path)
        before = self.files.get(key, ())
        self.files[key] = either(before, texts, concatenated(before or ("",), texts) if append else ())

    def contents(self, path: str, disk: Disk) -> Texts | None:
        """Return what a file may contain, or None if that isn't known.

        A partly known path, such as `scripts/*.sh`, may be any file there that fits.
        """
        key = self._key(path)
        written: list[Texts] = []
        fitting: dict[str, None] = {}
        for place in (key, *self._sources(key)):
            written += [texts for name, texts in self.files.items() if _same_file(place, name)]
            for name in self._on_disk(place):
                there = disk(name)
                if there is not None and is_known(place):
                    written.append((there,))
                elif there is not None:
                    fitting[there] = None
        # A directory may have more files that fit than a place has readings, and each of them counts.
        found = tuple(dict.fromkeys((*either(*written), *fitting)))
        return found or None

    def _on_disk(self, place: str) -> list[str]:
        """Return the absolute paths that a place may mean: itself if it is known, or those that fit."""
        if is_known(place):
            return [place] if place.startswith("/") else []
        # Nothing in `$DIR/$NAME` or `./$NAME` says which files are meant, so nothing is listed.
        below = "" if self.directory is None else f"{os.path.normpath(self.directory)}/"
        first = place.removeprefix(below).replace("/", "").replace(".", "")
        if not below or not place.startswith("/") or is_whole_unknown(first) or not is_known(place.split("/")[1]):
            return []
        return _fitting(place)

    def copy_files(self, source: str, target: str) -> None:
        """Note that a directory, or a file, was copied, moved or linked to a place, or into it."""
        if len(self.copies) < _MOST_COPIES:
            self.copies.append((self._key(source), self._key(target)))

    def _sources(self, key: str) -> list[str]:
        """Return the paths that a file may have been copied from. A copy of a copy counts, too."""
        found, todo = list[str](), [key]
        while todo and len(found) < _MOST_COPIES:
            place = todo.pop()
            for source, target in self.copies:
                # The target may be the copy itself, or a directory that the copy went into.
                inside = f"{target}/{source.rpartition('/')[2]}"
                origins = [
                    source + place[len(root) :]
                    for root in (target, inside)
                    if place == root or place.startswith(f"{root}/")
                ]
                folder, _, pattern = source.rpartition("/")
                if not is_known(pattern) and place.startswith(f"{target}/"):
                    # Each file that fits the pattern went into the directory, under its own name.
                    name = place[len(target) + 1 :]
                    origins += [f"{folder}/{name}"] if may_be(pattern, name.partition("/")[0]) else []
                for origin in origins:
                    if origin not in found:
                        found.append(origin)
                        todo.append(origin)
        return found

    def is_written(self, path: str) -> bool:
        """Whether the text itself may have written that file, or what was copied there."""
        key = self._key(path)
        return any(_same_file(place, name) for place in (key, *self._sources(key)) for name in self.files)


def _same_file(one: str, other: str) -> bool:
    """Whether two names may mean the same file. For relative names the last part decides, as directories get lost."""
    if one.startswith("/") and other.startswith("/") and is_known(one) and is_known(other):
        return one == other
    last, other_last = one.rpartition("/")[2], other.rpartition("/")[2]
    return may_be(last, other_last) or may_be(other_last, last)


def _fitting(pattern: str) -> list[str]:
    """Return the paths on disk that fit an absolute path with unknown parts, which don't reach over a slash."""
    places = [""]
    for part in pattern.split("/")[1:]:
        if is_known(part):
            places = [f"{place}/{part}" for place in places]
        else:
            names = ((place, name) for place in places for name in _names_in(place) if _fits(part, name))
            places = [f"{place}/{name}" for place, name in islice(names, _MOST_FITTING)]
    return places


def _fits(part: str, name: str) -> bool:
    # In a shell, only a pattern that begins with a dot matches hidden files.
    is_hidden = name.startswith(".") and not part.startswith(".")
    return not is_hidden and name != "node_modules" and may_be(part, name)


def _names_in(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.name for entry in islice(entries, _MOST_NAMES))
    except (OSError, ValueError):
        return []


def read_small(path: str) -> str | None:
    """Read a regular text file of at most 64 KB. Return None for anything else, and for pipes and devices at once.

    Shells ignore NUL characters and run the rest, so only the header of an executable makes a file binary.
    """
    try:
        # Opening a pipe that nobody writes to would block without O_NONBLOCK.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:
            return None
        data = os.read(handle, _LARGEST)
    except OSError:
        return None
    finally:
        os.close(handle)
    return None if data.startswith(_BINARIES) else data.replace(b"\0", b"").decode(errors="replace")


def _either_variable(left: Variable | None, right: Variable | None) -> Variable:
    # On the path where it wasn't set, it may come from the environment.
    unset = scalar((ANY,))
    left, right = left or unset, right or unset
    return Variable(_either_lists(left.lists, right.lists), left.keyed or right.keyed)


def _either_lists(left: Lists, right: Lists) -> Lists:
    merged = tuple(dict.fromkeys((*left, *right)))
    return merged if len(merged) <= _MOST_LISTS else ANY_LIST
