"""The process of `runbook` and of `python -m runbook`."""

from __future__ import annotations

import gc

from runbook import cli

__all__ = ["main"]


def main() -> int:
    """Run the process's own command line and return its exit code."""
    # Nearly everything allocated at startup lives until the end. Python would search it for garbage again and again,
    # and once more at exit: a tenth of the time of a short verb in total.
    gc.set_threshold(50_000)
    code = cli.main()
    gc.freeze()
    return code


if __name__ == "__main__":
    raise SystemExit(main())
