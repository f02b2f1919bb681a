"""YAML to model, with the place of every mistake."""

from __future__ import annotations
