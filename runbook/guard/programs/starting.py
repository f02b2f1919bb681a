"""Start a command: find out what it is, and pass it to the function that knows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from runbook.guard.programs import outputs
from runbook.guard.programs.builtins import BUILTINS
from runbook.guard.programs.file_searches import run_fd, run_find
from runbook.guard.programs.names import (
    DATA_PROGRAMS,
    MANAGERS,
    RUNNERS,
    SHELLS,
    bare_name,
    prints_settings,
    program_name,
    says_reset,
)
from runbook.guard.programs.project import installed_major
from runbook.guard.programs.shells import feed, run_script, run_shell, run_text
from runbook.guard.programs.wrappers import (
    look_behind,
    run_env,
    run_parallel,
    run_unknown,
    run_unnamed,
    run_xargs,
)
from runbook.guard.shell.call import Call
from runbook.guard.shell.texts import PRINTED, UNKNOWN, Texts, either, plain
from runbook.policy.argv import invocation_of

if TYPE_CHECKING:
    from runbook.guard.outline import Outline
    from runbook.model.launchers import Interpreter

__all__ = ["PRINTERS", "has_function", "is_known_program", "start_command"]


def _run_each(call: Call) -> Texts:
    """`concurrently` and `hyperfine`: each word is a text for a shell."""
    for word in call.words[1:]:
        script = re.fullmatch(r"(?:npm|pnpm|yarn|bun|node|deno):(\S+)", plain(word))
        if script:  # a script of package.json, or a pattern for several
            call.start(("run-s", script[1]))
        elif not plain(word).startswith("-"):
            run_text(call, word)
    return UNKNOWN


_BY_NAME: Mapping[str, Callable[[Call], Texts] | str] = {
    **BUILTINS,
    **dict.fromkeys(SHELLS, run_shell),
    **dict.fromkeys(RUNNERS, "task_runners.run_package_runner"),
    **dict.fromkeys(("docker", "podman", "nerdctl"), "hosts.run_docker"),
    **dict.fromkeys(("docker-compose", "podman-compose"), "hosts.run_compose"),
    **dict.fromkeys(("kubectl", "oc", "k"), "hosts.run_kubectl"),
    **dict.fromkeys(("ssh", "autossh", "mosh"), "hosts.run_ssh"),
    **dict.fromkeys(("su", "runuser"), "hosts.run_su"),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), "interpreters.run_awk"),
    **dict.fromkeys(("vi", "vim", "nvim", "ex", "view", "gvim"), "interpreters.run_editor"),
    **dict.fromkeys(("concurrently", "hyperfine"), _run_each),
    **dict.fromkeys(("at", "batch"), feed),
    **dict.fromkeys(("find", "gfind"), run_find),
    **dict.fromkeys(("fd", "fdfind"), run_fd),
    **dict.fromkeys(("base64", "gbase64"), outputs.run_base64),
    **dict.fromkeys(("sed", "gsed"), outputs.run_sed),
    **dict.fromkeys(("head", "tail", "ghead", "gtail"), outputs.run_head),
    **dict.fromkeys(("curl", "wget", "aria2c", "axel", "http", "https", "xh", "xhs", "gh"), outputs.run_download),
    "cat": outputs.run_cat,
    "crontab": "hosts.run_crontab",
    "echo": outputs.run_echo,
    **dict.fromkeys(("ls", "gls"), outputs.run_ls),
    "env": run_env,
    "genv": run_env,
    "git": "git.run_git",
    "parallel": run_parallel,
    "psql": "psql.run_psql",
    "usql": "psql.run_psql",
    "pgcli": "psql.run_psql",
    "tee": outputs.run_tee,
    "tmux": "hosts.run_tmux",
    "which": outputs.run_which,
    "xargs": run_xargs,
    "gxargs": run_xargs,
}
"""The functions for known programs, or the modules and names of those that most lines don't need."""


PRINTERS = frozenset({"cat", "echo", "head", "ls", "tail"})
"""Programs whose functions only compute what they print."""


