"""Put the guard before programs: functions of an interactive shell, shims on PATH, and the command that both call.

Shims are small programs that come first on PATH, ask the guard and then become the real program. Unlike functions,
they also cover scripts and Makefiles.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runbook.errors import ExitCode, RunbookError, UsageError
from runbook.guard.judging import current_directory, judge_argv
from runbook.guard.messages import as_text, name_of_target
from runbook.model import Effect, Verdict
from runbook.policy.judgement import Judgement
from runbook.user_directories import data_directory

# --- shell functions -------------------------------------------------------------------------------------------------


GUARDED = ("supabase", "npx", "npm", "pnpm", "yarn", "bunx", "psql", "dropdb")
"""Programs that start commands of the policy."""

SHELLS: Mapping[str, str] = {
    "bash": 'eval "$(runbook guard shell-init bash)"   # in ~/.bashrc',
    "zsh": 'eval "$(runbook guard shell-init zsh)"   # in ~/.zshrc, after aliases and version managers',
    "fish": "runbook guard shell-init fish | source   # in ~/.config/fish/config.fish",
}
"""Shell → the line that a person adds to their configuration."""

_NOTE = """\
# runbook guard: asks the policy before these programs start.
# It sees what is typed here. It does not see scripts, Makefiles, absolute paths, `command npx`, `sh -c`, other shells,
# the dashboard, or anything that talks to the database without these programs. These protect you there too: a token
# without write access, a directory that isn't linked to production, a staging project, backups you have restored once.
"""


def shell_functions(shell: str, program: str) -> str:
    """Return the text that a shell evaluates at startup. `program` is the shell text that starts `runbook`."""
    path = shlex.quote(shlex.split(program)[0])
    gone = "runbook guard is missing. Reinstall it, or run:"  # a missing runbook must not let commands through
    lines = [_NOTE]
    for name in GUARDED:
        if shell == "fish":
            lines.append(
                f"function {name} --wraps {name}\n  if not test -x {path}\n"
                f"    echo '{gone} functions --erase {name}' >&2\n    return 6\n  end\n"
                f"  {program} guard -- {name} $argv\nend"
            )
        else:  # the keyword keeps bash and zsh from expanding an alias of that name
            missing = f"echo '{gone} unset -f {name}' >&2; return 6"
            check = f"  if [ ! -x {path} ]; then {missing}; fi"
            lines.append(f'function {name} {{\n{check}\n  {program} guard -- {name} "$@"\n}}')
    return "\n".join(lines) + "\n"


# --- shims -----------------------------------------------------------------------------------------------------------


SHIM_MARK = "# shim of runbook guard"
"""The second line of each shim, so that the guard recognizes shims and doesn't start one again."""

# The mark is in the second line, so there is no need to read a large program.
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Shims:
    """A directory of shims, the names in it, and whether it comes first on PATH."""

    directory: Path
    names: tuple[str, ...]
    leads: bool


def default_directory() -> Path:
    """Return the directory of shims if no other is named."""
    return data_directory() / "shims"


def install_shims(directory: Path, program: str) -> Shims:
    """Write a shim for each guarded program. Raises RunbookError if another file has that name.

    `program` is the shell text that starts `runbook`.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Check before writing anything: either all shims are installed or none.
        taken = [name for name in GUARDED if (directory / name).exists() and not _is_shim(directory / name)]
        if taken:
            raise RunbookError(
                f"{directory} has other programs: {', '.join(taken)}", hint="Choose an empty directory with --dir."
            )
        for name in GUARDED:
            temporary = directory / f".{name}.new"
            temporary.write_text(f'#!/bin/sh\n{SHIM_MARK}\nexec {program} guard -- {name} "$@"\n', encoding="utf-8")
            temporary.chmod(0o755)
            temporary.replace(directory / name)  # so that nobody runs a half-written shim
    except OSError as error:
        raise RunbookError(f"can't write to {directory}: {error}", hint="Choose another with --dir.") from error
    return Shims(directory, GUARDED, _leads(directory))


def uninstall_shims(directory: Path) -> Shims:
    """Remove the shims, and the directory if nothing else is in it."""
    names = tuple(name for name in GUARDED if _is_shim(directory / name))
    for name in names:
        (directory / name).unlink()
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
    return Shims(directory, names, leads=False)


def find_program(name: str) -> str | None:
    """Return the path of a program as a shell would find it, skipping shims, or None if there is none."""
    if "/" in name:
        return name if os.access(name, os.X_OK) else None
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = Path(directory or ".") / name
        if path.is_file() and os.access(path, os.X_OK) and not _is_shim(path):
            return str(path)
    return None


def _is_shim(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return SHIM_MARK.encode() in file.read(_LOOKED_AT)
    except OSError:
        return False


def _leads(directory: Path) -> bool:
    """Whether a shell finds these shims before the real programs."""
    # PATH may name it through a link.
    here = directory.resolve()
    for each in os.environ.get("PATH", "").split(os.pathsep):
        if each and Path(each).resolve() == here:
            return True
        # The real program comes first, so the shim would never start.
        if any((Path(each) / name).is_file() for name in GUARDED):
            return False
    return False


# --- `runbook guard -- COMMAND` --------------------------------------------------------------------------------------


def run_guarded(argv: tuple[str, ...], book: str | None) -> int:
    """Judge a command and, if it may run, become it. Returns only if the command doesn't run."""
    program = find_program(argv[0])
    # Judge it even if there is no such program: a refusal says more than "not found".
    judged = judge_argv(argv, book=book, face="command")
    if judged.verdict is Verdict.REFUSE:
        print(as_text(judged, current_directory()), file=sys.stderr)
        return ExitCode.REFUSED
    if program is None:
        raise UsageError(f"there is no program '{argv[0]}' on PATH", hint="Nothing ran.")
    if judged.verdict is Verdict.CONFIRM:
        print(as_text(judged, current_directory()), file=sys.stderr)
        if not _is_confirmed(judged):
            return ExitCode.NEEDS_PERSON
    # Python ignores these signals, and the command must not inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execv(program, argv)  # noqa: S606 - no shell: that is the point
    except OSError as error:
        raise UsageError(f"can't start '{program}': {error.strerror}", hint="Nothing ran.") from error


def _is_confirmed(judged: Judgement) -> bool:
    """Ask at the terminal itself, never at standard input: `yes |` isn't a person."""
    from runbook.runtime.answer_reader import AnswerReader  # most commands need no confirmation

    # To destroy something, the person types the target's name: typing yes can be a habit.
    wanted = name_of_target(judged, current_directory()) if judged.effect is Effect.DESTROYS else "yes"
    try:
        with Path("/dev/tty").open("r+b", buffering=0) as terminal:
            reader = AnswerReader(terminal.fileno(), lambda text: terminal.write(text.encode(errors="replace")))
            typed = reader.confirmation(f"  Type {wanted} to run it, anything else to stop: ")
    except EOFError:
        typed = ""
    except OSError:
        print("  There is no terminal to ask at, so it didn't run.", file=sys.stderr)
        return False
    if typed != wanted:
        print("  It didn't run.", file=sys.stderr)
    return typed == wanted
