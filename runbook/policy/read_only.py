"""Prove that an argv only reads, from how it starts its program and from each of its options and words. Pure.

Policy says what a command does by its name, but one option can make a reading command write a file or start a program
(`git -c`, `curl -o`, `date -s`). So a rule lists the options that are known to only read. With any other option, the
command isn't proven to read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from runbook.linear_regex import linear_regex
from runbook.policy.argv import Invocation

__all__ = ["NotReadOnly", "ReadOnlyForm", "runs_others", "why_not_read_only"]

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
"""Programs that run whatever they are given, so no rule can prove what they do."""

_PACKAGE_RUNNERS = frozenset(
    {("npx",), ("pnpx",), ("bunx",), ("npm", "exec"), ("npm", "x"), ("pnpm", "exec"), ("pnpm", "dlx")}
)
"""Commands that start a package. `npm run supabase` isn't one: a script in package.json can do anything."""
_RUNNER_FLAGS = frozenset({"-y", "--yes", "--no", "--no-install", "--"})
_PACKAGE = re.compile(r"supabase(@([~^]?\d+(\.\d+){0,2}|latest))?", re.ASCII)


class NotReadOnly(NamedTuple):
    """Why a command can't be proven to only read, as a sentence.

    `about_words` is true if the reason is an option or a word, false if it is the way the program is started.
    """

    reason: str
    about_words: bool = True


class ReadOnlyForm(NamedTuple):
    """The subcommand, the options and the words with which a command only reads.

    `options` are the options with which it still only reads, `taking` all those that take a value in the next word.
    Each word after `command` must match one of the patterns in `operands` as a whole. None allows any word.
    """

    command: tuple[str, ...]
    options: Collection[str]
    taking: Collection[str]
    operands: Sequence[str] | None


def runs_others(program: str) -> bool:
    """Whether a program runs whatever it is given. `python3.12` counts as `python`."""
    return program in _RUNS_OTHERS or re.sub(r"[\d.-]+$", "", program) in _RUNS_OTHERS


def why_not_read_only(argv: Sequence[str], invocation: Invocation, form: ReadOnlyForm) -> NotReadOnly | None:
    """Return why an argv can't be proven to only read, None if it can."""
    if runs_others(invocation.program):
        return NotReadOnly(
            f"`{invocation.program}` runs whatever it is given, so no rule can tell what it does.", about_words=False
        )
    if not _starts_plainly(argv, invocation):
        return NotReadOnly("A path, a launcher or a package's version may start another program.", about_words=False)
    unknown = next(_unknown_in(invocation.arguments, form), None)
    return None if unknown is None else NotReadOnly(unknown)


def _starts_plainly(argv: Sequence[str], invocation: Invocation) -> bool:
    """Return whether the program is started by its bare name, or as a package by a package runner."""
    if argv[0] == invocation.program:
        return True
    head = argv[: len(argv) - len(invocation.arguments)]
    *runner, package = [word for word in head if word not in _RUNNER_FLAGS] or [""]
    is_package = invocation.program == "supabase" and _PACKAGE.fullmatch(package) is not None
    return is_package and tuple(runner) in _PACKAGE_RUNNERS


def _unknown_in(arguments: Sequence[str], form: ReadOnlyForm) -> Iterator[str]:
    """Yield a reason for each option and word that isn't known to only read."""
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
        name, takes_next = _unknown_option(word, form)
        if name:
            yield f"`{name}` isn't among the options that are known to only read."
        # A value that looks like an option may be one: the program may disagree on which options take a value.
        elif takes_next and (not rest or _may_be_option(rest.pop(0))):
            yield f"The value of `{word}` is missing or looks like an option."
    yield from _unknown_operands(operands, form)


def _unknown_operands(operands: Sequence[str], form: ReadOnlyForm) -> Iterator[str]:
    size = len(form.command)
    if tuple(operands[:size]) != form.command:
        yield "Its subcommand may be the value of an option."
    if form.operands is None:
        return
    for word in operands[size:]:
        if not any(linear_regex(f"(?s:{pattern})").matches_whole(word) for pattern in form.operands):
            yield "One of its words doesn't match any form that is known to only read."


def _may_be_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _unknown_option(word: str, form: ReadOnlyForm) -> tuple[str, bool]:
    """Return the first unknown option in a word, "" if all are known, and whether the last one takes the next word.

    Names must be complete: programs accept any unique prefix of a long name, so `--outp` may mean `--output`.
    """
    name, equals, _ = word.partition("=")
    if name in form.options and (word.startswith("--") or not equals or name in form.taking):
        return "", name in form.taking and not equals
    if word.startswith("--"):
        return name, False
    for at, letter in enumerate(word[1:], start=2):
        flag = f"-{letter}"
        if flag not in form.options:
            return flag, False
        if flag in form.taking:
            return "", at == len(word)
    return "", False
