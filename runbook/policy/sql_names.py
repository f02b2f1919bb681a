"""Write names and texts as SQL does, in quotes where they are needed."""

from __future__ import annotations

import re

__all__ = ["RESERVED", "quoted_name", "quoted_text"]

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED_WORDS = (
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation"
    " column concurrently constraint create cross current_catalog current_date current_role current_schema current_time"
    " current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze"
    " from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like"
    " limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary"
    " references returning right select session_user similar some symmetric system_user table tablesample then to"
    " trailing true union unique user using variadic verbose when where window with"
)
RESERVED = frozenset(_RESERVED_WORDS.split())
"""PostgreSQL's reserved words. A name that equals one of them must be quoted."""


def quoted_name(name: str) -> str:
    """Return a name as SQL writes it, in quotes only if it needs them."""
    if _PLAIN_NAME.fullmatch(name) and name not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """Return a text as a constant in SQL."""
    return "'" + text.replace("'", "''") + "'"
