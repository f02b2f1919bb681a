"""Find the entries that fit a search best. Pure; the same in JavaScript (see the package).

Three things lead straight to an entry, the surest first: a command that the policy has a rule for, a known error whose
SQLSTATE and message fit, and an error text of a procedure that the search contains word for word. All other entries are
ranked by words: rare words count more, and a line that matches as a whole counts more than scattered words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runbook.linear_regex import linear_regex
from runbook.search.record import Command, Entry, Index, Kind, Line, Source
from runbook.search.words import LONGEST, lines_that_matter

__all__ = ["Hit", "find"]

_WEIGHTS = {
    Source.SYMPTOM: 3.0,
    Source.ERROR: 3.0,
    Source.USE: 2.4,
    Source.TITLE: 2.2,
    Source.OTHER: 2.2,
    Source.SUMMARY: 2.0,
    Source.SIGN: 1.7,
    Source.OPTION: 1.6,
    Source.MEANS: 1.0,
    Source.STEP: 0.7,
    Source.REST: 0.5,
}
_FACTORS = {Kind.PROCEDURE: 1.0, Kind.ERROR: 0.95, Kind.PATTERN: 0.75, Kind.PAGE: 0.8, Kind.RULE: 0.6}
_URGENT = 1.08
"""How much more a procedure for emergencies counts: people who search are usually in a hurry."""
_BESIDE = 0.4
"""How much a word counts on a pasted line that doesn't look like an error, if other lines do."""
_SECOND, _THIRD = 0.25, 0.12
"""How much an entry's second and third best lines count."""
_GUESSED = 0.7
"""How much a word of the book counts if the search has only a similar one."""
_FEW = 12
"""In a search of more words than this, words that the book doesn't have are names, not typos."""
_VERY_FEW = 3
"""In a search of so few words, one that the book doesn't have is what it is about."""
_GAP = 4
"""How many other words may be inside an error text: names of tables and the like."""
_STARTS = 60
"""At how many places of a paste an error text is tried."""
_LEAST_COVERED = 0.4
"""The share of a search with unknown words that an entry must cover."""
_LEAST_SHARE = 0.3
"""The least that matching words of a line count, however few they are."""
_OTHER_STATE = 0.3
"""How much a known error counts if the search names an SQLSTATE that the error doesn't have."""
_LEAST = 0.25
"""An entry with less than this share of the best score is noise."""

_SQLSTATE = re.compile(r"(?<![0-9A-Za-z_])[0-9A-Z]{5}(?![0-9A-Za-z_])")
_GIVEN_STATE = re.compile(r"(?:SQLSTATE[ :=(\[]{0,3}|code['\"]?: ?['\"])([0-9A-Z]{5})(?![0-9A-Za-z_])")
_START = re.compile(r"(?:[:\"'`(\[{] ?|(?<![0-9A-Za-z_])[0-9A-Z]{5}:? )(?=[A-Za-z])")
_STAMP = re.compile(r"^(?:[\[(]?[0-9]{4}[-/][0-9TZ:/.,+ -]{6,40}[\])]? ?|##\[[a-z]{1,20}\] ?)")
"""What a log puts before a line."""
_PARTS, _MESSAGE, _MATCHED_LINES = 12, 400, 30
_LAUNCHERS = frozenset(
    {"$", "sudo", "npx", "bunx", "pnpx", "pnpm", "yarn", "npm", "exec", "dlx", "x", "run", "-y", "--"}
)


class Hit(NamedTuple):
    """One result, and the line that matched. `sureness` is 0 if only words matched; 2 or more means it's certain."""

    entry: Entry
    """What was found. For a command, its verdict is that of the form that was searched for."""
    line: Line | None
    score: float
    sureness: int
    words: tuple[str, ...]
    """The words of the search that were found, to highlight."""

    @property
    def is_sure(self) -> bool:
        """Whether it is what was searched for, so that nothing else needs to be offered beside it."""
        return self.sureness > 1

    @property
    def anchor(self) -> str:
        """Where it is on the page, "" for the top."""
        return (self.line.anchor if self.line else "") or self.entry.anchor


