"""Programs that nothing is known of, and programs whose very name is not: what their other words say.

Such a command is allowed unless its words could be a dangerous command: `$TOOL db reset`, `runner supabase db reset`.
"""

from __future__ import annotations

import re

from runbook.guard.programs.names import program_name
from runbook.guard.programs.shells import run_shell
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.texts import (
    ANY_WORDS,
    MAYBE,
    PRINTED,
    UNKNOWN,
    Texts,
    is_known,
    is_whole_unknown,
    may_be,
    plain,
)

__all__ = ["run_unknown", "run_unnamed"]

_REMOTE = ("--linked", "--remote")
_SPACE = re.compile(r"\s")
_CLI = re.compile(r"\bsupabase[/-]cli\b")
"""The CLI by other registries: a Go module, a Nix package, an image."""


def run_unknown(call: Call) -> None:
    """Doubt a program with a name that says nothing, if it may start a dangerous command."""
    if not call.shell.is_guessing:
        _look_behind(call)
        _look_inside(call)
        _look_as_another(call)


def run_unnamed(call: Call) -> Texts:
    """Doubt a program whose name is not known, or only in part, if its words speak for it."""
    word = plain(call.words[0])
    if set(word) == {PRINTED}:
        return UNKNOWN
    if call.shell.is_guessing:
        return UNKNOWN
    if word == ANY_WORDS and _is_bare(call):
        call.doubt(Doubt.UNKNOWN_PROGRAM)
        return UNKNOWN
    last = word.rsplit("/", 1)[-1]
    for name in call.shell.examiner.commanded:
        if may_be(last, name) and _minds_arguments(call, name):
            call.doubt(Doubt.UNKNOWN_PROGRAM)
            return UNKNOWN
    if any(may_be(last, shell) for shell in ("sh", "bash")) and "-c" in call.arguments:
        with call.shell.perhaps():
            run_shell(call.with_words(MAYBE + "sh", *call.words[1:]))
    run_unknown(call)
    return UNKNOWN


def _is_bare(call: Call) -> bool:
    """Whether nothing speaks for a harmless command: no words, or only such as a dangerous one would take."""
    if any(not word.startswith("-") and not is_whole_unknown(word) for word in call.arguments if word):
        return False
    flags = [word for word in call.arguments if is_known(word)]
    return not flags or any(word.partition("=")[0] in _REMOTE for word in flags)


def _minds_arguments(call: Call, name: str) -> bool:
    """Whether policy restricts that program with these arguments, and not just with any."""
    examiner = call.shell.examiner
    words = [word if is_known(word) else "x" for word in call.arguments]
    return examiner.is_restricted([name, *words]) and not examiner.is_restricted([name, "x"])


def _look_behind(call: Call) -> None:
    """Look for a program that starts the words behind its own: `runner supabase db reset`."""
    examiner = call.shell.examiner
    for at, word in enumerate(call.arguments):
        base = "supabase" if _CLI.search(word) else (program_name(word) or "").partition("@")[0]
        if _SPACE.search(word) or base not in examiner.risky:
            continue
        rest = [other if is_known(other) else "x" for other in call.arguments[at + 1 :]]
        rest = rest[1:] if rest[:1] == ["--"] else rest
        if examiner.is_restricted([base, *rest]) and (rest or at == 0):
            call.doubt(Doubt.WRAPPED)
            return


def _look_inside(call: Call) -> None:
    """Look for a program that gives one of its words to a shell: `runner 'supabase db reset'`."""
    examiner = call.shell.examiner
    for word in call.arguments:
        if _SPACE.search(word) and any(program in word for program in examiner.risky):
            call.shell.guess(word, call.state)


def _look_as_another(call: Call) -> None:
    """Look for the CLI under another name: no other program resets with `--linked` or `--remote`."""
    words = list(call.arguments)
    if any(word.partition("=")[0] in _REMOTE for word in words) and call.shell.examiner.is_restricted(
        ["supabase", *words]
    ):
        call.doubt(Doubt.UNKNOWN_PROGRAM)
