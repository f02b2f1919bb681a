"""Say which defaults differ per row, as far as that can be seen without a database."""

from __future__ import annotations

from typing import Any

from runbook.migration.syntax_tree import calls_in

__all__ = ["SERIAL", "volatile_call"]

SERIAL = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
"""Types that number each row from a sequence."""

_STABLE = frozenset(
    {"now", "current_timestamp", "current_date", "transaction_timestamp", "statement_timestamp", "current_setting"}
    | {"to_timestamp", "timezone", "lower", "upper", "coalesce", "jsonb_build_object", "jsonb_build_array", "make_date"}
    | {"json_build_object", "json_build_array", "array", "date_trunc", "concat", "md5", "to_jsonb", "interval", "uid"}
    | {"encode", "decode", "make_interval", "date_part", "format", "role", "jwt", "to_char", "abs", "replace", "trim"}
    | {"btrim", "round", "floor", "ceil", "length", "substring", "left", "right", "power", "numrange", "tstzrange"}
    | {"daterange", "int4range", "int8range", "tsrange", "convert_to", "sha256", "to_tsvector", "point", "hstore"}
    | {"array_fill", "string_to_array", "json_object", "jsonb_object", "current_user", "age"}
)
"""Functions that give one value for a whole statement, so that a default with them is stored once."""


def volatile_call(expression: Any) -> str:
    """Return the first function that may give another value per row, "" if there is none. An unknown one counts."""
    for name, _ in calls_in(expression):
        if name.name not in _STABLE:
            return name.name
    return ""
