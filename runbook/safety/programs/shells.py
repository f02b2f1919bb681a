"""Shells started as programs: their options, the text or file that they run, and what is fed to them."""

from __future__ import annotations

from typing import NamedTuple

from runbook.safety.programs.scripts import run_script
from runbook.safety.shell.call import Call, Doubt
from runbook.safety.shell.scope import Scope
from runbook.safety.shell.texts import ANY_WORDS, NOTHING, PRINTED, UNKNOWN, Texts, either, is_whole_unknown, plain

__all__ = ["SHELLS", "feed", "run_shell", "run_text"]

SHELLS = frozenset(
    {"sh", "bash", "zsh", "dash", "ash", "ksh", "mksh", "yash", "fish", "rbash", "posh", "oksh", "bash5"}
)
"""Programs that read shell text."""

_VALUE_OPTIONS = frozenset({"--rcfile", "--init-file", "--emulate", "--init-command", "--debug-output", "--profile"})
_TEXT_OPTIONS = frozenset({"--command", "--init-command"})


class _Started(NamedTuple):
    """How a shell was started."""

    text: str | None
    words: tuple[str, ...]
    reads_input: bool
    only_parses: bool


def run_shell(call: Call) -> Texts:
    """Run what a shell is given: `-c TEXT`, a script, or its input."""
    started = _options(call.words[1:])
    if started.only_parses:
        return NOTHING
    if started.text is not None:
        name, arguments = (started.words[0], started.words[1:]) if started.words else (call.words[0], ())
        return run_text(call, started.text, name=name, arguments=arguments)
    if started.words and not started.reads_input:
        return run_script(call.with_words(*started.words), started.words[0])
    return feed(call, arguments=started.words)


def _options(words: tuple[str, ...]) -> _Started:
    rest = list(words)
    wants_text = reads_input = only_parses = False
    text: str | None = None
    while rest:
        word = plain(rest[0])
        if word in {"--", "-"}:
            rest.pop(0)
            break
        if word == ANY_WORDS or not word.startswith(("-", "+")):
            break
        rest.pop(0)
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            if name in _TEXT_OPTIONS and (equals or rest):
                text = value if equals else rest.pop(0)
            elif name in _VALUE_OPTIONS and not equals and rest:
                rest.pop(0)
            continue
        letters = word[1:]
        wants_text |= "c" in letters and word.startswith("-")
        reads_input |= "s" in letters and word.startswith("-")
        only_parses |= "n" in letters and word.startswith("-")
        if letters[-1:] in {"o", "O"} and rest:
            only_parses |= plain(rest.pop(0)) == "noexec"
    if wants_text and text is None and rest:
        text = rest.pop(0)
    return _Started(text, tuple(rest), reads_input, only_parses)


def run_text(call: Call, text: str, *, name: str | None = None, arguments: tuple[str, ...] = ()) -> Texts:
    """Run a text in a new shell. One that can't be seen at all is a doubt."""
    if not plain(text).strip() or plain(text).strip() == PRINTED:
        return NOTHING
    if is_whole_unknown(plain(text)):
        call.doubt(Doubt.UNKNOWN_SCRIPT)
        return UNKNOWN
    return call.shell.text(text, _inner(call, name or call.words[0], arguments))


def _inner(call: Call, name: str, arguments: tuple[str, ...]) -> Scope:
    scope = call.scope.child()
    scope.name, scope.arguments = name, (arguments,)
    return scope


def feed(call: Call, *, arguments: tuple[str, ...] = ()) -> Texts:
    """Run what comes in on standard input. At a terminal that is a person, and no business of one line."""
    texts = call.scope.stdin
    if texts is None:
        return UNKNOWN
    inner = call.scope.child()
    inner.stdin = None
    fed = call.with_words(*call.words)._replace(scope=inner)
    return either(*(run_text(fed, text, arguments=arguments) for text in texts))
