"""The server for authors: what they change shows, whether it is YAML, a page or code."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from support.sites import copy_of_checkout

DEADLINE = 120.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Serve a copy of the checkout, and stop the server afterwards."""
    checkout = copy_of_checkout(tmp_path_factory.mktemp("checkout"), with_code=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "runbook", "site", "serve", "--port", str(port)],
        cwd=checkout,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield checkout, f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _await(address: str, wanted: str) -> None:
    """Ask for a page until it has a text; a server that builds answers late, not wrongly."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            with urlopen(address, timeout=30) as answer:
                if wanted in answer.read().decode():
                    return
        except OSError:
            pass
        assert time.monotonic() < end, f"{wanted!r} never came to {address}"
        time.sleep(0.2)


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_edits_of_yaml_templates_and_code_show_without_a_restart(served: tuple[Path, str]) -> None:
    """Python keeps a module that it has loaded; the hooks see to it that authors do not notice.

    One build shows all three edits, each of which only its own kind of rebuilding shows.
    """
    checkout, base = served
    page = f"{base}/procedures/push-migration.html"
    _await(page, "This procedure ends here.")

    site = checkout / "runbook" / "site"
    _edit(
        checkout / "runbook" / "book" / "procedures" / "push-migration.yaml", "summary: ", "summary: Brand new words. "
    )
    _edit(site / "templates" / "procedure" / "ending.html", "This procedure ends here.", "This is where it stops.")
    _edit(site / "procedure_page.py", "effect_word=effect_word", 'effect_word="Rehearsed"')

    for wanted in ("Brand new words.", "This is where it stops.", "Rehearsed"):
        _await(page, wanted)


def test_it_listens_on_this_machine_alone(served: tuple[Path, str]) -> None:
    """A half written runbook is nobody else's business."""
    _, base = served
    _await(f"{base}/index.html", "What is happening?")
    port = int(base.rsplit(":", 1)[1])

    with socket.socket() as other:  # the server took only 127.0.0.1, so the port of another address is still free
        taken = other.connect_ex(("127.0.0.2", port)) == 0
    assert not taken
