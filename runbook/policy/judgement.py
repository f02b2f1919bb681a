"""Classify one argv by the policy's rules. Pure: no clock, no files, no processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from runbook.model import Effect, Family, Policy, Rule, TargetKind, Variant, Verdict
from runbook.policy.argv import Flag, Invocation, Words, invocation_of, read_words
from runbook.policy.target_of import targets_of

__all__ = ["Judgement", "classify", "rule_of"]

_HELP = ("--help", "-h")
_VERSION = ("--version", "-v", "-V")
_ARGUMENTS: dict[str, Callable[[int], bool]] = {
    "none": lambda count: count == 0,
    "some": lambda count: count > 0,
    "several": lambda count: count > 1,
}
_UNKNOWN = "This is not in the policy, so what it does to the target is not known."


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What policy says of a command (or of a line: then of its worst command).

    `rule` is the id of the deciding rule, empty where none applies. `target` is where the command would land, None
    where it reaches nothing or that can't be told. `commands` are the argvs that were judged.
    """

    verdict: Verdict
    effect: Effect
    rule: str
    reason: str
    instead: str
    family: Family
    target: TargetKind | None
    commands: tuple[tuple[str, ...], ...]

    @property
    def rank(self) -> tuple[int, int]:
        """Orders judgements from the mildest to the gravest."""
        return self.verdict.rank, self.effect.rank


@dataclass(frozen=True, slots=True)
class _Case:
    """A command with the rule that fits it. `words` are told apart by that rule, without the subcommands."""

    argv: tuple[str, ...]
    rule: Rule
    words: Words
    sql: Effect | None


def classify(argv: Sequence[str], policy: Policy, *, major: int | None = None, stdin: str | None = None) -> Judgement:
    """Judge one argv. `major` is the Supabase CLI's major where it is known; unknown majors count as the worst.

    A version in the argv itself (`supabase@2`) goes before `major`. `stdin` is the text that the command would read,
    where that is known; SQL in it is judged like SQL in the argv.
    """
    invocation = invocation_of(argv)
    rules = tuple(rule for rule in policy.rules if rule.program == invocation.program)
    if not rules:
        return _unruled(argv, Verdict.ALLOW, Effect.WRITES)
    found = _find(invocation, rules, policy)
    if found is None:
        return _without_rule(invocation, rules, policy, argv)
    rule, words = found
    if _only_tells(invocation, rule, words):
        return _telling(argv, rule)
    case = _Case(tuple(argv), rule, words, _sql_effect(rule, words, stdin))
    known = invocation.major or major
    majors = (known,) if known in policy.majors else tuple(policy.majors) or (known,)
    return max((judged for one in majors for judged in _judge(case, policy, one)), key=lambda judged: judged.rank)


def rule_of(argv: Sequence[str], policy: Policy) -> Rule | None:
    """Return the rule that fits an argv, whatever its flags and its target; None where there is none."""
    invocation = invocation_of(argv)
    found = _find(invocation, [rule for rule in policy.rules if rule.program == invocation.program], policy)
    return found[0] if found else None


# --- which rule -------------------------------------------------------------------------------------------------


def _find(invocation: Invocation, rules: Sequence[Rule], policy: Policy) -> tuple[Rule, Words] | None:
    """Return the rule with the longest matching subcommand, and the words as that rule tells them apart.

    A flag of a subcommand may stand before it and take a value; so where nothing fits, all rules' flags are tried.
    """
    common = policy.global_value_flags.get(invocation.program, ())
    fitting = _fitting(invocation, rules, common)
    if not fitting:
        fitting = _fitting(invocation, rules, (*common, *(flag for rule in rules for flag in rule.value_flags)))
    if not fitting:
        return None
    form, rule = max(fitting, key=lambda pair: len(pair[0]))
    words = read_words(invocation.arguments, (*common, *rule.value_flags))
    return rule, Words(_without(words.positionals, form), words.flags, words.after)


def _fitting(invocation: Invocation, rules: Sequence[Rule], flags: Sequence[str]) -> list[tuple[tuple[str, ...], Rule]]:
    command = _command(read_words(invocation.arguments, flags))
    return [(form, rule) for rule in rules for form in (rule.command, *rule.aliases) if command[: len(form)] == form]


def _command(words: Words) -> tuple[str, ...]:
    """Return the words that may name a subcommand: those before `--`."""
    return words.positionals[: len(words.positionals) - len(words.after)]


