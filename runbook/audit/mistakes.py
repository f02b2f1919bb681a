"""Compare command lines and the policy's rules with what the CLIs say about themselves. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import chain

from runbook.audit.cli_lines import majors_of
from runbook.audit.manual import CliFlag, CommandPath, Manual
from runbook.model import Book, Family, Rule, TargetKind, Variant
from runbook.policy.argv import Flag
from runbook.policy.judgement import rule_of

# --- command lines ---------------------------------------------------------------------------------------------------


_BOOLEANS = frozenset({"true", "false", "1", "0", "yes", "no"})


def mistakes_of(arguments: tuple[str, ...], manual: Manual) -> Iterator[tuple[str, str]]:
    """Yield what that CLI would reject in a line, each with the wrong word."""
    line = manual.read(arguments)
    if line.unknown:
        near = _near(line.unknown, {path[-1] for path in manual.tree if path and path[:-1] == line.path})
        yield f"has no command '{' '.join((*line.path, line.unknown))}'{near}", line.unknown
        return
    for flag in line.words.flags:
        yield from ((message, flag.name) for message in _mistakes_of_flag(flag, line.path, manual))


def _mistakes_of_flag(flag: Flag, path: CommandPath, manual: Manual) -> Iterator[str]:
    known = manual.flag(path, flag.name)
    if known is None:
        yield f"has no flag {flag.name} of '{' '.join(path)}'{_near(flag.name, manual.listed(path))}"
    elif known.takes == "value" and flag.value is None:
        yield f"needs a value for {flag.name} of '{' '.join(path)}'"
    # `--linked=false` is how a boolean flag is switched off.
    elif known.takes == "nothing" and flag.value is not None and flag.value.lower() not in _BOOLEANS:
        yield f"takes no value for {flag.name} of '{' '.join(path)}'"


def _near(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, known, n=2, cutoff=0.7)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def hints_of(arguments: tuple[str, ...], manual: Manual) -> Iterator[tuple[str, str]]:
    """Yield what that CLI accepts now but a later one won't, each with the word."""
    line = manual.read(arguments)
    for flag in line.words.flags:
        listed = manual.listed(line.path).get(flag.name)
        if listed is None and manual.flag(line.path, flag.name):
            yield f"takes {flag.name} of '{' '.join(line.path)}' but no longer lists it: it will be removed", flag.name
        elif listed and listed.is_deprecated:
            yield f"says of {flag.name} of '{' '.join(line.path)}': {listed.text}", flag.name


def unlisted_flags(arguments: tuple[str, ...], manual: Manual) -> tuple[CommandPath, tuple[str, ...]]:
    """Return the command of a line and the flags in the line that the command doesn't list."""
    line = manual.read(arguments)
    listed = manual.listed(line.path)
    return line.path, tuple(dict.fromkeys(flag.name for flag in line.words.flags if flag.name not in listed))


# --- rules of the policy ---------------------------------------------------------------------------------------------


Manuals = Mapping[int, Manual]
"""By major of the CLI."""

Mistake = tuple[str, str]
"""What is wrong, and the word in the rule that shows it."""


def supabase_rules(book: Book) -> Iterator[Rule]:
    """Yield the rules for the CLI's own commands."""
    return (rule for rule in book.policy.rules if rule.program == "supabase")


def forms_of(rule: Rule) -> tuple[CommandPath, ...]:
    """Return a rule's command and its other spellings."""
    return (rule.command, *rule.aliases)


def mistakes_of_rule(rule: Rule, book: Book, manuals: Manuals) -> Iterator[Mistake]:
    """Yield everything that a rule says about its command and the CLIs contradict."""
    on = [manuals[major] for major in majors_of(rule, book) if major in manuals]
    off = [manual for major, manual in manuals.items() if major not in majors_of(rule, book)]
    for check in _CHECKS:
        yield from check(rule, book, on)
    for manual in off:
        yield from (
            (f"CLI {manual.version} has '{' '.join(form)}' too; name it in 'majors'", "majors:")
            for form in forms_of(rule)
            if manual.has(form)
        )


def _exists(rule: Rule, _book: Book, on: list[Manual]) -> Iterator[Mistake]:
    """Yield each spelling that isn't a command of every major that the rule is for."""
    for manual in on:
        for form in forms_of(rule):
            if not manual.has(form):
                advice = "say in 'majors' which ones have it"
                yield f"CLI {manual.version} has no command '{' '.join(form)}'; {advice}", " ".join(form)


