"""Classify one argv by the policy's rules. Pure: no clock, no files, no processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType
from typing import NamedTuple

from runbook.linear_regex import linear_regex
from runbook.model import Effect, Family, Policy, Rule, TargetKind, Variant, Verdict
from runbook.model.later import Later, columns, where
from runbook.model.policy import Loosening, Side
from runbook.policy.argv import (
    Invocation,
    Words,
    addresses_in,
    host_of,
    invocation_of,
    is_elsewhere,
    is_loopback,
    read_words,
)
from runbook.policy.read_only import NotReadOnly, ReadOnlyForm, runs_others, why_not_read_only

__all__ = ["Context", "Judgement", "classify", "common_flags", "rule_of", "subcommands_of"]

_ARGUMENTS: dict[str, Callable[[int], bool]] = {
    "none": lambda count: count == 0,
    "some": lambda count: count > 0,
    "several": lambda count: count > 1,
}
_PRINTS_HELP = "It prints help and does nothing else."
_SAVES = "It reads the database, and saves what it reads to a file."
_UNKNOWN = "This isn't in the policy, so nobody knows what it does to the target."


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What policy says about a command, or about the worst command of a line.

    `rule` is the id of the deciding rule, empty if none applies. `target` is what the command would reach, None if it
    reaches nothing or the target isn't known. `commands` are the argvs that were judged. `writes_files` is true if the
    command only reads its target and writes files on this machine, `asks` if it asks Yes or No by itself before it
    writes. `project` is the ref of the hosted project that it would write to, if that's known, and `protects` the name
    of that project if the team protects it.
    """

    verdict: Verdict
    effect: Effect
    rule: str
    reason: str
    instead: str
    family: Family
    target: TargetKind | None
    commands: tuple[tuple[str, ...], ...]
    writes_files: bool = False
    asks: bool = False
    project: str = ""
    protects: str = ""

    @property
    def rank(self) -> tuple[int, int]:
        """The order of judgements, from the mildest to the gravest."""
        return self.verdict.rank, self.effect.rank


class Context(NamedTuple):
    """What is known about a command besides its words: nothing, unless somebody says so.

    `stdin` is the text that it would read; SQL in it is judged like SQL in the argv. `environment` has the variables
    that it would see: a client or a migration tool may find its database in one of them. `repeats` says that it runs
    again with other words: a request for one row is then one for many. `target` is where it goes if it reaches a
    database or a project, whatever its words say.
    """

    stdin: str | None = None
    environment: Mapping[str, str] = MappingProxyType({})
    repeats: bool = False
    target: TargetKind | None = None


_NOTHING_KNOWN = Context()


class _Sql(NamedTuple):
    """What a command's SQL does to the database, None if nobody knows, and whether it saves what it reads to files."""

    effect: Effect | None = None
    saves: bool = False


class _Case(NamedTuple):
    """A command with the rule that fits it.

    `command` is the subcommand as the argv spells it. `words` are the words after it, split by the rule's flags.
    """

    argv: tuple[str, ...]
    invocation: Invocation
    rule: Rule
    command: tuple[str, ...]
    words: Words
    sql: _Sql
    context: Context


def classify(
    argv: Sequence[str], policy: Policy, *, major: int | None = None, context: Context = _NOTHING_KNOWN
) -> Judgement:
    """Judge one argv. `major` is the Supabase CLI's major, if known. If not, the major with the worst outcome counts.

    A version in the argv itself (`supabase@2`) takes precedence over `major`.

    If a team's policy extends the packaged one, both judge, and the graver verdict and effect count.
    """
    if not policy.layers:
        return _classified(argv, policy, major, context)
    packaged, own = policy.layers
    judged = _classified(argv, packaged, major, context, loosen=own.loosen)
    added = _classified(argv, own, major, context)
    if not added.rule or (not judged.rule and _is_too_general(added.rule, own)):
        return judged
    return _gravest(judged, added) if judged.rule else added


