"""Examine code of other languages: whether it starts a dangerous command, or runs SQL that destroys.

Which programs are interpreters, and which of their flags carry code, is in programs.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runbook.guard.programs.names import DATA_PROGRAMS, SHELLS, program_name, says_reset
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.texts import UNKNOWN, Texts, is_known, plain
from runbook.linear_regex import linear_regex
from runbook.policy.argv import invocation_of

if TYPE_CHECKING:
    from runbook.model.launchers import Interpreter

__all__ = ["look_for_commands", "run_awk", "run_code", "run_editor", "run_interpreter"]

_STARTS = re.compile(
    r"system|exec|spawn|popen|subprocess|check_(call|output)|\brun\b|Process|Command|getline|`|\$\(|\|\s*\"|shell|%x|qx"
)
_WORD = re.compile(r"[\w.@/:=-]+")
# Subcommand and flags of a command in a list of words; what follows is other code.
_LONGEST_COMMAND = 16


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
    if name in call.shell.examiner.risky:
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
            _look_for_calls(self._call, bare)
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


def _look_for_calls(call: Call, code: str) -> None:
    """Doubt code, without its comments, with a call that the table of calls lists."""
    for reason, patterns in call.shell.examiner.code_calls.items():
        for pattern in patterns:
            match = linear_regex(pattern).search(code)
            if match is not None:
                call.shell.doubt(Doubt.CALL_IN_CODE, f"{reason}: {' '.join(match.whole.split())}")
                return


def look_for_commands(call: Call, code: str, *, comments: Sequence[str] = (), is_shell: bool = False) -> None:
    """Doubt code that starts a dangerous command, or runs SQL that destroys.

    `comments`: what begins a comment there. `is_shell`: a command is written without quotes, as in PowerShell.
    """
    if is_shell:
        _look_for_words(call, code)
        return
    # Check this first: most code starts nothing, and reading its strings costs more.
    starts = _STARTS.search(code)
    requests = _REQUESTS.search(code)
    if not starts and not requests and not _DESTROYS.search(code):
        return
    from runbook.guard.programs.code_strings import is_printed, strings_in, word_lists_in  # few lines run code

    found = [string for string in strings_in(code, comments) if not is_printed(string)]
    if starts:
        lists = [words for words in word_lists_in(found) if _may_start(words[0], call)]
        # `execFile("echo", ["supabase db reset"])` prints its words.
        printed = {word for words in lists if program_name(words[0]) in DATA_PROGRAMS for word in words[1:]}
        for words in lists:
            if words[0] not in printed:
                _start_list(call, words)
        for string in found:
            if string.value not in printed and _is_line(string.value, call):
                call.shell.guess(string.value, call.state)
    if requests:
        _look_for_requests(call, code, [string.value for string in found])
    if _CLIENTS.search(code):
        _look_for_sql(call, [string.value for string in found])


def _start_list(call: Call, words: tuple[str, ...]) -> None:
    """Start a list of words. One that gives a text to a shell is certainly a command: what isn't known in it counts."""
    if program_name(words[0]) in SHELLS and "-c" in words[1:3] and all(map(is_known, words)):
        with call.shell.perhaps():
            call.shell.start(words, call.state.child())
    else:
        call.shell.guess_words(words, call.state)


def _is_line(text: str, call: Call) -> bool:
    """Whether a string may be a shell line that starts something dangerous."""
    if any(program in text for program in call.shell.examiner.risky):
        # A name, a path or a package alone starts nothing. `{supabase,db,reset}` has no blank.
        return re.fullmatch(r"[\w@./:-]*", text) is None
    # It may run a script that does: its first word is a shell, a task runner, a path, or a word of the shell's grammar.
    first = text.split(maxsplit=1)[0].rstrip(";") if text.strip() else ""
    if first in _GRAMMAR and " " in text and len(text) < _LONGEST_LINE:
        return True
    is_path = (
        "/" in first and bool(re.fullmatch(r"[\w./~-]+", first)) and (first.startswith(("./", "../")) or " " in text)
    )
    return is_path or (" " in text and len(text) < _LONGEST_LINE and _may_start(first, call))


_LONGEST_LINE = 500
_GRAMMAR = frozenset({"if", "for", "while", "until", "case", "{", "(", "!", "function", "time", "coproc", "select"})


def _may_start(word: str, call: Call) -> bool:
    """Whether a word is a program that the guard knows: one that destroys, or starts others, or takes words as data."""
    name = (program_name(word) or "").partition("@")[0]
    return bool(name) and " " not in word and call.shell.knows(name)


def _look_for_words(call: Call, code: str) -> None:
    examiner = call.shell.examiner
    words = _WORD.findall(code)
    for at, word in enumerate(words):
        name = program_name(word)
        if name in examiner.risky and examiner.is_restricted([name, *words[at + 1 : at + _LONGEST_COMMAND]]):
            call.shell.doubt(Doubt.OTHER_LANGUAGE, " ".join(words[at : at + 6]))
            return


# --- requests in code ---------------------------------------------------------------------------------------------


_REQUESTS = re.compile(r"/(?:rest|auth|storage)/v1/|api\.supabase\.")
_METHOD = re.compile(
    r"(?i)\bmethod['\"]?\s*[:=]\s*['\"`](\w+)|\.(delete|patch|put|post)\s*\(|['\"`](DELETE|PATCH|PUT)['\"`]"
)


def _look_for_requests(call: Call, code: str, strings: Sequence[str]) -> None:
    """Judge each address of a project's API with each method that the code has, as if curl sent it."""
    methods = dict.fromkeys(next(filter(None, found)).upper() for found in _METHOD.findall(code))
    addresses = [text for text in strings if _REQUESTS.search(text) and not re.search(r"\s", text)]
    for address in addresses[:_MOST_ADDRESSES]:
        for method in methods:
            call.shell.guess_words(("curl", "-X", method, address), call.state)


_MOST_ADDRESSES = 20


# --- SQL in code ---------------------------------------------------------------------------------------------------


_DESTROYS = re.compile(r"(?i)['\"`]\s*(?:drop|truncate|delete\s+from|alter\s+table)\b")
_CLIENTS = re.compile(
    r"(?i)\bpg\b|postgres|psycopg|asyncpg|sqlalchemy|knex|prisma|drizzle|sequelize|typeorm|supabase|DATABASE_URL|DB_URL"
    r"|database_url|activerecord|\bPDO\b"
)
"""Signs that code talks to PostgreSQL. SQL for another database isn't the guard's business."""
_STATEMENT = re.compile(r"(?i)\s*(?:drop|truncate|delete|alter)\b")


def _look_for_sql(call: Call, strings: Sequence[str]) -> None:
    from runbook.model import Effect
    from runbook.policy.sql_effect import effect_of

    for text in strings:
        if _STATEMENT.match(text) and is_known(text) and effect_of(text) is Effect.DESTROYS:
            call.shell.doubt(Doubt.SQL_IN_CODE, " ".join(text.split()))
            return


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
