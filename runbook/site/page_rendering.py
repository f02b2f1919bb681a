"""Make the contents of generated pages ahead, on all cores: MkDocs asks for one page after another."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import NamedTuple, TypeVar

from runbook.site.markdown import to_html
from runbook.site.page_context import page_context
from runbook.site.page_html import shown_procedure

__all__ = ["Content", "PageRenderer"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_FEWEST = 20
"""Fewer pages are rendered before the processes have started."""
_AHEAD = 4
"""How many pages wait for each process."""


class Content(NamedTuple):
    """The contents of a page as they go into the site."""

    html: str
    problems: list[str]
    """What is wrong with them, each in a sentence."""
    sections: list[tuple[str, str, str]]
    """The address, title and text of each part that the search finds."""


class _Rendered(NamedTuple):
    content: Content
    steps: tuple[str, ...]
    """The paths of the steps that the page must show."""
    exits: list[tuple[object, str]]
    """The codes and sources of blocks that tried to end the build."""
    records: list[logging.LogRecord]
    """What was logged: a strict build fails for a warning, whichever process it comes from."""


class PageRenderer:
    """Makes the contents of pages from their Markdown: in other processes if that pays, else when it is asked for.

    `complete` makes them from a page's name and the HTML of its Markdown. A process is a copy of this one, so it has
    the book. Only Linux copies processes without a risk for their threads, and a server has some.
    """

    def __init__(self, texts: Mapping[str, str], complete: Callable[[str, str], Content], *, is_serving: bool) -> None:
        self._texts = texts
        self._complete = complete
        self._steps: dict[str, tuple[str, ...]] = {}
        self._pool: ProcessPoolExecutor | None = None
        self._ahead: dict[str, Future[_Rendered]] = {}
        self._next = iter(texts.items())
        self._cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
        if self._cores > 1 and len(texts) >= _FEWEST and not is_serving:
            self._pool = ProcessPoolExecutor(
                self._cores, mp_context=get_context("fork"), initializer=_settle_in, initargs=(complete,)
            )
            self._render_ahead()

    def _render_ahead(self) -> None:
        """Let a few pages wait: at an end by Ctrl-C, Python renders those that do before it ends."""
        while self._pool is not None and len(self._ahead) < _AHEAD * self._cores:
            name, text = next(self._next, ("", ""))
            if not name:
                return
            self._ahead[name] = self._pool.submit(_rendered, name, text)

    def content(self, name: str, *, on_exit: Callable[[object, str], None]) -> Content:
        """Return the contents of a page; `on_exit` is called with a block that tries to end the build."""
        ahead = self._ahead.pop(name, None)
        if ahead is None:
            return self._complete(name, to_html(self._texts[name], on_exit=on_exit))
        try:
            self._render_ahead()
            done = ahead.result()
        except BrokenProcessPool:  # one was killed, for example for lack of memory
            self.close()
            return self._complete(name, to_html(self._texts[name], on_exit=on_exit))
        for code, block in done.exits:
            on_exit(code, block)
        for record in done.records:
            logging.getLogger(record.name).handle(record)
        self._steps[name] = done.steps
        return done.content

    def steps(self, name: str) -> tuple[str, ...]:
        """Return the paths of the steps that a page must show: known from rendering it, or else found out."""
        return self._steps[name] if name in self._steps else _steps_of(name)

    def each(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
        """Return what a function of a module returns for each item, in their order."""
        if self._pool is not None:
            try:
                return list(self._pool.map(work, items, chunksize=_AHEAD))
            except BrokenProcessPool:
                self.close()
        return list(map(work, items))

    def close(self) -> None:
        """End the processes. A page that nobody asked for isn't rendered."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool, self._ahead = None, {}


# --- in another process -----------------------------------------------------------------------------------------------


class _Recorder(logging.Handler):
    """Keeps what is logged while a page is rendered, in a form that another process can read."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args, record.exc_info = record.getMessage(), (), None
        self.records.append(record)


_recorder = _Recorder()


_complete: Callable[[str, str], Content]


def _settle_in(complete: Callable[[str, str], Content]) -> None:
    """Leave it to the process that builds the site to heed Ctrl-C, and to say and count what is logged here."""
    global _complete  # noqa: PLW0603 - it can't be sent with each page: it has the whole build
    _complete = complete
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loggers = [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    for logger in loggers:
        logger.handlers, logger.propagate = [], True
    logging.getLogger().handlers = [_recorder]


def _rendered(name: str, text: str) -> _Rendered:
    exits: list[tuple[object, str]] = []
    _recorder.records = []
    html = to_html(text, on_exit=lambda code, block: exits.append((code, block)))
    return _Rendered(_complete(name, html), _steps_of(name), exits, _recorder.records)


def _steps_of(name: str) -> tuple[str, ...]:
    procedure = shown_procedure(name)
    return tuple(place.path for place in page_context(procedure).views) if procedure else ()
