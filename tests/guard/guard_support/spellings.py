"""Spell one command in the many ways that a shell reads as the same words."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from guard_support.nester import Nester
from guard_support.programs import SPAWNED

__all__ = ["SPELLINGS", "TRAPS"]


def _plain(_nester: Nester, words: tuple[str, ...]) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _odd_quotes(nester: Nester, words: tuple[str, ...]) -> str:
    return "  ".join(nester.quoted(word) for word in words)


def _escaped_letters(nester: Nester, words: tuple[str, ...]) -> str:
    spelled = [word[:1] + "\\" + word[1:] if word.isalpha() and len(word) > 1 else shlex.quote(word) for word in words]
    return " \\\n ".join(spelled)


def _variables(nester: Nester, words: tuple[str, ...]) -> str:
    names = [nester.name() for _ in words]
    assigned = " ".join(f"{name}={nester.quoted(word)}" for name, word in zip(names, words, strict=True))
    return f"{assigned}; " + " ".join(f'"${name}"' for name in names)


def _array(nester: Nester, words: tuple[str, ...]) -> str:
    name = nester.name()
    return f"{name}=({' '.join(map(nester.quoted, words))}); " + f'"${{{name}[@]}}"'


def _positional(nester: Nester, words: tuple[str, ...]) -> str:
    return f'set -- {" ".join(map(nester.quoted, words))}; "$@"'


def _braces(nester: Nester, words: tuple[str, ...]) -> str:
    if any(set(word) & set(" ,{}%'") for word in words):
        return _plain(nester, words)
    return "{" + ",".join(words) + "}"


def _split_variable(nester: Nester, words: tuple[str, ...]) -> str:
    if any(set(word) & set(" %") for word in words):
        return _plain(nester, words)
    name = nester.name()
    return f"{name}={nester.quoted(' '.join(words))}; ${name}"


def _pieced_together(nester: Nester, words: tuple[str, ...]) -> str:
    name, word = nester.name(), words[-1]
    head, tail = word[: len(word) // 2], word[len(word) // 2 :]
    rest = " ".join(shlex.quote(other) for other in words[:-1])
    return f'{name}={shlex.quote(head)}; {name}+={shlex.quote(tail)}; {rest} "${name}"'


def _changed_variable(nester: Nester, words: tuple[str, ...]) -> str:
    name, at = nester.name(), len(words) - 2
    word = words[at]
    rest = [shlex.quote(other) for other in words]
    value, use = nester.random.choice(
        [
            (f"xx{word}", f"${{{name}#xx}}"),
            (f"{word}zz", f"${{{name}%zz}}"),
            (f"{word}zz", f"${{{name}:0:{len(word)}}}"),
            (f"xx{word}", f"${{{name}/xx/}}"),
        ]
    )
    rest[at] = f'"{use}"'
    return f"{name}={shlex.quote(value)}; {' '.join(rest)}"


def _substituted(nester: Nester, words: tuple[str, ...]) -> str:
    at = nester.random.randrange(len(words))
    rest = [shlex.quote(other) for other in words]
    if "%" not in words[at] and "\\" not in words[at]:
        rest[at] = f'"$({nester.pick("echo", "printf %s")} {nester.quoted(words[at])})"'
    return " ".join(rest)


def _prefixed(nester: Nester, words: tuple[str, ...]) -> str:
    prefix = nester.pick("env A=1", "command", "nohup", "timeout 5", "nice -n 1", "A=1 B='x y'", "time", "env", "exec")
    return f"{prefix} {_plain(nester, words)}"


def _decoyed(nester: Nester, words: tuple[str, ...]) -> str:
    """Set a variable to the word that counts, then to another word in a way that doesn't last or never happens."""
    at = next((n for n, word in enumerate(words) if word in {"reset", "down", "push"}), len(words) - 1)
    name = nester.name()
    other = f"{name}=lint"
    decoy = nester.pick(
        f"({other})",
        f"{other} &\nwait",
        f"false && {other}",
        f"true || {other}",
        f"{other} true",
        f"if false; then {other}; fi",
        f"bash -c '{other}'",
        f"{nester.name()}() {{ {other}; }}",
        f"true | {other}",
        f": $({other})",
        f"for {name} in; do :; done",
        f"case a in b) {other};; esac",
        f"while false; do {other}; done",
        f"echo {name}=lint > /dev/null",
        f"until true; do {other}; done",
    )
    rest = [shlex.quote(word) for word in words]
    rest[at] = f'"${name}"'
    return f"{name}={nester.quoted(words[at])}\n{decoy}\n{' '.join(rest)}"


