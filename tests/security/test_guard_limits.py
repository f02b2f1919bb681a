"""Lines that multiply: the guard counts its work and asks a person, long before a second has passed."""

from __future__ import annotations

import resource
import shlex
import time
from collections.abc import Callable

import pytest
from support.limits import must_end

from runbook.guard.command_line import judge
from runbook.guard.shell import parser, shell_machine
from runbook.guard.shell.shell_machine import Machine
from runbook.model import Verdict
from runbook.policy.sql_effect import effect_of

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


@pytest.mark.parametrize("name", ASKED)
def test_a_line_that_multiplies_is_asked_about(name: str) -> None:
    """The verdict is `confirm`: the guard reached a limit and says so."""
    with must_end():
        assert judge(ASKED[name]).verdict is Verdict.CONFIRM


@pytest.mark.parametrize("name", ANSWERED)
def test_a_line_that_only_looks_so_is_judged(name: str) -> None:
    """No text grows beyond what a person could mean, so these lines cost little."""
    with must_end():
        assert judge(ANSWERED[name]).verdict in set(Verdict)


@pytest.mark.parametrize("name", [*ASKED, *ANSWERED])
def test_the_work_is_counted_and_bounded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands, texts and words stay below their limits, however long the line would go on."""
    counts = {"step": 0, "spend": 0}

    def counted(method: str) -> Callable[..., None]:
        own = getattr(Machine, method)

        def count(self: Machine, *amount: int) -> None:
            counts[method] += sum(amount) or 1
            own(self, *amount)

        return count

    for method in counts:
        monkeypatch.setattr(Machine, method, counted(method))
    with must_end():
        judge({**ASKED, **ANSWERED}[name])
    assert counts["step"] <= shell_machine._MOST_STEPS + 1
    assert counts["spend"] <= 2 * shell_machine._MOST_WORK


def test_the_answer_comes_within_a_second_of_work() -> None:
    """This measures processor time, and the median, because some lines need to load a grammar."""
    times = []
    for line in ASKED.values():
        began = time.process_time()
        judge(line)
        times.append(time.process_time() - began)
    assert sorted(times)[len(times) // 2] < 1
    assert max(times) < 5


@pytest.mark.parametrize("line", ["echo $((" + "1+" * 8000 + "1))", "$a" + "&&a" * 3000, "(" * 3000 + ")" * 3000])
def test_the_syntax_tree_of_a_long_chain_is_bounded(line: str) -> None:
    """The guard stops reading a tree that is deeper than any script's, and kills shfmt after a second of work."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with must_end():
        assert judge(line).verdict is Verdict.CONFIRM
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 3 * parser._PROCESSOR_SECONDS


def test_sql_that_nests_is_not_followed_for_ever() -> None:
    """Deeply nested blocks hide something, so they count as destroying. Parentheses alone don't."""
    assert effect_of("do $a$ " + "begin " * 5000 + "$a$").value == "destroys"
    assert effect_of("select " + "(select " * 3000 + "1" + ")" * 3000).value == "reads"


def test_a_real_script_is_far_from_every_limit() -> None:
    """The guard follows a script of a hundred commands to its end."""
    script = "\n".join(f'for f in a{n}/*.sql; do echo "$f"; psql -h localhost -f "$f"; done' for n in range(60))
    assert judge(script).verdict is Verdict.ALLOW
    assert judge(f"{script}\n{RESET}").verdict is Verdict.REFUSE
