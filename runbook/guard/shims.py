"""Put the guard before programs: functions of an interactive shell, shims on PATH, and the command that both call.

Shims are small programs that come first on PATH, ask the guard and then become the real program. Unlike functions,
they also cover scripts and Makefiles.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runbook.errors import ExitCode, RunbookError, UsageError
from runbook.guard.judging import current_directory, judge_argv
from runbook.guard.messages import as_text, name_of_target, project_line
from runbook.model import Effect, Verdict
from runbook.policy.judgement import Judgement
from runbook.user_directories import data_directory

# --- shell functions -------------------------------------------------------------------------------------------------


GUARDED = ("supabase", "npx", "npm", "pnpm", "yarn", "bunx", "psql", "dropdb", "pg_restore", "prisma", "drizzle-kit")
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

_CREATED = "# directories created for it: "
"""The third line of each shim, with the number of directories that `uninstall` removes if nothing else is in them."""

# The marks are in the first lines, so there is no need to read a large program.
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

    `program` is the shell text that starts `runbook`. Raises UsageError if the directory can't be on PATH.
    """
    if os.pathsep in str(directory):
        raise UsageError(f"{directory} can't be on PATH: it contains '{os.pathsep}'", hint="Choose another with --dir.")
    try:
        earlier = [count for name in GUARDED if (count := _created_for(directory / name)) is not None]
        created = max(earlier, default=sum(not each.exists() for each in (directory, *directory.parents)))
        directory.mkdir(parents=True, exist_ok=True)
        # Check before writing anything: either all shims are installed or none.
        taken = [name for name in GUARDED if (directory / name).exists() and not _is_shim(directory / name)]
        if taken:
            raise RunbookError(
                f"{directory} has other programs: {', '.join(taken)}", hint="Choose an empty directory with --dir."
            )
        for name in GUARDED:
            temporary = directory / f".{name}.new"
            temporary.write_text(_shim(name, program, created), encoding="utf-8")
            temporary.chmod(0o755)
            temporary.replace(directory / name)  # so that nobody runs a half-written shim
    except OSError as error:
        raise RunbookError(f"can't write to {directory}: {error}", hint="Choose another with --dir.") from error
    return Shims(directory, GUARDED, _leads(directory))


def _shim(name: str, program: str, created: int) -> str:
    path = shlex.quote(shlex.split(program)[0])
    missing = f'echo "runbook guard is missing. Reinstall it, or delete {name} in ${{0%/*}}." >&2; exit 6'
    return (
        f"#!/bin/sh\n{SHIM_MARK}\n{_CREATED}{created}\n"
        f'command -v {path} >/dev/null || {{ {missing}; }}\nexec {program} guard -- {name} "$@"\n'
    )


def uninstall_shims(directory: Path) -> Shims:
    """Remove the shims, and the directories that were created for them if nothing else is in them.

    Raises RunbookError if a shim can't be removed.
    """
    names = tuple(name for name in GUARDED if _is_shim(directory / name))
    counts = [_created_for(directory / name) for name in names]
    # Earlier versions didn't count, and removed one directory.
    created = max((1 if count is None else count for count in counts), default=0)
    try:
        for name in names:
            (directory / name).unlink()
    except OSError as error:
        raise RunbookError(f"can't remove the shims in {directory}: {error.strerror}") from error
    with suppress(OSError):
        for each in (directory, *directory.parents)[:created]:
            each.rmdir()
    return Shims(directory, names, leads=False)


def export_line(directory: Path, *, fish: bool = False) -> str:
    """Return the line for a shell's configuration that puts a directory first on PATH."""
    if fish:
        quoted = str(directory).replace("\\", "\\\\").replace("'", "\\'")
        return f"fish_add_path --prepend '{quoted}'"
    return f"export PATH={shlex.quote(str(directory))}:$PATH"


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
    return SHIM_MARK.encode() in _head(path)


def _created_for(path: Path) -> int | None:
    """Return the number of directories that were created for a shim, or None if it isn't one or doesn't say it."""
    found = re.search(rf"^{_CREATED}(\d+)$".encode(), _head(path), re.MULTILINE) if _is_shim(path) else None
    return int(found[1]) if found else None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LOOKED_AT)
    except OSError:
        return b""


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
    elif line := project_line(judged, current_directory()):
        print(line, file=sys.stderr)
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
    needs_name = judged.effect is Effect.DESTROYS or bool(judged.protects)
    wanted = name_of_target(judged, current_directory()) if needs_name else "yes"
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