class _Asked(NamedTuple):
    """A search: the weight of each term that the index has, and all terms in order (-1: unknown)."""

    terms: dict[int, float]
    order: list[int]
    words: tuple[str, ...]
    unknown: int
    """How many terms of a short search have no match in the book, not even a similar word."""


def find(index: Index, text: str, most: int = 8) -> list[Hit]:
    """Return the entries that fit a text of any length best, the best first."""
    text = text[:LONGEST]
    asked = _asked(index, text)
    scores, lines = _scored(index, asked)
    for number in _of_other_states(index, text):
        if number in scores:
            scores[number] *= _OTHER_STATE
    sure = dict(_recognized(index, text))
    quoted = _quoted(index, asked.order)
    for number, line in quoted.items():
        if sure.get(number, 0) < 2:
            sure[number] = 2
            lines[number] = line
    command = _command(index, text)
    if command:
        sure[command[0]] = 4
    best = max(scores.values(), default=0.0)
    ranked = sorted(
        {*sure, *(number for number, score in scores.items() if score >= best * _LEAST)},
        key=lambda number: (-sure.get(number, 0), -scores.get(number, 0.0), number),
    )
    hits = []
    for number in ranked[:most]:
        best_line = index.lines[lines[number]] if number in lines else None
        hit = Hit(index.entries[number], best_line, scores.get(number, 0.0), sure.get(number, 0), asked.words)
        hits.append(_of_form(hit, index, command) if command and command[0] == number else hit)
    return hits


def _of_form(hit: Hit, index: Index, command: tuple[int, int, int]) -> Hit:
    """Return the hit with what the policy says about this form of the command."""
    _, number, form = command
    if form < 0:
        return hit._replace(line=None)
    found = index.commands[number].forms[form]
    do = (found.do,) if found.do else ()
    entry = hit.entry._replace(anchor=found.anchor, verdict=found.verdict, means=found.means, do=do)
    return hit._replace(entry=entry, line=None)


# --- The words of a search -------------------------------------------------------------------------------------------


def _asked(index: Index, text: str) -> _Asked:
    weights: dict[str, float] = {}
    order = []
    for line, is_telling in lines_that_matter(text):
        for term in index.vocabulary.terms(line):
            order.append(term)
            weights[term] = max(weights.get(term, 0.0), 1.0 if is_telling else _BESIDE)
    terms: dict[int, float] = {}
    guesses: dict[str, int] = {}
    words, unknown = [], 0
    for term, weight in weights.items():
        if term in index.numbers:
            terms[index.numbers[term]] = max(weight, terms.get(index.numbers[term], 0.0))
            words.append(term)
        elif len(weights) <= _FEW:
            alike = _alike(index, term)
            unknown += not alike and len(weights) <= _VERY_FEW
            for number in alike:
                guesses.setdefault(term, number)
                terms[number] = max(weight * _GUESSED, terms.get(number, 0.0))
    numbers = [index.numbers.get(term, guesses.get(term, -1)) for term in order]
    return _Asked(terms, numbers, tuple(words), unknown)


def _alike(index: Index, term: str) -> list[int]:
    """Return the terms that a word may be meant for: those that begin with it, or that differ by a typo or two."""
    if len(term) < 3:
        return []
    begun = [number for number, known in enumerate(index.terms) if known.startswith(term)]
    if begun:
        return begun[:8]
    if len(term) < 4:
        return []
    most = 1 if len(term) < 8 else 2
    near: list[tuple[int, int]] = []
    for number, known in enumerate(index.terms):
        if abs(len(known) - len(term)) <= most and known[0] == term[0]:
            slips = _slips(term, known, most)
            if slips <= most:
                near.append((slips, number))
    near.sort()
    return [number for slips, number in near if slips == near[0][0]][:3]


