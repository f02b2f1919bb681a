"""Run one command through PtyExecutor on this process's terminal: `python -m support.executing JSON`.

The JSON names `argv` and maybe `timeout`, `secrets`, `environment`. It prints `BORN pid` before the command and
`EARLY` whether keys came while nothing was asked, and `RESULT {...}` after it.
"""

from __future__ import annotations

import dataclasses
import json
import sys

from runbook.errors import RunbookError
from runbook.runtime.executor import PtyExecutor

__all__ = ["main", "say"]


def main(text: str) -> int:
    """Run it and return 0, or 7 if the executor raised."""
    wanted = json.loads(text)
    executor = PtyExecutor.here()
    try:
        result = executor.execute(
            wanted["argv"],
            environment=wanted.get("environment", {}),
            directory=".",
            timeout=wanted.get("timeout"),
            born=lambda pid, _since: say(f"BORN {pid}"),
            secrets=wanted.get("secrets", ()),
        )
    except RunbookError as error:
        say(f"RAISED {error.message}")
        return 7
    say(f"EARLY {executor.take_early_keys()}")
    say(f"RESULT {json.dumps(dataclasses.asdict(result))}")
    return 0


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
