"""Build the site, break a copy of it, serve it, and open it in a browser that can reach nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

__all__ = ["ROOT", "Visit", "build", "chromium", "copy_of_checkout", "open_all", "pages_of", "serving", "visiting"]

ROOT = Path(__file__).resolve().parents[2]
_COMPILED = shutil.ignore_patterns("__pycache__")


def build(
    checkout: Path, output: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `runbook site build` in a checkout, as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "runbook", *arguments, "site", "build", "--output", str(output)],
        cwd=checkout,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def copy_of_checkout(directory: Path, *, with_code: bool = False) -> Path:
    """Copy what a build needs: pages, configuration, the book and what belongs to the site.

    The rest of the code is linked unless it is to be changed.
    """
    shutil.copytree(ROOT / "docs", directory / "docs")
    shutil.copy(ROOT / "mkdocs.yml", directory)
    (directory / "runbook").mkdir()
    for entry in (ROOT / "runbook").iterdir():
        if entry.name not in {"book", "site"}:
            _bring(entry, directory / "runbook" / entry.name, link=not with_code)
    for name in ("book", "site"):
        # Its folder of pages is a link to docs/.
        shutil.copytree(ROOT / "runbook" / name, directory / "runbook" / name, symlinks=True, ignore=_COMPILED)
    return directory


def _bring(entry: Path, place: Path, *, link: bool) -> None:
    if link:
        place.symlink_to(entry)
    elif entry.is_dir():
        shutil.copytree(entry, place, ignore=_COMPILED)
    else:
        shutil.copy(entry, place)


def pages_of(site: Path) -> list[str]:
    """Return the addresses of all pages, relative to the site."""
    return [file.relative_to(site).as_posix() for file in sorted(site.rglob("*.html"))]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: pytest's output is for tests."""


class _Hosted(_Quiet):
    """Shows a page for what is missing, as hosts of static sites do."""

    missing: Path

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with that page."""
        page = self.missing.read_bytes()
        self.send_response(code, message)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)


@contextmanager
def serving(site: Path, *, missing: Path | None = None) -> Iterator[str]:
    """Serve a directory on loopback and yield its address. The page `missing` is shown for what isn't there."""
    handler = type("_Host", (_Hosted,), {"missing": missing}) if missing else _Quiet
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def chromium(playwright: Playwright) -> Browser:
    """Start the Chromium of this machine, else the one that Playwright brought (RUNBOOK_CHROMIUM names another)."""
    named = os.environ.get("RUNBOOK_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    return playwright.chromium.launch(executable_path=found, args=flags)


class Visit:
    """A browser's stay on one site: its pages, what they asked for elsewhere, and what went wrong in them."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.base = base
        self.context = context
        self.elsewhere: list[str] = []
        self.errors: list[str] = []
        context.on("request", self._note)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:", "about:")):
            self.elsewhere.append(request.url)

    def open(self, address: str) -> Page:
        """Open a page of the site in a new tab and wait until it is ready."""
        page = self.context.new_page()
        self.go(page, address)
        return page

    def go(self, page: Page, address: str) -> None:
        """Open a page of the site in this tab and wait until it is ready."""
        page.goto(f"{self.base}/{address}", wait_until="load")
        page.wait_for_selector(".md-header")


def open_all(page: Page) -> None:
    """Open all that is folded on a page, several answers to one question too."""
    page.evaluate(
        "document.querySelectorAll('details').forEach((one) => { one.removeAttribute('name'); one.open = true })"
    )


@contextmanager
def visiting(browser: Browser, base: str, **options: Any) -> Iterator[Visit]:
    """Open a fresh profile on a site. Every request to another host is cut off, and remembered."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    visit = Visit(context, base)
    context.route(lambda url: not url.startswith((base, "data:", "blob:", "about:")), lambda route: route.abort())
    try:
        yield visit
    finally:
        context.close()
