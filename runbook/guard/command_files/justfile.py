"""Read justfiles: recipes with parameters, dependencies, aliases, settings, imports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runbook.guard.command_files.contents import Command, Contents, Parameter, Piece, Reader, Task
from runbook.guard.shell.texts import ANY

__all__ = ["INTERPOLATION", "read_justfile"]

INTERPOLATION = r"\{\{\s*([A-Za-z_][\w-]*)\s*\}\}|\{\{[^{].*?\}\}"
"""`{{name}}`, or an expression that only just can compute."""

_ASSIGNMENT = re.compile(r"(?:export\s+|eager\s+)?([A-Za-z_][\w-]*)\s*:=\s*(.*)$")
_ALIAS = re.compile(r"alias\s+([A-Za-z_][\w-]*)\s*:=\s*([A-Za-z_][\w:-]*)")
_SHELL = re.compile(r"set\s+shell\s*:=\s*\[\s*(['\"])(.*?)\1")
_IMPORT = re.compile(r"import\??\s+(['\"])(.*?)\1")
_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)\b")
_SCRIPT = re.compile(r"\[.*\bscript(?:\(\s*(['\"])(.*?)\1)?")
_TEXT = r"'''.*?'''|\"\"\".*?\"\"\"|'[^']*'|\"(?:\\.|[^\"])*\"|`[^`]*`"
_PARAMETER = re.compile(rf"([+*]?)(\$?)([A-Za-z_][\w-]*)(?:\s*=\s*({_TEXT}|\([^()]*\)|[^\s:'\"]+))?", re.DOTALL)
_TOKEN = re.compile(rf"{_TEXT}|:(?!=)|[^:'\"`]|.", re.DOTALL)
_NEED = re.compile(r"\(\s*([A-Za-z_][\w:-]*)|([A-Za-z_][\w:-]*)|\)")
_LITERAL = re.compile(r"'([^']*)'|\"([^\"\\]*)\"")
_SHELLS = re.compile(r"(?:.*/)?(?:ba|z|da|k|a)?sh")
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-S\s+)?)?(\S+)")
_MARKS = re.compile(r"[@-]*")
_MOST_FILES = 20


def read_justfile(text: str, read: Reader, given: Mapping[str, str]) -> Contents:
    """Return the recipes of a justfile, and the values of its variables. `given` come from the command line."""
    return _Justfile(read, given).contents(text)


class _Justfile:
    def __init__(self, read: Reader, given: Mapping[str, str]) -> None:
        self._read = read
        self._values = dict(given)
        self._given = given
        self._tasks: dict[str, Task] = {}
        self._aliases: dict[str, str] = {}
        self._shell = ""
        self._started: list[Command] = []
        self._files = 0

    def contents(self, text: str) -> Contents:
        self._add(text, is_outer=True)
        # just runs the commands in assignments before any recipe.
        tasks = {name: task._replace(commands=(*self._started, *task.commands)) for name, task in self._tasks.items()}
        return Contents(tasks, next(iter(tasks), ""), self._aliases, self._values)

    def _add(self, text: str, *, is_outer: bool) -> None:
        self._files += 1
        shell = _SHELL.search(text)
        if shell:
            self._shell = "" if _SHELLS.fullmatch(shell[2]) else shell[2]
        script: str | None = None
        lines = list(_lines(text))
        while lines:
            start, line = lines.pop(0)
            if not line.strip() or line[0] in "# \t":
                continue
            attribute = _SCRIPT.match(line)
            if line.startswith("["):
                script = (attribute[2] or "sh") if attribute else script
                # An attribute may stand on the recipe's own line.
                rest = re.match(r"\[[^\]]*\]\s*(?=[@\w])", line)
                if rest is None:
                    continue
                start, line = start + rest.end(), line[rest.end() :]
            if not self._note(line):
                body = _body(lines)
                self._add_recipe(line, body, text if is_outer else "", script)
                script = None

    def _note(self, line: str) -> bool:
        """Note an assignment, an alias or an import, and return whether it was one, or a setting."""
        alias, assignment, imported = _ALIAS.match(line), _ASSIGNMENT.match(line), _IMPORT.match(line)
        if alias:
            self._aliases[alias[1]] = alias[2].rpartition("::")[2]
        elif imported:
            found = self._read(imported[2]) if self._files < _MOST_FILES else None
            if found is not None:
                self._add(found, is_outer=False)
        elif assignment:
            if assignment[1] not in self._given:
                expression = assignment[2].split(" #")[0].strip()
                self._started += [Command(found) for found in re.findall(r"`([^`]+)`", expression)]
                self._values[assignment[1]] = _value(expression)
        else:
            return re.match(r"(?:set|mod\??|unexport)\s", line) is not None
        return True

    def _add_recipe(self, line: str, body: list[tuple[int, str]], source: str, script: str | None) -> None:
        name = _RECIPE.match(line)
        if name is None:
            return
        head, rest = _split(line[name.end() :])
        needs = tuple(found for match in _needs(rest) if (found := match.rpartition("::")[2]))
        parameters = tuple(
            Parameter(
                each[3],
                None if each[4] is None and each[1] != "*" else _value(each[4] or "''"),
                bool(each[1]),
                bool(each[2]),
            )
            for each in _PARAMETER.finditer(head)
        )
        before = self._tasks.get(name[1])
        commands = tuple(_commands(body, source, script, self._shell))
        # One recipe may be written once for each system.
        more = before.commands if before else ()
        self._tasks[name[1]] = Task(name[1], (*more, *commands), needs, parameters)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for line in text.split("\n"):
        yield at, line.removesuffix("\r")
        at += len(line) + 1


def _body(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Take the indented lines that follow."""
    body: list[tuple[int, str]] = []
    while lines and (not lines[0][1].strip() or lines[0][1][0] in " \t"):
        body.append(lines.pop(0))
    while body and not body[-1][1].strip():
        body.pop()
    return body


