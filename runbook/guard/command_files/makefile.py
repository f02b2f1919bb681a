"""Read Makefiles: rules, variables, included files. What only make could compute is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from runbook.guard.command_files.contents import Command, Contents, Piece, Reader, Task
from runbook.guard.shell.texts import ANY, ONE_WORD

__all__ = ["read_makefile"]

_VARIABLE = re.compile(
    r"^ *(?:override +|export +|private +)*([^\s:#=+?!$]+)\s*(::?:?|\?|\+|!)?=[ \t]*(.*)$", re.DOTALL
)
_DEFINE = re.compile(r"^ *(?:override +|export +)*define +([^\s:=+?!]+)\s*(?:::?:?|\?|\+|!)?=?\s*$")
_INCLUDE = re.compile(r"^ *[-s]?include +(.*)$", re.DOTALL)
_CONDITION = re.compile(r"^ *(?:ifn?eq|ifn?def|else|endif)\b")
_RULE = re.compile(r"^([^\s#:=][^:=]*?)\s*(&?::?)(?!=)[ \t]*([^;]*)(;.*)?$", re.DOTALL)
_SILENT = re.compile(r"[ \t@+-]*")
_REFERENCE = re.compile(r"\$(?:\(([^()${}]*)\)|\{([^(){}$]*)\}|([\w@<^*?%+]))")
# What a shell expands later. As other characters, it is no reference of make.
_DOLLAR, _OPEN, _CLOSE, _NAME, _END = "\0\1\2\3\4"
_AS_SHELL = str.maketrans(dict(zip("\0\1\2\3\4", "$(){}", strict=True)))
_AUTOMATIC = frozenset("@<^*?%+|")
"""Variables for the target, what it needs, and the part of its name that a pattern leaves open."""
_FUNCTION = re.compile(r"[a-z-]+[ \t]")
# Variables contain variables. One that contains itself would never end.
_DEEPEST = 8
_LONGEST = 16 * 1024
_MOST_FILES = 20


class _Line(NamedTuple):
    """A line with those that it goes on in, and where it is in the file. Lines of other files have no place."""

    text: str
    start: int
    end: int


class _Rule(NamedTuple):
    needs: list[str]
    recipe: list[Command]


def read_makefile(text: str, read: Reader, given: Mapping[str, str]) -> Contents:
    """Return the tasks of a Makefile: its explicit and pattern rules. `given` are variables from the command line."""
    return _Makefile(read, given).contents(text)


class _Makefile:
    def __init__(self, read: Reader, given: Mapping[str, str]) -> None:
        self._read = read
        self._given = {**given, "MAKE": "make"}
        self._variables: dict[str, str] = {}
        self._rules: dict[str, _Rule] = {}
        self._one_shell = False
        self._started: list[Command] = []
        self._filled_in = 0
        self._files = 0

    def contents(self, text: str) -> Contents:
        # A recipe may use a variable that a later line sets, so all of them are read first.
        lines = list(self._lines_of(text, is_outer=True))
        recipes: list[tuple[list[str], list[_Line]]] = []
        current: list[_Line] = []
        for line in lines:
            rule = None if line.text.startswith("\t") else _RULE.match(line.text)
            if line.text.startswith("\t"):
                current.append(line)
            elif rule and not _VARIABLE.match(line.text):
                current = self._begin(rule, line, recipes)
            elif _CONDITION.match(line.text) is None and line.text.strip() and not line.text.lstrip().startswith("#"):
                current = []
        for targets, recipe in recipes:
            commands = list(self._commands(recipe))
            for target in targets:
                self._rules[target].recipe.extend(commands)
        tasks = {name: Task(name, tuple(rule.recipe), tuple(rule.needs)) for name, rule in self._rules.items()}
        # A rule of an included file may be the first one, too.
        goal = self._filled("$(.DEFAULT_GOAL)").strip()
        first = (name for name in tasks if "%" not in name and not (name.startswith(".") and "/" not in name))
        default = goal if goal in tasks else next(first, "")
        return Contents(tasks, default, always=tuple(self._started))

    def _begin(self, rule: re.Match[str], line: _Line, recipes: list[tuple[list[str], list[_Line]]]) -> list[_Line]:
        """Note a rule's targets and needs, and return the list that takes its recipe."""
        targets = self._filled(rule[1]).split()
        written = re.sub(r"^[^:=]*:(?!=)", "", _without_comment(rule[3]))
        needs = self._filled(written).replace("|", " ").split()
        # `target: NAME = value` sets a variable for one target. It is set for all of them here.
        own = _VARIABLE.match(rule[3])
        if own:
            self._set(own)
            needs = []
        self._one_shell |= ".ONESHELL" in targets
        for target in targets:
            self._rules.setdefault(target, _Rule([], [])).needs.extend(needs)
        recipe: list[_Line] = []
        if rule[4] and not own:
            start = line.start + (rule.start(4) + 1 if line.start >= 0 else 0)
            recipe.append(_Line(rule[4][1:], start, line.end))
        recipes.append((targets, recipe))
        return recipe

    def _lines_of(self, text: str, *, is_outer: bool) -> Iterator[_Line]:
        """Yield the lines of a file and of those that it includes, and set the variables."""
        self._files += 1
        defined: str | None = None
        body: list[str] = []
        for line in _logical_lines(text) if is_outer else (_Line(each.text, -1, -1) for each in _logical_lines(text)):
            if defined is not None:
                if line.text.strip() == "endef":
                    self._variables[defined], defined = "\n".join(body), None
                else:
                    body.append(line.text.lstrip("\t"))
                continue
            if line.text.startswith("\t"):
                yield line
                continue
            define, include = _DEFINE.match(line.text), _INCLUDE.match(line.text)
            variable = _VARIABLE.match(line.text)
            if define:
                defined, body = define[1], []
            elif include:
                for name in self._filled(include[1]).split():
                    found = self._read(name) if self._files < _MOST_FILES else None
                    yield from self._lines_of(found, is_outer=False) if found is not None else ()
            elif variable:
                self._set(variable)
            else:
                yield line

    def _set(self, variable: re.Match[str]) -> None:
        name, operator, value = variable[1], variable[2] or "", _without_comment(variable[3].replace("\\\n", " "))
        if operator == "+" and name in self._variables:
            value = f"{self._variables[name]} {value}"
        elif operator == "?" and name in self._variables:
            return
        elif operator == "!":
            self._started.append(Command(self._filled(value)))
            value = ANY
        # `X := $(X) more` uses the value of before.
        elif operator.startswith(":"):
            self._start_in(value)
            value = self._filled(value)
        self._variables[name] = value[:_LONGEST]

    def _start_in(self, value: str) -> None:
        """Note the commands that make runs when it expands a value: `$(shell LINE)`."""
        if "shell " in value:
            filled = self._filled(value)
            self._started += [Command(found) for found in _substituted(filled)]

    def _commands(self, recipe: list[_Line]) -> Iterator[Command]:
        """Yield a recipe's commands. Each line runs in its own shell, or all in one."""
        parts = [(mark.end(), line) for line in recipe if (mark := _SILENT.match(line.text))]
        found = []
        for at, line in parts:
            raw = line.text[at:]
            text = self._filled(raw).replace("\n\t", "\n")
            place = (Piece(0, line.start + at, line.end),) if line.start >= 0 else ()
            # A variable of several lines is a line of the recipe for each.
            lines = text.split("\n") if "\n" in text and "\n" not in raw else [text]
            found += [Command(each.lstrip("@-+ \t"), place) for each in lines if each.strip()]
        if not self._one_shell or len(found) < 2 or not all(each.pieces for each in found):
            yield from found
            return
        text, pieces = "", []
        for each in found:
            pieces.append(each.pieces[0]._replace(at=len(text)))
            text += f"{each.text}\n"
        yield Command(text, tuple(pieces))

    def _filled(self, text: str) -> str:
        """Fill in the variables. What make would compute is unknown, and `$$` becomes the shell's `$`."""
        self._filled_in = 0
        text = text.replace("$$", _DOLLAR)
        for _ in range(_DEEPEST):
            if "$" not in text or len(text) > _LONGEST:
                break
            text = _REFERENCE.sub(self._value_of, text).replace("$$", _DOLLAR)
        return text.translate(_AS_SHELL)

    def _value_of(self, reference: re.Match[str]) -> str:
        name = next(part for part in reference.groups() if part is not None).strip()
        value = self._given.get(name, self._variables.get(name))
        if value is not None:
            # Variables in variables may grow without end.
            self._filled_in += len(value)
            return value if self._filled_in <= _LONGEST else ANY
        if name.startswith("shell "):
            return f"{_DOLLAR}{_OPEN}{name.removeprefix('shell ')}{_CLOSE}"
        if name in _AUTOMATIC:
            return ONE_WORD
        # The environment may set a variable that the file doesn't.
        if name[:1] in _AUTOMATIC or _FUNCTION.match(name) or ":" in name:
            return ANY
        return f"{_DOLLAR}{_NAME}{name}{_END}" if re.fullmatch(r"[A-Za-z_]\w*", name) else ANY


def _substituted(text: str) -> Iterator[str]:
    """Yield what stands in `$(…)`."""
    for found in re.finditer(r"\$\(", text):
        depth, at = 1, found.end()
        while at < len(text) and depth:
            depth += (text[at] == "(") - (text[at] == ")")
            at += 1
        yield text[found.end() : at - 1]


def _logical_lines(text: str) -> Iterator[_Line]:
    """Yield lines. One that ends in a backslash goes on in the next; the shell reads the backslash itself."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        while end < len(text) and _goes_on(text, start, end):
            more = text.find("\n", end + 1)
            end = len(text) if more < 0 else more
        yield _Line(text[start:end].replace("\r\n", "\n").removesuffix("\r"), start, end)
        start = end + 1


def _goes_on(text: str, start: int, end: int) -> bool:
    line = text[start:end].removesuffix("\r")
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _without_comment(value: str) -> str:
    return re.sub(r"(?<!\\)#.*$", "", value).rstrip()
