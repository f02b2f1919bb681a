"""Follow what the shell itself does: directories, variables, aliases, traps, and texts run in place."""

from __future__ import annotations

import re
from collections.abc import Callable

from runbook.guard.programs.outputs import format_text, run_printf, run_which
from runbook.guard.programs.shells import run_script, run_text
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.shell_state import ANY_LIST, Variable, scalar
from runbook.guard.shell.texts import ANY, ANY_WORDS, NOTHING, UNKNOWN, Texts, either, is_known, is_whole_unknown, plain

__all__ = ["BUILTINS"]

_EXPRESSIONS = frozenset({"-v", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
# `trap - SIGNAL`, `trap "" SIGNAL` and the forms that only list.
_ENDS = frozenset({"-", "", "-l", "-p"})


def _nothing(_call: Call) -> Texts:
    return NOTHING


def _evaluate(call: Call) -> Texts:
    """Run the substitutions in subscripts of a command's words, quoted or not."""
    call.shell.evaluate(call.words[1:], call.state)
    return NOTHING


def _test(call: Call) -> Texts:
    """Run the substitutions in numbers, and in a name after `-v`: both are expressions with subscripts."""
    return _evaluate(call) if _EXPRESSIONS & set(call.arguments) else NOTHING


def _cd(call: Call) -> Texts:
    """Follow a literal directory. After any other, the directory is unknown."""
    words = [word for word in call.words[1:] if not re.fullmatch(r"-[LPe@]+|--", plain(word))]
    before = call.state.directory
    if len(words) == 1 and plain(words[0]) == "-" and before is not None and "OLDPWD" in call.state.variables:
        texts = call.state.variables["OLDPWD"].first()
        call.state.directory = texts[0] if len(texts) == 1 and is_known(texts[0]) else None
    else:
        call.state.enter(words[0] if len(words) == 1 else ANY)
    if before is not None:
        call.state.variables["OLDPWD"] = scalar((before,))
    return NOTHING


def _pushd(call: Call) -> Texts:
    """Follow `pushd DIRECTORY` as `cd`; without one, or with `+1`, it goes to a directory that was left before."""
    before = call.state.directory
    path = plain(call.words[-1])
    if len(call.words) < 2 or path.startswith(("+", "-")):
        return _lost(call)
    call.state.left = (*call.state.left, before)
    return _cd(call)


def _popd(call: Call) -> Texts:
    """Go back to the directory that the last `pushd` left."""
    if not call.state.left or len(call.words) > 1:
        return _lost(call)
    *rest, call.state.directory = call.state.left
    call.state.left = tuple(rest)
    return NOTHING


def _lost(call: Call) -> Texts:
    call.state.directory = None
    return NOTHING


def _eval(call: Call) -> Texts:
    words = call.words[2:] if call.arguments[:1] == ("--",) else call.words[1:]
    return run_text(call, " ".join(words), here=True)


def _source(call: Call) -> Texts:
    path = call.words[1] if len(call.words) > 1 else ""
    return run_script(call.with_words(*call.words[1:]), path, here=True) if path else NOTHING


def _command(call: Call) -> Texts:
    """`command NAME …` starts a program; with -v or -V it only looks one up."""
    words = list(call.words[1:])
    while words and re.fullmatch(r"-[pvV]+|--", plain(words[0])):
        # What it prints may become a program: `$(command -v supabase) db reset`.
        if "v" in plain(words[0]).lower():
            return run_which(call.with_words("which", *words[1:2]))
        words.pop(0)
    return call.start(tuple(words))


def _exec(call: Call) -> Texts:
    words = list(call.words[1:])
    while words and re.fullmatch(r"-[acl]+|--", plain(words[0])):
        taken = words.pop(0)
        if "a" in plain(taken) and words:
            words.pop(0)
    return call.start(tuple(words))


def _trap(call: Call) -> Texts:
    words = [word for word in call.words[1:] if plain(word) != "--"]
    if not words or plain(words[0]) in _ENDS:
        return NOTHING
    text = plain(words[0])
    if is_whole_unknown(text):
        call.doubt(Doubt.UNKNOWN_SCRIPT)
        return NOTHING
    # It runs at the end, but a signal may trigger it at once.
    call.state.traps.append(text)
    call.shell.text(text, call.state.copy())
    return NOTHING


def _alias(call: Call) -> Texts:
    for word in map(plain, call.words[1:]):
        name, equals, text = word.partition("=")
        if equals:
            # Kept, though a script would not expand it: a line may be typed into an interactive shell.
            call.state.aliases[name] = text
    return UNKNOWN


def _unalias(call: Call) -> Texts:
    for name in call.arguments:
        call.state.aliases.pop(name, None)
    if "-a" in call.arguments:
        call.state.aliases.clear()
    return NOTHING


def _unset(call: Call) -> Texts:
    _evaluate(call)
    functions = "-f" in call.arguments
    # A function that is unset on only one path may still exist, so it keeps its bodies beside None.
    for name in call.arguments:
        bodies = call.state.functions.get(name)
        if bodies is not None and (functions or name not in call.state.variables):
            # It may be unset on only one path, so the bodies stay beside None.
            call.state.functions[name] = tuple(dict.fromkeys((*bodies, None)))
        if not functions and re.fullmatch(r"\w+", name):
            # An empty text instead of nothing, which would mean that the environment may set it.
            call.state.variables[name] = scalar(("",))
    return NOTHING


def _set(call: Call) -> Texts:
    words = call.words[1:]
    for at, word in enumerate(words):
        if plain(word) == "--":
            call.state.arguments = (tuple(words[at + 1 :]),)
            return NOTHING
        if not plain(word).startswith(("-", "+")) and (at == 0 or plain(words[at - 1]) not in {"-o", "+o"}):
            call.state.arguments = (tuple(words[at:]),)
            return NOTHING
    return NOTHING


def _shift(call: Call) -> Texts:
    count = call.arguments[0] if call.arguments else "1"
    # An unknown word may be any number of words, so the rest is unknown too.
    if not count.isdigit() or any(ANY_WORDS in word for items in call.state.arguments for word in items):
        call.state.arguments = ANY_LIST
    else:
        call.state.arguments = tuple(dict.fromkeys(items[int(count) :] for items in call.state.arguments))
    return NOTHING


def _read(call: Call) -> Texts:
    """`read NAMES` takes any line of the input, because it may be in a loop, and splits it into as many parts."""
    _evaluate(call)
    names = [word for word in call.arguments if re.fullmatch(r"[A-Za-z_]\w*", word)] or ["REPLY"]
    texts = UNKNOWN if call.state.stdin is None else call.state.stdin
    options = "".join(word[1:] for word in call.arguments if word.startswith("-"))
    lines = either(*(tuple(text.splitlines()) or ("",) for text in texts)) if "d" not in options else texts
    if "r" not in options:
        # Without -r, a backslash quotes the next character.
        lines = tuple(re.sub(r"\\(.)", r"\1", line) for line in lines)
    if "a" in options:
        call.state.assign(names[-1], Variable(tuple(tuple(line.split()) for line in lines)))
        return NOTHING
    whole = len(names) == 1 and "IFS" not in call.state.variables
    for number, name in enumerate(names):
        parts = lines if whole else tuple(_part(line, number, len(names), call) for line in lines)
        call.state.assign(name, scalar(either(parts)))
    return NOTHING


def _part(line: str, number: int, count: int, call: Call) -> str:
    if "IFS" in call.state.variables or not is_known(line):
        return line if count == 1 and is_known(line) else ANY
    parts = line.split(None, count - 1)
    return parts[number].rstrip() if number < len(parts) else ""


def _mapfile(call: Call) -> Texts:
    names = [word for word in call.arguments if re.fullmatch(r"[A-Za-z_]\w*", word)]
    texts = UNKNOWN if call.state.stdin is None else call.state.stdin
    lists = tuple(tuple(text.splitlines()) if is_known(text) else (ANY_WORDS,) for text in texts)
    call.state.assign(names[-1] if names else "MAPFILE", Variable(lists))
    return NOTHING


def _printf(call: Call) -> Texts:
    words = call.arguments
    if words[:1] != ("-v",) or len(words) < 3:
        return run_printf(call)
    call.shell.evaluate(call.words[2:3], call.state)
    text = format_text(words[2], list(words[3:]))
    call.state.assign(words[1].partition("[")[0], scalar(UNKNOWN if text is None else (text,)))
    return NOTHING


def _getopts(call: Call) -> Texts:
    for name in (*call.arguments[1:2], "OPTARG"):
        call.state.assign(name, scalar(UNKNOWN))
    return NOTHING


BUILTINS: dict[str, Callable[[Call], Texts]] = {
    **dict.fromkeys((":", "true", "false", "exit", "return", "break", "continue", "wait", "shopt", "umask"), _nothing),
    **dict.fromkeys(("ulimit", "hash", "times", "bind", "setopt", "unsetopt", "logout"), _nothing),
    **dict.fromkeys(("test", "["), _test),
    **dict.fromkeys(("z", "autojump"), _lost),
    **dict.fromkeys(("builtin", "noglob", "nocorrect"), lambda call: call.start(call.words[1:])),
    **dict.fromkeys(("source", "."), _source),
    **dict.fromkeys(("mapfile", "readarray"), _mapfile),
    "alias": _alias,
    "cd": _cd,
    "command": _command,
    "eval": _eval,
    "exec": _exec,
    "getopts": _getopts,
    "let": _evaluate,
    "popd": _popd,
    "printf": _printf,
    "pushd": _pushd,
    "pwd": lambda call: (f"{call.state.directory}\n",) if call.state.directory else UNKNOWN,
    "read": _read,
    "set": _set,
    "shift": _shift,
    "trap": _trap,
    "type": lambda call: run_which(call) if {"-p", "-P"} & set(call.arguments) else UNKNOWN,
    "unalias": _unalias,
    "unset": _unset,
}
"""The shell's own commands, by name."""