def rule_of(argv: Sequence[str], policy: Policy) -> Rule | None:
    """Return the rule that fits an argv, whatever its flags and its target, or None if there is none.

    If a packaged rule and a team's own fit, it is the packaged one.
    """
    invocation = invocation_of(argv)
    for layer in policy.all_layers:
        found = _find(invocation, _rules_for(invocation, layer), layer)
        if found:
            return found[0]
    return None


def _rules_for(invocation: Invocation, policy: Policy) -> Sequence[Rule]:
    return where(policy.rules, invocation.program, "program", "also")


def _classified(
    argv: Sequence[str], policy: Policy, major: int | None, context: Context, *, loosen: Sequence[Loosening] = ()
) -> Judgement:
    """Judge one argv by one layer: by the rules for its program, and by the requests that it sends."""
    invocation = invocation_of(argv)
    judged = max(
        (_loosened(each, loosen) for each in _judged_by_rules(argv, invocation, policy, major, context)),
        key=lambda judged: (judged.rank, judged.target not in {None, TargetKind.LOCAL}),
    )
    requests = [_loosened(each, loosen) for each in _judged_requests(argv, invocation, policy, context)]
    if not requests:
        return judged
    gravest = reduce(_gravest, (judged, *requests) if judged.rule else requests)
    # A client's own rule says nothing about the host.
    return replace(gravest, target=gravest.target or requests[0].target)


def _judged_by_rules(
    argv: Sequence[str], invocation: Invocation, policy: Policy, major: int | None, context: Context
) -> Iterator[Judgement]:
    """Yield what the rules for a program say, for each major and target that it may have."""
    rules = _rules_for(invocation, policy)
    if not rules:
        yield _unruled(argv, Verdict.ALLOW, Effect.WRITES)
        return
    found = _find(invocation, rules, policy)
    if found is None:
        yield _without_rule(invocation, rules, policy, argv)
        return
    rule, command, words = found
    case = _Case(tuple(argv), invocation, rule, command, words, _read_sql(rule, words, context.stdin), context)
    if _asks_for_help(invocation.program, words, rule.value_flags):
        yield _judge_help(case, policy)
        return
    known = invocation.major or major
    majors = (known,) if known in policy.majors else tuple(policy.majors) or (known,)
    for one in majors:
        yield from _judge(case, policy, one)


def _judged_requests(
    argv: Sequence[str], invocation: Invocation, policy: Policy, context: Context
) -> Iterator[Judgement]:
    """Yield what the policy says about each HTTP request that a client sends."""
    client = next(iter(where(policy.http_clients, invocation.program, "program", "also")), None)
    if client is None:
        return
    from runbook.policy.http_request import find_request, requests_of, target_of, verdict_of  # most lines send none

    for request in requests_of(client, invocation.arguments, context.stdin, repeats=context.repeats):
        entry = find_request(request, policy)
        if entry is not None:
            yield Judgement(
                verdict=verdict_of(request, entry),
                effect=entry.effect,
                rule=entry.id,
                reason=entry.reason,
                instead=entry.instead,
                family=Family.NOTHING,
                target=target_of(request),
                commands=(tuple(argv),),
            )


# --- a team's policy --------------------------------------------------------------------------------------------


def _is_too_general(rule: str, own: Policy) -> bool:
    """Tell whether a team's rule covers all of the CLI: it can't speak for a subcommand that nobody knows."""
    rules = (each for each in where(own.rules, rule, "id") if each.is_for("supabase"))
    return any(not all((each.command, *each.aliases)) for each in rules)


def _gravest(judged: Judgement, added: Judgement) -> Judgement:
    """Return both judgements as one: the graver verdict with its reason, and the worse effect.

    The first says what the command reaches, so that a team's rule can't name another target.
    """
    stricter = added if added.rank > judged.rank else judged
    return replace(
        judged,
        verdict=stricter.verdict,
        effect=max(judged.effect, added.effect, key=lambda effect: effect.rank),
        rule=stricter.rule,
        reason=stricter.reason,
        instead=stricter.instead or judged.instead,
        writes_files=judged.writes_files and added.writes_files,
    )


