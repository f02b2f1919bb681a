"""Prove that an argv only reads: by how its program is started, and by each option and word that it is given. Pure.

Policy says what a command does by its name, but one option can make a reader write a file or start a program (`git
-c`, `curl -o`, `date -s`). So a rule names the options that are known to read, and what it doesn't name is a doubt.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from runbook.linear_regex import linear_regex
from runbook.policy.argv import Invocation

__all__ = ["Reader", "ReadingDoubt", "find_doubt", "runs_others"]

_SHELLS = (
    "sh bash dash ash zsh ksh mksh fish csh tcsh rbash pwsh powershell cmd busybox toybox python pypy node nodejs deno"
    " bun perl ruby php lua luajit tclsh r rscript java jshell osascript expect groovy scala elixir julia tsx ts-node"
    " awk gawk mawk nawk sed gsed ed ex vi vim nvim emacs gdb"
)
_STARTS_OTHERS = (
    "env xargs find fd parallel sudo doas su runuser pkexec exec eval command source . nice ionice nohup setsid time"
    " timeout gtimeout stdbuf watch script strace ltrace flock chroot unshare nsenter systemd-run at batch entr direnv"
    " dotenv dotenvx cross-env mise asdf op doppler concurrently hyperfine ssh mosh docker podman nerdctl"
    " docker-compose podman-compose kubectl tmux screen"
)
_RUNS_SCRIPTS = (
    "make gmake cmake ninja just task rake nx turbo lerna cargo go gradle mvn npm npx pnpm pnpx yarn bunx corepack"
    " uv uvx pipx poetry pipenv bundle nix"
)
_RUNS_OTHERS = frozenset(f"{_SHELLS} {_STARTS_OTHERS} {_RUNS_SCRIPTS}".split())
"""Programs that run whatever they are given, so that no rule can prove what they do."""

_STARTERS = {
    ("npx",): "supabase",
    ("pnpx",): "supabase",
    ("bunx",): "supabase",
    ("npm", "exec"): "supabase",
    ("npm", "x"): "supabase",
    ("pnpm", "exec"): "supabase",
    ("pnpm", "dlx"): "supabase",
}
"""How a package may be started, and which. A script of package.json of that name can do anything."""
_STARTER_FLAGS = frozenset({"-y", "--yes", "--no", "--no-install", "--"})
_PACKAGE = re.compile(r"(?P<name>[a-z]+)(@([~^]?\d+(\.\d+){0,2}|latest))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReadingDoubt:
    """Why a command can't be proven to read, as a sentence. `about_words`: its options or words are to blame."""

    reason: str
    about_words: bool = True


@dataclass(frozen=True, slots=True)
class Reader:
    """What is known of a command that reads: its words, its options, and the form of all other words.

    `options` are the options that keep it reading, `taking` all those that take a value in the next word. `operands`
    are patterns, one of which each word behind `command` fits as a whole; None if any word may stand there.
    """

    command: tuple[str, ...]
    options: Collection[str]
    taking: Collection[str]
    operands: Sequence[str] | None


def runs_others(program: str) -> bool:
    """Whether a program runs what it is given; `python3.12` counts as `python`."""
    return program in _RUNS_OTHERS or re.sub(r"[\d.-]+$", "", program) in _RUNS_OTHERS


def find_doubt(argv: Sequence[str], invocation: Invocation, reader: Reader) -> ReadingDoubt | None:
    """Return why an argv can't be proven to read, None if it can."""
    if runs_others(invocation.program):
        return ReadingDoubt(
            f"`{invocation.program}` runs what it is given, so no rule can tell what it does.", about_words=False
        )
    if not _starts_plainly(argv, invocation):
        return ReadingDoubt("A path, a launcher or a package's version may start another program.", about_words=False)
    unknown = next(_unknown_in(invocation.arguments, reader), None)
    return None if unknown is None else ReadingDoubt(unknown)


def _starts_plainly(argv: Sequence[str], invocation: Invocation) -> bool:
    """Whether the program is started by its bare name, or its package by a package runner."""
    if argv[0] == invocation.program:
        return True
    head = argv[: len(argv) - len(invocation.arguments)]
    words = [word for word in head if word not in _STARTER_FLAGS]
    package = _PACKAGE.fullmatch(words[-1]) if words else None
    return package is not None and _STARTERS.get(tuple(words[:-1])) == package["name"] == invocation.program


def _unknown_in(arguments: Sequence[str], reader: Reader) -> Iterator[str]:
    """Yield why each option and word isn't known to keep the command reading."""
    operands: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            operands += rest
            break
        if not word.startswith("-") or word == "-":
            operands.append(word)
            continue
        name, takes_next = _option(word, reader)
        if name:
            yield f"`{name}` isn't among the options that are known to only read."
        # What looks like an option may be one, if the program disagrees on which options take a value.
        elif takes_next and (not rest or _may_be_option(rest.pop(0))):
            yield f"`{word}` has no value that can be told from an option."
    yield from _unknown_operands(operands, reader)


def _unknown_operands(operands: Sequence[str], reader: Reader) -> Iterator[str]:
    size = len(reader.command)
    if tuple(operands[:size]) != reader.command:
        yield "An option stands where its subcommand should."
    for word in operands[size:] if reader.operands is not None else ():
        if not any(linear_regex(f"(?s:{pattern})").matches_whole(word) for pattern in reader.operands or ()):
            yield "One of its words doesn't have a form that is known to only read."


def _may_be_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _option(word: str, reader: Reader) -> tuple[str, bool]:
    """Return the option in a word that isn't known ("" if all are), and whether the last one takes the next word.

    Names count as written: programs take any beginning of a long name for it, so `--outp` is not `--output-format`.
    """
    name, equals, _ = word.partition("=")
    if name in reader.options and (word.startswith("--") or not equals or name in reader.taking):
        return "", name in reader.taking and not equals
    if word.startswith("--"):
        return name, False
    for at, letter in enumerate(word[1:], start=2):
        flag = f"-{letter}"
        if flag not in reader.options:
            return flag, False
        if flag in reader.taking:
            return "", at == len(word)
    return "", False
