"""Compare the guard with real bash: random nestings run with stub programs, which record what they reach.

`RANDOM_LINES=6000` runs other nestings, and as many. `RANDOM_SEED` runs those of an earlier run again.
"""

from __future__ import annotations

import os
import random
import sys
from itertools import pairwise
from pathlib import Path

from guard_support.layers import LAYERS
from guard_support.nester import Nester
from guard_support.nestings import Case, make_cases, project_of, run_in_bash

from runbook.guard.command_line import judge
from runbook.model import Verdict

SEED = 20261123
COUNT = 700
SHOWN_CASES = 30
RANDOM = int(os.environ.get("RANDOM_LINES", "0"))


def reaches_a_hosted_reset(command: tuple[str, ...]) -> bool:
    """Whether a command that ran would have wiped a hosted database."""
    words = [word for word in command if not word.startswith("-")]
    pairs = set(pairwise(words))
    hosted = any(word.startswith(("--linked", "--remote")) for word in command)
    return hosted and "--help" not in command and bool({("db", "reset"), ("migration", "down")} & pairs)


def shown(cases: list[Case]) -> str:
    """Return the shortest of the cases with the files of their projects."""
    texts = [case.text + "".join(f"\n>>> {path}\n{text}" for path, text in case.files.items()) for case in cases]
    return f"{len(cases)} cases\n---\n" + "\n---\n".join(sorted(texts, key=len)[:SHOWN_CASES])


def test_no_nesting_that_reaches_a_reset_is_allowed(tmp_path: Path) -> None:
    """Of 700 random nestings, none that really reaches one gets through, and under 1 % of harmless ones stop."""
    seed = int(os.environ.get("RANDOM_SEED", random.SystemRandom().randrange(10**9) if RANDOM else SEED))
    cases = make_cases(seed, RANDOM or COUNT)
    ran = run_in_bash(cases, tmp_path)

    reached, harmless, through, stopped = 0, 0, [], []
    for number, (case, commands) in enumerate(zip(cases, ran, strict=True)):
        verdict = judge(case.text, cwd=str(project_of(tmp_path, number))).verdict
        if any(reaches_a_hosted_reset(command) for command in commands):
            reached += 1
            through += [case] if verdict is Verdict.ALLOW else []
        elif case.harmless:
            harmless += 1
            stopped += [case] if verdict is not Verdict.ALLOW else []

    sys.stdout.write(f"RANDOM_SEED={seed}: {reached} reached a reset, {len(through)} let through; ")
    sys.stdout.write(f"{harmless} harmless, {len(stopped)} stopped\n")
    assert not through, f"RANDOM_SEED={seed}:\n{shown(through)}"
    assert len(stopped) < 0.01 * harmless, f"RANDOM_SEED={seed}:\n{shown(stopped)}"
    # Most cases must really have run, or the test shows nothing.
    assert reached > 0.4 * len(cases) * 0.5
    assert harmless > 0.4 * len(cases) * 0.5


def test_each_layer_really_runs_the_text_in_it(tmp_path: Path) -> None:
    """Each program is the real one, so a layer that doesn't start it would make the comparison worthless."""
    nester, cases = Nester(SEED), []
    for layer in [each for each in dict.fromkeys(LAYERS) for _ in range(3)]:
        nester.start_project()
        text = layer(nester, "supabase db reset --linked")
        cases.append(Case(text, False, nester.files, nester.is_committed))

    ran = run_in_bash(cases, tmp_path)

    reset = ("supabase", "db", "reset", "--linked")
    idle = [case for case, commands in zip(cases, ran, strict=True) if reset not in commands]
    assert not idle, shown(idle)
