"""Run tasks by name from package.json and Makefiles, and package runners: npx, npm, pnpm, yarn, bun, deno and node."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import NamedTuple

from runbook.guard.programs.interpreters import run_interpreter
from runbook.guard.programs.names import program_name, says_reset
from runbook.guard.programs.shells import run_text
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.shell_state import ShellState
from runbook.guard.shell.texts import UNKNOWN, Texts, either, is_known, plain, quoted_words
from runbook.policy.argv import invocation_of

__all__ = ["RUNNERS", "installed_major", "read_makefile", "run_make", "run_package_runner", "run_task"]


# --- tasks -----------------------------------------------------------------------------------------------------------


def _package_script(call: Call, name: str) -> str | None:
    """Return the body of a package.json script, "" if there is none of that name, None if it can't be read."""
    above = call.state.directories_above()
    packages = (call.shell.contents(f"{directory}/package.json", call.state) for directory in above)
    texts = next((texts for texts in packages if texts is not None), None)
    if texts is None or len(texts) != 1:
        return None
    try:
        body = json.loads(texts[0], strict=False).get("scripts", {}).get(name, "")
    except (ValueError, AttributeError):
        return None
    return body if isinstance(body, str) else None


def _run_package_script(call: Call, name: str, words: tuple[str, ...]) -> bool:
    """Run a package.json script with what npm runs before and after it. Return False if there is no such script."""
    if not is_known(name):
        return False
    body = _package_script(call, name)
    if body is None and says_reset(name, alone=True):
        call.doubt(Doubt.NAMED_RESET)
    for each in (f"pre{name}", name, f"post{name}") if body is not None else ():
        text = _package_script(call, each)
        if text:
            inner = call.state.child()
            # For scripts, npm puts node_modules/.bin first on PATH, whatever is on it otherwise.
            inner.has_local_programs = True
            call.shell.text(f"{text} {quoted_words(words)}" if each == name and words else text, inner)
    return bool(body)


def run_task(call: Call) -> Texts:
    """Judge the names of tasks whose file is not read (`just`, `task`, `nx` …)."""
    for word in call.arguments:
        if not word.startswith("-") and "=" not in word and says_reset(word, alone=True):
            call.doubt(Doubt.NAMED_RESET)
    return UNKNOWN


# --- make: the recipes of its targets if the Makefile can be read, otherwise their names -----------------------------


_MAKE_VALUES = frozenset({"-C", "-f", "-I", "-o", "-W", "--directory", "--file", "--makefile", "--include-dir"})
_DRY = re.compile(r"--(just-print|dry-run|recon|question|version|help)$|-(?!C)[a-zA-Z]*[nqvh][a-zA-Z]*$")
_VARIABLE = re.compile(r"^(?:export\s+)?([\w.-]+)\s*[:?+]{0,2}=[ \t]*(.*)$", re.MULTILINE)
_RULE = re.compile(r"^([^\s#:=][^:=]*?)\s*::?(?!=)\s*(.*)$")


class MakeRule(NamedTuple):
    """One target's rule. `recipe` has lines with their numbers in the file, counted from 1."""

    needs: list[str]
    recipe: list[tuple[int, str]]


def run_make(call: Call) -> Texts:
    """Run the recipes of the targets and of all their prerequisites."""
    # These print what would be done, or help.
    if any(_DRY.match(word) for word in call.arguments):
        return UNKNOWN
    targets, file, state = _asked(call)
    rules: dict[str, MakeRule] | None = None
    for name in (file,) if file else ("GNUmakefile", "makefile", "Makefile"):  # GNU make's own order
        texts = call.state.stdin if name == "-" else call.shell.contents(name, state)
        if texts is not None:
            rules = read_makefile("\n".join(texts))
            break
    for target in targets:
        if says_reset(target, alone=True) and (rules is None or target not in rules):
            call.doubt(Doubt.NAMED_RESET)
    waiting = targets or list(rules or ())[:1]
    done: set[str] = set()
    while rules and waiting:
        target = waiting.pop(0)
        if target in rules and target not in done:
            done.add(target)
            waiting += rules[target].needs
            for _, line in rules[target].recipe:
                call.shell.text(line, state.child())  # each line runs in its own shell
    return UNKNOWN


def _asked(call: Call) -> tuple[list[str], str, ShellState]:
    """Return the targets and the Makefile that make was given, and the directory it runs in."""
    targets: list[str] = []
    state, file = call.state.child(), ""
    words = list(map(plain, call.words[1:]))
    while words:
        word = words.pop(0)
        if word in _MAKE_VALUES and words:
            value = words.pop(0)
            if word in {"-C", "--directory"}:
                state.directory = f"{state.directory}/{value}" if state.directory and is_known(value) else None
            elif word in {"-f", "--file", "--makefile"}:
                file = value
        elif not word.startswith("-") and "=" not in word:
            targets.append(word)
    return targets, file, state


def read_makefile(text: str) -> dict[str, MakeRule]:
    """Return a Makefile's explicit rules by target. Simple variables are filled in, `$$` becomes `$`."""
    variables: dict[str, str] = dict(_VARIABLE.findall(text))
    rules: dict[str, MakeRule] = {}
    current: list[MakeRule] = []
    for number, line in _joined_lines(text):
        match = _RULE.match(line)
        if line.startswith("\t"):
            for rule in current:
                rule.recipe.append((number, _filled(line, variables)))
        elif match:
            needs, _, inline = match[2].partition(";")
            current = [rules.setdefault(target, MakeRule([], [])) for target in match[1].split()]
            for rule in current:
                rule.needs.extend(needs.split())
                rule.recipe.extend([(number, _filled(inline, variables))] if inline.strip() else [])
        elif line.strip():
            current = []
    return rules


