"""Run tasks by name: what a task runner finds in its file, which is followed like any other shell text."""

from __future__ import annotations

import fnmatch
import re

from runbook.guard.command_files.contents import Command, Contents, Task, filled
from runbook.guard.programs.names import program_name, says_reset
from runbook.guard.programs.shells import run_script
from runbook.guard.programs.task_files import FoundFile, find_files
from runbook.guard.programs.task_words import Asked, joined_path, read_words
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.shell_state import ShellState, scalar
from runbook.guard.shell.texts import ANY, ANY_WORDS, UNKNOWN, Texts, is_known, plain, quoted_words
from runbook.model.command_files import CommandFile, TaskRunner

__all__ = ["run_task_runner", "run_tasks"]

_WILD = frozenset("*?[")


def run_task_runner(call: Call, runner: TaskRunner) -> Texts | None:
    """Run the tasks that a program is asked for. Return None if these words run no task."""
    asked = read_words(call, runner)
    if asked is None or (runner.takes == "none" and runner.bare == "nothing" and not asked.tasks):
        return None
    if asked.is_dry:
        _read_only(call._replace(state=asked.state), runner, asked)
        return UNKNOWN
    ran = [run_tasks(call._replace(state=each.state), runner, each) for each in _by_directory(asked, runner)]
    return UNKNOWN if any(ran) or not runner.or_program else None


def _read_only(call: Call, runner: TaskRunner, asked: Asked) -> None:
    """Run what reading the files alone runs: make computes `:=` even if it only prints what it would do."""
    for found in find_files(call, runner, _kinds(call, runner), asked):
        if found.kind.format == "make":
            _Run(call, found).always()


def _kinds(call: Call, runner: TaskRunner) -> list[CommandFile]:
    return [kind for each in runner.files for kind in call.shell.outline.command_files(each)]


def _by_directory(asked: Asked, runner: TaskRunner) -> list[Asked]:
    """Return what is asked for, apart for each directory that stands before a task."""
    if not runner.in_directories or not any("/" in name for name in asked.tasks):
        return [asked]
    parts: list[Asked] = []
    for name in asked.tasks:
        directory, _, task = name.rpartition("/")
        if directory or not parts:
            state = asked.state.child()
            state.directory = joined_path(state.directory, directory or ".")
            parts.append(Asked(state, given=asked.given, everywhere=asked.everywhere))
        parts[-1].tasks.append(task)
    return parts


def run_tasks(call: Call, runner: TaskRunner, asked: Asked) -> bool:
    """Run tasks, and return whether the file could be read and has one of them.

    A task that no file has is judged by its name.
    """
    found = list(find_files(call, runner, _kinds(call, runner), asked))
    waiting = asked.tasks or [name for each in found for name in _default_tasks(runner, each.contents)]
    for each in found:
        _Run(call, each).always()
    ran, unknown = False, False
    while waiting:
        name, *waiting = waiting
        matched = [(each, task) for each in found for task in _matching(runner, each.contents, name)]
        words = asked.words
        if runner.takes == "all":
            # A recipe with parameters takes the words after it. The others are tasks.
            taken = max((_arity(task, len(waiting)) for _, task in matched), default=0)
            words, waiting = tuple(waiting[:taken]), waiting[taken:]
        for each, task in matched:
            _Run(call, each).task(task, words)
        is_known_task = _run_scripts(call, runner, name, words) or bool(matched)
        if not found and not is_known_task:
            is_known_task = _run_elsewhere(call, name, words)
        if not is_known_task and not runner.or_program and says_reset(name, alone=True):
            call.doubt(Doubt.NAMED_RESET)
        ran, unknown = ran or is_known_task, unknown or not is_known_task
    for name in asked.files if runner.takes == "file" and not found else ():
        if says_reset(name.removesuffix(".yml").removesuffix(".yaml"), alone=True):
            call.doubt(Doubt.NAMED_RESET)
    # Code is only read roughly, so the name of its task still counts.
    if ran and not unknown and all(each.kind.format != "code" for each in found):
        call.shell.follow(call.words)
    return ran


def _run_elsewhere(call: Call, name: str, words: tuple[str, ...]) -> bool:
    """Run a script of that name in package.json, if the runner's own file isn't there: it may be called the same."""
    ran = False
    for runner in call.shell.outline.task_runners("npm") if program_name(call.words[0]) != "npm" else ():
        with call.shell.perhaps():
            ran |= run_tasks(call.with_words("npm", "run", name), runner, Asked(call.state, [name], words))
    return ran


def _default_tasks(runner: TaskRunner, contents: Contents) -> list[str]:
    """Return the tasks that run if none is named."""
    if runner.default in contents.tasks:
        return [runner.default]
    if runner.bare == "first":
        return list(contents.tasks)[:1] if contents.default not in contents.tasks else [contents.default]
    return list(contents.tasks) if runner.bare == "all" else []


