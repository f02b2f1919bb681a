"""Answer `list`, `show` and the start of `run` with what they said before, if nothing has changed since.

Reading a book takes as long as forty starts of an interpreter, and the first command that somebody types in an
emergency should answer at once. So `run` shows its introduction at once, and loads the walk while it is read.

An answer is a text in the cache. The name of its entry is a digest of everything that decides the text: the words, the
size of the terminal, and what the system says about each file of this package, of the team's book and of the project
(size and times, as the interpreter judges its bytecode). So nothing is invalidated: after any change, the entry isn't
found.

An extra may answer its own verb in a module `quick`, with a function `answer` of the words.

This module is imported before all others of a start, so it imports next to nothing.
"""

from __future__ import annotations

import os
import sys

import runbook
from runbook.cache import entry_of, find_text, keep_text, state_of, state_of_trees
from runbook.loading.book_search import book_place
from runbook.posix import is_supported
from runbook.user_directories import state_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["answer", "entry_of_book", "known_opening", "known_page", "remember"]

_VERBS = frozenset({"list", "show"})
_WORDS_OF_RUN = frozenset({"--target", "local", "production", "--dry-run"})
"""What a `run` with an introduction that is kept may have after the procedure's name. A value may be a secret."""
_LOOKS = ("COLORTERM", "FORCE_COLOR", "NO_COLOR", "RUNBOOK_ASCII", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
"""The variables that decide the colours and the characters on a screen."""
_PROJECT_FILES = ("supabase/config.toml", "supabase/.temp/project-ref", "node_modules/supabase/package.json")
"""What `show` looks for from the current directory upward: the project, its link and its CLI."""

_entry: str | None = None
_page = ""
_opening = ""


def answer(words: Sequence[str]) -> int | None:
    """Answer a command line and return the exit code; None if it isn't one that can be answered at once."""
    # A shell that completes a word asks through this variable.
    if not words or "_RUNBOOK_COMPLETE" in os.environ or not is_supported():
        return None
    try:
        # A killed run may have left secrets behind, and every other command removes them.
        if os.path.exists(os.path.join(state_place(), "secrets")):
            return None
        if words in (["-V"], ["--version"]):
            return _say(f"runbook, version {runbook.__version__}\n")
        if words[0] in _VERBS:
            return _answer_known(words)
        if words[0] == "run" and _WORDS_OF_RUN.issuperset(words[2:]):
            _open_run(words)
        if words[0].isidentifier() and os.path.exists(os.path.join(_package(), words[0], "quick.py")):
            code: int | None = __import__(f"runbook.{words[0]}.quick", fromlist=["answer"]).answer(words)
            return code
    except (OSError, ValueError, AttributeError):  # the whole command line meets it again, and says what is wrong
        pass
    except Exception as error:
        from runbook.errors import RunbookError

        if not isinstance(error, RunbookError):
            raise
    return None


def known_page() -> str:
    """Return the answer to this process's command line, "" if it isn't known. It is left to those who use a pager."""
    return _page


def known_opening() -> str:
    """Return the introduction that is on the screen already, as it was written to the terminal; "" if none is."""
    return _opening


def remember(page: str) -> None:
    """Keep the answer to this process's command line for the next one that is the same.

    `page` is all that the command line prints, or the introduction of a run. Whoever has also said something on
    standard error keeps nothing.
    """
    if _entry is not None and not getattr(sys.stderr, "was_written", True):
        keep_text(_entry, page.encode())


def entry_of_book(*parts: str, use: str, start: str | None = None) -> str | None:
    """Return the entry for what `use` computes from these texts with this package and the book.

    That is the book which counts in the directory `start`; None means the current one.
    """
    book = book_place(start=start)
    trees = [_package(), *([os.path.abspath(book)] if book else ())]
    known = "\0".join([*parts, *state_of_trees(trees)])
    return entry_of(known.encode("utf-8", "surrogateescape"), use=use, code=())


def _package() -> str:
    return os.path.dirname(runbook.__file__)


def _answer_known(words: Sequence[str]) -> int | None:
    global _entry, _page  # noqa: PLW0603 - one process answers one command line
    _entry = entry_of_book(*words, _width(), *_project_state(), use="answer")
    _page = (find_text(_entry) or b"").decode()
    if not _page or (words[0] == "show" and sys.stdout.isatty()):
        return None
    return _say(_page)


def _open_run(words: Sequence[str]) -> None:
    global _entry, _opening  # noqa: PLW0603 - one process answers one command line
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    size = os.get_terminal_size(sys.stdout.fileno())
    looks = [os.environ.get(name, "(none)") for name in _LOOKS]
    _entry = entry_of_book(*words, f"{size.columns} {size.lines}", sys.stdout.encoding, *looks, use="opening")
    opening = (find_text(_entry) or b"").decode()
    _say(opening)
    _opening = opening


def _say(text: str) -> int:
    text.encode(sys.stdout.encoding)  # what the encoding lacks would be escaped
    sys.stdout.write(text)
    sys.stdout.flush()
    return 0


def _width() -> str:
    """Return what `shutil.get_terminal_size` decides the width by."""
    try:
        columns = os.get_terminal_size(sys.__stdout__.fileno()).columns if sys.__stdout__ else 0
    except (OSError, ValueError):
        columns = 0
    return f"{os.environ.get('COLUMNS', '')} {columns}"


def _project_state() -> Iterator[str]:
    """Yield a line for each file of a project that may be looked at from here."""
    here = os.getcwd()
    while True:
        for name in _PROJECT_FILES:
            path = os.path.join(here, name)
            if os.path.exists(path):
                yield from state_of((), (path,))
        above = os.path.dirname(here)
        if above == here:
            return
        here = above
