"""Look in code of any language for what destroys: commands, requests, SQL, and calls of client libraries."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runbook.guard.programs.names import DATA_PROGRAMS, SHELLS, program_name
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.texts import is_known
from runbook.linear_regex import linear_regex

__all__ = ["look_for_calls", "look_for_commands"]

_STARTS = re.compile(
    r"system|exec|spawn|popen|subprocess|check_(call|output)|\brun\b|Process|Command|getline|`|\$\(|\|\s*\"|shell|%x|qx"
)
_WORD = re.compile(r"[\w.@/:=-]+")
# Subcommand and flags of a command in a list of words; what follows is other code.
_LONGEST_COMMAND = 16


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
    if any(program in text for program in call.shell.outline.risky):
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
    outline = call.shell.outline
    words = _WORD.findall(code)
    for at, word in enumerate(words):
        name = program_name(word)
        if name in outline.risky and outline.is_restricted([name, *words[at + 1 : at + _LONGEST_COMMAND]]):
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


# --- calls of client libraries ----------------------------------------------------------------------------------


def look_for_calls(call: Call, code: str) -> None:
    """Doubt code, without its comments, with a call that the table of calls lists."""
    for kind in call.shell.outline.code_calls:
        found = next(filter(None, (linear_regex(pattern).search(code) for pattern in kind.patterns)), None)
        if found is not None:
            call.shell.doubt(Doubt.CALL_IN_CODE, f"{kind.reason}: {' '.join(found.whole.split())}")
            return
