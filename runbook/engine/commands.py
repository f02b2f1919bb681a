"""From an action to what would really run: the argv, what policy says of it, and how it must be confirmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runbook.engine.confirmation import confirmation_for, effect_of
from runbook.engine.context import Frame
from runbook.engine.path import Instance
from runbook.engine.ports import Confirmation
from runbook.errors import PolicyRefusal, UsageError
from runbook.filling import (
    TARGET,
    UnknownName,
    Values,
    fill_command,
    fill_query,
    fill_text,
    timeouts_environment,
)
from runbook.model import Action, Command, Effect, Sql, Verdict
from runbook.policy.judgement import Judgement, classify
from runbook.steps.env_file import env_file_path, env_line

__all__ = ["Ready", "lenient", "prepare", "refuse_if_forbidden", "values_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An action, ready to be shown and run. A tick, an edit and a wait have no argv."""

    argv: tuple[str, ...] = ()
    effect: Effect = Effect.READS
    judgement: Judgement | None = None
    confirmation: Confirmation = Confirmation.ENTER
    word: str = ""
    env: tuple[str, ...] = field(default=(), repr=False)
    """Lines for the env file; they hold secrets."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that this command gets besides the target's."""
    is_complete: bool = True
    """False in a dry run, where a value that a skipped step would have captured is shown as `<name>`."""


def prepare(frame: Frame, at: Instance, action: Action, *, care: Effect | None = None) -> Ready:
    """Fill an action in and judge it. Raises UnknownName, and UsageError if a value can't stand where it is put."""
    is_complete = True
    try:
        argv, env = _command(frame, at, action, values_at(frame, at))
    except UnknownName:
        if not frame.dry:
            raise
        is_complete = False
        argv, env = _command(frame, at, action, _stand_ins(frame, at))
    judgement = classify(argv, frame.book.policy, major=frame.major) if argv else None
    writes = Effect.WRITES if isinstance(action, Sql) and action.writes else None
    effect = effect_of(judgement, care, writes)
    confirmation = Confirmation.ENTER if frame.dry else confirmation_for(effect, judgement)
    word = frame.target.name if confirmation is Confirmation.NAME else ""
    return Ready(
        argv=argv,
        effect=effect,
        judgement=judgement,
        confirmation=confirmation,
        word=word,
        env=env,
        environment=timeouts_environment(action) if isinstance(action, Sql) else {},
        is_complete=is_complete,
    )


def refuse_if_forbidden(ready: Ready, *, reading_only: bool = False) -> None:
    """Raise PolicyRefusal if policy forbids the command, or if it does more than read where only that is allowed."""
    judgement = ready.judgement
    if judgement is None:
        return
    if judgement.verdict is Verdict.REFUSE:
        raise PolicyRefusal(
            f"policy refuses `{' '.join(ready.argv)}`: {judgement.reason}",
            hint=judgement.instead or "It did not run, and no flag changes that.",
        )
    if reading_only and ready.effect is not Effect.READS:
        raise PolicyRefusal(
            f"a check may only read, and `{' '.join(ready.argv)}` {ready.effect.value}",
            hint="It did not run. The procedure's `verify` needs another command.",
        )


def values_at(frame: Frame, at: Instance) -> Values:
    """Return what placeholders stand for at a step, once it has run too: its own captures are among them."""
    reference = frame.target.project_ref or frame.target.name
    path = str(env_file_path(frame.scratch, frame.run))
    return {**at.values, **frame.state.step(at.path).captured, "project_ref": reference, "env_file": path}


def lenient(text: str, values: Values) -> str:
    """Fill a text that is only shown: what is not known (yet) stays recognisable, as `<name>`."""
    known = dict(values)
    while True:
        try:
            return fill_text(text, known)
        except UnknownName as unknown:
            known[unknown.name] = f"<{unknown.name}>"


def _stand_ins(frame: Frame, at: Instance) -> Values:
    return {**{name: f"<{name}>" for name in at.captures}, **values_at(frame, at)}


def _command(frame: Frame, at: Instance, action: Action, values: Values) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if isinstance(action, Command):
        argv = fill_command(action.words, values, target=_target(frame, action.words))
        return argv, _env(frame, at, action, values)
    return (_query(frame, action, values) if isinstance(action, Sql) else ()), ()


def _query(frame: Frame, sql: Sql, values: Values) -> tuple[str, ...]:
    major = frame.book.policy.majors.get(frame.major)
    if major is None:
        raise UsageError(f"the book does not know CLI {frame.target.cli}")
    return fill_query(sql, values, cli=major, target=_target(frame, major.query if sql.writes else major.query_read))


def _target(frame: Frame, words: Sequence[str]) -> tuple[str, ...]:
    return tuple(frame.ports.target.words(words, frame.major)) if TARGET in words else ()


def _env(frame: Frame, at: Instance, command: Command, values: Values) -> tuple[str, ...]:
    pairs = ((fill_text(key, values), _secret(frame, at.secrets, name)) for key, name in command.env_file)
    return tuple(env_line(key, value) for key, value in pairs)


def _secret(frame: Frame, names: Mapping[str, str], name: str) -> str:
    try:
        return frame.secrets[names[name]]
    except KeyError as unknown:
        raise UsageError(f"the secret '{name}' is not among the parameters") from unknown
