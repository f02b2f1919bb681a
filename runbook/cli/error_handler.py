"""The one place where an exception becomes words on stderr and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runbook import __version__
from runbook.errors import ExitCode, RunbookError, Terminated
from runbook.printable import printable

if TYPE_CHECKING:
    import click

__all__ = ["Ending", "ending"]

_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE}
"""Errors of the machine, not bugs in this program, so no log is written."""
_OF_A_NAME = {errno.ENAMETOOLONG, errno.ELOOP}
"""Errors that mean the path can't be used."""
_SHOWN = 100
"""How many characters of such a path are shown."""


@dataclass
class Ending:
    """How the command line ended."""

    code: int = ExitCode.DONE


@contextmanager
def ending() -> Iterator[Ending]:
    """Catch everything: print a message and a hint for an expected error, a log's path for a bug. Ctrl-C gives 130."""
    result = Ending()
    try:
        yield result
    except RunbookError as error:
        result.code = error.exit_code
        _say(f"runbook: {error.message}", error.hint)
    except Terminated as why:
        result.code = ExitCode.NOT_COMPLETED
        _say(f"\nrunbook: {why}", "If a run had begun, `runbook resume` continues it.")
    except (KeyboardInterrupt, EOFError):
        result.code = ExitCode.INTERRUPTED
        _say("\nrunbook: interrupted", "")
    except BrokenPipeError:
        _silence_stdout()
    except OSError as error:
        result.code = _end_at_system(error)
    except Exception as error:  # noqa: BLE001 - the outermost net; what it catches is logged and told
        result.code = _end_click_or_bug(error)


def _end_at_system(error: OSError) -> int:
    name = str(error.filename or "")
    where = f": {name if len(name) <= _SHOWN else f'{name[:_SHOWN]}…'}" if name else ""
    if error.errno in _OF_A_NAME:
        _say(f"runbook: {error.strerror}{where}", "Give another path.")
        return ExitCode.USAGE
    if error.errno == errno.EBADF and not name:
        _say(f"runbook: {error.strerror}", "Run it again with an open output.")
        return ExitCode.NOT_COMPLETED
    if error.errno not in _OF_THE_MACHINE:
        return _end_click_or_bug(error)
    _say(f"runbook: {error.strerror}{where}", "Make room, or change the permissions. Then run it again.")
    try:
        sys.stdout.flush()
    except OSError:
        _silence_stdout()
    return ExitCode.NOT_COMPLETED


def _end_click_or_bug(error: Exception) -> int:
    import click

    from runbook.cli.platform_check import unsupported
    from runbook.posix import POSIX_MODULES

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.exceptions.Abort):
        _say("\nrunbook: interrupted", "")
        return ExitCode.INTERRUPTED
    if isinstance(error, ModuleNotFoundError) and error.name in POSIX_MODULES:
        lacking = unsupported()
        _say(f"runbook: {lacking.message}; this Python has no {error.name}", lacking.hint)
        return lacking.exit_code
    if isinstance(error, click.ClickException):
        _show_usage(error)
        return ExitCode.USAGE
    try:
        details = f"The details are in {_write_log()}"
    except OSError as failed:
        details = f"The details can't be written: {failed.strerror}"
    _say(f"runbook: this is a bug: {type(error).__name__}: {error}", details)
    return ExitCode.BUG


def _write_log() -> str:
    import tempfile
    import traceback

    handle, path = tempfile.mkstemp(prefix="runbook-bug-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        head = f"runbook {__version__}, Python {sys.version}, {sys.platform}"
        log.write(printable(f"{head}\n\n{_hidden(traceback.format_exc())}"))
    return path


def _show_usage(error: click.ClickException) -> None:
    from io import StringIO

    said = StringIO()
    error.show(said)
    print(_hidden(said.getvalue()), end="", file=sys.stderr)


def _say(message: str, hint: str) -> None:
    with suppress(OSError):  # the terminal is gone, and nobody reads this
        print(_broken(_hidden(message)), file=sys.stderr)
        if hint:
            print(_broken(f"  {_hidden(hint)}"), file=sys.stderr)


def _broken(text: str) -> str:
    """Break lines at spaces where a terminal would break them inside words."""
    if not sys.stderr.isatty():
        return text
    from runbook.rendering.command_text import broken

    lines = []
    for line in text.split("\n"):
        words = line.lstrip()
        indent = " " * (len(line) - len(words))
        room = max(os.get_terminal_size(sys.stderr.fileno()).columns or 80, 40) - len(indent) - 2
        # A path stays whole, so that it can be copied.
        first, *rest = broken(words, room, longest=len(words))
        lines += [f"{indent}{first}", *(f"{indent}  {part}" for part in rest)]
    return "\n".join(lines)


def _hidden(text: str) -> str:
    """Return a text without secrets: an exception may repeat a value."""
    from runbook.policy.redaction import hide_known

    return hide_known(text)


def _silence_stdout() -> None:
    # The pipe's reader has gone; without this, the interpreter complains again at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
