"""What a step asks one to do: its commands on both CLI majors, its text, its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from runbook.model import Action, Book, Choose, Command, Each, Edit, Effect, Include, Procedure, Sql, Tick, Wait
from runbook.site.commands import effect_of, sql_text, target_flags, words_of
from runbook.site.markup import (
    code_block,
    inline,
    line,
    lines,
    page_link,
    paragraphs,
    shown,
    sql_block,
    tabs,
    tag,
    text,
)
from runbook.site.numbering import Placed, outline
from runbook.site.value_markers import marks_in

__all__ = ["EFFECT_WORDS", "PageContext", "doing", "kind_of", "snippets"]

EFFECT_WORDS = {Effect.READS: "Reads", Effect.WRITES: "Writes", Effect.DESTROYS: "Destroys"}

_KINDS: dict[type, tuple[str, str]] = {
    Tick: ("tick", "By hand"),
    Choose: ("choose", "Decide"),
    Edit: ("edit", "Edit a file"),
    Wait: ("wait", "Wait"),
    Each: ("repeat", "Repeat"),
    Include: ("go", "Another procedure"),
}


@dataclass(frozen=True)
class PageContext:
    """The book, opened at one procedure."""

    book: Book
    procedure: Procedure

    @property
    def majors(self) -> tuple[int, ...]:
        """Return the CLI majors the book knows, newest first."""
        return tuple(sorted(self.book.policy.majors, reverse=True))

    @cached_property
    def used(self) -> frozenset[str]:
        """The keys of all values that a command or a file's name on this page needs."""
        return frozenset(key for word in self._words for key in marks_in(word))

    @cached_property
    def reaches_production(self) -> bool:
        """True when any command names production."""
        flags = {flag for major in self.majors for flag in target_flags(self.book, major)}
        return any(word.partition("=")[0] in flags for word in self._words)

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return tuple(word for at in outline(self.procedure) for word in _words_at(self, at))

    def link(self, procedure: str, fragment: str = "") -> str:
        """Link to a procedure's page by its title."""
        return page_link(f"procedures/{procedure}.md{fragment}", text(self.book.procedure(procedure).title))


def _words_at(page: PageContext, at: Placed) -> Iterator[str]:
    """Yield every word of every command of a step, on every major, and the name of the file it writes."""
    step = at.step
    for major in page.majors:
        actions = [step.action_on(major), step.verify and step.verify.action, step.undo and step.undo.action]
        actions.append(step.action.check if isinstance(step.action, Edit) else None)
        for action in actions:
            if isinstance(action, Command | Sql):
                yield from words_of(page.book, action, at.scope, major)
    if isinstance(step.action, Edit):
        yield at.scope.fill(step.action.file)


def kind_of(page: PageContext, at: Placed) -> tuple[str, str]:
    """Return the name (for the drawing) and the word for what a step does."""
    action = at.step.action
    if isinstance(action, Command | Sql):
        effect = max((_effect(page, at, major) for major in page.majors), key=lambda one: one.rank)
        return effect.value, EFFECT_WORDS[effect]
    return _KINDS[type(action)]


def _effect(page: PageContext, at: Placed, major: int) -> Effect:
    action = at.step.action_on(major)
    found = effect_of(page.book, action, at.scope, major) if isinstance(action, Command | Sql) else Effect.READS
    says = Effect.WRITES if isinstance(action, Sql) and action.writes else Effect.READS
    return max(found, says, at.step.effect or Effect.READS, key=lambda one: one.rank)


def doing(page: PageContext, at: Placed) -> str:
    """Render what to do, in a tab per CLI major where they differ."""
    step = at.step
    panes = [(f"CLI {major}", _action(page, at, step.action_on(major), major)) for major in page.majors]
    if isinstance(step.action, Sql):
        panes.append(("SQL editor", _sql(step.action, at)))
    return tabs(f"do-{at.anchor}", panes)


def snippets(page: PageContext, at: Placed, action: Command | Sql | Tick, *, key: str) -> str:
    """Render one action that stands beside a step's own (a check, an undo)."""
    panes = [(f"CLI {major}", _action(page, at, action, major)) for major in page.majors]
    if isinstance(action, Sql):
        panes.append(("SQL editor", _sql(action, at)))
    return tabs(key, panes)


def _sql(action: Sql, at: Placed) -> str:
    return sql_block(sql_text(action, at.scope))


def _action(page: PageContext, at: Placed, action: Action, major: int) -> str:
    match action:
        case Command() | Sql():
            return _command(page, at, action, major)
        case Edit():
            return _edit(page, at, action)
        case Tick():
            return "" if action.text == at.step.title else paragraphs(action.text, at.scope)
        case Wait():
            return tag("p", f"Wait {_duration(action.seconds)}: {inline(action.text, at.scope)}.")
        case Each() | Include() | Choose():
            return _introduction(page, at, action)


def _introduction(page: PageContext, at: Placed, action: Each | Include | Choose) -> str:
    """Say what the steps within this one are."""
    if isinstance(action, Each):
        listed = shown(at.scope.value(action.over))
        return tag("p", f"Do these steps once for each of {listed}, one after the other.")
    return tag("p", f"These are the steps of {page.link(action.procedure)}.") if isinstance(action, Include) else ""


def _command(page: PageContext, at: Placed, action: Command | Sql, major: int) -> str:
    words = words_of(page.book, action, at.scope, major)
    private = ""
    if isinstance(action, Command) and action.env_file:
        names = ", ".join(tag("code", shown(at.scope.fill(name))) for name, _ in action.env_file)
        private = tag(
            "p",
            "The walk writes a private file and removes it after the step. By hand: make one that only you can read, "
            f"with one line NAME=value for {names}, and delete it afterwards. Never put the value on a command line.",
        )
    return lines(private, line(words, target=target_flags(page.book, major)))


def _edit(page: PageContext, at: Placed, action: Edit) -> str:
    file = tag("code", shown(at.scope.fill(action.file)))
    if action.template is not None:
        content = tag("p", f"Write {file}:") + code_block(
            shown(at.scope.fill(action.template.rstrip())), class_="rb-file"
        )
    else:
        shown_as = f"{at.scope.fill(action.git_revision or '')}:{at.scope.fill(action.git_path or '')}"
        content = tag("p", f"Write {file} with what git has:") + line(("git", "show", shown_as))
    if action.check is None:
        return content
    words = words_of(page.book, action.check, at.scope, page.majors[0])
    return lines(content, tag("p", "Then check the file:"), line(words))


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 30 == 0 else f"{seconds:g} s"
