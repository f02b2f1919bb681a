"""Examine code of other languages on the command line: whether it can start a program, and names a dangerous one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runbook.guard.programs.names import program_name, says_reset
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.texts import UNKNOWN, Texts, plain

__all__ = ["INTERPRETERS", "look_for_commands", "run_awk", "run_editor", "run_interpreter"]

INTERPRETERS: Mapping[str, str] = {
    "python": r"-[a-zA-Z]*c",
    "node": r"-e|--eval|-p|--print|-pe",
    "nodejs": r"-e|--eval|-p|--print|-pe",
    "deno": r"eval",
    "bun": r"-e|--eval|-p|--print",
    "tsx": r"-e|--eval|-p",
    "ruby": r"-[a-z]*e",
    "perl": r"-[a-zA-Z]*[eE]",
    "php": r"-r",
    "lua": r"-e",
    "osascript": r"-e",
    "expect": r"-c",
    "rscript": r"-e",
    "julia": r"-e",
    "elixir": r"-e",
    "groovy": r"-e",
    "pwsh": r"-[cC](ommand)?",
    "powershell": r"-[cC](ommand)?",
    "cmd": r"/[cCkK]",
}
"""Interpreter → pattern of the flags that carry code."""

_STARTS = re.compile(
    r"system|exec|spawn|popen|subprocess|check_(call|output)|\brun\b|Process|Deno\.Command|getline|`|\$\(|\|\s*\"|shell"
)
_WORD = re.compile(r"[\w.@/:=-]+")
# Subcommand and flags of a command in a list of words; what follows is other code.
_LONGEST_COMMAND = 16
_ARE_SHELLS = frozenset({"pwsh", "powershell", "cmd", "expect"})


def run_interpreter(call: Call, pattern: str) -> Texts:
    """Examine the code that an interpreter is given: in a flag, in a file, or on standard input."""
    words = call.words[1:]
    is_shell = program_name(call.words[0]) in _ARE_SHELLS
    for at, word in enumerate(words):
        if re.fullmatch(pattern, plain(word)):
            for code in words[at + 1 : at + 2] if len(pattern) > 3 or at == 0 else ():
                look_for_commands(call, plain(code), is_shell=is_shell)
            return UNKNOWN
        if not plain(word).startswith("-") or plain(word) == "-":
            return _run_file(call, word)
    for text in call.state.stdin or ():
        look_for_commands(call, text, is_shell=is_shell)
    return UNKNOWN


def _run_file(call: Call, word: str) -> Texts:
    """Examine a script file, or its name if it can't be read."""
    if plain(word) == "-":
        texts = call.state.stdin
    # These are subcommands of deno and bun, not files.
    elif plain(word) in {"run", "test", "x", "install", "task", "eval"}:
        return UNKNOWN
    else:
        texts = call.shell.contents(word, call.state)
    if texts is None and says_reset(plain(word)):
        call.doubt(Doubt.NAMED_RESET)
    for text in texts or ():
        look_for_commands(call, text)
    return UNKNOWN


def look_for_commands(call: Call, code: str, *, is_shell: bool = False) -> None:
    """Doubt code that can start a program and names a dangerous command, as a text or as a list of words."""
    examiner = call.shell.examiner
    # Check this first: most code names no dangerous program, and reading words costs more.
    if not any(program in code for program in examiner.risky) or not (is_shell or _STARTS.search(code)):
        return
    words = _WORD.findall(code)
    for at, word in enumerate(words):
        name = program_name(word)
        if name in examiner.risky and examiner.is_restricted([name, *words[at + 1 : at + _LONGEST_COMMAND]]):
            call.shell.doubt(Doubt.OTHER_LANGUAGE, " ".join(words[at : at + 6]))
            return


def run_awk(call: Call) -> Texts:
    """Examine awk's program, which is the first word without a dash."""
    for word in call.arguments:
        if not word.startswith("-"):
            look_for_commands(call, word)
            break
    return UNKNOWN


def run_editor(call: Call) -> Texts:
    """`vim -c '!COMMAND'`: an editor starts what comes after the exclamation mark."""
    for at, word in enumerate(call.arguments):
        command = word[1:] if word.startswith("+") else word if at and call.arguments[at - 1] in {"-c", "--cmd"} else ""
        if "!" in command:
            call.shell.guess(command.partition("!")[2], call.state)
    return UNKNOWN
