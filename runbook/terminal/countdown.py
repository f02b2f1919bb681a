"""Waiting with somebody there: the time left is shown, and Enter ends it."""

from __future__ import annotations

import math
import time

from runbook.terminal.console import Look
from runbook.terminal.prompts import Prompt

__all__ = ["count_down"]


def count_down(seconds: float, look: Look, prompt: Prompt) -> float:
    """Wait that many seconds, less if Enter is pressed; return how many it were. Raises EOFError."""
    prompt.flush()
    began = time.monotonic()
    left = seconds
    while left > 0:
        _line(look, f"  {math.ceil(left)} s left (Enter ends the wait) ")
        if prompt.ended_early(min(1.0, left)):
            break
        left = began + seconds - time.monotonic()
    _line(look, "")
    return min(seconds, time.monotonic() - began)


def _line(look: Look, text: str) -> None:
    look.stream.write(f"\r{'':<40}\r{text}")
    look.stream.flush()
