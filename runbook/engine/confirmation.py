"""How much a person must type before a command runs, and whether what was typed is that. Nothing here can be waived."""

from __future__ import annotations

from runbook.engine.ports import Confirmation
from runbook.model import Effect, Verdict
from runbook.policy.judgement import Judgement

__all__ = ["confirmation_for", "effect_of", "is_confirmed"]


def effect_of(judgement: Judgement | None, *more_care: Effect | None) -> Effect:
    """Return the strongest effect that policy or the author sees. A program that policy does not know writes."""
    effects = [effect for effect in more_care if effect is not None]
    if judgement is not None:
        effects.append(judgement.effect)
        if not judgement.rule:
            effects.append(Effect.WRITES)
    return max(effects, key=lambda effect: effect.rank, default=Effect.READS)


def confirmation_for(effect: Effect, judgement: Judgement | None = None) -> Confirmation:
    """Return how a step is confirmed: what reads by Enter, what writes by `yes`, what destroys by the target's name."""
    if effect is Effect.DESTROYS:
        return Confirmation.NAME
    asks = judgement is not None and judgement.verdict is not Verdict.ALLOW
    return Confirmation.YES if effect is Effect.WRITES or asks else Confirmation.ENTER


def is_confirmed(confirmation: Confirmation, word: str, typed: str) -> bool:
    """Return True if `typed` is what is asked for, spaces around it aside; of a name, case counts too."""
    if confirmation is Confirmation.ENTER:
        return True
    if confirmation is Confirmation.YES:
        return typed.strip().lower() == "yes"
    return bool(word) and typed.strip() == word