def _masked(nester: Nester, words: tuple[str, ...]) -> str:
    """Define the program as something harmless in a place where that doesn't count."""
    program, line = words[0], _plain(nester, words)
    return nester.pick(
        f"{program}() {{ :; }}\ncommand {line}",
        f"{program}() {{ :; }}\nenv {line}",
        f"{program}() {{ :; }}\nunset -f {program}\n{line}",
        f"({program}() {{ :; }})\n{line}",
        f"if false; then {program}() {{ :; }}; fi\n{line}",
        f"alias {program}=true\n{line}",
        f"{program}() {{ :; }}\nbash -c {nester.quoted(line)}",
        f"{program}() {{ :; }}\necho x | xargs -n1 -I{{}} {line}",
        f"shopt -s expand_aliases\nalias w={shlex.quote(program)}\nw {_plain(nester, words[1:])}",
    )


def _counted(nester: Nester, words: tuple[str, ...]) -> str:
    """Take a word out of an array by a computed index."""
    name, number = nester.name(), nester.name()
    at = nester.random.randrange(len(words))
    rest = [shlex.quote(word) for word in words]
    count, index = nester.pick(
        f"{number}=0; (({number}++))|${number}",
        f"{number}=0; let {number}+=1|${number}",
        f"{number}=0; (({number}++))|{number}",
        "true|1",
        "true|0+1",
        f"{number}=0; : $(({number}=1))|${number}",
        f"for (({number}=0; {number}<1; {number}++)); do :; done|${number}",
        f"{number}=0; while [ ${number} = 0 ]; do {number}=1; done|${number}",
    ).split("|")
    rest[at] = f'"${{{name}[{index}]}}"'
    return f"{name}=(lint {shlex.quote(words[at])})\n{count}\n{' '.join(rest)}"


def _read_in(nester: Nester, words: tuple[str, ...]) -> str:
    at = nester.random.randrange(len(words))
    if set(words[at]) & set(" %\\"):
        return _plain(nester, words)
    name, word = nester.name(), nester.quoted(words[at])
    rest = [shlex.quote(other) for other in words]
    rest[at] = f'"${name}"'
    got = nester.pick(
        f"read -r {name} <<< {word}",
        f"read -r _ {name} <<< 'x '{word}",
        f"IFS=, read -r _ {name} <<< x,{word}",
        f"mapfile -t {name} <<< {word}",
        f"read -ra {name} <<< {word}",
        f"{name}=x; {name}={word}",
        f"declare {name}={word}",
        f"unset {name}; : ${{{name}:={words[at]}}}",
        f"{nester.name()}={word}; {name}=$_; declare -n {name}=v{nester.names}",
        f"declare -l {name}; {name}={shlex.quote(words[at].upper())}" if words[at].islower() else f"{name}={word}",
    )
    return f"{got}\n{' '.join(rest)}"


SPELLINGS: tuple[Callable[[Nester, tuple[str, ...]], str], ...] = (
    _plain,
    _odd_quotes,
    _escaped_letters,
    _variables,
    _array,
    _positional,
    _braces,
    _split_variable,
    _pieced_together,
    _changed_variable,
    _substituted,
    _prefixed,
    SPAWNED,
)
TRAPS = (_decoyed, _decoyed, _masked, _counted, _read_in)
"""Spellings that only somebody who is hiding a command would use."""
