"""Find the code that an interpreter runs: in a flag, in a file, on its input, and in the files that it imports.

Which programs are interpreters, and which of their flags carry code, is in programs.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook.guard.programs.dangerous_code import look_for_calls, look_for_commands
from runbook.guard.programs.names import says_reset
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.texts import UNKNOWN, Texts, is_known, plain
from runbook.linear_regex import linear_regex
from runbook.policy.argv import invocation_of

if TYPE_CHECKING:
    from runbook.model.launchers import Interpreter

__all__ = ["run_awk", "run_code", "run_editor", "run_interpreter"]


def run_interpreter(call: Call, interpreter: Interpreter) -> Texts:
    """Examine the code that an interpreter is given: in a flag, in a file, or on standard input."""
    words = [*_words_in_variables(call, interpreter), *call.words[1:]]
    subcommands = set(" ".join(interpreter.after).split())
    while words:
        word = words.pop(0)
        text = plain(word)
        name, equals, value = text.partition("=")
        if name in interpreter.code_flags or _ends_in_code(text, interpreter):
            code = value if equals else plain(words.pop(0)) if words else ""
            # The shells of Windows join the words behind it.
            run_code(call, " ".join((code, *map(plain, words))) if interpreter.is_shell else code, interpreter)
            return UNKNOWN
        if text in interpreter.module_flags and words:
            return _run_module(call, words, interpreter)
        if _take_value(call, text, words, interpreter):
            continue
        if text in interpreter.own:
            return UNKNOWN
        if text in subcommands:
            subcommands.discard(text)
        elif not text.startswith("-") or text == "-":
            return _run_file(call, word, words, interpreter)
    for text in call.state.stdin or ():
        run_code(call, text, interpreter)
    return UNKNOWN


def _ends_in_code(word: str, interpreter: Interpreter) -> bool:
    """Whether a word combines short flags of which the last one carries code: `python -Ic CODE`, `perl -ne CODE`."""
    if not re.fullmatch(r"-[A-Za-z]{2,}", word) or word in interpreter.value_flags:
        return False
    return f"-{word[-1]}" in interpreter.code_flags


def _take_value(call: Call, word: str, rest: list[str], interpreter: Interpreter) -> bool:
    """Take the value of a flag that has one, and examine it if it's a file whose code runs first."""
    name, equals, value = word.partition("=")
    is_first = name in interpreter.first_flags
    if is_first or name in interpreter.env_files or name in interpreter.value_flags:
        value = value if equals else plain(rest.pop(0)) if rest else ""
    elif word[:2] in interpreter.first_flags and not word.startswith("--"):  # ruby -r./clean
        is_first, value = True, word[2:]
    else:
        return False
    if is_first:
        _Imports(call, interpreter).run(value)
    return True


def _words_in_variables(call: Call, interpreter: Interpreter) -> list[str]:
    """Return the flags in variables such as NODE_OPTIONS, which separate them by spaces."""
    texts = (call.state.environment.get(name, "") for name in interpreter.flag_variables)
    return [word for text in texts if is_known(text) for word in text.split()]


def _run_module(call: Call, words: list[str], interpreter: Interpreter) -> Texts:
    """Examine a module of this project; any other is a program of the same name."""
    if _Imports(call, interpreter).run(plain(words[0])):
        return UNKNOWN
    return call.start(tuple(words))


def _run_file(call: Call, word: str, rest: list[str], interpreter: Interpreter) -> Texts:
    """Examine a script file, or its name if it can't be read."""
    name = invocation_of([plain(word)]).program
    # `python manage.py flush`: the script is a program that the policy may know.
    if name in call.shell.outline.risky:
        return call.start((name, *rest))
    if plain(word) == "-":
        for text in call.state.stdin or ():
            run_code(call, text, interpreter)
    elif not _Imports(call, interpreter).run(word) and says_reset(plain(word)):
        call.doubt(Doubt.NAMED_RESET)
    return UNKNOWN


def run_code(call: Call, code: str, interpreter: Interpreter) -> None:
    """Examine code as an interpreter runs it, with the files of this project that it imports."""
    _Imports(call, interpreter).run_code(code)


