"""Compare the guard with real bash: random nestings run with stub programs, which record what they reach."""

from __future__ import annotations

import os
import random
import sys
from itertools import pairwise
from pathlib import Path

from guard_support.nestings import make_cases, run_in_bash

from runbook.guard.command_line import judge
from runbook.model import Verdict

SEED = 20261123
COUNT = 2100
"""`FUZZ_SEED` (a number, or `random`) and `FUZZ_COUNT` change them."""


def reaches_a_hosted_reset(command: tuple[str, ...]) -> bool:
    """Whether a command that ran would have wiped a hosted database."""
    words = [word for word in command if not word.startswith("-")]
    pairs = set(pairwise(words))
    hosted = any(word.startswith(("--linked", "--remote")) for word in command)
    return hosted and "--help" not in command and bool({("db", "reset"), ("migration", "down")} & pairs)


def test_no_nesting_that_reaches_a_reset_is_allowed(tmp_path: Path) -> None:
    """Of over 2,000 random nestings, none that really reaches one gets through, and under 2 % of harmless ones stop."""
    given = os.environ.get("FUZZ_SEED", str(SEED))
    seed = random.SystemRandom().randrange(10**9) if given == "random" else int(given)
    cases = make_cases(seed, int(os.environ.get("FUZZ_COUNT", str(COUNT))))
    ran = run_in_bash(cases, tmp_path)

    reached, harmless, through, stopped = 0, 0, [], []
    for case, commands in zip(cases, ran, strict=True):
        verdict = judge(case.text).verdict
        if any(reaches_a_hosted_reset(command) for command in commands):
            reached += 1
            through += [case.text] if verdict is Verdict.ALLOW else []
        elif case.harmless:
            harmless += 1
            stopped += [case.text] if verdict is not Verdict.ALLOW else []

    sys.stdout.write(f"seed {seed}: {reached} reached a reset, {len(through)} let through; ")
    sys.stdout.write(f"{harmless} harmless, {len(stopped)} stopped\n")
    assert not through, f"seed {seed}:\n" + "\n---\n".join(through)
    assert len(stopped) < 0.02 * harmless, f"seed {seed}:\n" + "\n---\n".join(stopped)
    # Most cases must really have run, or the test shows nothing.
    assert reached > 0.4 * len(cases) * 0.5
    assert harmless > 0.4 * len(cases) * 0.5
