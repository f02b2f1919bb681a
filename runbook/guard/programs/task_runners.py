"""Run package managers and package runners: npx, npm, pnpm, yarn, bun, deno and node."""

from __future__ import annotations

import re

from runbook.guard.programs.names import MANAGERS, program_name
from runbook.guard.programs.project import installed_major
from runbook.guard.programs.shells import run_text
from runbook.guard.programs.wrappers import look_behind
from runbook.guard.shell.call import Call
from runbook.guard.shell.shell_state import ShellState
from runbook.guard.shell.texts import UNKNOWN, Texts, either, is_known, plain
from runbook.policy.argv import invocation_of

__all__ = ["run_package_runner"]


_VALUES = frozenset(
    {"-C", "-F", "-w", "-p", "--cwd", "--dir", "--filter", "--package", "--prefix", "--workspace", "--registry"}
    | {"--cache", "--config", "--userconfig", "--env-file", "--loglevel", "--tag"}
)
_EVERYWHERE = frozenset({"-w", "--workspace", "-F", "--filter", "-r", "--recursive", "-ws", "--workspaces"})
"""Flags that select the scripts of other packages, which only the manager finds by name: all of them are read."""
_PATHS = frozenset({"-C", "--cwd", "--dir", "--prefix"})
_TEXT_FLAGS = frozenset({"-c", "--call", "--shell-mode"})
_RUNS = frozenset({"run", "run-script", "rum", "urn", "task"})
_INSTALLS = frozenset({"install", "i", "ci", "clean-install", "install-test", "it", "install-ci-test"})
_LIFE = frozenset({"start", "stop", "test", "restart", "t", "tst"})
_OWN = frozenset(
    """
    access add adduser audit bin bugs cache ci clean-install completion config create dedupe deploy deprecate diff
    dist-tag docs doctor edit exec explain explore fetch find-dupes fund get global help hook i import in info init
    install install-ci-test install-test it licenses link list login logout ls node org outdated owner pack patch ping
    pkg plugin policies prefix prepare profile prune publish query rebuild remove repo rm root self-update server set
    set-version setup shrinkwrap star stars store tag team token un uninstall unlink unpublish unstar up update upgrade
    upgrade-interactive v version versions view whoami why workspace workspaces x dlx pm approve-builds cat-file
    """.split()  # noqa: SIM905 - a list of this length is read best as text
)
"""The managers' own commands. Any other word is a script or a program of a package."""


def run_package_runner(call: Call) -> Texts:
    """Start what a package runner starts."""
    name = program_name(call.words[0]) or ""
    texts, words, state = _split(call)
    for text in texts:
        run_text(call, text)
    inner = invocation_of(call.words)
    outline = call.shell.outline
    # `node supabase.js` is the CLI; any other file that node, bun and deno start is code to read.
    is_code = bool(outline.interpreters(name)) and inner.program not in outline.risky
    if inner.program != name and is_known(inner.program) and not is_code:
        if name == "npm" and "--" in inner.arguments:
            # npm keeps the first `--` for itself, wherever it is.
            at = inner.arguments.index("--")
            inner = inner._replace(arguments=(*inner.arguments[:at], *inner.arguments[at + 1 :]))
        version = inner.major or (installed_major(call) if inner.program == "supabase" else None)
        program = inner.program if version is None else f"{inner.program}@{version}"
        if name in {"npm", "pnpm", "yarn", "bun"} and inner.program in call.arguments[:2]:
            # `yarn supabase` and `npm run supabase` may also be a script of that name.
            at = call.arguments.index(inner.program)
            _run_package_script(call, inner.program, call.words[at + 2 :])
        return call.start((program, *inner.arguments)) if not texts else UNKNOWN
    if name in {"node", "nodejs"}:
        return _interpret(call, name)
    if texts:
        return UNKNOWN
    if name in {"npx", "bunx", "pnpx", "corepack"}:
        return call.start(words)
    return _run_manager(call._replace(state=state), name, words)


