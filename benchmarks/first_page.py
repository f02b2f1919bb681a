"""Measure how long a page takes from disk until it's usable, how large it is, and how long the site takes to build.

.venv/bin/python benchmarks/first_page.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.sites import chromium, serving  # noqa: E402 - the path to it is set above

ROUNDS = 10
PAGES = ("index.html", "procedures/emergency-rollback.html")


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        site = Path(directory)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "runbook", "site", "build", "-o", str(site)], cwd=ROOT, check=True)
        print(f"built in {time.perf_counter() - began:.1f} s")
        browser = chromium(playwright)
        for name in PAGES:
            times = sorted(_interactive(browser, f"{site.as_uri()}/{name}") for _ in range(ROUNDS))
            print(f"{name}: interactive from disk in {statistics.median(times):.0f} ms (worst {times[-1]:.0f} ms)")
            print(f"{name}: {_weight(browser, site, name) / 1000:.0f} kB without the search index")
        browser.close()


def _interactive(browser: Browser, address: str) -> float:
    """Return the milliseconds from the navigation's start until every script has run and the page is painted."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address, wait_until="load")
    milliseconds: float = page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
    )
    context.close()
    return milliseconds


def _weight(browser: Browser, site: Path, name: str) -> int:
    sizes: list[int] = []
    with serving(site) as base:
        page = browser.new_page()
        page.on("response", lambda answer: sizes.append(0 if "search_index" in answer.url else len(answer.body())))
        page.goto(f"{base}/{name}", wait_until="networkidle")
        page.close()
    return sum(sizes)


if __name__ == "__main__":
    main()
