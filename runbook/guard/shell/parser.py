"""Parse text into nodes with a plain reader if possible, or else with shfmt, a full parser of bash's grammar."""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runbook.errors import MissingPartError
from runbook.guard.shell.nodes import Assign, Chain, If, Pipe, ShellStatement, Simple, Subshell, TextPart, Word
from runbook.guard.shell.texts import ANY, ANY_WORDS, LONGEST, ONE_WORD, PRINTED

if TYPE_CHECKING:
    import subprocess

__all__ = ["NotShellError", "read_plain", "read_shell", "without_long_bodies"]

# A limit against a hang, shorter than the alarm of an agent's hook.
_SECONDS = 5.0
_PROCESSOR_SECONDS = 1
# Bytes of a syntax tree. A script of 64 KB has about 15 MB. A chain of a few thousand operators has gigabytes, because
# each level is indented.
_LARGEST_TREE = 20 * 1024 * 1024


_ADD_SHFMT = "Add it: pip install shfmt-py, or your system's package (Alpine: apk add shfmt)"
"""There is no wheel of shfmt-py for musl."""


class NotShellError(Exception):
    """The text is not a shell program, too long, or too deep to read."""


def read_shell(text: str) -> Chain:
    """Parse a shell text. Raises NotShellError, and MissingPartError if shfmt isn't installed."""
    if "\0" in text:
        raise NotShellError("it holds a NUL character")
    try:
        # Cut it first, so that a huge text isn't encoded for nothing.
        data = text[: LONGEST + 1].encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise NotShellError("it isn't text") from error
    if len(data) > LONGEST:
        raise NotShellError(f"it is longer than {LONGEST // 1024} KB")
    # shfmt is another process to start, and most lines need no grammar.
    plain = read_plain(text)
    return plain if plain is not None else _read_with_shfmt(data)


_LONG_BODY = 2048
_HEREDOC = re.compile(r"(?<!<)<<(?!<)-?[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\([\w.-]+)|([\w.-]+))[^\n]*\n")


def without_long_bodies(text: str) -> str:
    """Return a text with an unknown text in place of each long heredoc that a shell passes on as it is.

    A text that is written to a file may be of any length. If it's run instead, running an unknown text is a doubt.
    """
    pieces: list[str] = []
    at = 0
    for match in _HEREDOC.finditer(text):
        if match.start() < at or not _is_outside_quotes(text, match.start()):
            continue
        end = _end_of_body(text, match.end(), next(filter(None, match.groups())))
        body = text[match.end() : end]
        # Without quotes around the word, the shell substitutes in the body.
        if end < 0 or len(body) < _LONG_BODY or (match[4] and ("$" in body or "`" in body)):
            continue
        pieces += [text[at : match.end()], f"{ANY}\n"]
        at = end
    return "".join([*pieces, text[at:]])


def _is_outside_quotes(text: str, at: int) -> bool:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line.count("'") % 2 == 0 and line.count('"') % 2 == 0 and not line.lstrip().startswith("#")


def _end_of_body(text: str, start: int, word: str) -> int:
    """Return where the line with the closing word begins, or -1 if there is none."""
    if text.startswith(f"{word}\n", start):
        return start
    found = text.find(f"\n{word}\n", start - 1)
    if found < 0 and text.endswith(f"\n{word}"):
        found = len(text) - len(word) - 1
    return found + 1 if found >= 0 else -1


def _read_with_shfmt(data: bytes) -> Chain:
    import subprocess  # plain lines do without these

    from runbook.guard.shell.translate import translate

    # All text is read as bash. Text that only another shell can read is a doubt.
    command = [_shfmt(), "--to-json", "-ln", "bash"]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise MissingPartError(f"it can't be started ({error.strerror})", hint=_ADD_SHFMT) from error
    with process:
        tree, message = _answer_of(process, data)
    if process.returncode != 0:
        raise NotShellError(message or "it takes too long to parse")
    try:
        return translate(json.loads(tree), data)
    except RecursionError as error:
        raise NotShellError("it is nested too deeply") from error
    except (KeyError, TypeError, ValueError) as error:
        raise NotShellError(f"its syntax tree is of an unknown shape ({error!r})") from error


def _answer_of(process: subprocess.Popen[bytes], data: bytes) -> tuple[bytes, str]:
    """Return what shfmt prints and the first line of its error. Kill it if it takes too long or prints too much."""
    import threading

    assert process.stdin
    assert process.stdout
    assert process.stderr
    _limit(process.pid)
    alarm = threading.Timer(_SECONDS, process.kill)
    alarm.start()
    try:
        # shfmt reads all of its input before it prints anything, so this can't deadlock.
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(data)
        tree = process.stdout.read(_LARGEST_TREE + 1)
        if len(tree) > _LARGEST_TREE:
            process.kill()
            return b"", "it is nested too deeply"
        message = process.stderr.read().decode(errors="replace").strip().splitlines()
        process.wait()
        return tree, message[0] if message else ""
    finally:
        alarm.cancel()


