"""Answer the guard's frequent calls without click: `--line TEXT`, `hook AGENT` and `-- COMMAND…`.

They run before every command that somebody types, so they import as little as possible. All other calls use click.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from runbook.errors import ExitCode

__all__ = ["answer", "answer_hook", "answer_line"]

# An agent waits for its hook, and treats one that doesn't answer as consent. Judging is limited in processor time, so
# that a busy machine doesn't make the guard refuse harmless commands.
_READING_SECONDS = 0.6
_JUDGING_SECONDS = 1.5
_WAITING_SECONDS = 6.0
# An exception in a finalizer or a callback of the garbage collector is lost. So the alarm rings until one arrives.
_AGAIN_SECONDS = 0.05


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
        answered = _answered_in_time(agent, book)
    except BaseException as error:  # noqa: BLE001 - a hook that dies lets the command through
        return _block(agent, error)
    sys.stdout.write(answered[0])
    sys.stderr.write(answered[1])
    return answered[2]


def _answered_in_time(agent: str, book: str | None) -> tuple[str, str, int]:
    from runbook.guard.agents import LARGEST, answer_event

    with _alarm(wall=_READING_SECONDS):
        data = sys.stdin.buffer.read(LARGEST + 1)
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


def _block(agent: str, error: BaseException) -> int:
    """Block the command without anything that may be broken, not even the module that knows the agents."""
    why = f"The guard failed: {error or type(error).__name__}"
    try:
        from runbook.guard.agents import answer_failure

        given = answer_failure(agent, why)
        sys.stdout.write(given.stdout)
        sys.stderr.write(given.stderr)
    except BaseException:  # noqa: BLE001 - see above
        if agent == "copilot":
            sys.stdout.write('{"permissionDecision":"deny","permissionDecisionReason":"the guard failed"}')
            return ExitCode.DONE
        sys.stderr.write(f"runbook guard: {why}")
        return ExitCode.USAGE
    return given.code