def _joined_lines(text: str) -> list[tuple[int, str]]:
    """Join lines that end in a backslash, and keep the number of the first of them."""
    joined: list[tuple[int, str]] = []
    goes_on = False
    for number, line in enumerate(text.split("\n"), start=1):
        if goes_on:
            joined[-1] = (joined[-1][0], f"{joined[-1][1]} {line.strip()}")
        else:
            joined.append((number, line))
        goes_on = line.endswith("\\")
        if goes_on:
            joined[-1] = (joined[-1][0], joined[-1][1].removesuffix("\\").rstrip(" "))
    return joined


def _filled(line: str, variables: dict[str, str]) -> str:
    # Marks for make: silent, ignore errors, run even with -n.
    line = line.strip().lstrip("@-+ ")
    # Variables may contain variables. Stop after five levels, because one that contains itself would never end.
    for _ in range(5):
        line = re.sub(r"\$[({]([\w.-]+)[)}]", lambda match: variables.get(match[1], f"${{{match[1]}}}"), line)
    return line.replace("${MAKE}", "make").replace("$$", "$")


# --- package runners -------------------------------------------------------------------------------------------------


RUNNERS = frozenset(
    {"npx", "bunx", "pnpx", "npm", "pnpm", "yarn", "bun", "node", "nodejs", "deno", "corepack", "yarnpkg"}
)
"""Programs that start a program of a package."""

_VALUES = frozenset(
    {"-C", "-F", "-w", "-p", "--cwd", "--dir", "--filter", "--package", "--prefix", "--workspace", "--registry"}
    | {"--cache", "--config", "--userconfig", "--env-file", "--loglevel", "--tag"}
)
_DIRECTORY = frozenset({"-C", "--cwd", "--dir", "--prefix", "-w", "--workspace", "-F", "--filter"})
"""Flags that select another package's scripts. Only the manager knows where a workspace is."""
_PATHS = frozenset({"-C", "--cwd", "--dir", "--prefix"})
_TEXT_FLAGS = frozenset({"-c", "--call", "--shell-mode"})
_RUNS = frozenset({"run", "run-script", "rum", "urn", "task"})
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
    examiner = call.shell.examiner
    # `node supabase.js` is the CLI; any other file that node, bun and deno start is code to read.
    is_code = bool(examiner.interpreters(name)) and inner.program not in examiner.programs
    if inner.program != name and is_known(inner.program) and not is_code:
        if name == "npm" and "--" in inner.arguments:
            # npm keeps the first `--` for itself, wherever it is.
            at = inner.arguments.index("--")
            inner = replace(inner, arguments=(*inner.arguments[:at], *inner.arguments[at + 1 :]))
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
        return UNKNOWN
    verb, rest = plain(words[0]), words[1:]
    if verb in {"exec", "x", "dlx"}:
        return call.start(_without_flags(rest))
    if verb in {"workspace", "explore"} and len(rest) > 1:
        return run_package_runner(call.with_words(name, *_without_flags(rest[1:])))
    if verb in {"workspaces", "foreach"}:
        return run_package_runner(call.with_words(name, *(word for word in rest if plain(word) != "foreach")))
    if verb in _RUNS:
        rest = _without_flags(rest)
        return _run_script(call, rest) if rest else UNKNOWN
    if verb in _LIFE:
        return _run_script(call, ("test" if verb in {"t", "tst"} else verb, *rest))
    # Only npm refuses an unknown word. The others look for a script or a program.
    if verb in _OWN or name == "npm":
        return UNKNOWN
    return _run_script(call, words, or_program=True)


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
    if call.shell.examiner.interpreters(program_name(call.words[0]) or "") and _CODE.search(name):
        return _interpret(call, program_name(call.words[0]) or "")
    return call.start(words) if or_program else UNKNOWN


_CODE = re.compile(r"\.[cm]?[jt]sx?$|^-")


def _interpret(call: Call, name: str) -> Texts:
    return either(*(run_interpreter(call, each) for each in call.shell.examiner.interpreters(name)))


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
        elif flag in _DIRECTORY:
            state = state.copy()
            known = state.directory is not None and is_known(value) and flag in _PATHS
            state.directory = f"{state.directory}/{plain(value)}" if known else None
    # `npm exec -c TEXT`: the flag may come after the verb, but not after the dashes.
    if words and plain(words[0]) in {"exec", "x"}:
        for at, word in enumerate(words[:-1]):
            name, equals, value = plain(word).partition("=")
            if name in _TEXT_FLAGS and "--" not in words[:at]:
                texts.append(value if equals else words[at + 1])
    return tuple(texts), tuple(words), state


def installed_major(call: Call) -> int | None:
    """Return the major of the Supabase CLI that a package runner finds here, or None if that isn't known."""
    for directory in call.state.directories_above():
        # In each directory, the installed version takes precedence over the one that the project asks for.
        for path, key in (("node_modules/supabase/package.json", "version"), ("package.json", "")):
            major = _major_in(call, f"{directory}/{path}", key)
            if major is not None:
                return major
    return None


def _major_in(call: Call, path: str, key: str) -> int | None:
    texts = call.shell.contents(path, call.state)
    if texts is None or len(texts) != 1:
        return None
    try:
        data = json.loads(texts[0])
        groups = (data,) if key else (data.get("dependencies", {}), data.get("devDependencies", {}))
        spec = next((str(group[key or "supabase"]) for group in groups if (key or "supabase") in group), "")
    except (ValueError, AttributeError, TypeError):
        return None
    # A range such as >=2 may install any later major.
    match = re.match(r"[v=^~]?(\d+)(?:\.|$)", spec)
    return int(match[1]) if match else None