def _run_manager(call: Call, name: str, words: tuple[str, ...]) -> Texts:  # noqa: PLR0911 - one per kind of verb
    if not words:
        return _run_hooks(call) if name.startswith("yarn") and len(call.words) == 1 else UNKNOWN
    verb, rest = plain(words[0]), words[1:]
    if verb in {"exec", "x", "dlx"} or (verb == "node" and name != "npm"):
        return call.start(words if verb == "node" else _without_flags(rest))
    if verb in {"workspace", "explore"} and len(rest) > 1:
        return run_package_runner(call.with_words(name, "--recursive", *_without_flags(rest[1:])))
    if verb in {"workspaces", "foreach"}:
        words = tuple(word for word in rest if plain(word) != "foreach")
        return run_package_runner(call.with_words(name, "--recursive", *_without_flags(words)))
    if verb in _RUNS:
        rest = _without_flags(rest)
        return _run_script(call, rest, or_program=name in MANAGERS - {"npm"}) if rest else UNKNOWN
    if verb in _OWN and name != "npm":
        # Each manager and version has other commands of its own: elsewhere it's a script.
        with call.shell.perhaps():
            _run_package_script(call, verb, rest)
    if verb in _INSTALLS and not _without_flags(rest) and "--ignore-scripts" not in call.arguments:
        return _run_hooks(call)
    if verb in _LIFE:
        return _run_script(call, ("test" if verb in {"t", "tst"} else verb, *rest))
    # Only npm refuses an unknown word. The others look for a script or a program.
    if verb in _OWN or name == "npm":
        return UNKNOWN
    return _run_script(call, words, or_program=True)


def _run_hooks(call: Call) -> Texts:
    """Run what a manager runs after it has installed the packages of a project."""
    for hook in ("preinstall", "install", "postinstall", "prepare"):
        _run_package_script(call, hook, ())
    return UNKNOWN


def _run_package_script(call: Call, name: str, words: tuple[str, ...]) -> bool:
    """Run a script of package.json with what runs before and after it. Return False if there is none of that name."""
    # Most lines run no task.
    from runbook.guard.programs.task_words import Asked
    from runbook.guard.programs.tasks import run_tasks

    everywhere = any(word.partition("=")[0] in _EVERYWHERE for word in call.arguments)
    asked = Asked(call.state, [name], words, everywhere=everywhere)
    runners = call.shell.outline.task_runners(program_name(call.words[0]) or "")
    # All of them run: a team may say more about a manager.
    ran = [run_tasks(call, runner, asked) for runner in runners]
    return any(ran)


def _without_flags(words: tuple[str, ...]) -> tuple[str, ...]:
    rest = list(words)
    while rest and plain(rest[0]).startswith("-"):
        if plain(rest.pop(0)) in _VALUES and rest:
            rest.pop(0)
    return tuple(rest)


def _run_script(call: Call, words: tuple[str, ...], *, or_program: bool = False) -> Texts:
    """Run a script of package.json. If there is none of that name, all managers except npm start a program."""
    name = plain(words[0])
    rest = words[2:] if plain("".join(words[1:2])) == "--" else words[1:]
    if _run_package_script(call, name, rest):
        return UNKNOWN
    # bun and deno run code in files themselves.
    program = program_name(call.words[0]) or ""
    interpreters = call.shell.outline.interpreters(program)
    if interpreters and (_CODE.search(name) or any(name in each.code_flags for each in interpreters)):
        return _interpret(call, program)
    return call.start(words) if or_program else UNKNOWN


_CODE = re.compile(r"\.[cm]?[jt]sx?$|^-|/[^/.]+$")
"""A file of code, which may lack its suffix, or a flag."""


def _interpret(call: Call, name: str) -> Texts:
    from runbook.guard.programs.interpreters import run_interpreter  # most runners start no code

    look_behind(call)  # a script may start the words after its own
    return either(*(run_interpreter(call, each) for each in call.shell.outline.interpreters(name)))


def _split(call: Call) -> tuple[tuple[str, ...], tuple[str, ...], ShellState]:
    """Split off a manager's own flags. Return the shell texts in them, the other words, and its directory."""
    words = list(call.words[1:])
    texts: list[str] = []
    state = call.state
    while words and plain(words[0]).startswith("-"):
        if plain(words[0]) in {"-e", "--eval", "-p", "--print"} and program_name(call.words[0]) == "bun":
            break
        flag, equals, value = plain(words.pop(0)).partition("=")
        if not equals and flag in _VALUES | _TEXT_FLAGS and words:
            value = words.pop(0)
        if flag in _TEXT_FLAGS:
            texts.append(value)
        elif flag in _PATHS:
            state = state.copy()
            known = state.directory is not None and is_known(value)
            state.directory = f"{state.directory}/{plain(value)}" if known else None
    # `npm exec -c TEXT`: the flag may come after the verb, but not after the dashes.
    if words and plain(words[0]) in {"exec", "x"}:
        for at, word in enumerate(words[:-1]):
            name, equals, value = plain(word).partition("=")
            if name in _TEXT_FLAGS and "--" not in words[:at]:
                texts.append(value if equals else words[at + 1])
    return tuple(texts), tuple(words), state
