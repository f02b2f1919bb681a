"""A child process in its own pseudo terminal: started, watched, recorded and ended."""

from __future__ import annotations