def _loosened(judged: Judgement, loosen: Sequence[Loosening]) -> Judgement:
    """Return a judgement one degree milder if the team loosens its rule there.

    What destroys is only loosened where it's certain to stay on this machine.
    """
    if not loosen or judged.verdict is Verdict.ALLOW:
        return judged
    where = Side.LOCAL if judged.target in {None, TargetKind.LOCAL} else Side.REMOTE
    if judged.effect is Effect.DESTROYS and judged.target is not TargetKind.LOCAL:
        return judged
    for one in loosen:
        if one.rule == judged.rule and one.where is where:
            milder = list(Verdict)[judged.verdict.rank - 1]
            return replace(judged, verdict=milder, reason=f"{judged.reason} Your team loosens this: {one.reason}")
    return judged


# --- which rule -------------------------------------------------------------------------------------------------


def _find(invocation: Invocation, rules: Sequence[Rule], policy: Policy) -> tuple[Rule, tuple[str, ...], Words] | None:
    """Return the rule with the longest matching subcommand, that subcommand, and the words as the rule reads them.

    A flag of a subcommand may come before it and take a value, so if nothing fits, the flags of all rules are tried.
    """
    if not rules:
        return None
    common = common_flags(columns(rules, "program")[0][0], policy)
    forms = subcommands_of(rules)
    fitting = _fitting(invocation, forms, common)
    if not fitting:
        every = (flag for (flags,) in columns(rules, "value_flags") for flag in flags)
        fitting = _fitting(invocation, forms, (*common, *every))
    if not fitting:
        return None
    form, number = max(fitting, key=lambda pair: len(pair[0]))
    rule = rules[number]
    words = read_words(invocation.arguments, (*common, *rule.value_flags))
    # If a flag of this rule took one of the subcommand's words, keep all that is left.
    at = len(form) if words.positionals[: len(form)] == form else 0
    return rule, form, Words(words.positionals[at:], words.flags, words.after)


def common_flags(program: str, policy: Policy) -> tuple[str, ...]:
    """Return the flags of a program that take a value, whatever its subcommand is."""
    return (*policy.global_value_flags.get(program, ()), *policy.address_flags.get(program, ()))


def subcommands_of(rules: Sequence[Rule]) -> list[tuple[tuple[str, ...], ...]]:
    """Return the subcommand of each rule in all its spellings, without building the rules."""
    return rules.keep(subcommands_of, lambda: _subcommands(rules)) if isinstance(rules, Later) else _subcommands(rules)


def _subcommands(rules: Sequence[Rule]) -> list[tuple[tuple[str, ...], ...]]:
    found = columns(rules, "command", "aliases")
    return [tuple([_split(form) for form in (command, *aliases)]) for command, aliases in found]


