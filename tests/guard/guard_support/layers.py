"""Layers of shell around a text: those that run it, and those that only show it."""

from __future__ import annotations

import base64
from collections.abc import Callable

from guard_support.nester import Nester
from guard_support.programs import PROGRAMS, UNUSED_TEXTS
from guard_support.runners import RUNNERS, UNUSED_TASKS, npm

__all__ = ["LAYERS", "SHOWN"]


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


def _reckoned(nester: Nester, text: str) -> str:
    """Arithmetic, and a subscript in a name, are expanded once more."""
    name, value = nester.name(), nester.quoted(f"list[$(\n{text}\n)]")
    return nester.pick(
        f"{name}={value}; (( {name} ))",
        f"{name}={value}; [[ {name} -eq 1 ]]",
        f"test -v {value}",
        f"let {value}",
        f"declare -i {name}={value}",
    )


_SHELL: tuple[Callable[[Nester, str], str], ...] = (
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
    _reckoned,
)
# npm takes a fifth of a second to start.
LAYERS = (*_SHELL * 6, *RUNNERS * 6, *PROGRAMS * 4, npm)


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


SHOWN: tuple[Callable[[Nester, str], str], ...] = (
    *(_printed, _searched, _only_assigned) * 2,
    *UNUSED_TASKS,
    *UNUSED_TEXTS,
)
