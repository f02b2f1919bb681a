"""What must be typed, by what a command does."""

from __future__ import annotations

import pytest

from runbook.engine.confirmation import Confirmation, confirmation_for, is_confirmed
from runbook.model import Effect, Family, Verdict
from runbook.policy.judgement import Judgement
from runbook.steps.destination import Prepared, effect_of


def judged(effect: Effect, rule: str = "rule", verdict: Verdict = Verdict.ALLOW) -> Judgement:
    """Return a judgement."""
    return Judgement(
        verdict=verdict,
        effect=effect,
        rule=rule,
        reason="",
        instead="",
        family=Family.DATABASE,
        target=None,
        commands=(),
    )


@pytest.mark.parametrize(
    ("judgement", "care", "effect"),
    [
        pytest.param(None, None, Effect.READS, id="nothing runs"),
        pytest.param(judged(Effect.READS), None, Effect.READS, id="policy says reads"),
        pytest.param(judged(Effect.READS, rule=""), None, Effect.WRITES, id="no rule knows it"),
        pytest.param(judged(Effect.READS), Effect.DESTROYS, Effect.DESTROYS, id="the author asks for more care"),
        pytest.param(judged(Effect.DESTROYS), Effect.READS, Effect.DESTROYS, id="the author can't ask for less"),
    ],
)
def test_the_strongest_effect_counts(judgement: Judgement | None, care: Effect | None, effect: Effect) -> None:
    """Whoever sees it."""
    assert effect_of(judgement, care) is effect


@pytest.mark.parametrize(
    ("effect", "verdict", "confirmation"),
    [
        (Effect.READS, Verdict.ALLOW, Confirmation.ENTER),
        (Effect.READS, Verdict.CONFIRM, Confirmation.YES),
        (Effect.WRITES, Verdict.ALLOW, Confirmation.YES),
        (Effect.DESTROYS, Verdict.ALLOW, Confirmation.NAME),
    ],
)
def test_the_effect_and_the_verdict_set_what_must_be_typed(
    effect: Effect, verdict: Verdict, confirmation: Confirmation
) -> None:
    """A reading command that policy has doubts about is confirmed like a write."""
    prepared = Prepared(effect=effect, judgement=judged(effect, verdict=verdict))
    assert confirmation_for(prepared) is confirmation


@pytest.mark.parametrize(
    ("confirmation", "word", "typed", "is_it"),
    [
        (Confirmation.ENTER, "", "", True),
        (Confirmation.YES, "", "", False),
        (Confirmation.YES, "", "ye", False),
        (Confirmation.YES, "", "yes please", False),
        (Confirmation.YES, "", " Yes ", True),
        (Confirmation.NAME, "prod", "yes", False),
        (Confirmation.NAME, "prod", "Prod", False),
        (Confirmation.NAME, "prod", "prod", True),
        (Confirmation.NAME, "", "", False),
    ],
)
def test_only_what_was_asked_for_confirms(confirmation: Confirmation, word: str, typed: str, is_it: bool) -> None:
    """An empty name confirms nothing."""
    assert is_confirmed(confirmation, word, typed) is is_it
