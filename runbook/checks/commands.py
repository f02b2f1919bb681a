"""Check commands and statements: each names its target, does only what its place allows, and has a rule in policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, pairwise, takewhile

from runbook.checks.findings import Notes
from runbook.checks.subject import JudgedCommand, JudgedStep, Subject
from runbook.filling import TARGET
from runbook.model import Effect, Family, Policy, Role, Verdict
from runbook.model.action import Problem
from runbook.policy.argv import invocation_of

__all__ = ["check_commands", "check_weaknesses"]


def check_commands(subject: Subject, notes: Notes) -> None:
    """Judge every command of every step as it would run on production, on each major of the CLI."""
    policy = subject.book.policy
    of_steps = ((judged, step.place.step.at) for step in subject.steps for judged in step.commands)
    of_evidence = ((judged, look.at) for look, judged in subject.evidence)
    for judged, at in (*of_steps, *of_evidence):
        for rule in _COMMAND_RULES:
            for message, *tokens in rule(judged, policy):
                notes.add(judged.action.place(at), message, *tokens)
    for look, judged in subject.evidence:
        if not judged.judgements and not judged.problems:
            notes.add(look.at, f"uses a value, but a look at the target has none, only {TARGET}", "{{")
    for step in subject.steps:
        for step_rule in _STEP_RULES:
            for message, *tokens in step_rule(step, policy):
                notes.add(step.place.step.at, message, *tokens)


def check_weaknesses(subject: Subject, notes: Notes) -> None:
    """Report weaknesses that the author should fix, but that don't prevent a walk."""
    for step in subject.steps:
        for judged in step.commands:
            for message, *tokens in judged.action.weaknesses(judged.role):
                notes.add(judged.action.place(step.place.step.at), message, *tokens)


# --- one command ------------------------------------------------------------------------------------------------


def _can_be_filled(judged: JudgedCommand, _policy: Policy) -> Iterator[Problem]:
    """Report a command that can't be filled in with the examples."""
    if judged.is_known:
        yield from ((problem, "") for problem in judged.problems)


def _is_known(judged: JudgedCommand, policy: Policy) -> Iterator[Problem]:
    """Report a command that policy has no rule for."""
    if not judged.is_known:
        words = judged.action.words or ("supabase", "db", "query")
        yield f"policy has no rule for `{_command_name(words, policy)}`; add one to policy.yaml", ""


def _command_name(words: tuple[str, ...], policy: Policy) -> str:
    """Return the likely `program` and `command` of a rule for these words."""
    invocation = invocation_of([word for word in words if word != TARGET])
    forms = [len(rule.command) for rule in policy.rules if rule.program == invocation.program]
    plain = takewhile(lambda word: word[:1].isalpha() and "/" not in word, invocation.arguments)
    return " ".join([invocation.program, *islice(plain, max(forms, default=0))])


def _is_there(judged: JudgedCommand, policy: Policy) -> Iterator[Problem]:
    """Report a command on a major that doesn't have it."""
    majors = {rule.id: rule.majors for rule in policy.rules if rule.majors is not None}
    for major, judgement in judged.judgements.items():
        if major not in majors.get(judgement.rule, (major,)):
            yield f"CLI {major} has no such command; use 'on_cli' to say what to do there", ""


def _is_not_refused(judged: JudgedCommand, _policy: Policy) -> Iterator[Problem]:
    """Report a command that policy refuses on production."""
    refused = {major: each for major, each in judged.judgements.items() if each.verdict is Verdict.REFUSE}
    if refused:
        some = "" if len(refused) == len(judged.judgements) else f" on CLI {' and '.join(map(str, sorted(refused)))}"
        worst = next(iter(refused.values()))
        yield " ".join(filter(None, (f"policy refuses this{some}: {worst.reason}", worst.instead))), ""


