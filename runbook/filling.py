"""Put values into templates: text, argvs and SQL. A value fills a place and never changes what surrounds it.

The walk, the site and the checks all fill templates here, so a page shows exactly what the walk runs. Values may be
hostile: none can add a word to an argv, become a flag, end a string in SQL or hide something from the reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from runbook.errors import UsageError
from runbook.model import Family, Policy, SupabaseMajor, TargetKind
from runbook.model.team import ANY_PROJECT, DASHBOARD, REF
from runbook.model.templates import PLACEHOLDER, names_in
from runbook.policy.judgement import rule_of
from runbook.policy.sql_names import quoted_name
from runbook.policy.sql_tokens import Token, TokenKind, statements, tokens
from runbook.printable import one_line, suspect

__all__ = [
    "PLACE_MARKS",
    "TARGET",
    "Shown",
    "UnknownName",
    "Values",
    "fill_command",
    "fill_query",
    "fill_statement",
    "fill_text",
    "placeholders",
    "query_command",
    "target_words",
    "timeouts_environment",
    "whole_statement",
]

Values = Mapping[str, str | tuple[str, ...]]
"""The values of placeholders; a list is written with commas."""


class Shown(Mapping[str, str | tuple[str, ...]]):
    """Values for texts that are only shown: a name without a value is shown as `<name>`."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def __contains__(self, name: object) -> bool:
        """Return True: every name has a value or a substitute."""
        return isinstance(name, str)

    def __getitem__(self, name: str) -> str | tuple[str, ...]:
        """Return the value, or the name in angle brackets."""
        return self._values.get(name, f"<{name}>")

    def __iter__(self) -> Iterator[str]:
        """Yield the names that have a value."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many names have a value."""
        return len(self._values)

    def is_stand_in(self, name: str) -> bool:
        """Tell whether the name is shown instead of its value: in angle brackets, or marked by the site."""
        value = self[name]
        return value == f"<{name}>" or PLACE_MARKS[0] in value


TARGET = "{{target}}"
_SQL = "{{sql}}"
PLACE_MARKS = "\ue000\ue001"
"""The site puts these around the name of a value that the reader enters. No command or database uses them."""

_REF = re.compile(REF)
_PLACE = re.compile(f"{PLACE_MARKS[0]}[^{PLACE_MARKS}]+{PLACE_MARKS[1]}")
_JOINED = re.compile(r"[\w$&'\"{}]")
"""Next to a placeholder outside of quotes, these would join with the value."""


class UnknownName(UsageError):
    """A template names a value that doesn't exist; `name` is the placeholder's name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no value for {{{{{name}}}}}", hint="It may come from a step that was skipped.")
        self.name = name


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names of all placeholders in a text, each once, in order of appearance."""
    return tuple(dict.fromkeys(names_in(text)))


def fill_text(template: str, values: Values) -> str:
    """Put values into a text that is shown or written, never run. Raises UnknownName.

    Links to the dashboard then lead to the project at hand, if its ref is known; otherwise the dashboard asks for it.
    """
    filled = PLACEHOLDER.sub(lambda found: _value(found[1], values), template)
    if ANY_PROJECT in filled and "project_ref" in values and _REF.fullmatch(ref := str(values["project_ref"])):
        return filled.replace(ANY_PROJECT, f"{DASHBOARD}{ref}/")
    return filled


def _value(name: str, values: Values) -> str:
    if name not in values:
        raise UnknownName(name)
    value = values[name]
    return value if isinstance(value, str) else ",".join(value)


# --- argvs ------------------------------------------------------------------------------------------------------


def fill_command(words: Sequence[str], values: Values, *, target: Sequence[str] = ()) -> tuple[str, ...]:
    """Fill each word of an argv; only `{{target}}` becomes as many words as `target` has.

    Raises UnknownName, and UsageError if a value contains a control character, would turn a word into a flag, or would
    leave a word empty.
    """
    filled: list[str] = []
    for word in words:
        filled += target if word == TARGET else [_fill_word(word, values)]
    return tuple(filled)


def _fill_word(template: str, values: Values) -> str:
    names = placeholders(template)
    if not names:
        return template
    if "target" in names:
        raise UsageError(f"{TARGET} stands for several words and can't be a part of '{template}'")
    for name in names:
        _refuse_suspect(name, _value(name, values))
    word = fill_text(template, values)
    if template.lstrip("-").startswith("{{") and word.startswith("-"):
        raise UsageError(
            f"the value for {{{{{names[0]}}}}} would be read as an option: {word}",
            hint="It must not begin with a dash.",
        )
    if not word:
        raise UsageError(f"the value for {{{{{names[0]}}}}} is empty, but the command needs a word there")
    return word


def _refuse_suspect(name: str, value: str) -> None:
    found = suspect(_PLACE.sub("", value))
    if found:
        raise UsageError(
            f"the value for {{{{{name}}}}} contains {found}: {one_line(value)}",
            hint="Commands can't contain line breaks, invisible characters or letters that look like others.",
        )


