"""Judge what an agent's event would do: shell text, text of other languages, keys typed into a program, tools."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

from runbook.guard.command_line import TeamReader, judge, judge_words
from runbook.guard.events import Action, Language, Text, ToolCall, UnreadableEventError, actions_of_call, directory_of
from runbook.model import Effect, Family, Policy, Verdict
from runbook.policy.judgement import Judgement

__all__ = ["judge_actions", "shown_actions"]

_MOST_COMMANDS = 200
_NOTHING = Judgement(
    verdict=Verdict.ALLOW,
    effect=Effect.READS,
    rule="",
    reason="Nothing in it is in the policy.",
    instead="",
    family=Family.NOTHING,
    target=None,
    commands=(),
)


def judge_actions(actions: Sequence[Action], *, cwd: str | None, policy: Policy, team: TeamReader) -> Judgement:
    """Return the gravest judgement of several actions. Raises BookError if the team's file has a problem."""
    judge_one = _ActionJudge(cwd, policy, team)
    return max((judge_one(action) for action in actions), key=lambda judged: judged.rank, default=_NOTHING)


def shown_actions(actions: Sequence[Action]) -> str:
    """Return actions as a text, for the log and for a person."""
    return "\n".join(map(_shown, actions))


def _shown(action: Action) -> str:
    if isinstance(action, Text):
        return action.text
    return shlex.join(action) if isinstance(action, tuple) else f"{action.name} {json.dumps(action.arguments)}"


class _ActionJudge:
    """Judges one action after another. The team's file is read before something writes to a hosted project."""

    def __init__(self, cwd: str | None, policy: Policy, team: TeamReader) -> None:
        self._cwd = cwd
        self._policy = policy
        self._team = team

    def __call__(self, action: Action) -> Judgement:
        return max(self._judgements(action), key=lambda judged: judged.rank, default=_NOTHING)

    def _judgements(self, action: Action) -> Iterator[Judgement]:
        match action:
            case ToolCall():
                from runbook.guard.mcp_tools import judge_call  # most events are commands

                judged = judge_call(action, self._policy, self._team())
                yield from (judged,) if judged else ()
            case Text(text, Language.SHELL):
                yield judge(text, cwd=self._cwd, env=os.environ, policy=self._policy, team=self._team)
            case Text(text, Language.POWERSHELL):
                yield from self._powershell(text)
            case Text(text, Language.JAVASCRIPT):
                yield from self._javascript(text)
            case Text(text, Language.KEYS):
                from runbook.guard.mcp_tools import judge_sql

                yield judge(text, cwd=self._cwd, env=os.environ, policy=self._policy, team=self._team)
                yield from judge_sql(text, self._policy)
            case Text(text):
                yield self._scanned(text)
            case _:
                yield self._words(action)

    def _words(self, argv: tuple[str, ...]) -> Judgement:
        return judge_words(argv, cwd=self._cwd, env=os.environ, policy=self._policy, team=self._team)

    def _scanned(self, text: str) -> Judgement:
        """Ask a person if a text of any language names a dangerous command."""
        return self._words(("pwsh", "-Command", text))

    def _powershell(self, text: str) -> Iterator[Judgement]:
        from runbook.guard.powershell import commands_in, unread_texts

        commands = list(islice(commands_in(text), _MOST_COMMANDS + 1))
        if len(commands) > _MOST_COMMANDS:
            yield self._scanned(text)
            return
        yield from (self._words(words) for words in commands if words[0])
        yield from map(self._scanned, unread_texts(text))

    def _javascript(self, text: str) -> Iterator[Judgement]:
        from runbook.guard.code_mode import calls_in

        calls = list(islice(calls_in(text), _MOST_COMMANDS))
        for call in calls:
            inside = _ActionJudge(directory_of(call.arguments, self._cwd), self._policy, self._team)
            # What is known of a call counts. It may lack the command.
            with suppress(*() if call.is_read else (UnreadableEventError,)):
                yield from map(inside, actions_of_call(call.tool, call.arguments))
        # What isn't written out in a call may come from any text in the code.
        if not calls or not all(call.is_read for call in calls):
            yield self._scanned(text)
