"""`git`: its words are data, but for the few that are commands."""

from __future__ import annotations

import re

from runbook.guard.programs.shells import run_text
from runbook.guard.shell.call import Call
from runbook.guard.shell.texts import UNKNOWN, Texts, plain

__all__ = ["run_git"]

_VALUES = frozenset({"-C", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env"})
_COMMANDS = re.compile(
    r"(core\.(editor|pager|sshcommand|fsmonitor|hookspath)|sequence\.editor|diff\.external)=(.*)", re.DOTALL
)
_TEXTS = {
    "rebase": re.compile(r"-x|--exec"),
    "difftool": re.compile(r"-x|--extcmd"),
    "filter-branch": re.compile(r"--\w+-filter"),
    "filter-repo": re.compile(r"--\w+-callback"),
}


def run_git(call: Call) -> Texts:
    """Run what `-c`, `bisect run`, `rebase --exec`, `submodule foreach` and their kin would start."""
    words = list(call.words[1:])
    while words and plain(words[0]).startswith("-"):
        word = plain(words.pop(0))
        if word == "-c" and words:
            _configured(call, plain(words.pop(0)))
        elif word in _VALUES and words:
            words.pop(0)
    if not words:
        return UNKNOWN
    verb, rest = plain(words[0]), words[1:]
    if verb == "bisect" and rest and plain(rest[0]) == "run":
        return call.start(tuple(rest[1:]))
    if verb == "submodule" and "foreach" in rest:
        text = [word for word in rest[rest.index("foreach") + 1 :] if not plain(word).startswith("-")]
        return run_text(call, " ".join(text))
    if verb in _TEXTS:
        _flagged(call, _TEXTS[verb], rest)
    return UNKNOWN


def _configured(call: Call, setting: str) -> None:
    """`-c alias.x='!TEXT'` and settings that name a program."""
    name, _, value = setting.partition("=")
    if name.startswith("alias.") and value.startswith("!"):
        run_text(call, value[1:])
    match = _COMMANDS.match(setting)
    if match:
        run_text(call, match[3])


def _flagged(call: Call, flag: re.Pattern[str], words: list[str]) -> None:
    for at, word in enumerate(words):
        name, equals, value = plain(word).partition("=")
        if flag.fullmatch(name) and (equals or at + 1 < len(words)):
            run_text(call, value if equals else words[at + 1])
