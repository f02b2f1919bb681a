"""Lines that multiply: the guard counts its work and asks a person. `benchmarks/guard.py` measures the time."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest
from support.limits import must_end
from support.multiplying_lines import ANSWERED, ASKED

from runbook.guard.command_line import judge
from runbook.guard.shell import parser, shell_machine
from runbook.guard.shell.shell_machine import Machine
from runbook.model import Verdict
from runbook.policy.sql_effect import effect_of


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
    assert judge(f"{script}\nsupabase db reset --linked").verdict is Verdict.REFUSE
