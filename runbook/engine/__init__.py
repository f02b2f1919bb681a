"""Walking a procedure: events in, next action out; the world is behind ports."""

from __future__ import annotations