def _names_its_target(judged: JudgedCommand, policy: Policy) -> Iterator[Problem]:
    """Report a command that reaches a database or a project other than by `{{target}}` or `--local`."""
    words = judged.action.words
    families = {each.family for each in judged.judgements.values()} - {Family.NOTHING}
    if not words or not families:
        return
    if families == {Family.RUNBOOK}:
        by_hand = [after for word, after in pairwise(words) if word == "--against" and after != TARGET]
        yield from ((f"names its target by hand: write {TARGET} instead of {word}", word) for word in by_hand)
        return
    by_hand = [word for word in words if word.split("=")[0] in {*policy.remote_flags, "--local"}]
    if TARGET in words or any(not _is_local(word) for word in by_hand):
        yield from ((f"names its target by hand: write {TARGET} instead of {word}", word) for word in by_hand)
    elif not by_hand:
        family = " or ".join(sorted(families))
        yield f"reaches a {family} without saying which: add {TARGET}, or --local for the local stack", ""
    if words.count(TARGET) > 1:
        yield f"{TARGET} is in this command twice", ""


def _keeps_its_target_apart(judged: JudgedCommand, _policy: Policy) -> Iterator[Problem]:
    """Report a plain word right after the target: CLI 3 can't tell whether a word after `--remote` is a branch."""
    words = judged.action.words
    for word, after in pairwise(words):
        if word == TARGET and after != TARGET and not after.startswith("-"):
            yield f"{after} can be read as part of the target: put {TARGET} last, or before a flag", TARGET


def _is_local(word: str) -> bool:
    return word in {"--local", "--local=true"}


def _is_right_by_its_kind(judged: JudgedCommand, _policy: Policy) -> Iterator[Problem]:
    """Report what the action's own kind finds wrong with it."""
    yield from judged.action.problems(judged.role, judged.effect)


def _only_reads(judged: JudgedCommand, _policy: Policy) -> Iterator[Problem]:
    """Report a check that does more than read, or that needs confirmation: checks run without asking."""
    if judged.role is not Role.CHECK:
        return
    if judged.effect is not Effect.READS:
        worst = max(judged.judgements.values(), key=lambda each: each.rank, default=None)
        why = f": {worst.reason}" if worst is not None and worst.effect is judged.effect else ""
        yield f"a check must only read, but this {judged.effect.value}{why}", ""
    elif any(each.verdict is Verdict.CONFIRM for each in judged.judgements.values()):
        yield "a check runs without asking, but a person has to confirm this", ""


_COMMAND_RULES: tuple[Callable[[JudgedCommand, Policy], Iterator[Problem]], ...] = (
    _can_be_filled,
    _is_known,
    _is_there,
    _is_not_refused,
    _names_its_target,
    _keeps_its_target_apart,
    _only_reads,
    _is_right_by_its_kind,
)


# --- the step around it -----------------------------------------------------------------------------------------


def _before_only_reads(step: JudgedStep, _policy: Policy) -> Iterator[Problem]:
    """Report a step before step 1 that does anything other than tick or read."""
    if not step.place.is_before:
        return
    if not all(action.may_come_before for action in step.place.step.actions):
        yield "before step 1, only ticks and commands that read are allowed", ""
    elif step.effect is not Effect.READS:
        yield f"before step 1, a command must only read, but this {step.effect.value}", ""


def _asks_for_care(step: JudgedStep, _policy: Policy) -> Iterator[Problem]:
    """Report an `effect` that asks for less care than policy does."""
    declared = step.place.step.effect
    if declared and declared.rank < step.effect.rank:
        yield f"policy says that this {step.effect.value}; a procedure can't ask for less care", f"effect: {declared}"


def _has_a_way_back(step: JudgedStep, _policy: Policy) -> Iterator[Problem]:
    """Report a step that writes, has no `verify` and no `undo`, and doesn't say why it can't be undone."""
    own = step.place.step
    writes = step.effect is not Effect.READS or own.effect not in {None, Effect.READS}
    if writes and not step.place.is_before and not own.verify and not own.undo:
        advice = "add 'verify' or 'undo', or say why it can't be undone: 'undo: {none: …}'"
        yield f"step '{own.id}' writes and can't be checked or undone; {advice}", own.id


def _knows_the_majors(step: JudgedStep, policy: Policy) -> Iterator[Problem]:
    """Report majors in `on_cli` that the book doesn't know."""
    for major in step.place.step.on_cli:
        if major not in policy.majors:
            yield f"supabase.yaml does not know CLI {major}", "on_cli:"


_STEP_RULES: tuple[Callable[[JudgedStep, Policy], Iterator[Problem]], ...] = (
    _before_only_reads,
    _asks_for_care,
    _has_a_way_back,
    _knows_the_majors,
)