def _slips(one: str, other: str, most: int) -> int:
    """Return how many letters to insert, delete, change or swap. It stops counting once there are more than `most`."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        last, before, row = before, row, [at] + [0] * len(other)
        for to, wanted in enumerate(other, start=1):
            row[to] = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != wanted))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == wanted:
                row[to] = min(row[to], last[to - 2] + 1)
        if min(row) > most:
            return most + 1
    return row[-1]


# --- Weighing words --------------------------------------------------------------------------------------------------


def _scored(index: Index, asked: _Asked) -> tuple[dict[int, float], dict[int, int]]:
    """Return the score of each entry that has a word of the search, and its best line."""
    pairs = {(first, second) for first, second in zip(asked.order, asked.order[1:], strict=False)}
    wanted = asked.unknown * max(index.weights, default=0.0)
    for term, weight in asked.terms.items():
        wanted += index.weights[term] * weight
    gained: dict[int, list[tuple[float, int]]] = {}
    for number in sorted({line for term in asked.terms for line in index.lines_with[term]}):
        line = index.lines[number]
        score = _line_score(index, line, asked.terms, pairs)
        gained.setdefault(line.entry, []).append((score, number))
    scores, lines = {}, {}
    for owner, found in gained.items():
        found.sort(key=lambda each: (-each[0], each[1]))
        entry = index.entries[owner]
        covered = _covered(index, found, asked.terms)
        total = found[0][0]
        total += _SECOND * found[1][0] if len(found) > 1 else 0.0
        total += _THIRD * found[2][0] if len(found) > 2 else 0.0
        if asked.unknown and covered < _LEAST_COVERED * wanted:
            continue
        total *= 0.4 + 0.6 * covered / wanted
        scores[owner] = total * _FACTORS[entry.kind] * (_URGENT if entry.is_urgent else 1.0)
        lines[owner] = found[0][1]
    return scores, lines


def _line_score(index: Index, line: Line, terms: dict[int, float], pairs: set[tuple[int, int]]) -> float:
    own = list(dict.fromkeys(line.terms))
    matched = whole = 0.0
    for term in own:
        whole += index.weights[term]
        if term in terms:
            matched += index.weights[term] * terms[term]
    beside = sum(1 for pair in zip(line.terms, line.terms[1:], strict=False) if pair in pairs)
    closeness = 1.0 + 0.5 * beside / max(len(line.terms) - 1, 1)
    # People paste whole errors. A word or two of one belong to something else.
    least = 0.0 if line.source == Source.ERROR else _LEAST_SHARE
    return _WEIGHTS[line.source] * matched * (least + (1.0 - least) * matched / whole) * closeness


def _covered(index: Index, found: Sequence[tuple[float, int]], terms: dict[int, float]) -> float:
    """Return how much of the search an entry covers. Words that only a minor line has count less."""
    best: dict[int, float] = {}
    for _, number in found:
        line = index.lines[number]
        share = min(_WEIGHTS[line.source] / 2.0, 1.0)
        for term in line.terms:
            if term in terms:
                best[term] = max(best.get(term, 0.0), share)
    total = 0.0
    for term, weight in terms.items():
        total += index.weights[term] * weight * best.get(term, 0.0)
    return total


# --- What leads straight to an entry ---------------------------------------------------------------------------------


def _recognized(index: Index, text: str) -> Iterator[tuple[int, int]]:
    """Yield known errors: 3 where SQLSTATE and message fit, 1 where only the SQLSTATE does.

    `runbook.diagnosis` uses the same entries more strictly: it knows which command failed and must not guess. Here the
    text can be a bare SQLSTATE, or a log with several errors, and a person chooses among the results.
    """
    states, given = set(_SQLSTATE.findall(text)), _given_states(text)
    messages = "\n".join(_messages(text))
    for error in index.errors:
        has_state = any(state in states for state in error.sqlstates)
        if given and error.sqlstates and not has_state:
            continue
        if error.messages and any(_matches(message, messages) for message in error.messages):
            yield error.entry, 3
        elif has_state:
            yield error.entry, 1 if error.messages else 3


def _given_states(text: str) -> set[str]:
    return set(_GIVEN_STATE.findall(text))


def _messages(text: str) -> list[str]:
    """Return the texts that may be an error: each line, and the rest of it after punctuation or an SQLSTATE."""
    telling = [
        _STAMP.sub("", line.strip(" \t\r"))[:_MESSAGE] for line, is_telling in lines_that_matter(text) if is_telling
    ]
    lines = list(dict.fromkeys(telling))
    if len(lines) > 2 * _MATCHED_LINES:
        lines = [*lines[:_MATCHED_LINES], *lines[-_MATCHED_LINES:]]
    found: list[str] = []
    for line in lines:
        starts = [match.end() for match in _START.finditer(line)][:_PARTS]
        found += [line, *(line[start:] for start in starts)]
    return list(dict.fromkeys(found))


def _of_other_states(index: Index, text: str) -> Iterator[int]:
    """Yield the known errors whose SQLSTATEs the search doesn't name, if it names any."""
    given = _given_states(text)
    for error in index.errors if given else ():
        if error.sqlstates and not any(state in given for state in error.sqlstates):
            yield error.entry