def target_words(
    words: Sequence[str], *, policy: Policy, major: int, kind: TargetKind, names: Values
) -> tuple[str, ...]:
    """Return what `{{target}}` stands for in a command, by its rule's family, the CLI's major and the target.

    `names` contains `project_ref` and `drill_url` as far as they are needed. Raises UsageError if the command takes no
    target, or if the book doesn't say how to name it.
    """
    rule = rule_of([word for word in words if word != TARGET], policy)
    shown = " ".join(words)
    if rule is None or rule.reaches is Family.NOTHING:
        raise UsageError(f"`{shown}` takes no target", hint=f"Leave {TARGET} out, or add a rule to policy.yaml.")
    return _named(rule.reaches, _major(policy, major), kind, names)


def _named(family: Family, major: SupabaseMajor, kind: TargetKind, names: Values) -> tuple[str, ...]:
    by_kind = major.target.get(family, {})
    if kind not in by_kind:
        raise UsageError(f"supabase.yaml doesn't say how CLI {major.major} reaches a {kind.value} {family.value}")
    return fill_command(by_kind[kind], names)


def _major(policy: Policy, major: int) -> SupabaseMajor:
    if major not in policy.majors:
        known = ", ".join(str(each) for each in sorted(policy.majors))
        raise UsageError(f"the book doesn't support CLI {major}", hint=f"It supports {known or 'none'}.")
    return policy.majors[major]


def fill_query(statement: str, values: Values, *, words: Sequence[str], target: Sequence[str]) -> tuple[str, ...]:
    """Return the CLI's query command with the filled statement as one word. Raises what `fill_statement` raises."""
    return query_command(fill_statement(statement, values), words=words, target=target)


def query_command(statement: str, *, words: Sequence[str], target: Sequence[str]) -> tuple[str, ...]:
    """Return the CLI's query command with that statement as one word, without filling it."""
    parts = {TARGET: tuple(target), _SQL: (statement,)}
    return tuple(word for each in words for word in parts.get(each, (each,)))


# --- SQL --------------------------------------------------------------------------------------------------------


def fill_statement(sql: str, values: Values) -> str:
    """Put values into SQL: inside '…' and "…" escaped accordingly, elsewhere as a name, quoted if needed.

    A template that is a single placeholder is a statement that an earlier query wrote, and is used as it is. Raises
    UnknownName, and UsageError for a placeholder in a comment or a dollar quote, or joined to a word.
    """
    name = whole_statement(sql)
    if name:
        return _fill_whole(name, values)
    spans = _spans(sql)
    return PLACEHOLDER.sub(lambda found: _fill_place(found, spans, values), sql)


def whole_statement(sql: str) -> str:
    """Return the name of the placeholder that is the whole statement, "" if the template is more than that."""
    found = PLACEHOLDER.fullmatch(sql.strip())
    return found[1] if found else ""


def _fill_whole(name: str, values: Values) -> str:
    statement = _value(name, values).strip()
    found = suspect(_PLACE.sub("", statement), allowed="\n\t")
    if found:
        raise UsageError(
            f"the statement in {{{{{name}}}}} contains {found}",
            hint="A statement can't contain invisible characters or letters that look like others.",
        )
    count = len(statements(statement))
    if count != 1:
        raise UsageError(f"{{{{{name}}}}} must contain one statement, but it contains {count}")
    return statement


@lru_cache(maxsize=64)  # a page fills each statement several times: to judge it, in its command, and by itself
def _spans(sql: str) -> tuple[Token, ...]:
    return tuple(tokens(PLACEHOLDER.sub(lambda found: "_" * len(found[0]), sql)))


def _fill_place(found: re.Match[str], spans: Sequence[Token], values: Values) -> str:
    name = found[1]
    value = _value(name, values)
    _refuse_suspect(name, value)
    span = next(span for span in spans if span.start <= found.start() < span.end)
    write = _WRITERS.get(span.quote.lower()) if span.kind in {TokenKind.TEXT, TokenKind.NAME} else None
    if write is not None:
        return write(value)
    if span.kind is not TokenKind.WORD or _is_joined(found):
        raise UsageError(
            f"{{{{{name}}}}} can't be used there in SQL: {found.string.strip()}",
            hint="Use it inside '…' as a text, or as a separate word as a name.",
        )
    if not value:
        raise UsageError("an empty value can't be a name in SQL")
    return quoted_name(value)


def _is_joined(found: re.Match[str]) -> bool:
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return bool(_JOINED.match(before) or _JOINED.match(after))


_WRITERS: dict[str, Callable[[str], str]] = {
    "'": lambda value: value.replace("'", "''"),
    "n'": lambda value: value.replace("'", "''"),
    "e'": lambda value: value.replace("\\", "\\\\").replace("'", "''"),
    '"': lambda value: value.replace('"', '""'),
}
"""How a value is written inside each kind of quotes; in any other kind, it is refused."""


def timeouts_environment(*, lock_timeout: float, statement_timeout: float, writes: bool) -> dict[str, str]:
    """Return the variables that set a statement's timeouts (seconds) and, if it only reads, a read-only transaction.

    PostgreSQL gets them if the CLI opens the connection itself: always on CLI 2, and with a URL. They don't reach a
    query that CLI 3 sends to a hosted project through the Management API; `--read-only` does that job there.
    """
    options = f"-c lock_timeout={round(lock_timeout * 1000)} -c statement_timeout={round(statement_timeout * 1000)}"
    return {"PGOPTIONS": options if writes else f"{options} -c default_transaction_read_only=on"}
