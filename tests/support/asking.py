"""Ask on this process's terminal after some work: `python -m support.asking SECONDS METHOD`.

The method is one of the dialog. It prints `GOT` and the answer, or `LEFT` and what ended the question.
"""

from __future__ import annotations

import sys
import time

from runbook.terminal.dialog import Dialog
from support.executing import say

__all__ = ["main"]


def main(seconds: str, method: str) -> int:
    """Work for so many seconds, ask, and return 0."""
    say("working")
    time.sleep(float(seconds))
    say("Sure?")
    try:
        say(f"GOT {getattr(Dialog(), method)('> ')!a}")
    except (KeyboardInterrupt, EOFError) as end:
        say(f"LEFT {end!r}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2]))
