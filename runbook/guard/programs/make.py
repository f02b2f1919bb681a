"""`make`: the recipes of its targets, where the Makefile can be read; else what their names say."""

from __future__ import annotations

import re
from typing import NamedTuple

from runbook.guard.programs.names import says_reset
from runbook.guard.shell.call import Call, Doubt
from runbook.guard.shell.scope import Scope
from runbook.guard.shell.texts import UNKNOWN, Texts, is_known, plain

__all__ = ["MakeRule", "read_makefile", "run_make"]

_VALUES = frozenset({"-C", "-f", "-I", "-o", "-W", "--directory", "--file", "--makefile", "--include-dir"})
_DRY = re.compile(r"--(just-print|dry-run|recon|question|version|help)$|-(?!C)[a-zA-Z]*[nqvh][a-zA-Z]*$")
_VARIABLE = re.compile(r"^(?:export\s+)?([\w.-]+)\s*[:?+]{0,2}=[ \t]*(.*)$", re.MULTILINE)
_RULE = re.compile(r"^([^\s#:=][^:=]*?)\s*::?(?!=)\s*(.*)$")


class MakeRule(NamedTuple):
    """One target's rule. `recipe` holds lines with where they stand in the file, counted from 1."""

    needs: list[str]
    recipe: list[tuple[int, str]]


class _Asked(NamedTuple):
    targets: list[str]
    file: str
    scope: Scope


def run_make(call: Call) -> Texts:
    """Run the recipes of the targets and of all that they need."""
    if any(_DRY.match(word) for word in call.arguments):
        return UNKNOWN
    asked = _asked(call)
    rules = _find_rules(call, asked)
    if rules is None:
        _judge_names(call, asked.targets)
        return UNKNOWN
    targets = asked.targets or list(rules)[:1]
    _judge_names(call, [target for target in targets if target not in rules])
    for name in _with_needs(targets, rules):
        for _, line in rules[name].recipe:
            call.shell.text(line, asked.scope.child())
    return UNKNOWN


def _judge_names(call: Call, targets: list[str]) -> None:
    for target in targets:
        if says_reset(target, alone=True):
            call.doubt(Doubt.NAMED_RESET)


def _asked(call: Call) -> _Asked:
    targets: list[str] = []
    scope, file = call.scope.child(), ""
    words = list(map(plain, call.words[1:]))
    while words:
        word = words.pop(0)
        if word in _VALUES and words:
            value = words.pop(0)
            if word in {"-C", "--directory"}:
                scope.directory = f"{scope.directory}/{value}" if scope.directory and is_known(value) else None
            elif word in {"-f", "--file", "--makefile"}:
                file = value
        elif not word.startswith("-") and "=" not in word:
            targets.append(word)
    return _Asked(targets, file, scope)


def _find_rules(call: Call, asked: _Asked) -> dict[str, MakeRule] | None:
    for name in (asked.file,) if asked.file else ("GNUmakefile", "makefile", "Makefile"):
        texts = call.scope.stdin if name == "-" else call.shell.contents(name, asked.scope)
        if texts is not None:
            return read_makefile("\n".join(texts))
    return None


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
    line = line.strip().lstrip("@-+ ")
    for _ in range(5):
        line = re.sub(r"\$[({]([\w.-]+)[)}]", lambda match: variables.get(match[1], f"${{{match[1]}}}"), line)
    return line.replace("${MAKE}", "make").replace("$$", "$")


def _with_needs(targets: list[str], rules: dict[str, MakeRule]) -> list[str]:
    """Return the targets and all that they need, each once."""
    found: list[str] = []
    waiting = list(targets)
    while waiting:
        target = waiting.pop(0)
        if target in rules and target not in found:
            found.append(target)
            waiting += rules[target].needs
    return found
