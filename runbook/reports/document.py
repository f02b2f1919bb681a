"""The report of a run laid out for people: headings, tables, lists and blocks of text, independent of any format.

`markdown.py` and `html.py` write the parts out. Every text in a part is plain; they escape it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from runbook.engine.state import Status
from runbook.journal.events import Outcome, Purpose
from runbook.printable import lines_of, one_line, span
from runbook.rendering.json_format import readable_output
from runbook.reports.failures import in_one_sentence
from runbook.reports.run_report import Command, Failure, Note, RunReport, rules_line
from runbook.reports.timeline import DID, Entry

__all__ = ["Block", "Facts", "Heading", "Items", "Line", "Paragraph", "Part", "Span", "Table", "document_of"]


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    style: Literal["", "code", "strong"] = ""


Line = tuple[Span, ...]
"""One line of text, made of pieces."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title."""

    level: int
    line: Line


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One line."""

    line: Line


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values."""

    rows: tuple[tuple[str, Line], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below their names."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Lines as they are: a command (`sh`) or what it printed (`text`)."""

    text: str
    language: str = "text"


Part = Heading | Paragraph | Facts | Table | Items | Block

_IMPACT = "To fill in: who noticed what, from when to when, how many users, requests or rows."
_WIDTH, _WIDE, _WIDEST = 110, 220, 440
"""The most characters of a table's width, of a line of output, and of a line of a command, before they are cut."""
_ASKED, _READ, _WROTE = 2, 6, 24
"""How many lines to show of a reading command that passed, of its output, and of everything else."""
_LONG_VALUE = 100
"""How many characters of a value to show."""


def document_of(report: RunReport, *, full: bool = False, sources: bool = False) -> Iterator[Part]:
    """Yield the parts of the report. Only `full` shows long commands and outputs whole, only `sources` the book's text.

    Empty sections are left out.
    """
    yield Heading(1, _line(f"{report.title}: {report.header.run}"))
    yield Facts(tuple(_summary(report)))
    yield from (Heading(2, _line("Impact")), Paragraph(_line(_IMPACT)))
    yield from _listed("Decisions", [_answer(report, number) for number in range(len(report.answers))])
    yield from _listed("What failed", [_failure(report, one) for one in report.failures])
    yield from _listed("Skipped", [_note(report, one) for one in report.skipped])
    yield from _listed("Notes and hand-overs", [_note(report, one) for one in report.notes])
    yield from _listed("What was unknown", list(_unknowns(report)))
    yield Heading(2, _line("Timeline"))
    yield Table(("UTC", "Who", "What", "Result", "Took"), tuple(_row(report, one) for one in report.timeline))
    yield from _differences(report, full=full)
    yield from _changed_by_hand(report, full=full)
    yield from _commands(report, full=full)
    yield from _values(report, full=full)
    for change in report.changes:
        yield Heading(2, _line(f"What changed in the {change.what}, accepted at {change.at:%H:%M:%S} UTC"))
        yield Block(change.diff)
    if sources:
        # A report outlives the book, so it contains what the run followed, word for word.
        yield Heading(2, _line("Appendix: the procedure as it was"))
        for name, text in report.state.sources.items():
            yield from (Paragraph((Span(name, "code"),)), Block(text))


def _line(text: str) -> Line:
    return (Span(text),)


def _summary(report: RunReport) -> Iterator[tuple[str, Line]]:
    header, state = report.header, report.state
    target = header.target
    yield "Procedure", (Span(report.title), Span(" ("), Span(header.procedure, "code"), Span(")"))
    environment = f", {target.environment}" if target.environment and target.environment != target.kind else ""
    yield "Target", (Span(f"{target.kind} "), Span(target.name, "code"), Span(environment))
    yield "Operator", _line(f"{', '.join(report.operators)} on {', '.join(report.hosts)}")
    if report.roles:
        yield "In the journal as", _line(", ".join(report.roles))
    if header.ticket:
        yield "Ticket", _line(header.ticket)
    yield "Start", _line(f"{header.at:%Y-%m-%d %H:%M:%S} UTC")
    yield "End", _line(f"{state.updated or header.at:%Y-%m-%d %H:%M:%S} UTC")
    yield "Duration", _line(span(state.seconds))
    yield "Outcome", _line(f"{report.outcome} (dry run: nothing was written)" if header.dry else report.outcome)
    yield "Steps", _line(_counted(report))
    written = dict.fromkeys(_what_wrote(report, one) for one in report.written)
    yield "Wrote", _line("; ".join(written) or "nothing")
    yield "Directory", (Span(header.directory, "code"),)
    yield "Versions", _line(f"supabase {target.cli}, runbook {header.runbook}")
    if rules := rules_line(state):
        yield "Rules", _line(f"{rules}, procedure {header.digest[:12]}")
    if report.proof:
        number = len(report.events)
        yield "Record", (Span(f"{number} events, the last with the hash "), Span(report.proof, "code"))


def _what_wrote(report: RunReport, one: Command) -> str:
    """Return the step that wrote, or the line of the operator's own command, which isn't the step's."""
    return " ".join(one.lines) if one.purpose is Purpose.OWN else report.name(one.step)


def _counted(report: RunReport) -> str:
    statuses = [record.status for record in report.state.steps.values()]
    named = {Status.PASSED: "passed", Status.SKIPPED: "skipped", Status.FAILED: "failed"}
    counts = {word: statuses.count(status) for status, word in named.items()}
    counts["unknown"] = sum(status.is_unknown for status in statuses)
    counts["undone or left"] = statuses.count(Status.TODO)
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number) or "none"


