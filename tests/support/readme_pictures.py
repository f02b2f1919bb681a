"""Draw README's pictures, a step at the terminal and a page of the site, for `scripts/pictures`."""

from __future__ import annotations

import struct
import tempfile
import zlib
from hashlib import sha256
from pathlib import Path

from playwright.sync_api import sync_playwright

from runbook.checks import open_book
from runbook.cli.screenshots import step_screen
from support.sites import ROOT, build, chromium

__all__ = ["PAGE", "TERMINAL", "page_source", "source_of", "terminal_picture"]

_IMAGES = ROOT / "docs" / "assets" / "img"
TERMINAL, PAGE = _IMAGES / "readme-terminal.svg", _IMAGES / "readme-page.png"
_SHOWN = "emergency-rollback"
_NOTE = b"Source\0"


def terminal_picture() -> str:
    """Return the picture of a step that writes, drawn by the code that draws it in the terminal."""
    return step_screen("push-migration", "apply", is_file=True) + "\n"


def page_source() -> str:
    """Return a digest of what decides how the page looks: its procedure, the templates and the styles."""
    templates = (ROOT / "runbook" / "site" / "templates" / "procedure").glob("*.html")
    files = sorted((*templates, *(ROOT / "runbook" / "site" / "assets" / "css").glob("*.css")))
    parts = [open_book(None).procedure(_SHOWN).digest.encode(), *(file.read_bytes() for file in files)]
    return sha256(b"\0".join(parts)).hexdigest()[:16]


def source_of(picture: bytes) -> str:
    """Return the digest that a PNG was drawn from, "" if it names none."""
    return picture.partition(b"tEXt" + _NOTE)[2][:16].decode("ascii", "replace")


def _with_source(picture: bytes, source: str) -> bytes:
    """Put the digest into a PNG as a comment, behind its header."""
    chunk = b"tEXt" + _NOTE + source.encode()
    end = 8 + 12 + 13  # the signature, and the header with its length, name and checksum
    comment = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return picture[:end] + comment + picture[end:]


def _page_picture() -> bytes:
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        built = build(ROOT, Path(directory))
        assert built.returncode == 0, built.stderr
        browser = chromium(playwright)
        page = browser.new_page(viewport={"width": 1180, "height": 760})
        page.goto(f"{Path(directory).as_uri()}/procedures/{_SHOWN}.html", wait_until="load")
        picture = page.screenshot()
        browser.close()
    return _with_source(picture, page_source())


if __name__ == "__main__":
    TERMINAL.write_text(terminal_picture(), encoding="utf-8")
    PAGE.write_bytes(_page_picture())
