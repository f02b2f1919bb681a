r"""Run what psql's own commands start: `\! LINE`, `\g | LINE`, `\o | LINE`, `\copy … from program`, and backquotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook.guard.programs.shells import run_text
from runbook.guard.shell.call import Call
from runbook.guard.shell.texts import UNKNOWN, Texts, plain
from runbook.policy.argv import read_words

__all__ = ["PSQL_VALUES", "run_psql"]

PSQL_VALUES = (
    *("-c", "--command", "-d", "--dbname", "-f", "--file", "-F", "--field-separator", "-h", "--host", "-L", "-o"),
    *("--log-file", "--output", "-p", "--port", "-P", "--pset", "-R", "--record-separator", "-T", "--table-attr", "-U"),
    *("--username", "-v", "--set", "--variable"),
)
"""The flags of psql that take a value."""

_SHELL = re.compile(r"\\!\s*(.*)", re.DOTALL)
_PIPE = re.compile(r"\\(?:g|gx|gdesc|o|out|w|write|s)\s*(?:\([^)]*\)\s*)?\|(.*)", re.DOTALL)
_PROGRAM = re.compile(r"\\copy\b.*\b(?:from|to)\s+program\s+'((?:[^']|'')*)'", re.DOTALL | re.IGNORECASE)
_BACKQUOTES = re.compile(r"`([^`]*)`")
_INCLUDED = re.compile(r"\\(?:i|ir|include|include_relative)\s+'?([^\s']+)")


def run_psql(call: Call) -> Texts:
    """Run the shell lines in psql's commands, in its words, its files and its input, whatever database it reaches."""
    words = read_words([plain(word) for word in call.words[1:]], PSQL_VALUES)
    for target in words.values("-o", "--output", "-L", "--log-file"):
        if target.startswith("|"):
            run_text(call, target[1:])
    files = words.values("-f", "--file")
    texts = [*words.values("-c", "--command")]
    texts += [text for path in files for text in call.shell.contents(path, call.state) or ()]
    if "-" in files or (not texts and not files):
        texts += call.state.stdin or ()
    for text in texts:
        _run_commands(call, text, depth=0)
    return UNKNOWN


_DEEPEST = 5


def _run_commands(call: Call, text: str, *, depth: int) -> None:
    # Most SQL has none, and the tokens of a long file take time.
    if "\\" not in text or depth > _DEEPEST:
        return
    for command in _commands_in(text):
        for pattern in (_SHELL, _PIPE, _PROGRAM):
            match = pattern.match(command)
            if match and match[1].strip():
                run_text(call, match[1].replace("''", "'") if pattern is _PROGRAM else match[1])
        for line in _BACKQUOTES.findall(command) if not command.startswith("\\!") else ():
            run_text(call, line)
        included = _INCLUDED.match(command)
        for inner in (call.shell.contents(included[1], call.state) or ()) if included else ():
            _run_commands(call, inner, depth=depth + 1)


def _commands_in(text: str) -> Iterator[str]:
    from runbook.policy.sql_tokens import TokenKind, tokens  # most lines have no SQL

    yield from (token.text for token in tokens(text) if token.kind is TokenKind.META)
