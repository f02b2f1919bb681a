"""Entry point of `python -m runbook`."""

from __future__ import annotations

from runbook.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
