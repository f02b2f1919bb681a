"""Start a command: find out what it is, and let the right one deal with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from runbook.guard.programs.builtins import BUILTINS
from runbook.guard.programs.hosts import (
    run_at,
    run_compose,
    run_crontab,
    run_docker,
    run_git,
    run_kubectl,
    run_ssh,
    run_su,
    run_tmux,
)
from runbook.guard.programs.interpreters import INTERPRETERS, run_awk, run_editor, run_interpreter
from runbook.guard.programs.names import DATA_PROGRAMS, prints_settings, program_name, says_reset
from runbook.guard.programs.outputs import note_changes, run_base64, run_cat, run_download, run_echo, run_tee, run_which
from runbook.guard.programs.shells import SHELLS, run_script, run_shell, run_text
from runbook.guard.programs.task_runners import RUNNERS, installed_major, run_make, run_package_runner, run_task
from runbook.guard.programs.unknown import run_unknown, run_unnamed
from runbook.guard.programs.wrappers import PREFIXES, run_env, run_find, run_parallel, run_prefix, run_xargs
from runbook.guard.shell.call import Call
from runbook.guard.shell.texts import PRINTED, UNKNOWN, Texts, plain
from runbook.policy.argv import invocation_of

__all__ = ["start_command"]


def _run_each(call: Call) -> Texts:
    """`concurrently` and `hyperfine`: each word is a text for a shell."""
    for word in call.words[1:]:
        if not plain(word).startswith("-"):
            run_text(call, word)
    return UNKNOWN


_BY_NAME: Mapping[str, Callable[[Call], Texts]] = {
    **BUILTINS,
    **dict.fromkeys(SHELLS, run_shell),
    **dict.fromkeys(RUNNERS, run_package_runner),
    **dict.fromkeys(("docker", "podman", "nerdctl"), run_docker),
    **dict.fromkeys(("docker-compose", "podman-compose"), run_compose),
    **dict.fromkeys(("kubectl", "oc", "k"), run_kubectl),
    **dict.fromkeys(("ssh", "autossh", "mosh"), run_ssh),
    **dict.fromkeys(("su", "runuser"), run_su),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), run_awk),
    **dict.fromkeys(("vi", "vim", "nvim", "ex", "view", "gvim"), run_editor),
    **dict.fromkeys(("make", "gmake"), run_make),
    **dict.fromkeys(("just", "task", "moon", "nx", "turbo", "poe", "inv", "invoke", "npm-run-all"), run_task),
    **dict.fromkeys(("run-s", "run-p", "mage", "doit", "wireit", "npm-run-all2"), run_task),
    **dict.fromkeys(("concurrently", "hyperfine"), _run_each),
    **dict.fromkeys(("at", "batch"), run_at),
    **dict.fromkeys(("find", "gfind", "fd", "fdfind"), run_find),
    **dict.fromkeys(("base64", "gbase64"), run_base64),
    **dict.fromkeys(("curl", "wget"), run_download),
    "cat": run_cat,
    "crontab": run_crontab,
    "echo": run_echo,
    "env": run_env,
    "genv": run_env,
    "git": run_git,
    "parallel": run_parallel,
    "tee": run_tee,
    "tmux": run_tmux,
    "which": run_which,
    "xargs": run_xargs,
    "gxargs": run_xargs,
}
"""What is known of programs. Those of a package runner or of the policy come before."""


def start_command(call: Call) -> Texts:
    """Deal with one command and return what it may print."""
    name = program_name(call.words[0])
    if name is None:
        return run_unnamed(call)
    examiner = call.shell.examiner
    output = UNKNOWN
    note_changes(call, name)
    ruled = name.partition("@")[0] in examiner.programs or _script_of_a_package(call)
    if ruled:
        examiner.command(call, major=_major(call, name))
    if not ruled or name in _BY_NAME or name in PREFIXES:
        output = _known(call, name)
    return (PRINTED,) if output == UNKNOWN and prints_settings(name, call.arguments) else output


def _major(call: Call, name: str) -> int | None:
    """Return the CLI's major where node_modules decides it: behind a runner, in a package's script, by its path."""
    local = name in RUNNERS or call.state.has_local_programs or "node_modules" in call.name
    return installed_major(call) if local and invocation_of(call.words).program == "supabase" else None


def _script_of_a_package(call: Call) -> bool:
    """`node_modules/supabase/dist/supabase.js` started by its path."""
    name = plain(call.words[0])
    return "/" in name and name.endswith("js") and invocation_of([name]).program in call.shell.examiner.programs


def _known(call: Call, name: str) -> Texts:
    run = _BY_NAME.get(name)
    if run is not None:
        return run(call)
    if name in PREFIXES:
        return run_prefix(call, PREFIXES[name])
    interpreter = re.sub(r"[\d.]+$", "", name)
    if interpreter in INTERPRETERS:
        return run_interpreter(call, INTERPRETERS[interpreter])
    if interpreter in SHELLS:
        return run_shell(call)
    if name not in DATA_PROGRAMS:
        _run_file(call, name)
    return UNKNOWN


def _run_file(call: Call, name: str) -> None:
    """Read a program that is a script by its path; of any other only the words are known."""
    if "/" in call.name or says_reset(name):
        run_script(call, call.words[0])
    run_unknown(call)
