"""`run`: a command, as an argv. It never goes through a shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from runbook.filling import Values, fill_text
from runbook.model import Effect, Position, Role, Use
from runbook.model.action import Becomes, Problem
from runbook.model.fields import NAME, CommandLine, MapOf, Text, key
from runbook.steps import view
from runbook.steps.destination import Destination
from runbook.steps.env_file import env_line
from runbook.steps.runnable import Runnable

__all__ = ["Command"]

_YES = ("--yes", "-y")


@dataclass(frozen=True, slots=True)
class Command(Runnable):
    """An argv, each word a template. It never goes through a shell."""

    places: ClassVar = frozenset({"step", "on_cli", "check", "undo"})

    words: tuple[str, ...] = key(
        CommandLine(),
        "A command: a program and its words. No shell sees it; {{target}} names the target.",
        name="run",
    )
    at: Position  # type: ignore[misc] # `key` gives `words` no default
    env_file: tuple[tuple[str, str], ...] = key(
        MapOf(Text(r"(?:[A-Za-z_]|\{\{)(?:[A-Za-z0-9_]|\{\{|\}\})*", "a variable's name", template=True), NAME),
        "A private file of variables, each filled by a secret parameter; {{env_file}} in the command is its path.",
        default=(),
        read=lambda found: tuple(found.items()),
        not_in=("check",),
    )
    """Pairs (key template, secret parameter) for a 0600 file whose path fills `{{env_file}}`."""

    def uses(self, at: Position) -> Iterator[Use]:
        """Yield its words, and the names that fill its private file."""
        del at
        has_file = bool(self.env_file)
        yield from (Use(word, self.at, Becomes.ARGV, env_file=has_file) for word in self.words)
        for name, secret in self.env_file:
            yield Use(name, self.at, Becomes.ARGV)
            yield Use(secret, self.at, Becomes.SECRET)

    def problems(self, role: Role, effect: Effect) -> Iterator[Problem]:
        """Report flags that answer the CLI's own question, which is for the operator."""
        del role, effect
        for word in (*self.words, *(name for name, _ in self.env_file)):
            if word in _YES or word.startswith("--yes=") or "SUPABASE_YES" in word:
                yield f"{word} answers for the operator, who must see the CLI's own question", word

    def argv(self, values: Values, to: Destination) -> tuple[str, ...]:
        """Return its words, filled in. `{{target}}` becomes as many words as it needs."""
        return to.fill(self.words, values)

    def secret_lines(self, values: Values, secret: Callable[[str], str]) -> tuple[str, ...]:
        """Return the lines of its private file. Raises UsageError for a secret that readers read differently."""
        return tuple(env_line(fill_text(name, values), secret(value)) for name, value in self.env_file)

    def view(self, values: Mapping[str, str | tuple[str, ...]], to: Destination) -> Iterator[view.Block]:
        """Yield the line to run."""
        if self.env_file:
            yield view.PrivateFile(tuple(fill_text(name, values) for name, _ in self.env_file))
        yield view.CommandToRun(self.argv(values, to))
