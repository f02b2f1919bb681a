"""Lay the book out as lines to search in: symptoms, errors, titles, answers, steps, rules, patterns, pages."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from runbook.expansion import EveryWay, expand, flatten
from runbook.model import Advice, Book, FoundPage, KnownError, Pattern, Procedure, Rule, Section, Variant, Verdict
from runbook.model.policy import HttpRequest
from runbook.model.templates import PLACEHOLDER
from runbook.search.record import Command, Entry, Error, Form, Index, Kind, Line, Source
from runbook.search.words import Vocabulary
from runbook.steps.scope import Place, Scope

__all__ = ["build_index"]

_FAULTS, _ADVICE = "reference/function-issues", "reference/do-and-dont"
_VERDICTS = {
    Verdict.REFUSE: "Refused on a hosted project.",
    Verdict.CONFIRM: "On a hosted project, a person must confirm it.",
    Verdict.ALLOW: "Fine on a hosted project.",
}
_DEPENDS = "It depends on the whole line, which the guard judges."
_FLAGS = re.compile(r"\(\?([ims]+)\)")
_MARKUP = re.compile(r"`|\*\*|\[([^\]]*)\]\([^)]*\)")


class _Text(NamedTuple):
    """A text of an entry: what it is, and where it is on the page. `to` is another procedure that it leads to."""

    source: Source
    text: str
    anchor: str = ""
    label: str = ""
    to: str = ""


def build_index(book: Book) -> Index:
    """Return the index of a book. It depends only on the book, so the terminal and the site find the same."""
    words = book.search
    vocabulary = Vocabulary.written(words.synonyms, words.ignored)
    found = [*_entries(book)]
    entries = [entry for entry, _ in found]
    numbers = {(entry.kind, entry.id): number for number, entry in enumerate(entries)}
    lines, terms_of = [], []
    for number, (_, texts) in enumerate(found):
        for each in texts:
            terms = vocabulary.terms(each.text)
            if terms:
                owner = numbers.get((Kind.PROCEDURE, each.to), number)
                lines.append(Line(owner, each.source, _plain(each.text), each.anchor, each.label, ()))
                terms_of.append(terms)
    # Tools other than the CLI have many rules. Their words must not make those of the pages look common.
    of_others = {rule.id for rule in book.policy.rules if rule.program != "supabase"}
    of_others |= {request.id for request in book.policy.http_requests}
    known = _weighed(entries, lines, terms_of, light=of_others)
    ids = {term: number for number, term in enumerate(known)}
    return Index(
        vocabulary=vocabulary,
        entries=entries,
        lines=[
            line._replace(terms=tuple(ids[term] for term in terms)) for line, terms in zip(lines, terms_of, strict=True)
        ],
        terms=list(known),
        weights=list(known.values()),
        errors=[
            Error(numbers[Kind.ERROR, one.id], one.sqlstates, tuple(map(_expression, one.messages)))
            for one in book.errors
        ],
        commands=[each for rule in book.policy.rules for each in _commands(rule, numbers[Kind.RULE, rule.id])],
    )


def _weighed(
    entries: list[Entry], lines: list[Line], terms_of: list[list[str]], *, light: Collection[str]
) -> dict[str, float]:
    """Return the weight of each term: the fewer entries have it, the more. Rounded, so all machines agree.

    The rules in `light` don't count, except for a term that nothing else has.
    """
    counting = {at for at, entry in enumerate(entries) if entry.kind is not Kind.RULE or entry.id not in light}
    owners: dict[str, set[int]] = {}
    for line, terms in zip(lines, terms_of, strict=True):
        for term in terms:
            owners.setdefault(term, set()).update({line.entry} & counting)
    return {term: round(math.log(1 + len(counting) / max(len(owners[term]), 1)), 3) for term in sorted(owners)}


def _entries(book: Book) -> Iterator[tuple[Entry, Iterable[_Text]]]:
    for each in book.procedures.values():
        entry = Entry(Kind.PROCEDURE, each.id, _plain(each.title), f"procedures/{each.id}", means=_plain(each.summary))
        yield entry._replace(see=each.id, is_urgent=each.section is Section.WRONG), _procedure(each)
    for error in book.errors:
        entry = Entry(Kind.ERROR, error.id, _plain(error.title), "reference/errors", f"error-{error.id}")
        do = tuple(map(_plain, error.do))
        yield entry._replace(see=error.see or "", means=_plain(error.means), do=do), _error(error)
    for rule in book.policy.rules:
        entry = Entry(Kind.RULE, rule.id, _command_of(rule), "reference/commands", f"rule-{rule.id}")
        form = _form(rule, Variant(), rule.variants)
        yield entry._replace(means=form.means, do=(form.do,) if form.do else (), verdict=form.verdict), _rule(rule)
    for request in book.policy.http_requests:
        entry = Entry(Kind.RULE, request.id, request.request, "reference/commands", f"rule-{request.id}")
        do = (_plain(request.instead),) if request.instead else ()
        means, verdict = _plain(request.reason), _VERDICTS[request.remote]
        yield entry._replace(means=means, do=do, verdict=verdict), _request(request)
    for pattern in book.patterns:
        entry = Entry(Kind.PATTERN, pattern.id, _plain(pattern.title), "reference/sql-patterns", pattern.id)
        yield entry._replace(see=pattern.see or "", means=_plain(pattern.why)), _pattern(pattern)
    for page in book.search.pages:
        entry = Entry(Kind.PAGE, page.page, _plain(page.title), page.page, means=_plain(page.answers[0]))
        yield entry, _page(page, book.advice)


# --- What is searched of each sort of entry --------------------------------------------------------------------------


def _procedure(one: Procedure) -> Iterator[_Text]:
    yield _Text(Source.TITLE, one.title)
    yield from (_Text(Source.SYMPTOM, text) for text in one.symptoms)
    yield from (_Text(Source.ERROR, text) for text in one.errors)
    yield from (_Text(Source.USE, text) for text in one.use_when)
    yield _Text(Source.SUMMARY, one.summary)
    yield from (_Text(Source.OTHER, other.text, to=other.see) for other in one.not_for if other.see)
    places = expand(one, EveryWay(), Scope()).places
    for place in (place for place in places if place.procedure == one.id):
        yield _Text(Source.STEP, _unfilled(place.step.title), place.anchor, place.shown_number)
        yield from _answers(place)


def _answers(place: Place) -> Iterator[_Text]:
    """Yield the answers if the step is a question. Each leads to the first step of its branch."""
    for branch in (branch for branch in place.branches if branch.title):
        first = next(flatten(branch.places), place)
        # If the answer only leads to another procedure, its symptom is that procedure's.
        to = first.step.action.included
        label = "" if to else f"{place.shown_number} {_unfilled(place.step.title)} → {branch.title}"
        anchor = "" if to else first.anchor
        yield _Text(Source.OPTION, branch.title, anchor, label, to)
        if branch.symptom:
            yield _Text(Source.SIGN, branch.symptom, anchor, label, to)


def _page(one: FoundPage, advice: Iterable[Advice]) -> Iterator[_Text]:
    yield _Text(Source.TITLE, one.title)
    yield from (_Text(Source.USE, text) for text in one.answers)
    for topic in advice:
        if one.page == (_FAULTS if topic.id == "function-issues" else _ADVICE):
            yield from _advice(topic)


def _error(one: KnownError) -> Iterator[_Text]:
    yield _Text(Source.TITLE, one.title)
    for shown in one.shown:
        yield _Text(Source.ERROR, shown)
    yield _Text(Source.MEANS, one.means)
    yield from (_Text(Source.REST, text) for text in one.do)


def _rule(one: Rule) -> Iterator[_Text]:
    yield _Text(Source.TITLE, _command_of(one))
    yield _Text(Source.REST, one.reason)
    for number, variant in enumerate(one.variants, start=1):
        anchor = f"rule-{one.id}-{number}"
        yield _Text(Source.REST, " ".join((*one.command, *variant.flags)), anchor)
        if variant.reason:
            yield _Text(Source.REST, variant.reason, anchor)


def _request(one: HttpRequest) -> Iterator[_Text]:
    yield _Text(Source.TITLE, one.request)
    yield _Text(Source.REST, one.reason)


def _pattern(one: Pattern) -> Iterator[_Text]:
    yield _Text(Source.TITLE, one.title)
    yield _Text(Source.MEANS, one.why)
    yield from (_Text(Source.REST, note) for note in one.notes)


def _advice(one: Advice) -> Iterator[_Text]:
    for text, why in one.watch:
        yield _Text(Source.OPTION, text)
        yield _Text(Source.REST, why)
    for text, why in (*one.do, *one.dont):
        yield _Text(Source.REST, text)
        yield _Text(Source.REST, why)


# --- What is recognized rather than searched -------------------------------------------------------------------------


def _expression(text: str) -> tuple[str, str]:
    """Return a regular expression and its flags apart, as JavaScript wants them."""
    flags = _FLAGS.match(text)
    return (text[flags.end() :], flags[1]) if flags else (text, "")


def _commands(rule: Rule, entry: int) -> Iterator[Command]:
    forms = tuple(
        _form(rule, variant, rule.variants[:number], f"rule-{rule.id}-{number + 1}")
        for number, variant in enumerate(rule.variants)
        if not _takes_judging(variant)
    )
    for program in (rule.program, *rule.also):
        for words in (rule.command, *rule.aliases):
            yield Command(entry, program, words, forms)


def _command_of(rule: Rule) -> str:
    return " ".join((rule.program, *rule.command))


def _takes_judging(variant: Variant) -> bool:
    """Return whether it takes more than a look at the flags to tell that a line is this variant."""
    return bool(variant.words or variant.sql or variant.arguments or variant.majors)


def _form(rule: Rule, variant: Variant, others: Iterable[Variant], anchor: str = "") -> Form:
    """Return what the policy says about a variant. `others` are the variants before it, which take precedence.

    Search doesn't judge lines. So if one of the others may be stricter, it says that rather than that all is fine.
    """
    verdict, reason = variant.remote or rule.remote, variant.reason or rule.reason
    stricter = [each for each in others if _takes_judging(each) and (each.remote or rule.remote).rank > verdict.rank]
    reasons = dict.fromkeys([reason, *(each.reason for each in stricter if each.reason)])
    instead = variant.instead if variant.instead is not None else rule.instead
    return Form(
        variant.flags,
        variant.without,
        anchor,
        _DEPENDS if stricter else _VERDICTS[verdict],
        _plain(" ".join(list(reasons)[:3])),
        _plain(instead or next((each.instead for each in stricter if each.instead), "")),
    )


def _unfilled(template: str) -> str:
    return PLACEHOLDER.sub(lambda found: found[1].replace("_", " "), template)


def _plain(text: str) -> str:
    """Return a text without the marks of Markdown."""
    return _MARKUP.sub(lambda found: found[1] or "", text).strip()
