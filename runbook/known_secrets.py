"""The secrets that this process received, to keep them out of error messages and crash logs."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["known_secrets", "remember"]

_known: set[str] = set()


def remember(secrets: Iterable[str]) -> None:
    """Remember secrets for as long as this process lives."""
    _known.update(secrets)


def known_secrets() -> frozenset[str]:
    """Return all remembered secrets."""
    return frozenset(_known)