def _limit(pid: int) -> None:
    """Have the kernel kill shfmt after a second of processor time, which doesn't depend on how busy the machine is."""
    import resource

    # macOS has no such call. There, only the alarm limits it.
    limit = getattr(resource, "prlimit", None)
    if limit is not None:
        with suppress(OSError):
            limit(pid, resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS))


@functools.cache
def _shfmt() -> str:
    """Find shfmt: beside the interpreter (a virtual environment), in the scripts directory, or on PATH."""
    name = "shfmt.exe" if os.name == "nt" else "shfmt"
    # The wheel shfmt-py puts it there; a virtual environment need not be on PATH.
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return str(beside)
    import shutil
    import sysconfig

    for directory in (sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user")):
        if (Path(directory) / name).is_file():
            return str(Path(directory) / name)
    found = shutil.which(name)
    if found is None:
        raise MissingPartError("it isn't installed", hint=_ADD_SHFMT)
    return found


# --- lines that need no grammar --------------------------------------------------------------------------------------


_BARE = rf"[\w./:@,%+=^~{ANY}{ANY_WORDS}{ONE_WORD}{PRINTED}-]"
_TOKEN = re.compile(
    rf"""
    (?P<blank>[ \t]+|(?<![^ \t\n;&|])\#[^\n]*)
  | (?P<word>(?:{_BARE}(?:{_BARE}|\#)*|'[^']*'|"[^"$`\\!]*")+)
  | (?P<joint>&&|\|\||;(?!;)|\|(?!&)|&(?!>)|\n)
    """,
    re.VERBOSE,
)
_PIECE = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^'\"]+)")
_ASSIGN = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
_GRAMMAR = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "select"}
    | {"function", "time", "coproc", "declare", "export", "local", "readonly", "typeset", "nameref", "let"}
)
"""Words that begin something other than a command."""


class _NotPlainError(Exception):
    """The text needs the whole grammar."""


def read_plain(text: str) -> Chain | None:
    """Return the nodes of a plain text, or None if it isn't plain (or isn't shell code at all)."""
    try:
        return _PlainReader(text).chain()
    except _NotPlainError:
        return None


class _PlainReader:
    def __init__(self, text: str) -> None:
        self._tokens = [token for token in _tokens(text) if token[0] != "blank"]
        self._at = 0

    def chain(self) -> Chain:
        statements: list[ShellStatement] = []
        self._skip_newlines()
        while self._at < len(self._tokens):
            statement = self._and_or()
            # `&` starts a process of its own, whose assignments the shell never sees.
            statements.append(ShellStatement(Subshell(Chain((statement,)))) if self._joint() == "&" else statement)
            if self._at < len(self._tokens):
                self._at += 1  # whatever ended the statement: `;`, `&` or a newline
            self._skip_newlines()
        return Chain(tuple(statements))

    def _joint(self) -> str:
        kind, text, _, _ = self._tokens[self._at] if self._at < len(self._tokens) else ("joint", "", 0, 0)
        return text if kind == "joint" else ""

    def _skip_newlines(self) -> None:
        while self._joint() == "\n":
            self._at += 1

    def _and_or(self) -> ShellStatement:
        left = self._pipeline()
        while self._joint() in {"&&", "||"}:
            self._at += 1
            self._skip_newlines()
            left = ShellStatement(If(Chain((left,)), Chain((self._pipeline(),)), Chain(())))
        return left

    def _pipeline(self) -> ShellStatement:
        left = self._simple()
        while self._joint() == "|":
            self._at += 1
            self._skip_newlines()
            left = ShellStatement(Pipe(left, self._simple()))
        return left

    def _simple(self) -> ShellStatement:
        start = self._at
        while self._at < len(self._tokens) and self._tokens[self._at][0] == "word":
            self._at += 1
        tokens = self._tokens[start : self._at]
        if not tokens:
            raise _NotPlainError
        sources = [token[1] for token in tokens]
        count = next((n for n, source in enumerate(sources) if not _ASSIGN.match(source)), len(sources))
        if count < len(sources) and sources[count] in _GRAMMAR:  # only where a command may begin: `echo if` is plain
            raise _NotPlainError
        assigns = tuple(
            Assign(name.rstrip("+"), _word(value), append=name.endswith("+"))
            for name, _, value in (source.partition("=") for source in sources[:count])
        )
        words = tuple(_word(source) for source in sources[count:])
        return ShellStatement(Simple(assigns, words, tokens[0][2], tokens[0][3]))


def _tokens(text: str) -> list[tuple[str, str, int, int]]:
    tokens = []
    at, line, line_start = 0, 1, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _NotPlainError
        tokens.append((match.lastgroup, match[0], line, at - line_start + 1))
        at = match.end()
        if "\n" in match[0]:
            line += match[0].count("\n")
            line_start = match.start() + match[0].rindex("\n") + 1
    return tokens


def _word(source: str) -> Word:
    return tuple(TextPart(bare or single or double, quoted=not bare) for single, double, bare in _PIECE.findall(source))
