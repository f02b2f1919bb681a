"""One build and one browser for all tests of the site."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from support.sites import ROOT, Visit, build, chromium, serving, visiting

from runbook.checks import open_book
from runbook.model import Book


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once, as a person does. The processes of one test run share it, and none changes it."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "site-of-all-tests"
    with shared.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not shared.is_dir():
            output = tmp_path_factory.mktemp("site")
            built = build(ROOT, output)
            assert built.returncode == 0, built.stderr
            output.rename(shared)
    return shared


@pytest.fixture(scope="session")
def book() -> Book:
    """Open the packaged book."""
    return open_book(None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a Chromium for one file: only one Playwright can run in a process, and other tests start their own."""
    with sync_playwright() as playwright:
        running = chromium(playwright)
        yield running
        running.close()


@pytest.fixture(scope="session", params=["http", "file"])
def base(site: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the site an address: on a loopback server, and as files on a disk."""
    if request.param == "file":
        yield site.as_uri()
        return
    with serving(site) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, base: str) -> Iterator[Visit]:
    """Open a fresh profile; afterwards nothing may have been asked of another host, nor have failed."""
    with visiting(browser, base) as staying:
        yield staying
    assert staying.elsewhere == []
    assert staying.errors == []
