"""Lay the book out as lines to search in: symptoms, errors, titles, answers, steps, rules, patterns, pages."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from runbook.expansion import EveryWay, expand, flatten
from runbook.model import Advice, Book, KnownError, Pattern, Procedure, Rule, Section, Verdict
from runbook.model.templates import PLACEHOLDER
from runbook.search.record import Command, Entry, Error, Form, Index, Kind, Line, Source
from runbook.search.words import Vocabulary
from runbook.steps.choose import Choose
from runbook.steps.include import Include
from runbook.steps.scope import Place, Scope

__all__ = ["build_index"]

_FAULTS, _ADVICE = "reference/function-issues", "reference/do-and-dont"
_VERDICTS = {
    Verdict.REFUSE: "Refused on a hosted project.",
    Verdict.CONFIRM: "On a hosted project, a person must confirm it.",
    Verdict.ALLOW: "Fine on a hosted project.",
}
_FLAGS = re.compile(r"\(\?([ims]+)\)")
_MARKUP = re.compile(r"`|\*\*|\[([^\]]*)\]\([^)]*\)")


class _Text(NamedTuple):
    """A text of an entry: what it is, and where on the page it stands. `to` is another entry that it leads to."""

    source: Source
    text: str
    anchor: str = ""
    label: str = ""
    to: str = ""


def build_index(book: Book) -> Index:
    """Return the index of a book. It depends on the book alone, so that the terminal and the site find the same."""
    words = book.search
    vocabulary = Vocabulary.written(words.synonyms, words.ignored)
    found = [*_entries(book)]
    numbers = {entry.id: number for number, (entry, _) in enumerate(found) if entry.kind is Kind.PROCEDURE}
    lines, terms_of = [], []
    for number, (_, texts) in enumerate(found):
        for each in texts:
            terms = vocabulary.terms(each.text)
            if terms:
                owner = numbers.get(each.to, number) if each.to else number
                lines.append(Line(owner, each.source, _plain(each.text), each.anchor, each.label, ()))
                terms_of.append(terms)
    entries = [entry for entry, _ in found]
    known = _weighed(entries, lines, terms_of)
    ids = {term: number for number, term in enumerate(known)}
    return Index(
        vocabulary=vocabulary,
        entries=entries,
        lines=[
            line._replace(terms=tuple(ids[term] for term in terms)) for line, terms in zip(lines, terms_of, strict=True)
        ],
        terms=list(known),
        weights=list(known.values()),
        errors=[*_known_errors(book, entries)],
        commands=[*_commands(book, entries)],
    )


def _weighed(entries: list[Entry], lines: list[Line], terms_of: list[list[str]]) -> dict[str, float]:
    """Return what each term tells: much where few entries have it. Rounded, so that every machine adds up the same."""
    owners: dict[str, set[int]] = {}
    for line, terms in zip(lines, terms_of, strict=True):
        for term in terms:
            owners.setdefault(term, set()).add(line.entry)
    return {term: round(math.log(1 + len(entries) / len(owners[term])), 3) for term in sorted(owners)}


def _entries(book: Book) -> Iterator[tuple[Entry, Iterable[_Text]]]:
    for procedure in book.procedures.values():
        yield _entry(Kind.PROCEDURE, procedure.id, procedure.title, f"procedures/{procedure.id}", see=procedure.id,
                     means=procedure.summary, is_urgent=procedure.section is Section.WRONG), _procedure(procedure)  # fmt: skip
    for error in book.errors:
        yield _entry(Kind.ERROR, error.id, error.title, "reference/errors", f"error-{error.id}", see=error.see or "",
                     means=error.means, do=error.do), _error(error)  # fmt: skip
    for rule in book.policy.rules:
        yield _entry(Kind.RULE, rule.id, " ".join((rule.program, *rule.command)), "reference/commands",
                     f"rule-{rule.id}", means=rule.reason, do=(rule.instead,) if rule.instead else (),
                     verdict=_VERDICTS[rule.remote]), _rule(rule)  # fmt: skip
    for pattern in book.patterns:
        yield _entry(Kind.PATTERN, pattern.id, pattern.title, "reference/sql-patterns", pattern.id,
                     see=pattern.see or "", means=pattern.why), _pattern(pattern)  # fmt: skip
    advice = {page: [one for one in book.advice if (one.id == "function-issues") is (page == _FAULTS)]
              for page in (_FAULTS, _ADVICE)}  # fmt: skip
    for page in book.search.pages:
        texts = [_Text(Source.TITLE, page.title), *(_Text(Source.USE, text) for text in page.answers)]
        texts += [text for topic in advice.get(page.page, ()) for text in _advice(topic)]
        yield _entry(Kind.PAGE, page.page, page.title, page.page, means=page.answers[0]), texts


def _entry(
    kind: Kind,
    name: str,
    title: str,
    page: str,
    anchor: str = "",
    *,
    see: str = "",
    means: str = "",
    do: Iterable[str] = (),
    verdict: str = "",
    is_urgent: bool = False,
) -> Entry:
    return Entry(
        kind, name, _plain(title), page, anchor, see, _plain(means), tuple(map(_plain, do)), verdict, is_urgent
    )


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
        if isinstance(place.step.action, Choose):
            yield from _options(place, place.step.action)


def _options(place: Place, choose: Choose) -> Iterator[_Text]:
    """Yield the answers of a question; each leads to the first step of its branch."""
    branches = {branch.title: branch for branch in place.branches}
    for option in choose.options:
        branch = branches.get(option.when)
        first = next(flatten(branch.places), place) if branch else place
        # Where the answer only leads to another procedure, its symptom is that one's.
        to = first.step.action.included if isinstance(first.step.action, Include) else ""
        label = "" if to else f"{place.shown_number} {_unfilled(place.step.title)} → {option.when}"
        anchor = "" if to else first.anchor
        yield _Text(Source.OPTION, option.when, anchor, label, to)
        if option.symptom:
            yield _Text(Source.SYMPTOM, option.symptom, anchor, label, to)


def _error(one: KnownError) -> Iterator[_Text]:
    yield _Text(Source.TITLE, one.title)
    for shown in one.shown:
        yield _Text(Source.ERROR, shown)
    yield _Text(Source.MEANS, one.means)
    yield from (_Text(Source.REST, text) for text in one.do)


def _rule(one: Rule) -> Iterator[_Text]:
    yield _Text(Source.TITLE, " ".join((one.program, *one.command)))
    yield _Text(Source.REST, one.reason)
    for number, variant in enumerate(one.variants, start=1):
        anchor = f"rule-{one.id}-{number}"
        yield _Text(Source.REST, " ".join((*one.command, *variant.flags)), anchor)
        if variant.reason:
            yield _Text(Source.REST, variant.reason, anchor)


def _pattern(one: Pattern) -> Iterator[_Text]:
    yield _Text(Source.TITLE, one.title)
    yield _Text(Source.MEANS, one.why)
    yield from (_Text(Source.REST, note) for note in one.notes)


def _advice(one: Advice) -> Iterator[_Text]:
    for text, why in one.watch:
        yield _Text(Source.OPTION, text)
        yield from (_Text(Source.REST, text) for text in (why,) if text)
    for text, why in (*one.do, *one.dont):
        yield _Text(Source.REST, text)
        yield from (_Text(Source.REST, text) for text in (why,) if text)


# --- What is recognized rather than searched -------------------------------------------------------------------------


def _known_errors(book: Book, entries: list[Entry]) -> Iterator[Error]:
    numbers = {entry.id: number for number, entry in enumerate(entries) if entry.kind is Kind.ERROR}
    for one in book.errors:
        yield Error(numbers[one.id], one.sqlstates, tuple(map(_expression, one.messages)))


def _expression(text: str) -> tuple[str, str]:
    """Return a regular expression and its flags apart, as JavaScript wants them."""
    flags = _FLAGS.match(text)
    return (text[flags.end() :], flags[1]) if flags else (text, "")


def _commands(book: Book, entries: list[Entry]) -> Iterator[Command]:
    numbers = {entry.id: number for number, entry in enumerate(entries) if entry.kind is Kind.RULE}
    for rule in book.policy.rules:
        forms = [
            Form(
                variant.flags,
                variant.without,
                f"rule-{rule.id}-{number}",
                _VERDICTS[variant.remote or rule.remote],
                _plain(variant.reason or rule.reason),
                _plain(variant.instead if variant.instead is not None else rule.instead),
            )
            for number, variant in enumerate(rule.variants, start=1)
            if not (variant.words or variant.sql or variant.arguments or variant.majors)
        ]
        for words in (rule.command, *rule.aliases):
            yield Command(numbers[rule.id], rule.program, words, tuple(forms))


def _unfilled(template: str) -> str:
    return PLACEHOLDER.sub(lambda found: found[1].replace("_", " "), template)


def _plain(text: str) -> str:
    """Return a text without the marks of Markdown."""
    return _MARKUP.sub(lambda found: found[1] or "", text).strip()
