"""Records to steps and their actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from runbook.loading.records import Record
from runbook.model import (
    Action,
    Capture,
    Check,
    Choose,
    Command,
    Each,
    Edit,
    Effect,
    Expectation,
    Include,
    Option,
    Parameter,
    Recovery,
    Sql,
    Step,
    Tick,
    Undo,
    Wait,
)

__all__ = ["build_parameter", "build_steps"]


def build_steps(record: Record, name: str) -> tuple[Step, ...]:
    """Return the steps that a record lists under a key."""
    return tuple(_step(each) for each in record.many(name, Record))


def build_parameter(record: Record, name: str) -> Parameter:
    """Return a parameter, or the value that a tick asks for; without an example the first choice is one."""
    choices = record.many("choices", str)
    return Parameter(
        name=name,
        ask=record.get("ask", str),
        example=record.maybe("example", str) or next(iter(choices), ""),
        at=record.at,
        pattern=record.maybe("pattern", str),
        choices=choices,
        default=record.maybe("default", str),
        secret=record.maybe("secret", bool) or False,
        many=record.maybe("many", bool) or False,
    )


def _step(record: Record) -> Step:
    effect = record.maybe("effect", str)
    verify, undo = record.maybe("verify", Record), record.maybe("undo", Record)
    return Step(
        id=record.get("id", str),
        title=record.maybe("title", str) or record.get("tick", str),
        action=_action(record),
        at=record.at,
        phase=record.maybe("phase", str),
        why=record.maybe("why", str),
        look_for=record.maybe("look_for", str),
        warning=record.maybe("warning", str),
        stop_if=record.maybe("stop_if", str),
        if_it_fails=_recovery(record.values.get("if_it_fails")),
        minutes=record.maybe("minutes", float),
        timeout=record.maybe("timeout", float),
        effect=Effect(effect) if effect else None,
        expect=_expectation(record.maybe("expect", Record)),
        capture=tuple(_capture(name, each) for name, each in record.pairs("capture", Record).items()),
        verify=_check(verify) if verify else None,
        undo=_undo(undo) if undo else None,
        on_cli=_by_major(record),
    )


def _by_major(record: Record) -> dict[int, Action]:
    found = record.maybe("on_cli", dict) or {}
    return {major: _action(each) for major, each in found.items()}


def _action(record: Record) -> Action:
    return _ACTIONS[record.kind](record)


def _command(record: Record) -> Command:
    return _words(record, "run", tuple(record.pairs("env_file", str).items()))


def _words(record: Record, name: str, env_file: tuple[tuple[str, str], ...] = ()) -> Command:
    return Command(record.many(name, str), record.places[name], env_file)


def _sql(record: Record) -> Sql:
    return Sql(
        statement=record.get("sql", str).strip(),
        at=record.places["sql"],
        writes=record.maybe("writes", bool) or False,
        lock_timeout=record.maybe("lock_timeout", float) or 5.0,
        statement_timeout=record.maybe("statement_timeout", float) or 30.0,
    )


def _tick(record: Record) -> Tick:
    asks = record.maybe("asks", Record)
    return Tick(record.get("tick", str), build_parameter(asks, asks.get("name", str)) if asks else None)


def _edit(record: Record) -> Edit:
    edit = record.get("edit", Record)
    git = edit.maybe("git", Record)
    return Edit(
        file=edit.get("file", str),
        template=edit.maybe("template", str),
        git_revision=git.get("revision", str) if git else None,
        git_path=git.get("path", str) if git else None,
        check=_words(edit, "check") if "check" in edit.values else None,
    )


def _wait(record: Record) -> Wait:
    return Wait(record.get("wait", float), record.get("for", str))


def _choose(record: Record) -> Choose:
    options = record.many("choose", Record)
    return Choose(tuple(Option(each.get("when", str), build_steps(each, "steps"), each.at) for each in options))


def _each(record: Record) -> Each:
    return Each(record.get("each", str), record.get("as", str), build_steps(record, "steps"))


def _include(record: Record) -> Include:
    return Include(record.get("include", str), record.pairs("with", str))


_ACTIONS: Mapping[str, Callable[[Record], Action]] = {
    "run": _command,
    "sql": _sql,
    "tick": _tick,
    "edit": _edit,
    "wait": _wait,
    "choose": _choose,
    "each": _each,
    "include": _include,
}


def _recovery(value: object) -> Recovery | None:
    if isinstance(value, Record):
        return Recovery(value.get("text", str), value.maybe("see", str))
    return Recovery(value) if isinstance(value, str) else None


def _expectation(record: Record | None) -> Expectation:
    if record is None:
        return Expectation()
    return Expectation(
        exit=record.maybe("exit", int) or 0,
        output=record.maybe("output", str),
        matches=record.maybe("matches", str),
        absent=record.maybe("absent", str),
        json=tuple(record.pairs("json", str).items()),
        differs=tuple(record.pairs("differs", str).items()),
    )


def _capture(name: str, record: Record) -> Capture:
    return Capture(name, json=record.maybe("json", str), pattern=record.maybe("pattern", str))


def _check(record: Record) -> Check:
    action = _sql(record) if record.kind == "sql" else _command(record)
    return Check(action, _expectation(record.maybe("expect", Record)), record.at)


def _undo(record: Record) -> Undo:
    if record.kind == "none":
        return Undo(reason=record.get("none", str))
    verify = record.maybe("verify", Record)
    actions: Mapping[str, Callable[[Record], Command | Sql | Tick]] = {"run": _command, "sql": _sql, "tick": _tick}
    return Undo(action=actions[record.kind](record), check=_check(verify) if verify else None)
