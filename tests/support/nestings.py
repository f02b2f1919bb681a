"""Random shell texts around a command, and a real bash with stub programs that tells what they run."""

from __future__ import annotations

import base64
import os
import random
import shlex
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Case", "make_cases", "run_in_bash"]

RESETS = (
    ("supabase", "db", "reset", "--linked"),
    ("supabase", "db", "reset", "--remote"),
    ("supabase", "--debug", "db", "reset", "--linked"),
    ("supabase", "db", "--yes", "reset", "--linked"),
    ("npx", "supabase", "db", "reset", "--linked"),
    ("npx", "-y", "supabase@latest", "db", "reset", "--remote"),
    ("supabase", "migration", "down", "--linked"),
    ("supabase", "db", "reset", "--remote=abcdefghijklmnopqrst"),
)
HARMLESS = (
    ("supabase", "db", "push", "--linked"),
    ("npx", "supabase", "migration", "list", "--linked"),
    ("supabase", "functions", "deploy", "reset-password", "--project-ref", "abc"),
    ("echo", "supabase db reset --linked"),
    ("echo", "supabase", "db", "reset", "--linked"),
    ("git", "commit", "-m", "never run supabase db reset --linked"),
    ("git", "reset", "--hard", "HEAD"),
    ("grep", "-rn", "supabase db reset --linked", "docs"),
    ("printf", "%s\\n", "npx supabase db reset --linked"),
    ("supabase", "db", "reset", "--help"),
    ("ls", "supabase/migrations/1_db_reset.sql"),
    ("test", "x", "=", "supabase db reset --linked"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and whether it was built around a harmless command."""

    text: str
    harmless: bool


class Nester:
    """Builds texts. All that it does comes from its seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._names = 0

    def case(self) -> Case:
        """Return a command in one to five layers of shell."""
        harmless = self._random.random() < 0.45
        words = self._random.choice(HARMLESS if harmless else RESETS)
        text = self._random.choice(_SPELLINGS if harmless else _SPELLINGS + _TRAPS)(self, words)
        for _ in range(self._random.randint(1, 4)):
            text = self._random.choice(_LAYERS)(self, text)
        if not harmless and self._random.random() < 0.12:
            return Case(self._random.choice(_SHOWN)(self, text), harmless=True)
        return Case(text, harmless)

    def name(self) -> str:
        """Return a name that no other layer uses."""
        self._names += 1
        return f"v{self._names}"

    def quoted(self, text: str) -> str:
        """Quote a text in one of the ways that a shell knows."""
        way = self._random.randrange(4)
        if way == 0:
            return '"' + "".join("\\" + c if c in '"\\$`' else c for c in text) + '"'
        if way == 1 and "'" not in text:
            return "".join(f"'{piece}'" for piece in self.pieces(text)) or "''"
        if way == 2:
            return "$'" + "".join(self._escaped(c) for c in text) + "'"
        return shlex.quote(text)

    def pieces(self, text: str) -> list[str]:
        """Cut a text in two somewhere."""
        at = self._random.randint(0, len(text))
        return [piece for piece in (text[:at], text[at:]) if piece]

    def _escaped(self, character: str) -> str:
        if character in "\\'":
            return "\\" + character
        if character == "\n":
            return "\\n"
        way = self._random.randrange(8)
        return {0: f"\\x{ord(character):02x}", 1: f"\\{ord(character):03o}"}.get(way, character)

    def pick(self, *choices: str) -> str:
        """Return one of these."""
        return self._random.choice(choices)


# Spellings of one command's words.


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
    value, use = nester._random.choice(
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
    at = nester._random.randrange(len(words))
    rest = [shlex.quote(other) for other in words]
    if "%" not in words[at] and "\\" not in words[at]:
        rest[at] = f'"$({nester.pick("echo", "printf %s")} {nester.quoted(words[at])})"'
    return " ".join(rest)


def _prefixed(nester: Nester, words: tuple[str, ...]) -> str:
    prefix = nester.pick("env A=1", "command", "nohup", "timeout 5", "nice -n 1", "A=1 B='x y'", "time", "env", "exec")
    return f"{prefix} {_plain(nester, words)}"


def _decoyed(nester: Nester, words: tuple[str, ...]) -> str:
    """Set a variable to the word that counts, then to another one where that does not last or never happens."""
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
    """Define the program as something harmless, where that does not count."""
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
    """Take a word out of an array by a number that is computed."""
    name, number = nester.name(), nester.name()
    at = nester._random.randrange(len(words))
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
    at = nester._random.randrange(len(words))
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
        f"{nester.name()}={word}; {name}=$_; declare -n {name}=v{nester._names}",
        f"declare -l {name}; {name}={shlex.quote(words[at].upper())}" if words[at].islower() else f"{name}={word}",
    )
    return f"{got}\n{' '.join(rest)}"


_SPELLINGS: tuple[Callable[[Nester, tuple[str, ...]], str], ...] = (
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
)
_TRAPS = (_decoyed, _decoyed, _masked, _counted, _read_in)
"""Spellings that only somebody who hides a command would use."""


# Layers: each runs the text inside it.


def _shell(nester: Nester, text: str) -> str:
    return f"{nester.pick('bash -c', 'bash -ec', 'env X=1 bash -c', 'bash +x -c')} {nester.quoted(text)}"


def _eval(nester: Nester, text: str) -> str:
    return f"eval {nester.quoted(text)}"


def _heredoc(nester: Nester, text: str) -> str:
    mark = nester.name().upper()
    return f"{nester.pick('bash', 'cat | bash', 'bash -s')} <<'{mark}'\n{text}\n{mark}\n"


def _open_heredoc(nester: Nester, text: str) -> str:
    mark = nester.name().upper()
    body = text.replace("\\", "\\\\").replace("$", "\\$").replace("`", "\\`")
    return f"bash <<{mark}\n{body}\n{mark}\n"


def _here_string(nester: Nester, text: str) -> str:
    return f"bash <<< {nester.quoted(text)}"


def _piped(nester: Nester, text: str) -> str:
    how = nester.pick("printf '%s\\n'", "printf %s")
    return f"{how} {nester.quoted(text)} | {nester.pick('bash', 'bash -s', 'cat | bash', 'tee /dev/null | bash')}"


def _encoded(nester: Nester, text: str) -> str:
    data = base64.b64encode(text.encode()).decode()
    return nester.pick(f"echo {data} | base64 -d | bash", f'eval "$(base64 --decode <<< {data})"')


def _substitution(nester: Nester, text: str) -> str:
    return nester.pick(f': "$(\n{text}\n)"', f"x=$(\n{text}\n)", f"echo $(\n{text}\n) > /dev/null")


def _process(nester: Nester, text: str) -> str:
    return nester.pick(
        f"bash <(printf %s {nester.quoted(text)})", f". <(printf %s {nester.quoted(text)})", f"cat <(\n{text}\n)"
    )


def _grouped(nester: Nester, text: str) -> str:
    return nester.pick(
        f"(\n{text}\n)", f"{{\n{text}\n}}", f"! {{\n{text}\n}}", f"time {{\n{text}\n}}", f"{{\n{text}\n}} & wait"
    )


def _condition(nester: Nester, text: str) -> str:
    return nester.pick(
        f"if\n{text}\nthen :; fi",
        f"if true; then\n{text}\nfi",
        f"if false; then :; else\n{text}\nfi",
        f"[ x = x ] && {{\n{text}\n}}",
        f"false || {{\n{text}\n}}",
        f"case a in b) ;; a)\n{text}\n;; esac",
    )


def _looped(nester: Nester, text: str) -> str:
    return nester.pick(
        f"for i in 1; do\n{text}\ndone",
        f"while\n{text}\nfalse; do :; done",
        f"until {{\n{text}\n}} || true; do :; done",
        f"for ((i=0; i<1; i++)); do\n{text}\ndone",
        f"while read -r line; do\n{text}\ndone <<< x",
    )


def _function(nester: Nester, text: str) -> str:
    name = nester.name()
    return nester.pick(
        f"{name}() {{\n{text}\n}}\n{name}",
        f"function {name} {{\n{text}\n}}; {name} a b",
        f"{name}() (\n{text}\n)\n{name}",
        f'{name}() {{ eval "$1"; }}; {name} {nester.quoted(text)}',
    )


def _trapped(nester: Nester, text: str) -> str:
    return f"trap {nester.quoted(text)} EXIT"


def _kept(nester: Nester, text: str) -> str:
    name = nester.name()
    return nester.pick(
        f'{name}={nester.quoted(text)}; eval "${name}"',
        f'{name}={nester.quoted(text)}; bash -c "${name}"',
        f"export {name}={nester.quoted(text)}; bash -c 'eval \"${name}\"'",
        f'printf -v {name} %s {nester.quoted(text)}; eval "${name}"',
        f"{name}={nester.quoted(text)} bash -c 'eval \"${name}\"'",
    )


def _filed(nester: Nester, text: str) -> str:
    file = nester.name()
    mark = file.upper()
    return nester.pick(
        f"printf %s {nester.quoted(text)} > {file}.sh; bash {file}.sh",
        f"cat > {file} <<'{mark}'\n{text}\n{mark}\n. ./{file}",
        f"printf '#!/bin/bash\\n%s' {nester.quoted(text)} > {file}; chmod +x {file} && ./{file}",
        f"printf %s {nester.quoted(text)} > {file}; bash < {file}",
        f"printf %s {nester.quoted(text)} > {file}; mv {file} {file}.new && bash {file}.new",
        f"mkdir {file}; printf %s {nester.quoted(text)} > {file}.sh; cp {file}.sh {file}/; bash {file}/{file}.sh",
        f"printf %s {nester.quoted(text)} | tee {file} > /dev/null; cat {file} | bash",
    )


def _spread(nester: Nester, text: str) -> str:
    quoted = nester.quoted(text)
    return nester.pick(
        f"echo x | xargs -I{{}} bash -c {quoted}",
        f"find . -maxdepth 0 -exec bash -c {quoted} \\;",
        f"printf 'x\\n' | xargs -n1 bash -c {quoted}",
        f"bash -c 'eval \"$1\"' _ {quoted}",
        f"printf '%s\\0' {quoted} | xargs -0 bash -c",
        f'env -i PATH="$PATH" NESTING_LOG="$NESTING_LOG" bash -c {quoted}',
    )


def _later(nester: Nester, text: str) -> str:
    return nester.pick(
        f"cd . && {{\n{text}\n}}", f"true; true\n{text}", f"# note\n{text}\ntrue", f":; {{\n{text}\n}} 2>&1 | cat"
    )


_LAYERS: tuple[Callable[[Nester, str], str], ...] = (
    _shell,
    _eval,
    _heredoc,
    _open_heredoc,
    _here_string,
    _piped,
    _encoded,
    _substitution,
    _process,
    _grouped,
    _condition,
    _looped,
    _function,
    _trapped,
    _kept,
    _filed,
    _spread,
    _later,
)


# Ways to show a text instead of running it.


def _printed(nester: Nester, text: str) -> str:
    return nester.pick(
        f"echo {nester.quoted(text)}",
        f"printf '%s\\n' {nester.quoted(text)} > notes.md",
        f"cat <<'SHOWN' > notes.md\n{text}\nSHOWN\n",
        f"cat <<'SHOWN'\n{text}\nSHOWN\n",
        f": {nester.quoted(text)}",
    )


def _searched(nester: Nester, text: str) -> str:
    quoted = nester.quoted(text)
    return nester.pick(
        f"grep -c {quoted} notes.md",
        f"echo {quoted} | grep reset",
        f"git commit -m {quoted}",
        f"git log --grep={quoted}",
    )


def _only_assigned(nester: Nester, text: str) -> str:
    name = nester.name()
    return nester.pick(
        f"{name}={nester.quoted(text)}",
        f'{name}={nester.quoted(text)}; echo "${name}"',
        f"[ {nester.quoted(text)} = x ]",
    )


_SHOWN: tuple[Callable[[Nester, str], str], ...] = (_printed, _searched, _only_assigned)


def make_cases(seed: int, count: int) -> list[Case]:
    """Return that many cases, the same for the same seed."""
    nester = Nester(seed)
    return [nester.case() for _ in range(count)]


_STUB = """#!/bin/sh
printf '%s' "${0##*/}" >> "$NESTING_LOG"
for word in "$@"; do printf '\\037%s' "$word" >> "$NESTING_LOG"; done
printf '\\036' >> "$NESTING_LOG"
"""
_DRIVER = """
cd "$1" || exit
shift
for number; do
  (
    cd "work/$number" || exit
    export NESTING_LOG="$OLDPWD/logs/$number"
    : > "$NESTING_LOG"
    exec timeout 10 bash "$OLDPWD/texts/$number" </dev/null >/dev/null 2>&1
  )
done
true
"""


def run_in_bash(cases: list[Case], directory: Path) -> list[list[tuple[str, ...]]]:
    """Run each text in a directory of its own with stubs first on PATH; return the stub commands that each ran."""
    for name in ("bin", "texts", "logs", "work"):
        (directory / name).mkdir()
    for name in ("supabase", "npx", "git"):
        stub = directory / "bin" / name
        stub.write_text(_STUB)
        stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    for number, case in enumerate(cases):
        (directory / "texts" / str(number)).write_text(case.text)
        (directory / "work" / str(number)).mkdir()
    environment = {"PATH": f"{directory / 'bin'}:{os.environ['PATH']}", "HOME": str(directory), "LC_ALL": "C.UTF-8"}
    numbers = [str(number) for number in range(len(cases))]
    drivers = [
        subprocess.Popen(["bash", "-c", _DRIVER, "driver", str(directory), *half], env=environment)
        for half in (numbers[::2], numbers[1::2])
    ]
    for driver in drivers:
        driver.wait()
    return [_commands((directory / "logs" / str(number)).read_text(errors="replace")) for number in range(len(cases))]


def _commands(log: str) -> list[tuple[str, ...]]:
    return [tuple(entry.split("\037")) for entry in log.split("\036") if entry]