def _matching(runner: TaskRunner, contents: Contents, name: str) -> list[Task]:
    """Return the tasks that a word names: by name, by pattern, or after the name of a project."""
    if runner.globs:
        # A shell leaves a pattern as it is if no file fits.
        name = name.replace(ANY, "*").replace(ANY_WORDS, "*")
    if not is_known(name):
        return []
    if runner.expressions and len(name) > 2 and name.startswith("/") and name.endswith("/"):
        return _by_expression(contents, name[1:-1])
    if runner.globs and set(name) & _WILD:
        # npm-run-all: one star stays within a part of the name.
        pattern = re.compile(fnmatch.translate(name.partition(" ")[0].replace("**", "*")))
        return [task for each, task in contents.tasks.items() if pattern.match(each)]
    names = [name, *re.split(f"[{re.escape(runner.separators)}]", name)[1:]] if runner.separators else [name]
    # npm-run-all takes a task with its words as one word.
    names += [name.partition(" ")[0]] if runner.globs and " " in name else []
    task = next((task for each in names if (task := contents.find(each)) is not None), None)
    return [task] if task is not None else _by_pattern(contents, name)


def _by_expression(contents: Contents, text: str) -> list[Task]:
    """Return the tasks whose name a regular expression finds. One that RE2 can't read may find any of them."""
    from runbook.linear_regex import RegexError, linear_regex  # few tasks are named like this

    try:
        expression = linear_regex(text)
    except RegexError:
        return list(contents.tasks.values())
    return [task for each, task in contents.tasks.items() if expression.search(each) is not None]


def _by_pattern(contents: Contents, name: str) -> list[Task]:
    """Return the first rule whose target is a pattern that fits: `reset-%`."""
    for each, task in contents.tasks.items():
        before, percent, after = each.partition("%")
        if percent and name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after):
            return [task]
    return []


def _arity(task: Task, words: int) -> int:
    if any(each.is_variadic for each in task.parameters):
        return words
    return min(words, len(task.parameters))


def _run_scripts(call: Call, runner: TaskRunner, name: str, words: tuple[str, ...]) -> bool:
    """Run a task that is a file in one of the runner's directories. Return whether there is one."""
    ran = False
    for directory in list(call.state.directories_above()) if runner.scripts and is_known(name) else ():
        for folder in runner.scripts:
            path = f"{directory}/{folder}/{name.replace(':', '/')}"
            if ".." not in path and call.shell.contents(path, call.state) is not None:
                ran = True
                run_script(call.with_words(path, *words), path)
    return ran


# --- one task --------------------------------------------------------------------------------------------------------


class _Run:
    """Runs tasks of one file, each of them once."""

    def __init__(self, call: Call, found: FoundFile) -> None:
        self._call = call
        self._kind, self._contents = found.kind, found.contents
        self._directory = found.directory
        self._done: set[str] = set()

    def always(self) -> None:
        """Run what the task runner runs when it reads the file."""
        for command in self._contents.always:
            state = self._call.state.child()
            state.directory = self._directory
            self._command(command, state, ())

    def task(self, task: Task, words: tuple[str, ...]) -> None:
        """Run a task with all that it needs, and with what runs before and after it."""
        if task.name in self._done:
            return
        self._done.add(task.name)
        needed = (self._contents.find(name) for name in task.needs)
        around = (self._contents.find(pattern.replace("*", task.name)) for pattern in self._kind.around)
        for each in needed:
            if each is not None:
                self.task(each, ())
        for each in around:
            if each is not None:
                self._commands(each, ())
        self._commands(task, words)

    def _commands(self, task: Task, words: tuple[str, ...]) -> None:
        values = {**self._contents.values, **_arguments(task, words)}
        for number, command in enumerate(task.commands, start=1):
            # Each command has a shell of its own.
            state = self._call.state.child()
            state.directory = self._directory
            state.has_local_programs |= self._kind.local_programs
            state.arguments = (words,)
            for each in task.parameters:
                if each.is_exported:
                    state.variables[each.name] = scalar((values.get(each.name, ANY),))
                    state.export(each.name)
            takes_words = self._kind.takes_words and number == len(task.commands)
            self._command(self._with_values(command, values), state, words if takes_words else ())

    def _with_values(self, command: Command, values: dict[str, str]) -> Command:
        if self._kind.format != "just":
            return command
        from runbook.guard.command_files.justfile import INTERPOLATION

        return command._replace(text=filled(command.text, [INTERPOLATION], values))

    def _command(self, command: Command, state: ShellState, words: tuple[str, ...]) -> None:
        shell = self._call.shell
        if command.words:
            shell.start((*command.words, *words), state)
        elif command.language:
            # An interpreter without a file reads its input.
            state.stdin = (command.text,)
            shell.start((command.language,), state)
        elif command.is_guess:
            shell.guess(command.text, state)
        else:
            text = f"{command.text} {quoted_words(words)}" if words else command.text
            shell.text(text, state)


def _arguments(task: Task, words: tuple[str, ...]) -> dict[str, str]:
    """Return the values of a task's parameters."""
    values: dict[str, str] = {}
    left = [plain(word) for word in words]
    for each in task.parameters:
        if each.is_variadic:
            values[each.name], left = (" ".join(left) if left else each.default or ""), []
        elif left:
            values[each.name] = left.pop(0)
        else:
            values[each.name] = each.default if each.default is not None else ANY_WORDS
    return values
