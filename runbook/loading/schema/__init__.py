"""The field table: every key of every file of a book, its type and what it means.

The reader, the JSON Schemas for editors and the site's field reference all follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping

from runbook import steps
from runbook.loading.schema import drill, lists, policy, procedure
from runbook.model import parameter
from runbook.model.fields import Shape

__all__ = ["FILES", "SHAPES"]

SHAPES: Mapping[str, Shape] = {
    shape.name: shape for part in (procedure, parameter, steps, drill, policy, lists) for shape in part.SHAPES
}
"""All shapes by name."""

FILES: Mapping[str, str] = {
    "policy.yaml": "policy",
    "supabase.yaml": "supabase",
    "patterns.yaml": "patterns",
    "advice.yaml": "advice",
}
"""The files beside `procedures/`, and the shape of each."""
