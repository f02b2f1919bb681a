"""Pages that other processes render: the same, with all that was said, whatever happens to a process."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
from collections.abc import Iterator

import pytest

from runbook.site import page_rendering
from runbook.site.page_rendering import Content, PageRenderer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, no process is copied")

BLOCK = '# {0}\n\n```python exec="on" html="on" id="{0}"\n{1}\n```\n'
PAGES = {f"{name}.md": BLOCK.format(name, f"print('<p>{name}</p>')") for name in ("one", "two", "three", "four")}


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a few pages on a machine with two cores be reason enough, and see that nothing is left behind."""
    monkeypatch.setattr(page_rendering, "_FEWEST", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    yield
    assert multiprocessing.active_children() == []


def begin(pages: dict[str, str], *, is_serving: bool = False) -> PageRenderer:
    """Begin to make the contents of the pages, each with its name in a section."""
    return PageRenderer(pages, lambda name, html: Content(html, [], [(name, "", "")]), is_serving=is_serving)


def rendered(pages: dict[str, str], *, is_serving: bool = False) -> tuple[list[str], list[object]]:
    """Return the pages as HTML, and the codes with which blocks tried to end the build."""
    codes: list[object] = []
    renderer = begin(pages, is_serving=is_serving)
    try:
        made = [renderer.content(name, on_exit=lambda code, _: codes.append(code)) for name in pages]
        assert [content.sections for content in made] == [[(name, "", "")] for name in pages]
        return [content.html for content in made], codes
    finally:
        renderer.close()


def test_pages_are_those_that_one_process_renders() -> None:
    """A server renders in one process, because it has threads."""
    alone = rendered(PAGES, is_serving=True)
    assert rendered(PAGES) == alone
    assert ["<p>four</p>" in page for page in alone[0]] == [False, False, False, True]


def test_pages_are_rendered_in_other_processes() -> None:
    """Otherwise the tests here would prove nothing."""
    pids = {name: BLOCK.format(name, "import os; print(f'<p>{os.getpid()}</p>')") for name in "abcdefgh"}
    assert [page for page in rendered(pids)[0] if f"<p>{os.getpid()}</p>" in page] == []


def test_a_warning_in_another_process_is_counted_here(caplog: pytest.LogCaptureFixture) -> None:
    """A strict build fails for it."""
    rendered({**PAGES, "bad.md": BLOCK.format("bad", "raise ValueError('a\\u202eb')")})
    (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "ValueError" in record.getMessage()


def test_a_block_that_tries_to_end_the_build_is_reported() -> None:
    """With its code."""
    pages, codes = rendered({**PAGES, "bad.md": BLOCK.format("bad", "raise SystemExit(0)")})
    assert (len(pages), codes) == (5, [0])


def test_a_process_that_is_killed_costs_time_alone() -> None:
    """Its pages, and all others, are rendered here."""
    kill = f"import os\nif os.getpid() != {os.getpid()}:\n    os.kill(os.getpid(), 9)\nprint('alive')"
    pages, _ = rendered({"bad.md": BLOCK.format("bad", kill), **PAGES})
    assert "alive" in pages[0]
    assert "<p>four</p>" in pages[-1]


def test_a_page_that_is_asked_for_out_of_turn_is_rendered() -> None:
    """Another plugin may change the order."""
    renderer = begin(PAGES)
    try:
        found = [renderer.content(name, on_exit=lambda *_: None) for name in [*reversed(PAGES), *PAGES]]
    finally:
        renderer.close()
    assert found[:4] == found[:3:-1]


def test_few_pages_wait_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """At Ctrl-C, Python waits for them."""
    monkeypatch.setattr(page_rendering, "_AHEAD", 1)
    renderer = begin(PAGES)
    waiting = len(renderer._ahead)
    renderer.close()
    assert waiting == 2


def _pid(_: object) -> int:
    return os.getpid()


@pytest.mark.parametrize(("is_serving", "elsewhere"), [(False, True), (True, False)])
def test_other_work_is_shared_too(is_serving: bool, elsewhere: bool) -> None:
    """Its results come in the order of what they are of."""
    renderer = begin(PAGES, is_serving=is_serving)
    try:
        assert renderer.each(str.upper, [*"abcdefghijklm"]) == [*"ABCDEFGHIJKLM"]
        assert (os.getpid() not in renderer.each(_pid, [*"abcdefgh"])) is elsewhere
    finally:
        renderer.close()


def _kill_copy(parent: int) -> int:
    if os.getpid() != parent:
        os.kill(os.getpid(), 9)
    return parent


def test_work_of_a_process_that_is_killed_is_done_here() -> None:
    """As with a page."""
    renderer = begin(PAGES)
    try:
        assert renderer.each(_kill_copy, [os.getpid()] * 9) == [os.getpid()] * 9
    finally:
        renderer.close()
