"""The process of `runbook` and of `python -m runbook`."""

from __future__ import annotations

import gc

from runbook import cli

__all__ = ["main"]


def main() -> int:
    """Run the process's own command line and return its exit code."""
    # Nearly all that a start allocates lives until the end. Python would look through it for garbage again and again,
    # and once more at exit: together a tenth of the time of a short verb.
    gc.set_threshold(50_000)
    code = cli.main()
    gc.freeze()
    return code


if __name__ == "__main__":
    raise SystemExit(main())