class _Imports:
    """Examines code and, at most two deep, the files of this project that it imports.

    A package isn't followed. A module that only defines what is dangerous counts like one that does it.
    """

    def __init__(self, call: Call, interpreter: Interpreter) -> None:
        self._call = call
        self._interpreter = interpreter
        self._read: set[str] = set()

    def run(self, name: str) -> bool:
        """Examine the file or the module of that name. Return whether there is one that can be read."""
        found = [*self._files(name, "")]
        for path, text in found:
            self.run_code(text, path)
        return bool(found)

    def run_code(self, code: str, path: str = "", *, depth: int = 2) -> None:
        """Examine code of a file, and what it imports."""
        interpreter = self._interpreter
        look_for_commands(self._call, code, comments=interpreter.comments, is_shell=interpreter.is_shell)
        if interpreter.is_shell:
            names = self._named_in_shell(code)
        else:
            from runbook.guard.programs.code_strings import without_comments  # few lines run code

            bare = without_comments(code, interpreter.comments)
            look_for_calls(self._call, bare)
            names = self._imported_by(bare)
        if depth:
            for name in names:
                for each, text in self._files(name, path.rpartition("/")[0]):
                    self.run_code(text, each, depth=depth - 1)

    def _named_in_shell(self, code: str) -> Iterator[str]:
        """Yield the scripts that the code of such a shell names, with slashes."""
        for word in _SHELL_WORD.findall(code):
            path = word.replace("\\", "/")
            if path.lower().endswith(self._interpreter.suffixes):
                yield path

    def _imported_by(self, code: str) -> Iterator[str]:
        for pattern in self._interpreter.imports:
            for match in linear_regex(pattern).find_all(code):
                named = match.group or ""
                yield from _modules_in(named) if self._interpreter.has_dotted_modules else (named,)

    def _files(self, name: str, directory: str) -> Iterator[tuple[str, str]]:
        """Yield the files that a name may stand for, and their texts: each file once."""
        interpreter, state = self._interpreter, self._call.state
        listed = (state.environment.get(each, "") for each in interpreter.path_variables)
        roots = dict.fromkeys(("", directory, *(root for text in listed for root in text.split(":"))))
        for root in roots:
            for candidate in self._candidates(name):
                path = f"{root}/{candidate}" if root and not candidate.startswith("/") else candidate
                if path in self._read or len(self._read) > _MOST_FILES:
                    continue
                texts = self._call.shell.contents(path, state)
                if texts is not None:
                    self._read.add(path)
                    for text in texts:
                        yield path, text

    def _candidates(self, name: str) -> Iterator[str]:
        """Yield the paths that a name may stand for. In a module of TypeScript, x.js may be x.ts."""
        interpreter = self._interpreter
        suffixes = (*interpreter.suffixes, *interpreter.optional_suffixes)
        yield name
        names = [name.rstrip("/")]
        stem, dot, suffix = name.rpartition(".")
        if f"{dot}{suffix}" in suffixes:
            names.append(stem)
        elif interpreter.has_dotted_modules:
            names.append(_path_of(name))
        for each in names:
            for ending in suffixes:
                yield f"{each}{ending}"
                yield from (f"{each}/{main}{ending}" for main in interpreter.main_files)


_MOST_FILES = 60
_SHELL_WORD = re.compile(r"[\w.:~/\\-]+")


def _modules_in(named: str) -> Iterator[str]:
    """Yield the modules in what follows Python's `import`, or its `from`: `a.b as c, d`, `a import b, c`."""
    package, imports, names = " ".join(named.split()).partition(" import ")
    if imports:
        yield package
    stem = "" if not imports else package if package.endswith(".") else f"{package}."
    for each in (names if imports else package).strip("() ").split(","):
        yield from (f"{stem}{name}" for name in each.split()[:1] if name != "*")


def _path_of(module: str) -> str:
    """Return the path of a module with dots. Those at its beginning lead upwards."""
    bare = module.lstrip(".")
    up = len(module) - len(bare)
    return "../" * (up - 1) + bare.replace(".", "/")


# --- awk and editors -----------------------------------------------------------------------------------------------


def run_awk(call: Call) -> Texts:
    """Examine awk's program, which is the first word without a dash."""
    for word in call.arguments:
        if not word.startswith("-"):
            look_for_commands(call, word, comments=("#",))
            break
    return UNKNOWN


def run_editor(call: Call) -> Texts:
    """`vim -c '!COMMAND'`: an editor starts what comes after the exclamation mark."""
    for at, word in enumerate(call.arguments):
        command = word[1:] if word.startswith("+") else word if at and call.arguments[at - 1] in {"-c", "--cmd"} else ""
        if "!" in command:
            call.shell.guess(command.partition("!")[2], call.state)
    return UNKNOWN