def _has_its_flags(rule: Rule, book: Book, on: list[Manual]) -> Iterator[Mistake]:
    """Yield each flag of the rule that the command lacks on the majors that the rule or its variant is for."""
    looked_for = [((*variant.flags, *variant.without), variant) for variant in rule.variants]
    for names, variant in (*looked_for, (rule.options, Variant())):
        own = [manual for manual in on if not variant.majors or manual.major in variant.majors]
        for name in names:
            lacking = [manual for manual in own if not _takes(rule, book, manual, name)]
            # A variant without majors may look for a flag that only one major has.
            if lacking and (variant.majors or lacking == own):
                versions = " and ".join(manual.version for manual in lacking)
                yield f"CLI {versions} has no flag {name} of '{' '.join(rule.command)}'", name


def _takes(rule: Rule, book: Book, manual: Manual, name: str) -> bool:
    """Return True if the command takes the flag: it lists it, or accepted it unlisted in a line of the book."""
    listed = any(flag.name == name for flag in _flags_of(rule, book, manual))
    return listed or any(manual.flag(form, name) for form in forms_of(rule))


def _names_value_flags(rule: Rule, book: Book, on: list[Manual]) -> Iterator[Mistake]:
    """Yield each mistake in `value_flags`: they must be exactly the flags that take the next word."""
    anywhere = set(book.policy.global_value_flags.get("supabase", ()))
    taking = {flag.name for manual in on for flag in _flags_of(rule, book, manual) if flag.takes == "value"}
    for name in sorted(taking - anywhere - set(rule.value_flags)):
        yield (
            f"{name} of '{' '.join(rule.command)}' takes a value; add it to 'value_flags'",
            "value_flags:" if rule.value_flags else rule.id,
        )
    for name in rule.value_flags:
        if on and name not in taking:
            yield f"{name} of '{' '.join(rule.command)}' takes no value on any CLI; it isn't a value flag", name


def _lands_where_it_says(rule: Rule, book: Book, on: list[Manual]) -> Iterator[Mistake]:
    """Yield each case where the command, without a target, doesn't land where `bare` and `reaches` say."""
    for manual in on:
        expected = rule.bare.get(manual.major) or _expected[rule.reaches]
        for leaf in leaves_of(rule, book, manual):
            found = manual.default(leaf)
            if found is not None and expected is not None and found is not expected:
                message = f"without a target CLI {manual.version} sends '{' '.join(leaf)}' to {found}, not {expected}"
                yield message, "bare:" if manual.major in rule.bare else "reaches:"


_expected: Mapping[Family, TargetKind | None] = {
    Family.DATABASE: TargetKind.PRODUCTION,
    Family.PROJECT: TargetKind.PRODUCTION,
    Family.NOTHING: TargetKind.LOCAL,
}
"""Where policy assumes that a command without a target and without `bare` lands."""

_CHECKS: tuple[Callable[[Rule, Book, list[Manual]], Iterator[Mistake]], ...] = (
    _exists,
    _has_its_flags,
    _names_value_flags,
    _lands_where_it_says,
)


def leaves_of(rule: Rule, book: Book, manual: Manual) -> Iterator[CommandPath]:
    """Yield the commands that a rule decides, without those below it that have their own rule."""
    for leaf in chain.from_iterable(manual.leaves(form) for form in forms_of(rule)):
        if rule_of(("supabase", *leaf), book.policy) is rule:
            yield leaf


def _flags_of(rule: Rule, book: Book, manual: Manual) -> Iterator[CliFlag]:
    """Yield the own flags of all commands that a rule decides, listed or not."""
    for leaf in leaves_of(rule, book, manual):
        own = manual.listed(leaf)
        yield from (
            flag for name, flag in own.items() if name not in manual.common or name in manual.tree.get(leaf, ())
        )
        yield from manual.hidden.get(leaf, {}).values()


def check_globals(book: Book, manuals: Manuals) -> Iterator[str]:
    """Yield each flag that may appear anywhere and takes a value but isn't in `global_value_flags`."""
    known = book.policy.global_value_flags.get("supabase", ())
    for manual in manuals.values():
        for name, flag in manual.common.items():
            if flag.takes == "value" and name not in known:
                yield f"{name} of CLI {manual.version} may appear anywhere and takes a value; add it"


def check_coverage(book: Book, manuals: Manuals) -> Iterator[str]:
    """Yield each command that a CLI lists and that has no rule."""
    for manual in manuals.values():
        for leaf in manual.leaves(()):
            # A group that only prints its help needs no rule.
            is_group = any(path[:-1] == leaf for path in manual.tree if path)
            if leaf and not is_group and rule_of(("supabase", *leaf), book.policy) is None:
                yield f"CLI {manual.version} has a command '{' '.join(leaf)}', but policy has no rule for it"
