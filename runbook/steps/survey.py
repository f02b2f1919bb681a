"""`survey`: take several looks at the same time, and suggest an answer from what they find."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from runbook.filling import Values
from runbook.linear_regex import linear_regex
from runbook.model import Action, Check, Effect, Expectation, Position, Role, Use
from runbook.model.action import Problem
from runbook.model.fields import LINE, MAJOR, NAME, ListOf, Regex, Shaped, Truth, key
from runbook.printable import one_line, shortened
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.performing import Done, Ended, Job, Work

__all__ = ["Look", "Suggestion", "Survey", "rows_of", "why_failed"]

_SHOWN = 6
"""The most findings of one look that are listed."""
_FOUND, _UNKNOWN, _CLEAR, _INFO = "FOUND", "UNKNOWN", "clear", "info"
"""What the report says about a look: it found a fault, it failed, it found nothing, it found a fact to know."""
_TO_JUDGE = (_FOUND, _UNKNOWN)
_LONGEST = 240
"""The most characters of one finding: a log line may contain a whole statement."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An answer to suggest if the text of a finding matches."""

    matches: str = key(Regex(), "A regular expression over the text of a finding.")
    option: str = key(LINE, "The answer to suggest: an option of the question that takes the suggestion.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look: a command that reads and prints a JSON list. Each item is a finding; an empty list means all is well.

    The text of a finding is its member `fact`. A member `suggests` names the answer to suggest. If the command can't
    print that, `suggests` here finds it by the text.
    """

    title: str = key(LINE, "What is looked at, as a heading.", name="look")
    action: Action
    at: Position
    fact: str = key(NAME, "The member of an item that is the finding's text.", default="fact", said="fact")
    suggests: tuple[Suggestion, ...] = key(
        ListOf(Shaped("suggestion"), 0), "Answers that findings suggest; the first that matches counts.", default=()
    )
    is_fault: bool = key(
        Truth(),
        "Whether a finding means that something is wrong. If false, it is only a fact to know.",
        name="fault",
        default=True,
        said="true",
    )
    majors: tuple[int, ...] = key(
        ListOf(MAJOR, 0), "The majors of the CLI on which it is taken.", default=(), said="all"
    )

    def applies_to(self, major: int) -> bool:
        """Tell whether the look is taken on that major of the CLI."""
        return not self.majors or major in self.majors

    def findings(self, ended: Ended) -> list[tuple[str, str]] | None:
        """Return the text of each finding and the answer that it suggests; None if the look failed."""
        rows = rows_of(ended.document or ended.output) if ended.passed else None
        if rows is None:
            return None
        facts = (one_line(str(row.get(self.fact, row))) for row in rows)
        return [(shortened(fact, _LONGEST), self._suggested(row, fact)) for row, fact in zip(rows, facts, strict=True)]

    def _suggested(self, row: Mapping[str, Any], text: str) -> str:
        if isinstance(given := row.get("suggests"), str):
            return given
        found = (one.option for one in self.suggests if linear_regex(one.matches).search(text) is not None)
        return next(found, "")


def rows_of(text: str, member: str = "rows") -> list[Mapping[str, Any]] | None:
    """Return the items of a JSON list, or of the list with that name in an object; None if it is neither."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    listed = document.get(member) if isinstance(document, dict) else document
    if not isinstance(listed, list):
        return None
    return [item if isinstance(item, dict) else {"fact": item} for item in listed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey(Action):
    """Looks that are taken at the same time. With `suggests`, the likely answer is captured under that name.

    The reason for it is captured under the same name with `_because` appended. Both are empty if nothing is suggested.
    """

    starts_by_itself: ClassVar = True
    reports_findings: ClassVar = True

    looks: tuple[Look, ...] = key(ListOf(Shaped("look"), 1), "Looks that are taken at the same time.", name="survey")
    suggests: str = key(NAME, "The name under which the likely answer is captured.", default="")
    at: Position

    @property
    def finds(self) -> tuple[str, ...]:
        """The names of the suggestion and its reason."""
        return (self.suggests, f"{self.suggests}_because") if self.suggests else ()

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The answers that its looks themselves suggest. Those that a query suggests are known only in a run."""
        return tuple(one.option for look in self.looks for one in look.suggests)

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield the texts of each look."""
        for look in self.looks:
            yield from look.action.uses(at)

    def commands(self) -> Iterator[tuple[Role, Action]]:
        """Yield what each look runs."""
        yield from ((Role.CHECK, look.action) for look in self.looks)

    def majors_of(self, command: Action, majors: tuple[int, ...]) -> tuple[int, ...]:
        """Return the majors on which that look is taken."""
        own = next(look for look in self.looks if look.action is command)
        return tuple(filter(own.applies_to, majors))

    def problems(self, role: Role, effect: Effect) -> Iterator[Problem]:
        """Report a survey without a look that is taken on every major."""
        del role, effect
        if all(look.majors for look in self.looks):
            yield ("every look is only for some majors of the CLI; leave out `majors` in at least one",)

    def perform(self, work: Work, answer: str) -> None:
        """Take all looks, then report what they found."""
        del answer
        taken = [look for look in self.looks if look.applies_to(work.major)]
        looks = tuple(Check(look.action, Expectation(), look.at) for look in taken)
        work.run(Job(first=lambda: self._report(taken, work.look()), looks=looks))

    def _report(self, taken: Sequence[Look], ended: Sequence[Ended]) -> Done:
        lines, found, likely, reasons = list[str](), list[str](), ("", "", ""), list[str]()
        for look, end in zip(taken, ended, strict=True):
            findings = look.findings(end)
            if findings is None:
                # Looks usually fail for the same reason, so each reason is shown once.
                why = why_failed(end)
                lines += (f"{_UNKNOWN:<8}  {look.title}", *([] if why in reasons else [f"          {why}"]))
                reasons.append(why)
                continue
            found += [look.title] if look.is_fault and findings else []
            word = _CLEAR if not findings else _FOUND if look.is_fault else _INFO
            lines.append(f"{word:<8}  {look.title}")
            lines += _listed(text for text, _ in findings)
            marked = ((option, text, look.title) for text, option in findings if option and not likely[0])
            likely = next(marked, likely)
        # One error may be in a log several times, so the checks are counted, and not their lines.
        counted = f"{len(found)} of {len(taken)} checks found something" if found else "nothing found"
        failed = len(reasons)
        if failed:
            others = f"{len(found)} of the others found something" if found else "nothing found in the others"
            counted = f"{failed} of {len(taken)} commands failed" + (f"; {others}" if failed < len(taken) else "")
        option, because, title = likely
        if option and not found:
            because = f"No check found a fault. {title}: {because}"
        kept = dict(zip(self.finds, (option, because), strict=False))
        # If most looks failed, the rest isn't enough to decide on.
        return Done(evidence=counted, output="\n".join(lines), captured=kept, passed=2 * failed <= len(taken))

    def findings_in(self, output: str) -> str:
        """Return the part of the report about looks that found a fault or failed."""
        kept, lines = False, list[str]()
        for line in output.splitlines():
            kept = line.startswith(_TO_JUDGE) if line[:1].strip() else kept
            lines += [line] if kept else []
        return "\n".join(lines)

    def runs_dry(self, effect: Effect, *, is_complete: bool) -> bool:
        """Tell whether it only reads and all of its values are known."""
        return effect is Effect.READS and is_complete

    def view(self, values: Values, to: Destination) -> Iterator[view.Block]:
        """Yield each look that is taken on this major."""
        taken = [look for look in self.looks if look.applies_to(to.major)]
        yield view.Looks(tuple(view.Reading(look.title, tuple(look.action.view(values, to))) for look in taken))


def _listed(findings: Iterable[str]) -> Iterator[str]:
    """Yield a line for each different finding, and the number of those that aren't listed."""
    counted = Counter(findings)
    for text, times in list(counted.items())[:_SHOWN]:
        yield f"          {text}" + (f" ({times} times)" if times > 1 else "")
    if len(counted) > _SHOWN:
        yield f"          and {len(counted) - _SHOWN} more"


def why_failed(end: Ended) -> str:
    """Return in one line why a reading command failed, as far as its output says."""
    from runbook.diagnosis import error_in  # only a survey that has run needs it

    error = error_in(end.document or end.output)
    if error is not None:
        return shortened(error.text, _LONGEST)
    last = [line.strip() for line in end.output.splitlines() if line.strip()][-1:]
    why = one_line("; ".join(part for part in ("" if end.passed else end.evidence, *last) if part))
    return shortened(why, _LONGEST)
