"""A child process in its own pseudo terminal: born, watched, recorded, ended."""

from __future__ import annotations
