"""Every procedure spoiled in every way that needs no thought: a step gone, two in each other's place, nothing compared.

Somebody once made each mistake in the table of `drill_support.planted`. Anyone may make these tomorrow, and one of the
checks or drills has to notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import yaml

from drill_support.planted import Planted, lists_of
from runbook.loading import PACKAGED_BOOK

__all__ = ["spoiled"]

_ACTS = {"edit", "include", "verify", "writes"}
_MATTERS = _ACTS | {"capture", "expect", "each"}
"""The fields of a step that does, keeps or demands something; one that only shows is for the person's eyes."""


def spoiled() -> Iterator[Planted]:
    """Yield every mistake of this kind in the packaged book. Nobody in particular must notice it."""
    for file in sorted((PACKAGED_BOOK / "procedures").glob("*.yaml")):
        document = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
        for steps in lists_of(document["steps"]):
            for mistake, change in _ways(steps):
                yield Planted(file.stem, mistake, change, by="", because="", drilled=file.stem)


def _ways(steps: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for step in steps:
        name = step["id"]
        if _MATTERS & step.keys() and len(steps) > 1:
            yield f"without step '{name}'", {"drop": name}
        for field, what in (("expect", "no expectation at"), ("verify", "no check after")):
            if field in step:
                yield f"{what} '{name}'", {"at": name, "unset": [field]}
    for one, other in pairwise(steps):
        if _ACTS & one.keys() and _ACTS & other.keys():
            yield f"'{other['id']}' before '{one['id']}'", {"swap": [one["id"], other["id"]]}
