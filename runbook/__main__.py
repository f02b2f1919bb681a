"""The process of `runbook` and of `python -m runbook`."""

from __future__ import annotations

import gc
import sys

from runbook import quick_answers

__all__ = ["main"]


def main() -> int:
    """Run the process's own command line and return its exit code."""
    # Nearly everything allocated at startup lives until the end. Python would search it for garbage again and again,
    # and once more at exit: a tenth of the time of a short verb in total.
    gc.set_threshold(50_000)
    try:
        known = quick_answers.answer(sys.argv[1:])
        code = _run() if known is None else known
    except KeyboardInterrupt as pressed:
        code = _end(pressed)
    gc.freeze()
    return code


def _run() -> int:
    from runbook import cli  # most of a start is importing it, and an answer that is known needs none of it

    return cli.main()


def _end(pressed: KeyboardInterrupt) -> int:
    """End as if it was pressed later, where everything is caught."""
    from runbook.cli.error_handler import ending

    def raise_it() -> None:
        raise pressed

    with ending() as result:
        raise_it()
    return result.code


if __name__ == "__main__":
    raise SystemExit(main())
