"""The secrets that this process was given: what it says at its very end must not show them either."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["known_secrets", "remember"]

_known: set[str] = set()


def remember(secrets: Iterable[str]) -> None:
    """Keep secrets in memory, so that no error message and no crash log repeats them."""
    _known.update(secrets)


def known_secrets() -> frozenset[str]:
    """Return all that were remembered."""
    return frozenset(_known)
