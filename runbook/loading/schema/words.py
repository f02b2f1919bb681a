"""Types that many fields share."""

from __future__ import annotations

from runbook.model.fields import Choice, ListOf, MapOf, Text, Whole

__all__ = [
    "EFFECT",
    "KEBAB",
    "LINE",
    "LINES",
    "MAJOR",
    "NAME",
    "PROSE",
    "SQL",
    "TEMPLATE",
    "TEXTS",
    "VALUE_MAP",
    "VERDICT",
    "WORDS",
]

KEBAB = Text(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", "a name in lower case with hyphens, such as see-history")
NAME = Text(r"[a-z][a-z0-9_]{0,62}", "a name in lower case with underscores, such as function_name")
LINE = Text(r"[^\n]+", "one line of text", prose=True)
LINES = ListOf(LINE)
TEXTS = Text()
PROSE = Text(prose=True)
TEMPLATE = Text(template=True)
SQL = Text(template=True, says="SQL", longest=20_000)
WORDS = ListOf(Text(empty=True), minimum=0)
MAJOR = Whole(1)
EFFECT = Choice(("reads", "writes", "destroys"))
VERDICT = Choice(("allow", "confirm", "refuse"))
VALUE_MAP = MapOf(NAME, Text(template=True, empty=True))
