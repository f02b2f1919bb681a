"""Compare expressions that PostgreSQL has rewritten: only the names and texts in them stay the same."""

from __future__ import annotations

import re
from collections.abc import Iterable

from runbook.policy.sql_tokens import Token, TokenKind

__all__ = ["words_of"]


def words_of(words: Iterable[Token]) -> list[str]:
    """Return the names, texts and truth values in an expression, which PostgreSQL keeps when it rewrites one."""
    kinds = {TokenKind.WORD, TokenKind.NAME, TokenKind.TEXT}
    seen = {word.text for word in words if word.kind in kinds and re.fullmatch(r"\w*[^\W\d]\w*", word.text)}
    return sorted(seen - _REWRITTEN)


_REWRITTEN_WORDS = (
    "in between like ilike not any some all array as is null distinct similar cast interval date timestamp timestamptz"
    " time uuid text int integer bigint smallint boolean bool varchar numeric json jsonb public coalesce extract"
    " current_user session_user user asc inner left outer cross join on exists select from where and or"
    " int4 int8 float8 case when then else end current_date current_timestamp collate"
)
_REWRITTEN = frozenset(_REWRITTEN_WORDS.split())
"""Words that PostgreSQL adds, leaves out or writes in another way when it shows an expression."""