def _matches(message: tuple[str, str], lines: str) -> bool:
    expression, flags = message
    return linear_regex(f"(?{flags})({expression})" if flags else expression, lines=True).search(lines) is not None


def _quoted(index: Index, order: Sequence[int]) -> dict[int, int]:
    """Return the entries with an error text that the search contains, each with that line. Names may be in between."""
    places: dict[int, list[int]] = {}
    for at, term in enumerate(order):
        if term >= 0 and len(places.setdefault(term, [])) < _STARTS:
            places[term].append(at)
    found: dict[int, int] = {}
    for number, line in enumerate(index.lines):
        if line.source != Source.ERROR or line.entry in found or not _tells_enough(index, line):
            continue
        if any(_follows(line.terms, order, start) for start in places.get(line.terms[0], ())):
            found[line.entry] = number
    return found


def _tells_enough(index: Index, line: Line) -> bool:
    """Return whether a line is distinctive, not a word or two that any text may contain."""
    total = 0.0
    for term in dict.fromkeys(line.terms):
        total += index.weights[term]
    return len(line.terms) >= 3 and total >= 9.0


def _follows(terms: Sequence[int], order: Sequence[int], start: int) -> bool:
    at, end = start, start + len(terms) + _GAP
    for term in terms:
        while at < len(order) and at < end and order[at] != term:
            at += 1
        if at >= len(order) or at >= end:
            return False
        at += 1
    return True


def _command(index: Index, text: str) -> tuple[int, int, int] | None:
    """Return the entry, command and form (-1: none) of a search that is a command, None if it isn't one."""
    lines = [line for line in (line.strip(" \t\r") for line in text.split("\n")) if line]
    if not lines or len(lines) > 2 or len(lines[0]) > _MESSAGE:
        return None
    words = [word for word in lines[0].lower().split(" ") if word]
    while words and words[0] in _LAUNCHERS:
        words = words[1:]
    if not words:
        return None
    program = words[0].rpartition("/")[2].partition("@")[0]
    plain = [word for word in words if not word.startswith("-")]
    flags = {word.partition("=")[0] for word in words if word.startswith("-")}
    best: tuple[int, int] | None = None
    tails: list[tuple[int, int]] = []
    for number, command in enumerate(index.commands):
        if _is_tail(command, plain) and flags:
            tails.append((number, command.entry))
        is_longer = best is None or len(command.words) > len(index.commands[best[0]].words)
        if is_longer and _begins(command, program, plain, flags):
            best = (number, command.entry)
    if best is None and len(tails) == 1:
        best = tails[0]
    return (best[1], best[0], _form(index.commands[best[0]], flags)) if best else None


def _form(command: Command, flags: set[str]) -> int:
    """Return the first form of a command that has these flags, -1 if there is none."""
    for number, form in enumerate(command.forms):
        if all(flag in flags for flag in form.flags) and not any(flag in flags for flag in form.without):
            return number
    return -1


def _begins(command: Command, program: str, plain: Sequence[str], flags: set[str]) -> bool:
    """Return whether a line is the command. Without the program, two words with a flag are enough."""
    words, length = list(command.words), len(command.words)
    if program == command.program and list(plain[1 : 1 + length]) == words:
        return length > 0 or len(plain) + len(flags) > 1
    return length >= 2 and list(plain[:length]) == words and bool(flags)


def _is_tail(command: Command, plain: Sequence[str]) -> bool:
    """Return whether the words are the last ones of the command, as `reset` is of `db reset`."""
    missing = len(command.words) - len(plain)
    return command.program == "supabase" and bool(plain) and missing >= 0 and list(command.words[missing:]) == plain
