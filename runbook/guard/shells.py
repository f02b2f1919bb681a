"""Functions that put the guard before the programs of an interactive shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

__all__ = ["GUARDED", "SHELLS", "shell_functions"]

GUARDED = ("supabase", "npx", "npm", "pnpm", "yarn", "bunx", "psql", "dropdb")
"""Programs that start what the policy speaks of."""

SHELLS: Mapping[str, str] = {
    "bash": 'eval "$(runbook guard shell-init bash)"   # in ~/.bashrc',
    "zsh": 'eval "$(runbook guard shell-init zsh)"   # in ~/.zshrc, after aliases and version managers',
    "fish": "runbook guard shell-init fish | source   # in ~/.config/fish/config.fish",
}
"""Shell → the line that a person adds to their configuration."""

_NOTE = """\
# runbook guard: asks the policy before these programs start.
# It sees what is typed here. It does not see scripts, Makefiles, absolute paths, `command npx`, `sh -c`, other shells,
# the dashboard, or anything that talks to the database without these programs. What holds there too: a token without
# write access, a directory that is not linked to production, a staging project, database backups you have restored.
"""


def shell_functions(shell: str, program: str) -> str:
    """Return the text that a shell evaluates when it starts; `program` is the shell text that starts `runbook`."""
    lines = [_NOTE]
    lines += [(_fish if shell == "fish" else _posix)(name, program) for name in GUARDED]
    return "\n".join(lines) + "\n"


def _posix(name: str, program: str) -> str:
    path = shlex.quote(shlex.split(program)[0])
    # The keyword keeps shells from expanding an alias of that name. A runbook that is gone must not open the door.
    missing = f"echo 'runbook guard is gone: install it again, or run: unset -f {name}' >&2; return 6"
    return f'function {name} {{\n  if [ ! -x {path} ]; then {missing}; fi\n  {program} guard -- {name} "$@"\n}}'


def _fish(name: str, program: str) -> str:
    path = shlex.quote(shlex.split(program)[0])
    return (
        f"function {name} --wraps {name}\n"
        f"  if not test -x {path}\n"
        f"    echo 'runbook guard is gone: install it again, or run: functions --erase {name}' >&2\n"
        f"    return 6\n"
        f"  end\n"
        f"  {program} guard -- {name} $argv\n"
        f"end"
    )
