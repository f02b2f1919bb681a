"""Judge a line as a shell would run it: every command in it, however deep, by the policy; the worst one counts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from runbook.guard.line_verdict import Examination, Placed
from runbook.guard.programs import start_command
from runbook.guard.shell.call import Doubt, TooMuchError
from runbook.guard.shell.files import read_small
from runbook.guard.shell.machine import Machine
from runbook.guard.shell.scope import Scope, scalar
from runbook.model import Effect, Family, Policy, Verdict
from runbook.policy.judgement import Judgement

__all__ = ["Placed", "judge", "judge_script", "judge_words", "packaged_policy"]

_SEEN_OUTSIDE = frozenset({"PGHOST", "PGHOSTADDR", "PGSERVICE"})
"""Variables of the caller's environment that move a command to another target."""


@functools.cache
def packaged_policy() -> Policy:
    """Return the policy that ships with the package. Raises BookError if it was damaged."""
    from runbook.loading import PACKAGED_BOOK, read_policy

    return read_policy(PACKAGED_BOOK)


def judge(
    line: str, *, cwd: str | None = None, env: Mapping[str, str] | None = None, policy: Policy | None = None
) -> Judgement:
    """Judge a line (or a whole script) by what a shell would really run.

    `cwd` is where it would run: with it, small files are read that the line would run (scripts, package.json, a
    Makefile), and the installed CLI's major is found; without it nothing is read. `env` is the environment that it
    would run in. `policy` defaults to the packaged one.

    Nothing is ever run, but shfmt for lines that hold more than words and quotes. What can't be parsed or told in a
    place that decides is `confirm`, never `allow`. The judgement is that of the worst command; `commands` are all
    that the policy knows.
    """
    examination = _examined(lambda machine, scope: machine.text(line, scope), line, _Where(cwd, env), policy)
    return examination.worst() or _harmless()


def judge_words(
    words: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    policy: Policy | None = None,
) -> Judgement:
    """Judge one argv, as `judge` judges a line: no word of it is split or expanded first."""
    argv = tuple(words)
    run = functools.partial(_start, argv)
    return _examined(run, " ".join(argv), _Where(cwd, env), policy).worst() or _harmless()


def judge_script(text: str, *, cwd: str | None = None, policy: Policy | None = None) -> tuple[Placed, ...]:
    """Judge each command of a script, with its place; functions that nobody calls as well."""
    return tuple(_examined(functools.partial(_run_all, text), text, _Where(cwd, None), policy).found)


class _Where(NamedTuple):
    directory: str | None
    environment: Mapping[str, str] | None


def _start(argv: tuple[str, ...], machine: Machine, scope: Scope) -> None:
    machine.start(argv, scope)


def _run_all(text: str, machine: Machine, scope: Scope) -> None:
    machine.text(text, scope)
    machine.run_uncalled(scope)


def _examined(
    run: Callable[[Machine, Scope], object], subject: str, where: _Where, policy: Policy | None
) -> Examination:
    examination = Examination(policy if policy is not None else packaged_policy())
    scope = Scope(where.directory)
    environment = where.environment or {}
    for name in _SEEN_OUTSIDE & environment.keys():
        scope.variables[name] = scalar((environment[name],))
        scope.export(name)
    machine = Machine(start_command, examination, _nothing_there if where.directory is None else read_small)
    try:
        run(machine, scope)
    except (TooMuchError, RecursionError):
        examination.doubt(Doubt.TOO_MUCH, subject)
    return examination


def _nothing_there(_path: str) -> str | None:
    return None


def _harmless() -> Judgement:
    return Judgement(
        verdict=Verdict.ALLOW,
        effect=Effect.READS,
        rule="",
        reason="Nothing in it is in the policy.",
        instead="",
        family=Family.NOTHING,
        target=None,
        commands=(),
    )
