"""If a line is too much for the guard, it soon asks a person."""

from __future__ import annotations

import pytest
from support.limits import must_end

from runbook.guard.command_line import judge
from runbook.guard.shell.texts import ANY, MAYBE
from runbook.model import Verdict

RESET = "supabase db reset --linked"


@pytest.mark.parametrize(
    "line",
    [
        "x" * (64 * 1024 + 1),
        "é" * (40 * 1024),
        "echo " + "a " * 40_000,
        f"{RESET} \0",
        "sh -c " * 3 + "'" * 31,
        "(" * 3000 + RESET + ")" * 3000,
        "$(" * 2000 + RESET + ")" * 2000,
        "eval " * 2000 + RESET,
        "".join(f"f{n}() {{ f{n + 1}; f{n + 1}; }}; " for n in range(40)) + f"f40() {{ {RESET}; }}; f0",
        "f() { f; }; f",
        'x="$x$x$x$x$x$x$x$x"; ' * 500 + "$x",
        "; ".join(f"sh -c '$a{n}'" for n in range(400)),
        "\ud800" + RESET + "'",
    ],
    ids=lambda line: line[:30],
)
def test_a_line_that_is_too_much_is_not_allowed(line: str) -> None:
    """If it's too long, too deep, too tangled or not text at all, it's never allowed, and the answer comes soon."""
    with must_end():
        assert judge(line).verdict is not Verdict.ALLOW


@pytest.mark.parametrize(
    "line",
    [
        "{" * 60_000,
        "echo " + "{a,b}" * 40,
        "echo " + "{1..99999999999}",
        "echo " + "*" * 60_000,
        "a=" + "x" * 60_000 + "; echo ${a//x/yyyy} ${a%%y*}",
        "echo ''" + '""' * 20_000,
        "for a in 1 2 3; do for b in 1 2 3; do for c in 1 2 3; do echo $a$b$c; done; done; done",
        "while true; do i=$i$i; done",
        "# " + "x" * 60_000,
        "\n" * 60_000,
        "; ".join(["ls"] * 3000),
    ],
    ids=lambda line: line[:30],
)
def test_a_line_made_to_be_slow_is_judged(line: str) -> None:
    """Judging always ends, because nothing is expanded without a limit."""
    with must_end():
        assert judge(line).verdict in set(Verdict)


@pytest.mark.parametrize("mark", [ANY, MAYBE])
def test_the_characters_that_stand_for_the_unknown_buy_nothing(mark: str) -> None:
    """A line that contains the guard's own marks is judged more strictly, never less."""
    assert judge(f"supabase db {mark} --linked").verdict is not Verdict.ALLOW
    assert judge(f"supabase db reset{mark} --linked").verdict is not Verdict.ALLOW
    assert judge(f"echo {mark}").verdict is Verdict.ALLOW