def _listed(title: str, lines: Sequence[Line]) -> Iterator[Part]:
    if lines:
        yield from (Heading(2, _line(title)), Items(tuple(lines)))


def _dated(report: RunReport, at: object, step: str, text: str) -> Line:
    where = (Span(report.name(step), "strong"), Span(": ")) if step else ()
    return (Span(f"{at:%H:%M:%S} "), *where, Span(text))


def _answer(report: RunReport, number: int) -> Line:
    one = report.answers[number]
    if not one.suggested:
        how = "Nothing was suggested."
    else:
        how = "As suggested" if one.suggested == one.answer else f"The suggestion was: {one.suggested}"
        how += f", because of {one.because}." if one.because else "."
    return (*_dated(report, one.at, one.step, f"{one.answer} ({one.who}). "), Span(how))


def _failure(report: RunReport, one: Failure) -> Line:
    return _dated(report, one.at, one.step, in_one_sentence(one.why))


def _note(report: RunReport, one: Note) -> Line:
    return _dated(report, one.at, one.step, f"{one.text} ({one.who})")


def _unknowns(report: RunReport) -> Iterator[Line]:
    for one in report.unknowns:
        known = "; ".join(f"{each.at:%H:%M:%S} {each.who} {_sentence(each)}" for each in one.settled)
        yield _dated(report, one.at, one.step, f"{one.how}. {known or 'Nobody has decided yet'}.")


def _sentence(entry: Entry) -> str:
    return f"{entry.what}: {entry.result}" if entry.result else entry.what


def _row(report: RunReport, one: Entry) -> tuple[Line, ...]:
    step = (Span(report.name(one.step), "strong"), Span(": ")) if one.step else ()
    took = "" if one.seconds is None or one.seconds < 0.05 else span(one.seconds)
    cells = (_line(f"{one.at:%H:%M:%S}"), _line(one.who), (*step, Span(one.what)), _line(one.result), _line(took))
    return tuple(cells)


def _differences(report: RunReport, *, full: bool) -> Iterator[Part]:
    """Yield what is different from before the first write, look by look."""
    if not report.differences:
        return
    yield Heading(2, _line("The target before the first write and after the last one"))
    for one in report.differences:
        lines = [*(f"-{line}" for line in one.gone), *(f"+{line}" for line in one.new)]
        yield Paragraph(_line(f"{one.title}: {one.problem or ('' if lines else 'no difference')}".rstrip(" ")))
        if lines:
            yield Block(_cut("\n".join(lines), _WROTE, full=full))


