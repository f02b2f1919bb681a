"""Lines whose work multiplies from word to word, and lines that only look so."""

from __future__ import annotations

import shlex
from collections.abc import Callable

__all__ = ["ANSWERED", "ASKED"]

RESET = "supabase db reset --linked"


def _twice(depth: int, leaf: str, around: Callable[[str, str], str]) -> str:
    return leaf if depth == 0 else around(*[_twice(depth - 1, leaf, around)] * 2)


ASKED = {
    "braces": "supabase " + "{1..256} " * 200,
    "braces-of-braces": "; ".join(["echo {1..256}{1..256}"] * 500),
    "braces-into-eval": "eval " + "{1..256}" * 3 + " {1..256}" * 200,
    "parameters": "echo " + "${a:-" * 300 + "x" + "}" * 300,
    "parameters-by-parameters": "a1=x; "
    + "".join(f"a{n + 1}=${{a{n}:-${{a{n}:+$a{n}}}}}; " for n in range(40))
    + "$a40",
    "doubling": "a=x; " + "a=$a$a; " * 60 + "eval $a",
    "doubling-commands": "a='echo x;'; " + "a=$a$a; " * 14 + 'eval "$a"',
    "arithmetic": "echo $((" + "(" * 500 + "1" + ")" * 500 + "))",
    "arithmetic-of-itself": "a='x[$(echo $((a)))]'; echo $((a))",
    "printf": "printf '%s ' " + "x " * 20_000 + " | sh",
    "printf-again": "printf '" + "%s" * 1000 + "' " + "x " * 10_000 + " | sh",
    "printf-width": "printf '%099999999d' 1 | sh",
    "substitutions": "echo " + "$(echo " * 200 + "x" + ")" * 200,
    "heredoc": "sh <<E\n" + "echo $x\n" * 5000 + "E\n",
    "eval-chain": "eval " * 200 + "echo x",
    "eval-tree": "; ".join(f"a{n}='eval $a{n + 1}; eval $a{n + 1}'" for n in range(30)) + "; eval $a0",
    "eval-of-itself": "a='eval $a; eval $a'; eval $a",
    "function-tree": "".join(f"f{n}() {{ f{n + 1}; f{n + 1}; }}; " for n in range(40)) + f"f40() {{ {RESET}; }}; f0",
    "fork-bomb": ":() { :|:& };:",
    "loops": "for a in {1..16}; do " * 6 + "echo $a" + "; done" * 6,
    "arrays": "a=(x); " + 'a=("${a[@]}" "${a[@]}"); ' * 40 + '"${a[@]}"',
    "arguments": "set -- x; " + 'set -- "$@" "$@"; ' * 40 + '"$@"',
    "files": "; ".join(f"echo x > f{n}; cat f{n - 1} >> f{n}" for n in range(1000)),
    "file-into-itself": "echo x > f; " + "cat f f f >> f; " * 200 + "sh f",
    "traps": "trap 'trap x EXIT; y' EXIT; " * 500,
    "xargs": "echo " + "x " * 20_000 + " | xargs -n1 sh -c",
    "aliases": "; ".join(f"alias a{n}='a{n + 1}; a{n + 1}'" for n in range(40)) + "; a0",
    "quoting": _twice(5, "echo x", lambda one, other: shlex.join(["eval", f"{one}; {other}"]))
    + "; "
    + "eval " * 99
    + "x",
}
"""The guard reaches a limit and asks a person, by name."""
ANSWERED = {
    "braces-once": "echo " + "{a,b}" * 40,
    "sequences": "echo " + "{1..256}" * 8,
    "replacing": "a=" + "x" * 60_000 + "; echo ${a//x/$a}",
    "printf-into-variables": "; ".join(f'printf -v a{n + 1} "%s%s" "$a{n}" "$a{n}"' for n in range(60)),
    "extended-patterns": "echo " + "+(a|b|*(c|d))" * 200,
    "patterns": "echo " + "*a?[b]" * 8000,
    "while": "while a; do " * 10 + "i=$i$i" + "; done" * 10,
    "nested-sql": "psql -h h.example.com -c '" + "select (select " * 3000 + "'",
    "blocks-of-sql": 'psql -h h.example.com -c "do \\$a\\$ ' + "begin " * 5000 + '\\$a\\$"',
}
"""The guard judges these as any other line."""
