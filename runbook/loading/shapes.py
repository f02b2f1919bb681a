"""List every mapping that a book can contain, and the shape of each of its files.

The dataclass of a mapping says what each key is called, accepts and means. The reader, the JSON Schemas for editors
and the reference on the site all use these tables.
"""

from __future__ import annotations

from collections.abc import Mapping

from runbook import steps
from runbook.model import (
    book,
    code_calls,
    command_files,
    drill,
    http_requests,
    known_error,
    launchers,
    line_test,
    mcp_servers,
    migration_rule,
    migration_settings,
    notification,
    overlay,
    parameter,
    policy,
    procedure,
    programs,
    search_words,
    team,
)
from runbook.model.fields import Shape

__all__ = ["FILES", "SHAPES"]

_MODULES = (
    *(
        procedure,
        parameter,
        steps,
        drill,
        policy,
        http_requests,
        mcp_servers,
        programs,
        launchers,
        code_calls,
        command_files,
    ),
    *(line_test, book, known_error, migration_rule, search_words, team, migration_settings, notification, overlay),
)

SHAPES: Mapping[str, Shape] = {shape.name: shape for module in _MODULES for shape in module.SHAPES}
"""All tables by name."""

FILES: Mapping[str, str] = {
    "policy.yaml": "policy",
    "supabase.yaml": "supabase",
    "programs.yaml": "programs",
    "patterns.yaml": "patterns",
    "advice.yaml": "advice",
    "errors.yaml": "errors",
    "evidence.yaml": "evidence",
    "migration_rules.yaml": "migration_rules",
    "search.yaml": "search",
    "team.yaml": "team",
}
"""The files beside `procedures/`, and the table of each."""
