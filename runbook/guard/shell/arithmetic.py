"""Which variables an arithmetic expression of shfmt's tree sets: their values can't be told any more."""

from __future__ import annotations

import json
import re

__all__ = ["names_set_in"]

_COMPARISONS = frozenset({"==", "!=", "<=", ">="})


def names_set_in(tree: object) -> tuple[str, ...]:
    """Find the variables that an arithmetic expression sets."""
    if isinstance(tree, list):
        return tuple(name for item in tree for name in names_set_in(item))
    if not isinstance(tree, dict):
        return ()
    deeper = tuple(name for value in tree.values() for name in names_set_in(value))
    kind, operator = tree.get("Type"), str(tree.get("Op", ""))
    sets = (kind == "BinaryArithm" and operator.endswith("=") and operator not in _COMPARISONS) or (
        kind == "UnaryArithm" and operator in {"++", "--"}
    )
    return (*_names(tree.get("X")), *deeper) if sets else deeper


def _names(tree: object) -> tuple[str, ...]:
    return tuple(re.findall(r'"Value": "([A-Za-z_]\w*)"', json.dumps(tree)))
