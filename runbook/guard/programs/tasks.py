"""Tasks by name: scripts of package.json, and runners whose file is not read."""

from __future__ import annotations

import json

from runbook.guard.programs.names import says_reset
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.scope import Scope
from runbook.guard.shell.texts import UNKNOWN, Texts, is_known
from runbook.guard.shell.variables import quoted_words

__all__ = ["package_script", "run_package_script", "run_task"]


def package_script(name: str, scope: Scope, call: Call) -> str | None:
    """Return the body of a package.json script, "" where there is none of that name, None where it can't be read."""
    texts = _nearest_package(call, scope)
    if texts is None or len(texts) != 1:
        return None
    try:
        scripts = json.loads(texts[0]).get("scripts", {})
        body = scripts.get(name, "")
    except (ValueError, AttributeError):
        return None
    return body if isinstance(body, str) else None


def _nearest_package(call: Call, scope: Scope) -> Texts | None:
    """Return the package.json of the directory or of the nearest one above it."""
    directory = scope.directory
    while directory is not None and directory.startswith("/"):
        texts = call.shell.contents(f"{directory}/package.json", scope)
        if texts is not None:
            return texts
        directory = directory.rstrip("/").rpartition("/")[0] or None
    return None


def run_package_script(call: Call, name: str, words: tuple[str, ...], scope: Scope) -> bool:
    """Run a package.json script with what npm runs before and after it. False where there is no such script."""
    if not is_known(name):
        return False
    body = package_script(name, scope, call)
    if body is None:
        if says_reset(name, alone=True):
            call.doubt(Doubt.NAMED_RESET)
        return False
    for each in (f"pre{name}", name, f"post{name}"):
        text = package_script(each, scope, call)
        if text:
            inner = scope.child()
            inner.has_local_programs = True
            call.shell.text(f"{text} {quoted_words(words)}" if each == name and words else text, inner)
    return bool(body)


def run_task(call: Call) -> Texts:
    """Judge the names of tasks whose file is not read (`just`, `task`, `nx` …)."""
    for word in call.arguments:
        if not word.startswith("-") and "=" not in word and says_reset(word, alone=True):
            call.doubt(Doubt.NAMED_RESET)
    return UNKNOWN