def _split(head: str) -> tuple[str, str]:
    """Split a recipe's first line at the colon after its parameters, which may contain colons in quotes."""
    for token in _TOKEN.finditer(head):
        if token[0] == ":":
            return head[: token.start()], head[token.end() :]
    return head, ""


def _needs(text: str) -> Iterator[str]:
    """Yield the recipes in a list of dependencies: names, and names in brackets with arguments."""
    depth = 0
    for found in _NEED.finditer(re.sub(rf"{_TEXT}|#.*$", "", text)):
        if found[0] == ")":
            depth -= 1
        elif found[1]:
            depth += 1
            yield found[1]
        elif depth <= 0:
            yield found[2]


def _value(expression: str) -> str:
    literal = _LITERAL.fullmatch(expression)
    if literal:
        return literal[1] if literal[1] is not None else literal[2]
    return expression if re.fullmatch(r"[\w./-]+", expression) and not expression[0].isalpha() else ANY


def _commands(body: list[tuple[int, str]], source: str, script: str | None, shell: str) -> Iterator[Command]:
    """Yield a recipe's commands: each line, or the whole body if it's a script."""
    if not body:
        return
    end = body[-1][0] + len(body[-1][1])
    first = body[0][1].lstrip()
    shebang = _SHEBANG.match(first)
    if shebang or script is not None:
        indent = len(body[0][1]) - len(first)
        text = "\n".join(line[indent:] if not line[:indent].strip() else line.lstrip() for _, line in body)
        program = shebang[1] if shebang else script or "sh"
        place = (Piece(0, body[0][0] + indent, end),) if source else ()
        yield Command(text, place, language="" if _SHELLS.fullmatch(program) else program)
        return
    lines = list(body)
    while lines:
        start, line = lines.pop(0)
        text, last = line, start + len(line)
        while text.endswith("\\") and lines:
            start_of_next, more = lines.pop(0)
            text, last = f"{text}\n{more}", start_of_next + len(more)
        stripped = text.lstrip()
        marks = _MARKS.match(stripped)
        assert marks is not None
        at = len(text) - len(stripped) + marks.end()
        if text[at:].strip() and not stripped.startswith("#!"):
            yield Command(text[at:], (Piece(0, start + at, last),) if source else (), language=shell)
