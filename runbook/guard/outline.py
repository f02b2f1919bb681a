"""What the guard asks of a policy, whatever the line: which programs it knows, and the entries for one of them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from runbook.model import Effect, Policy, Verdict
from runbook.model.later import Entry, columns, said_in, where
from runbook.policy.judgement import classify, subcommands_of

if TYPE_CHECKING:
    from runbook.model.code_calls import CodeCall
    from runbook.model.command_files import CommandFile, TaskRunner
    from runbook.model.launchers import Interpreter, Launcher

__all__ = ["Outline", "outline_of"]

# Their words name a program or a task. The program that they start is judged instead of them.
_LAUNCHERS = frozenset({"npm", "npx", "pnpm", "pnpx", "yarn", "bun", "bunx", "make"})
_NAMES = ("program", "also")
_STOPS = frozenset({Verdict.CONFIRM, Verdict.REFUSE})
_EFFECTS = frozenset(Effect)


class Outline:
    """The parts of a policy that the guard looks up by a program's name. Few entries are ever built."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._programs = policy.programs.all_layers
        # The values of different keys differ: verdicts, effects, numbers of words.
        said = said_in(policy.rules)
        names = [frozenset((rule[0], *rule[1])) for rule in columns(policy.rules, *_NAMES)]
        clients = frozenset[str]()
        if policy.http_requests:
            clients = _union(frozenset((one[0], *one[1])) for one in columns(policy.http_clients, *_NAMES))
        self._clients = clients
        rules = list(zip(names, said, columns(policy.rules, "command", "id"), strict=True))
        self.programs = _union(names) | clients
        """Those that the policy has rules for, or whose requests it judges."""
        self.risky = _union(each for each, has, _ in rules if Verdict.REFUSE in has) | clients
        """Those that some rule refuses, or that send requests. A text that names none of them is hardly dangerous."""
        acts = (each for each, has, (command, _) in rules if has & _STOPS and (command or has & _EFFECTS))
        self.commanded = _union(acts) - _LAUNCHERS
        """Those that a subcommand or SQL makes dangerous, so that their words give them away."""
        self.counting = frozenset(rule for _, has, (_, rule) in rules if "several" in has)
        """The ids of the rules that mind how many words a command has."""

    @functools.cache  # noqa: B019 - a process has one outline, and it lives as long
    def minded(self, program: str) -> tuple[tuple[str, ...], ...]:
        """Return the subcommands of a program that some rule does more than allow, in all their spellings."""
        rules = where(self.policy.rules, program, *_NAMES)
        forms = zip(subcommands_of(rules), said_in(rules), strict=True)
        return tuple(form for each, said in forms if said & _STOPS for form in each)

    def is_only_allowed(self, program: str, verb: str = "") -> bool:
        """Whether no rule does more than allow a program (or its subcommand), whatever the other words are."""
        if program in self._clients:
            return False
        rules = where(self.policy.rules, program, *_NAMES)
        stopping = [rule for rule, said in zip(rules, said_in(rules), strict=True) if said & _STOPS]
        return not any(not verb or not form or form[0] == verb for forms in subcommands_of(stopping) for form in forms)

    def is_restricted(self, words: Sequence[str]) -> bool:
        """Whether a rule does more than allow these words."""
        judged = classify(words, self.policy)
        return bool(judged.rule) and judged.verdict is not Verdict.ALLOW

    def main_name(self, program: str) -> str:
        """Return the program by which the policy knows one: rules may be for several."""
        found = columns(where(self.policy.rules, program, *_NAMES), "program")
        return str(found[0][0]) if found else program

    @functools.cache  # noqa: B019 - see above
    def launchers(self, program: str) -> Sequence[Launcher]:
        """Return how a program starts the command in its words."""
        return self._entries([layer.launchers for layer in self._programs], program, "programs")

    @functools.cache  # noqa: B019 - see above
    def interpreters(self, program: str) -> Sequence[Interpreter]:
        """Return how a program, or files with a suffix such as `.py`, run code of another language."""
        return self._entries([layer.interpreters for layer in self._programs], program, "programs", "suffixes")

    @functools.cache  # noqa: B019 - see above
    def task_runners(self, program: str) -> Sequence[TaskRunner]:
        """Return how a program runs the tasks of a file."""
        return self._entries([layer.task_runners for layer in self._programs], program, "programs")

    def command_files(self, name: str) -> Sequence[CommandFile]:
        """Return the kinds of files with that id."""
        return self._entries([layer.command_files for layer in self._programs], name, "id")

    @property
    def code_calls(self) -> Sequence[CodeCall]:
        """The calls in code that a person must confirm."""
        return tuple(call for layer in self._programs for call in layer.code_calls)

    @property
    def workspaces(self) -> Mapping[str, Sequence[str]]:
        """Files in which a project says where its packages are, with the paths in them."""
        return {name: paths for layer in self._programs for name, paths in layer.workspaces.items()}

    @staticmethod
    def _entries(tables: Sequence[Sequence[Entry]], name: str, *keys: str) -> tuple[Entry, ...]:
        return tuple(entry for table in tables for entry in where(table, name, *keys))


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


_MOST_OUTLINES = 4
_outlines: dict[int, Outline] = {}
"""By the policy's identity. Each one references its policy, so that no other can get the same identity."""


def outline_of(policy: Policy) -> Outline:
    """Return the outline of a policy, the same one for the same policy."""
    if id(policy) not in _outlines:
        # Only tests use more than one policy in a process.
        if len(_outlines) >= _MOST_OUTLINES:
            _outlines.clear()
        _outlines[id(policy)] = Outline(policy)
    return _outlines[id(policy)]