def _changed_by_hand(report: RunReport, *, full: bool) -> Iterator[Part]:
    if not report.by_hand:
        return
    yield Heading(2, _line("Changed without a migration or a deploy"))
    for one in report.by_hand:
        how = "done by hand" if not one.lines else _ended(one, one.evidence)
        yield Paragraph(_dated(report, one.at, one.step, how))
        yield from (Block(_cut(line, _WROTE, full=full, width=_WIDEST), "sh") for line in one.lines)


def _commands(report: RunReport, *, full: bool) -> Iterator[Part]:
    parts = list(_executions(report, full=full))
    if parts:
        yield Heading(2, _line("Commands"))
    if parts != list(_executions(report, full=True)):
        more = f"runbook report {report.header.run} --full"
        yield Paragraph((Span("Long commands and outputs are cut. To see all of them: "), Span(more, "code")))
    yield from parts


def _executions(report: RunReport, *, full: bool) -> Iterator[Part]:
    for one in report.commands:
        if not one.lines:
            continue
        asked, most = (_ASKED, _READ) if not one.writes and one.outcome is Outcome.PASSED else (_WROTE, _WROTE)
        # The output of a survey is its findings.
        most = _WROTE if len(one.lines) > 1 else most
        diff, _, evidence = one.evidence.rpartition("\n")
        path = (Span(" ("), Span(one.step, "code"), Span(")"))
        title = (Span(f"{one.at:%H:%M:%S} "), Span(report.name(one.step), "strong"), *path)
        yield Paragraph((*title, Span(f"{_did(one)}. {_ended(one, evidence)}")))
        yield from (Block(_cut(line, asked, full=full, width=_WIDEST), "sh") for line in one.lines)
        if diff:
            yield Block(_cut(diff, _WROTE, full=full))
        if one.output.strip():
            yield Block(_cut(readable_output(one.output.strip("\n"), _WIDTH), most, full=full))


def _did(one: Command) -> str:
    what = "" if one.purpose is Purpose.RUN else f", {DID[one.purpose]}"
    said = f", confirmed with '{one.confirmed}'" if one.writes and one.confirmed else ""
    return f"{what}, {one.effect}{said}{f' and by {one.seconded}' if one.seconded else ''}"


def _ended(one: Command, evidence: str) -> str:
    if one.outcome is None:
        return "Its end isn't recorded"
    said = one_line(evidence)
    code = "" if one.exit is None or said.startswith(f"exit {one.exit}") else f", exit {one.exit}"
    took = f", {span(one.seconds)}" if one.seconds >= 0.05 else ""
    return f"{one.outcome.value.capitalize()}{code}{took}" + (f": {said}" if said else "")


def _values(report: RunReport, *, full: bool) -> Iterator[Part]:
    if report.state.values:
        yield Heading(2, _line("Values"))
        texts = {
            name: value if isinstance(value, str) else ", ".join(value) for name, value in report.state.values.items()
        }
        yield Facts(tuple((name, (Span(_shortened(text, full=full), "code"),)) for name, text in texts.items()))


def _shortened(text: str, *, full: bool) -> str:
    text = one_line(text)
    return text if full or len(text) <= _LONG_VALUE else f"{text[:_LONG_VALUE]}… ({len(text):,} characters)"


def _cut(text: str, most: int, *, full: bool, width: int = _WIDE) -> str:
    """Return at most that many lines of a text, from its beginning and its end, and say how much is left out."""
    if full:
        return text
    lines = [line if len(line) <= width else f"{line[:width]}… ({len(line):,} characters)" for line in lines_of(text)]
    if len(lines) <= most + 1:
        return "\n".join(lines)
    last = most // 2
    return "\n".join([*lines[: most - last], f"… {len(lines) - most:,} lines …", *lines[-last:]])