def _without(positionals: tuple[str, ...], form: tuple[str, ...]) -> tuple[str, ...]:
    """Drop the subcommand; where a flag took one of its words, all that is left stays."""
    return positionals[len(form) :] if positionals[: len(form)] == form else positionals


def _without_rule(invocation: Invocation, rules: Sequence[Rule], policy: Policy, argv: Sequence[str]) -> Judgement:
    """Judge a subcommand without a rule: a known program's groups and help only print; the rest is not known."""
    words = read_words(invocation.arguments, policy.global_value_flags.get(invocation.program, ()))
    command = _command(words)
    group = any(form[: len(command)] == command for rule in rules for form in (rule.command, *rule.aliases))
    if invocation.program != "supabase":
        return _unruled(argv, Verdict.ALLOW, Effect.WRITES)
    if group or command[:1] == ("help",) or any(words.has(flag) for flag in (*_HELP, "--version", "-v")):
        return _unruled(argv, Verdict.ALLOW, Effect.READS, reason="It prints help and does nothing else.")
    return _unruled(argv, Verdict.CONFIRM, Effect.WRITES)


def _only_tells(invocation: Invocation, rule: Rule, words: Words) -> bool:
    """Whether the command prints its help or version instead of doing anything."""
    short = invocation.program == "supabase"
    asked = [flag for flag in (*_HELP, *_VERSION) if len(flag) > 2 or (short and flag != "-V")]
    return any(words.has(flag) and flag not in rule.value_flags for flag in asked)


# --- what it says -----------------------------------------------------------------------------------------------


def _judge(case: _Case, policy: Policy, major: int | None) -> Iterator[Judgement]:
    """Yield a judgement for each place where the command may land."""
    rule = case.rule
    variant = next((variant for variant in rule.variants if _fits(variant, case, major)), Variant())
    for target in targets_of(rule, case.words, policy, major):
        here = (variant.local, rule.local) if target in {None, TargetKind.LOCAL} else (variant.remote, rule.remote)
        yield Judgement(
            verdict=here[0] or here[1],
            effect=variant.effect or rule.effect,
            rule=rule.id,
            reason=variant.reason or rule.reason,
            instead=rule.instead if variant.instead is None else variant.instead,
            family=rule.reaches,
            target=target,
            commands=(case.argv,),
        )


def _fits(variant: Variant, case: _Case, major: int | None) -> bool:
    words = case.words
    if variant.majors and major not in variant.majors and major is not None:
        return False
    if variant.arguments is not None and not _ARGUMENTS[variant.arguments](sum(map(bool, words.positionals))):
        return False
    if variant.sql is not None and variant.sql is not case.sql:
        return False
    if variant.words is not None and not any(re.search(variant.words, text) for text in _texts(words)):
        return False
    return all(words.has(flag) for flag in variant.flags) and not any(words.has(flag) for flag in variant.without)


def _texts(words: Words) -> tuple[str, ...]:
    """Return what a variant's `words` is looked for in: the words, and flags as `--name=value`."""
    return (*words.positionals, *(_spelled(flag) for flag in words.flags))


def _spelled(flag: Flag) -> str:
    return flag.name if flag.value is None else f"{flag.name}={flag.value}"


def _sql_effect(rule: Rule, words: Words, stdin: str | None) -> Effect | None:
    """Return what the SQL handed to the command does, None where it takes none or it can't be seen whole.

    Where a part is out of sight, what is seen counts only if nothing could be worse.
    """
    if not any(variant.sql for variant in rule.variants):
        return None
    from runbook.policy.sql import effect_of  # most lines hold no SQL, and the guard counts milliseconds

    texts = list(words.values("-c", "--command") if rule.program == "psql" else words.positionals)
    hidden = bool(words.values("-f", "--file"))
    if stdin is not None and (hidden or not texts):
        texts, hidden = [*texts, stdin], hidden and words.values("-f", "--file") != ("-",)
    effect = effect_of("\n;".join(texts), read_only=words.has("--read-only"))
    return effect if effect is Effect.DESTROYS or (texts and not hidden) else None


def _telling(argv: Sequence[str], rule: Rule) -> Judgement:
    return _unruled(argv, Verdict.ALLOW, Effect.READS, reason="It prints help and does nothing else.", rule=rule.id)


def _unruled(
    argv: Sequence[str], verdict: Verdict, effect: Effect, *, reason: str = _UNKNOWN, rule: str = ""
) -> Judgement:
    return Judgement(
        verdict=verdict,
        effect=effect,
        rule=rule,
        reason=reason,
        instead="",
        family=Family.NOTHING,
        target=None,
        commands=(tuple(argv),),
    )
