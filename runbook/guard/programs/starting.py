"""Start a command: find out what it is, and pass it to the function that knows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from runbook.guard.programs import hosts, outputs
from runbook.guard.programs.builtins import BUILTINS
from runbook.guard.programs.git import run_git
from runbook.guard.programs.interpreters import run_awk, run_editor, run_interpreter
from runbook.guard.programs.launchers import run_launcher
from runbook.guard.programs.names import DATA_PROGRAMS, bare_name, prints_settings, program_name, says_reset
from runbook.guard.programs.project import installed_major
from runbook.guard.programs.psql import run_psql
from runbook.guard.programs.shells import SHELLS, feed, run_script, run_shell, run_text
from runbook.guard.programs.task_runners import MANAGERS, RUNNERS, run_package_runner
from runbook.guard.programs.wrappers import (
    look_behind,
    run_env,
    run_find,
    run_parallel,
    run_unknown,
    run_unnamed,
    run_xargs,
)
from runbook.guard.shell.call import Call, Examiner
from runbook.guard.shell.texts import PRINTED, UNKNOWN, Texts, either, plain
from runbook.policy.argv import invocation_of

__all__ = ["is_known_program", "start_command"]


def _run_each(call: Call) -> Texts:
    """`concurrently` and `hyperfine`: each word is a text for a shell."""
    for word in call.words[1:]:
        script = re.fullmatch(r"(?:npm|pnpm|yarn|bun|node|deno):(\S+)", plain(word))
        if script:  # a script of package.json, or a pattern for several
            call.start(("run-s", script[1]))
        elif not plain(word).startswith("-"):
            run_text(call, word)
    return UNKNOWN


_BY_NAME: Mapping[str, Callable[[Call], Texts]] = {
    **BUILTINS,
    **dict.fromkeys(SHELLS, run_shell),
    **dict.fromkeys(RUNNERS, run_package_runner),
    **dict.fromkeys(("docker", "podman", "nerdctl"), hosts.run_docker),
    **dict.fromkeys(("docker-compose", "podman-compose"), hosts.run_compose),
    **dict.fromkeys(("kubectl", "oc", "k"), hosts.run_kubectl),
    **dict.fromkeys(("ssh", "autossh", "mosh"), hosts.run_ssh),
    **dict.fromkeys(("su", "runuser"), hosts.run_su),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), run_awk),
    **dict.fromkeys(("vi", "vim", "nvim", "ex", "view", "gvim"), run_editor),
    **dict.fromkeys(("concurrently", "hyperfine"), _run_each),
    **dict.fromkeys(("at", "batch"), feed),
    **dict.fromkeys(("find", "gfind", "fd", "fdfind"), run_find),
    **dict.fromkeys(("base64", "gbase64"), outputs.run_base64),
    **dict.fromkeys(("sed", "gsed"), outputs.run_sed),
    **dict.fromkeys(("head", "tail", "ghead", "gtail"), outputs.run_head),
    **dict.fromkeys(("curl", "wget"), outputs.run_download),
    "cat": outputs.run_cat,
    "crontab": hosts.run_crontab,
    "echo": outputs.run_echo,
    "env": run_env,
    "genv": run_env,
    "git": run_git,
    "parallel": run_parallel,
    "psql": run_psql,
    "usql": run_psql,
    "pgcli": run_psql,
    "tee": outputs.run_tee,
    "tmux": hosts.run_tmux,
    "which": outputs.run_which,
    "xargs": run_xargs,
    "gxargs": run_xargs,
}
"""The functions for known programs. Package runners and programs of the policy come first."""


def is_known_program(name: str, examiner: Examiner) -> bool:
    """Whether the guard knows what a program does with its words."""
    is_listed = name in _BY_NAME or name in DATA_PROGRAMS or name in examiner.programs
    runs_others = examiner.launchers(name) or examiner.task_runners(name) or examiner.interpreters(bare_name(name))
    return is_listed or bool(runs_others)


def start_command(call: Call) -> Texts:
    """Handle one command and return what it may print."""
    name = program_name(call.words[0])
    if name is None:
        return run_unnamed(call)
    examiner = call.shell.examiner
    outputs.note_changes(call, name)
    runs_tasks = bool(examiner.task_runners(name))
    output = _run_known(call, name) if runs_tasks else UNKNOWN
    # `node_modules/supabase/dist/supabase.js` started by its path is the CLI too.
    is_script = "/" in call.name and call.name.endswith("js")
    is_ruled = name.partition("@")[0] in examiner.programs
    is_ruled = is_ruled or (is_script and invocation_of([call.name]).program in examiner.programs)
    # A task that was read isn't judged by its name.
    if is_ruled and not call.shell.has_followed(call.words):
        # node_modules decides the CLI's major after a runner, in a package's script, and in its own path.
        is_local = name in RUNNERS or call.state.has_local_programs or "node_modules" in call.name
        is_local = is_local and invocation_of(call.words).program == "supabase"
        examiner.command(call, major=installed_major(call) if is_local else None)
    # A program may have rules and start others too, as npx does.
    if not runs_tasks and (not is_ruled or name in _BY_NAME or examiner.launchers(name)):
        output = _run_known(call, name)
    return (PRINTED,) if output == UNKNOWN and prints_settings(name, call.arguments) else output


def _run_known(call: Call, name: str) -> Texts:
    """Run the function of a known program. Read any other if it's a script, and examine its words."""
    # Package managers run programs as well, so they look for tasks themselves.
    runners = call.shell.examiner.task_runners(name) if name not in MANAGERS else ()
    if runners:
        from runbook.guard.programs.tasks import run_task_runner  # most lines run no task

        ran = [output for each in runners if (output := run_task_runner(call, each)) is not None]
        if ran:
            return either(*ran)
    examiner, bare = call.shell.examiner, bare_name(name)
    outputs = [started for each in examiner.launchers(name) if (started := run_launcher(call, each)) is not None]
    if name in _BY_NAME:
        return _BY_NAME[name](call)
    if interpreters := examiner.interpreters(bare):
        outputs += [run_interpreter(call, each) for each in interpreters]
        look_behind(call)  # a script may start the words after its own
    if outputs:
        return either(*outputs)
    if bare in SHELLS:
        return run_shell(call)
    if name not in DATA_PROGRAMS:
        suffix = "." in name and examiner.interpreters(name[name.rindex(".") :])
        if suffix:  # `uv run app.py`, `./app.py`
            return either(*(run_interpreter(call.with_words(name, *call.words), each) for each in suffix))
        if "/" in call.name or says_reset(name):
            run_script(call, call.words[0])
        run_unknown(call)
    return UNKNOWN