def has_function(name: str) -> bool:
    """Whether a function of the guard follows what a program does with its words."""
    return name in _BY_NAME


def _function_of(name: str) -> Callable[[Call], Texts]:
    found = _BY_NAME[name]
    if not isinstance(found, str):
        return found
    module, _, function = found.partition(".")
    loaded: Callable[[Call], Texts] = getattr(import_module(f"runbook.guard.programs.{module}"), function)
    return loaded


def is_known_program(name: str, outline: Outline) -> bool:
    """Whether the guard knows what a program does with its words."""
    is_listed = name in _BY_NAME or name in DATA_PROGRAMS or name in outline.programs
    runs_others = outline.launchers(name) or outline.task_runners(name) or outline.interpreters(bare_name(name))
    return is_listed or bool(runs_others)


def start_command(call: Call) -> Texts:
    """Handle one command and return what it may print."""
    name = program_name(call.words[0])
    if name is None:
        return run_unnamed(call)
    outline = call.shell.outline
    outputs.note_changes(call, name)
    runs_tasks = bool(outline.task_runners(name))
    output = _run_known(call, name) if runs_tasks else UNKNOWN
    # `node_modules/supabase/dist/supabase.js` started by its path is the CLI too.
    is_script = "/" in call.name and call.name.endswith("js")
    is_ruled = name.partition("@")[0] in outline.programs
    is_ruled = is_ruled or (is_script and invocation_of([call.name]).program in outline.programs)
    # A task that was read isn't judged by its name.
    if is_ruled and not call.shell.has_followed(call.words):
        # node_modules decides the CLI's major after a runner, in a package's script, and in its own path.
        is_local = name in RUNNERS or call.state.has_local_programs or "node_modules" in call.name
        is_local = is_local and invocation_of(call.words).program == "supabase"
        call.shell.examiner.command(call, major=installed_major(call) if is_local else None)
    # A program may have rules and start others too, as npx does.
    if not runs_tasks and (not is_ruled or name in _BY_NAME or outline.launchers(name)):
        output = _run_known(call, name)
    return (PRINTED,) if output == UNKNOWN and prints_settings(name, call.arguments) else output


def _run_known(call: Call, name: str) -> Texts:
    """Run the function of a known program. Read any other if it's a script, and examine its words."""
    if (ran := _run_tasks(call, name)) is not None:
        return ran
    outline, bare = call.shell.outline, bare_name(name)
    outputs: list[Texts] = []
    if launchers := outline.launchers(name):
        from runbook.guard.programs.launchers import run_launcher  # most lines start no other program

        outputs = [started for each in launchers if (started := run_launcher(call, each)) is not None]
    if name in _BY_NAME:
        return _function_of(name)(call)
    if interpreters := outline.interpreters(bare):
        outputs += [_interpret(call, each) for each in interpreters]
        look_behind(call)  # a script may start the words after its own
    if outputs:
        return either(*outputs)
    if bare in SHELLS:
        return run_shell(call)
    if name not in DATA_PROGRAMS:
        suffix = "." in name and outline.interpreters(name[name.rindex(".") :])
        if suffix:  # `uv run app.py`, `./app.py`
            return either(*(_interpret(call.with_words(name, *call.words), each) for each in suffix))
        if "/" in call.name or says_reset(name):
            run_script(call, call.words[0])
        run_unknown(call)
    return UNKNOWN


def _interpret(call: Call, interpreter: Interpreter) -> Texts:
    from runbook.guard.programs.interpreters import run_interpreter  # most lines run no code

    return run_interpreter(call, interpreter)


def _run_tasks(call: Call, name: str) -> Texts | None:
    """Run the tasks that a task runner is asked for. Return None if the words run none."""
    # Package managers run programs as well, so they look for tasks themselves.
    runners = call.shell.outline.task_runners(name) if name not in MANAGERS else ()
    if not runners:
        return None
    from runbook.guard.programs.tasks import run_task_runner  # most lines run no task

    ran = [output for each in runners if (output := run_task_runner(call, each)) is not None]
    return either(*ran) if ran else None