def _split(form: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(form.split()) if isinstance(form, str) else form


def _fitting(
    invocation: Invocation, forms: Sequence[tuple[tuple[str, ...], ...]], flags: Sequence[str]
) -> list[tuple[tuple[str, ...], int]]:
    command = _command(read_words(invocation.arguments, flags))
    return [(form, at) for at, each in enumerate(forms) for form in each if command[: len(form)] == form]


def _command(words: Words) -> tuple[str, ...]:
    """Return the words that may name a subcommand: those before `--`."""
    return words.positionals[: len(words.positionals) - len(words.after)]


def _without_rule(invocation: Invocation, rules: Sequence[Rule], policy: Policy, argv: Sequence[str]) -> Judgement:
    """Judge a subcommand without a rule: groups and help of a known program only print, and the rest is unknown."""
    words = read_words(invocation.arguments, policy.global_value_flags.get(invocation.program, ()))
    command = _command(words)
    group = any(form[: len(command)] == command for forms in subcommands_of(rules) for form in forms)
    if invocation.program != "supabase":
        return _unruled(argv, Verdict.ALLOW, Effect.WRITES)
    if group or command[:1] == ("help",) or _asks_for_help(invocation.program, words, ()):
        return _printing_help(argv, invocation, _read_only_form(invocation, command, policy, _HELP))
    return _unruled(argv, Verdict.CONFIRM, Effect.WRITES)


# --- whether it is proven to read -------------------------------------------------------------------------------


_LONG_HELP = ("--help", "--version")
_HELP = (*_LONG_HELP, "-h", "-v")
"""The flags with which the CLI prints help or its version. In psql, `-h` is the host and `-v` sets a variable."""


def _asks_for_help(program: str, words: Words, value_flags: Sequence[str]) -> bool:
    """Return whether a command has a flag that asks for help or the version.

    Launchers don't count: they pass the flag to a script, which may do anything with it.
    """
    asked = _HELP if program == "supabase" else _LONG_HELP
    return not runs_others(program) and any(words.has(flag) and flag not in value_flags for flag in asked)


def _judge_help(case: _Case, policy: Policy) -> Judgement:
    """Judge a command that prints help. In programs other than the CLI, an option may still do something first."""
    rule = case.rule
    options = (*_LONG_HELP, *rule.options)
    if rule.program == "supabase":
        options = (*options, *_HELP, *rule.value_flags, *(flag for each in rule.variants for flag in each.flags))
    form = _read_only_form(case.invocation, case.command, policy, options, rule)
    return _printing_help(case.argv, case.invocation, form, rule=rule.id)


def _printing_help(argv: Sequence[str], invocation: Invocation, form: ReadOnlyForm, *, rule: str = "") -> Judgement:
    problem = why_not_read_only(argv, invocation, form)
    effect, reason = (Effect.WRITES, problem.reason) if problem else (Effect.READS, _PRINTS_HELP)
    return _unruled(argv, Verdict.ALLOW, effect, reason=reason, rule=rule)


def _read_only_form(
    invocation: Invocation,
    command: tuple[str, ...],
    policy: Policy,
    options: Sequence[str],
    rule: Rule | None = None,
) -> ReadOnlyForm:
    """Return the form that only reads: with these options, the program's global ones, and those that name a target."""
    targets = ("--local", *policy.remote_flags) if invocation.program == "supabase" else ()
    return ReadOnlyForm(
        command,
        frozenset((*policy.global_options.get(invocation.program, ()), *targets, *options)),
        frozenset((*policy.global_value_flags.get(invocation.program, ()), *(rule.value_flags if rule else ()))),
        rule.operands if rule else None,
    )


# --- the judgement ----------------------------------------------------------------------------------------------


def _judge(case: _Case, policy: Policy, major: int | None) -> Iterator[Judgement]:
    """Yield a judgement for each target that the command may reach."""
    rule = case.rule
    variant = next((variant for variant in rule.variants if _fits(variant, case, major)), Variant())
    effect = variant.effect or rule.effect
    problem = _why_not_read_only(case, variant, policy) if effect is Effect.READS else None
    saves = effect is Effect.READS and case.sql.saves
    for target in _targets_of(case, policy, major):
        is_hosted = target not in {None, TargetKind.LOCAL}
        here = (variant.remote, rule.remote) if is_hosted else (variant.local, rule.local)
        judged = Judgement(
            verdict=here[0] or here[1],
            effect=Effect.WRITES if saves else effect,
            rule=rule.id,
            reason=_SAVES if saves else _reason(case, variant, policy, is_hosted=is_hosted),
            instead=rule.instead if variant.instead is None else variant.instead,
            # Nothing but its own settings says where such a program goes.
            family=Family.NOTHING if rule.program in policy.address_flags else rule.reaches,
            target=target,
            commands=(case.argv,),
            writes_files=variant.writes_files or saves,
            asks=major in rule.asks and effect is not Effect.READS and (is_hosted or variant.writes_files),
        )
        yield judged if problem is None else _as_writing(judged, problem, is_hosted=is_hosted)


def _why_not_read_only(case: _Case, variant: Variant, policy: Policy) -> NotReadOnly | None:
    """Return why a command may do more than read, as its rule says, or None if it's proven to only read."""
    options = (*case.rule.options, *variant.flags)
    form = _read_only_form(case.invocation, case.command, policy, options, case.rule)
    return why_not_read_only(case.argv, case.invocation, form)


def _as_writing(judged: Judgement, problem: NotReadOnly, *, is_hosted: bool) -> Judgement:
    """Return the judgement of a command that isn't proven to only read: it counts as writing.

    If unknown words go to a hosted project, a person has to confirm. An unusual way to start a program doesn't need
    confirmation, because that would mean asking at every shell line.
    """
    asks = is_hosted and problem.about_words and judged.verdict is Verdict.ALLOW
    verdict = Verdict.CONFIRM if asks else judged.verdict
    return replace(judged, effect=Effect.WRITES, verdict=verdict, reason=f"{problem.reason} {judged.reason}")


def _targets_of(case: _Case, policy: Policy, major: int | None) -> tuple[TargetKind | None, ...]:
    """Return every target that the command may reach: several if the CLI's major isn't known.

    A hosted project counts as production, and so does every URL given to the Supabase CLI: a loopback address may
    lead to a tunnel, and `db reset --db-url` has wiped databases that people thought were isolated.
    A plain PostgreSQL client counts as local on a loopback host or a socket. Another program that reaches a project
    goes to a hosted one. A migration tool goes where an address in its words or its environment says; without one,
    nobody knows.
    """
    rule, words = case.rule, case.words
    if case.context.target is not None and rule.reaches is not Family.NOTHING:
        return (case.context.target,)
    if rule.program != "supabase" or rule.reaches is Family.NOTHING:
        return (_target_of_another(case, policy),)
    if any(flag.name in policy.remote_flags and not flag.is_off for flag in words.flags):
        return (TargetKind.PRODUCTION,)
    if words.has("--local"):
        return (TargetKind.LOCAL,)
    # CLI 2 and CLI 3 treat a command without a target flag in opposite ways.
    if major is not None and major in rule.bare:
        return (rule.bare[major],)
    return tuple(dict.fromkeys(rule.bare.values())) or (TargetKind.PRODUCTION,)


def _target_of_another(case: _Case, policy: Policy) -> TargetKind | None:
    """Return where a program other than the CLI goes, or None if it reaches nothing or nobody knows."""
    if case.rule.program in policy.address_flags:
        return _addressed(case, policy)
    if case.rule.reaches is Family.NOTHING:
        return None
    if case.rule.reaches is Family.RUNBOOK:
        named = case.words.values("--against")
        return TargetKind.LOCAL if set(named) == {"local"} else TargetKind.PRODUCTION if named else None
    return _client(case) if case.rule.reaches is Family.DATABASE else TargetKind.PRODUCTION


def _client(case: _Case) -> TargetKind:
    """Return where a PostgreSQL client connects, by its host flags, its connection strings and its environment."""
    words, environment = case.words, case.context.environment
    databases = (*words.positionals, *words.values("-d", "--dbname", "--maintenance-db"))
    hosts = [*words.values("-h", "--host"), *(host for text in databases if (host := host_of(text)) is not None)]
    hosts += [environment[name] for name in ("PGHOST", "PGHOSTADDR") if name in environment]
    # A service names its host in a file.
    hosts += [f"service={environment[name]}" for name in ("PGSERVICE",) if name in environment]
    # The values of `$PGHOST` and `$DATABASE_URL` aren't known, so they count as hosted.
    hidden = any("$" in text for text in (*hosts, *databases))
    return TargetKind.LOCAL if not hidden and all(map(is_loopback, hosts)) else TargetKind.PRODUCTION


def _addressed(case: _Case, policy: Policy) -> TargetKind | None:
    """Return where a program goes that reads its address from its words, its environment or its settings.

    An address in its words takes precedence.
    """
    given = case.words.values(*policy.address_flags[case.rule.program])
    named = _place_of((*addresses_in(case.invocation.arguments), *given))
    return named or _place_of(text for _, text in _variables(case, policy))


def _variables(case: _Case, policy: Policy) -> list[tuple[str, str]]:
    environment = case.context.environment
    return [(name, environment[name]) for name in policy.address_variables if environment.get(name)]


def _place_of(addresses: Iterable[str]) -> TargetKind | None:
    """Return where addresses lead, each a URL, a `host=` text or a host alone. None if nobody can tell."""
    hosts = [text if (host := host_of(text)) is None else host for text in addresses if text]
    if any(map(is_elsewhere, hosts)):
        return TargetKind.PRODUCTION
    return TargetKind.LOCAL if hosts and all(map(is_loopback, hosts)) else None


def _reason(case: _Case, variant: Variant, policy: Policy, *, is_hosted: bool) -> str:
    """Return the reason for a verdict, with the variable that leads to a hosted database."""
    own = variant.reason or case.rule.reason
    if not is_hosted or case.rule.program not in policy.address_flags or addresses_in(case.invocation.arguments):
        return own
    name = next((name for name, text in _variables(case, policy) if _place_of((text,)) is TargetKind.PRODUCTION), "")
    return f"{name} leads to a hosted database. {own}" if name else own


def _fits(variant: Variant, case: _Case, major: int | None) -> bool:
    words = case.words
    if variant.majors and major not in variant.majors and major is not None:
        return False
    if variant.arguments is not None and not _ARGUMENTS[variant.arguments](sum(map(bool, words.positionals))):
        return False
    if variant.sql is not None and variant.sql is not case.sql.effect:
        return False
    flags = (flag.name if flag.value is None else f"{flag.name}={flag.value}" for flag in words.flags)
    stdin = case.context.stdin
    read = (stdin,) if variant.reads_input and stdin is not None else ()
    if variant.words is not None and not any(_counts(variant, text) for text in (*words.positionals, *flags, *read)):
        return False
    return all(words.has(flag) for flag in variant.flags) and not any(words.has(flag) for flag in variant.without)


def _counts(variant: Variant, word: str) -> bool:
    """Return whether the variant's `words` match a word that its `excludes` don't."""
    if linear_regex(variant.words or "").search(word) is None:
        return False
    return variant.excludes is None or linear_regex(variant.excludes).search(word) is None


def _read_sql(rule: Rule, words: Words, stdin: str | None) -> _Sql:
    """Return what the command's SQL does. Nobody knows if it takes none or not all of it can be seen.

    If a part can't be seen, the rest counts only if nothing could be worse.
    """
    if not any(variant.sql for variant in rule.variants):
        return _Sql()
    from runbook.policy.sql_effect import effect_of, only_saves  # most lines have no SQL, and startup time counts

    texts = list(words.values(*rule.sql_flags) if rule.sql_flags else words.positionals)
    hidden = bool(words.values("-f", "--file"))
    if stdin is not None and (hidden or not texts):
        texts, hidden = [*texts, stdin], hidden and words.values("-f", "--file") != ("-",)
    # A line break first: a comment at the end of one text must not swallow the semicolon.
    text = "\n;".join(texts)
    effect = effect_of(text, read_only=words.has("--read-only"))
    if effect is not Effect.DESTROYS and (hidden or not texts):
        return _Sql()
    return _Sql(Effect.READS, saves=True) if effect is Effect.WRITES and only_saves(text) else _Sql(effect)


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
