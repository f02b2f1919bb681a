"""Answer the guard's frequent calls without click: `--line TEXT`, `hook AGENT` and `-- COMMAND…`.

They run before every command that somebody types, so they import as little as possible. All other calls use click.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from runbook.errors import ExitCode
from runbook.guard.quick import READING_SECONDS, read_so_far

__all__ = ["answer", "answer_hook", "answer_line"]

# An agent waits for its hook, and treats one that doesn't answer as consent. Judging is limited in processor time, so
# that a busy machine doesn't make the guard refuse harmless commands.
_JUDGING_SECONDS = 1.5
_WAITING_SECONDS = 6.0
# An exception in a finalizer or a callback of the garbage collector is lost. So the alarm rings until one arrives.
_AGAIN_SECONDS = 0.05
_BLOCKS = 2  # the exit code with which a hook blocks; agents take any other for consent or for a warning


def answer(words: Sequence[str]) -> int | None:
    """Answer the words after `runbook` and return the exit code, or None if they aren't one of the frequent calls."""
    match list(words):
        case ["--book", book, "guard", *rest]:
            return _answer(rest, book)
        case ["guard", *rest]:
            return _answer(rest, os.environ.get("RUNBOOK_BOOK") or None)
    return None


def _answer(words: list[str], book: str | None) -> int | None:
    match words:
        case ["--line", text]:
            return answer_line(text, "text", book)
        case ["--line", text, "--format", ("text" | "json") as form]:
            return answer_line(text, form, book)
        case ["--format", ("text" | "json") as form, "--line", text]:
            return answer_line(text, form, book)
        case ["hook", agent] if not agent.startswith("-"):
            return answer_hook(agent, book)
        case ["--", _, *_]:
            from runbook.guard.shims import run_guarded

            return run_guarded(tuple(words[1:]), book)
    return None


def answer_line(text: str, form: str, book: str | None) -> int:
    """Judge a line and print the answer: JSON to stdout, text to stderr."""
    from runbook.guard.judging import EXIT_CODES, current_directory, judge_line
    from runbook.model import Verdict

    judged = judge_line(text, book=book, face="line")
    if form == "json" or judged.verdict is not Verdict.ALLOW:
        from runbook.guard.messages import as_json, as_text  # most lines are allowed, and say nothing

        if form == "json":
            print(as_json(judged))
        else:
            print(as_text(judged, current_directory()), file=sys.stderr)
    return EXIT_CODES[judged.verdict]


def answer_hook(agent: str, book: str | None) -> int:
    """Answer an agent's event on standard input. If anything goes wrong, the answer blocks."""
    try:
        out, said, code = _answered_in_time(agent, book)
    except BaseException as error:  # noqa: BLE001 - a hook that dies lets the command through
        out, said, code = _blocking(agent, error)
    is_given = [_give(stream, text) for stream, text in ((sys.stdout, out), (sys.stderr, said)) if text]
    return code if all(is_given) else _BLOCKS


def _give(stream: TextIO, text: str) -> bool:
    """Write to a stream, and tell whether that worked."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError, AttributeError):  # full, closed, or never there
        with suppress(OSError, ValueError, AttributeError):
            # At its exit, Python would try again, and replace the exit code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True


_Answer = tuple[str, str, int]
"""What goes to standard output and to standard error, and the exit code."""


def _answered_in_time(agent: str, book: str | None) -> _Answer:
    from runbook.guard.agents import LARGEST, answer_event

    if sys.stdin is None:
        raise OSError("standard input is closed, so the agent's event can't be read.")
    with _alarm(wall=READING_SECONDS):
        data = read_so_far() + sys.stdin.buffer.read(LARGEST + 1)
    with _alarm(wall=_WAITING_SECONDS, processor=_JUDGING_SECONDS):
        given = answer_event(agent, data, book=book)
    return given.stdout, given.stderr, given.code


@contextmanager
def _alarm(*, wall: float, processor: float = 0) -> Iterator[None]:
    """Raise TimeoutError in the block if it takes too long by the clock or in processor time."""
    is_waiting = True

    def too_late(_number: int, _frame: object) -> None:
        if is_waiting:
            raise TimeoutError("it took too long.")

    before = {number: signal.signal(number, too_late) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_REAL, wall, _AGAIN_SECONDS)
    signal.setitimer(signal.ITIMER_PROF, processor, _AGAIN_SECONDS)
    try:
        yield
    finally:
        is_waiting = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _blocking(agent: str, error: BaseException) -> _Answer:
    """Return an answer that blocks, without what may be broken: not even with the module that knows the agents."""
    lines = str(error).splitlines()  # the others show the place in a book's file
    why = f"The guard failed: {lines[0] if lines else type(error).__name__}"
    try:
        from runbook.guard.agents import answer_failure

        given = answer_failure(agent, why)
    except BaseException:  # noqa: BLE001 - see above
        if agent == "copilot":
            return '{"permissionDecision":"deny","permissionDecisionReason":"the guard failed"}', "", ExitCode.DONE
        return "", f"runbook guard: {why}", _BLOCKS
    return given.stdout, given.stderr, given.code
