"""The durable record of runs."""

from __future__ import annotations
