"""What each command does to its target and whether it may run: the data behind the walk, the guard and the site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from runbook.model.fields import (
    EFFECT,
    FLAGS,
    KEBAB,
    LINE,
    MAJOR,
    TESTS,
    TEXTS,
    VERDICT,
    WORDS,
    Choice,
    Field,
    ListOf,
    MapOf,
    Regex,
    Shaped,
    Text,
    Truth,
    file_of,
    key,
    shape,
)
from runbook.model.programs import Programs
from runbook.model.terms import Effect, Position, Verdict

if TYPE_CHECKING:
    from runbook.model.http_requests import HttpClient, HttpRequest
    from runbook.model.line_test import LineTest
    from runbook.model.mcp_servers import McpServer

__all__ = [
    "SHAPES",
    "Family",
    "Loosening",
    "Policy",
    "Rule",
    "Side",
    "SupabaseMajor",
    "TargetKind",
    "Variant",
]

_COMMAND = Text(r"|[^\s]+(?: [^\s]+)*", "a subcommand such as 'db reset'", empty=True)


class TargetKind(StrEnum):
    """Where commands go."""

    PRODUCTION = "production"
    LOCAL = "local"
    DRILL = "drill"
    MACHINE = "this machine"
    """Not a place that a command can name: the run reaches no database and no project."""


class Family(StrEnum):
    """What a command reaches: a database, the project's API, or neither. It decides how the target is named."""

    DATABASE = "database"
    PROJECT = "project"
    RUNBOOK = "runbook"
    """A database, by a command of `runbook` itself, and only if `--against` names it."""
    NOTHING = "nothing"


_TARGET_KIND = Choice((TargetKind.PRODUCTION, TargetKind.LOCAL, TargetKind.DRILL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A rule's command with flags or arguments that change what it does. The first variant that fits is used.

    `arguments` counts positional words (empty ones don't count); `sql` is exactly what the statements passed to the
    command do. Parts of the outcome that are left out are inherited from the rule.
    """

    flags: tuple[str, ...] = key(FLAGS, "Flags that must all be given.", default=())
    without: tuple[str, ...] = key(FLAGS, "Flags of which none may be given.", default=())
    arguments: str | None = key(
        Choice(("none", "some", "several")), "The number of words that aren't flags.", default=None
    )
    words: str | None = key(
        Regex(), "A regular expression that must occur in one of the words after the command.", default=None
    )
    excludes: str | None = key(
        Regex(), "Words in which this regular expression is found don't count for `words`.", default=None
    )
    reads_input: bool = key(Truth(), "`words` may also occur in the text on standard input.", default=False)
    sql: Effect | None = key(EFFECT, "What the SQL passed to the command does.", default=None, read=Effect)
    majors: tuple[int, ...] = key(ListOf(MAJOR), "Only on these majors of the CLI.", default=())
    effect: Effect | None = key(EFFECT, "What it then does to its target.", default=None, read=Effect)
    writes_files: bool = key(
        Truth(), "It then writes only files on this machine; it only reads its target.", default=False
    )
    remote: Verdict | None = key(VERDICT, "The verdict on a hosted project.", default=None, read=Verdict)
    local: Verdict | None = key(VERDICT, "The verdict on the local stack.", default=None, read=Verdict)
    reason: str | None = key(TEXTS, "The reason for the verdict.", default=None)
    instead: str | None = key(TEXTS, "What to do instead.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What one command of one program does. `command` is the subcommand path."""

    id: str = key(KEBAB, "The rule's name; unique in the policy.")
    program: str = key(LINE, "The program, without a path.")
    also: tuple[str, ...] = key(
        ListOf(LINE), "Other programs that this rule holds for, such as another name of the same one.", default=()
    )
    command: tuple[str, ...] = key(
        _COMMAND,
        "The subcommand; empty means the program itself.",
        read=lambda found: tuple(found.split()),
    )
    aliases: tuple[tuple[str, ...], ...] = key(
        ListOf(_COMMAND, 0),
        "Other spellings of the subcommand.",
        default=(),
        read=lambda found: tuple(tuple(alias.split()) for alias in found),
    )
    reaches: Family = key(Choice(tuple(Family)), "What it touches; it decides how the target is named.", read=Family)
    effect: Effect = key(EFFECT, "What it does to its target.", read=Effect)
    remote: Verdict = key(VERDICT, "The verdict if it runs against a hosted project.", read=Verdict)
    local: Verdict = key(VERDICT, "The verdict if it runs against the local stack.", read=Verdict)
    bare: Mapping[int, TargetKind] = key(
        MapOf(MAJOR, _TARGET_KIND),
        "By major of the CLI: where it runs if no target is named.",
        default=dict,
        read=lambda found: {major: TargetKind(kind) for major, kind in found.items()},
    )
    reason: str = key(TEXTS, "The reason for the verdict, in one sentence.", read=str.strip)
    instead: str = key(TEXTS, "What to do instead.", default="", read=str.strip)
    value_flags: tuple[str, ...] = key(FLAGS, "Flags of this command that take a value in the next word.", default=())
    sql_flags: tuple[str, ...] = key(
        FLAGS, "Flags whose value is SQL. Without any, the words after the command are SQL.", default=()
    )
    options: tuple[str, ...] = key(
        FLAGS,
        "Options with which the command still only reads. With any other option, it counts as writing.",
        default=(),
    )
    operands: tuple[str, ...] | None = key(
        ListOf(Regex(), 0),
        "For a reading command: patterns for its words. Each word must match one entirely; an empty list "
        "allows no words.",
        default=None,
    )
    asks: tuple[int, ...] = key(
        ListOf(MAJOR, 0),
        "The majors of the CLI on which the command itself asks Yes or No before it writes to a hosted project or "
        "overwrites files here.",
        default=(),
    )
    majors: tuple[int, ...] | None = key(
        ListOf(MAJOR, 0), "The majors of the CLI that have the command, if not all do.", default=None
    )
    """None if all majors have it; empty if the command doesn't exist in any."""
    variants: tuple[Variant, ...] = key(
        ListOf(Shaped("variant"), 0), "Flags or arguments that change what it does.", default=()
    )
    tests: tuple[LineTest, ...] = key(TESTS, "Lines with the verdict that each must get.", default=())
    at: Position

    def is_for(self, program: str) -> bool:
        """Whether the rule holds for a program."""
        return program == self.program or program in self.also


@dataclass(frozen=True, slots=True, kw_only=True)
class SupabaseMajor:
    """How one major of the Supabase CLI names a target and asks for SQL."""

    major: int
    proven: str = key(LINE, "The version that the drills ran with.")
    target: Mapping[Family, Mapping[TargetKind, tuple[str, ...]]] = key(
        MapOf(Choice(tuple(Family)), MapOf(_TARGET_KIND, WORDS)),
        "The words for {{target}}, by what the command reaches and by target. They may use {{project_ref}} and "
        "{{drill_url}}.",
        read=lambda found: {
            Family(family): {TargetKind(kind): words for kind, words in kinds.items()}
            for family, kinds in found.items()
        },
    )
    query: tuple[str, ...] = key(WORDS, "The words that run {{sql}} on {{target}}.")
    query_read: tuple[str, ...] = key(WORDS, "The words that run {{sql}} on {{target}} and can't write.")


class Side(StrEnum):
    """One of the two sides that a rule judges: hosted projects, and this machine."""

    REMOTE = "remote"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loosening:
    """A team's decision to judge what a packaged rule stops by one degree more leniently.

    Refused becomes confirmed, confirmed becomes allowed. The rule's effect stays, so a walk still asks for each write.
    """

    rule: str = key(KEBAB, "The id of a rule or a request of the packaged policy.")
    where: Side = key(Choice(tuple(Side)), "On a hosted project (remote) or on this machine (local).", read=Side)
    reason: str = key(LINE, "Why your team can do with less care. It is shown with every verdict that it changes.")
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All rules, and the words by which each program names global flags and targets."""

    global_value_flags: Mapping[str, tuple[str, ...]] = key(
        MapOf(TEXTS, FLAGS), "By program: flags that may appear anywhere and take a value.", default=dict
    )
    global_options: Mapping[str, tuple[str, ...]] = key(
        MapOf(TEXTS, FLAGS), "By program: options that may appear anywhere and change nothing.", default=dict
    )
    remote_flags: tuple[str, ...] = key(FLAGS, "Flags that send a Supabase command to a hosted project.", default=())
    address_flags: Mapping[str, tuple[str, ...]] = key(
        MapOf(TEXTS, FLAGS),
        "By program that reads its database's address from its settings: the flags that name another one. Where no "
        "address is known, the verdict is that of the local stack.",
        default=dict,
    )
    address_variables: tuple[str, ...] = key(
        ListOf(Text(r"[A-Za-z_][A-Za-z0-9_]*", "a variable such as DATABASE_URL"), 0),
        "Environment variables in which these programs look for the address of their database.",
        default=(),
    )
    rules: Sequence[Rule] = key(ListOf(Shaped("rule"), 0), "One rule for each command.", default=())
    http_clients: Sequence[HttpClient] = key(
        ListOf(Shaped("http-client"), 0), "Programs that send HTTP requests.", default=()
    )
    sql_keys: tuple[str, ...] = key(ListOf(TEXTS, 0), "Keys of a JSON body whose text is SQL.", default=())
    http_requests: Sequence[HttpRequest] = key(
        ListOf(Shaped("http-request"), 0), "What requests to a project's API do, however they are sent.", default=()
    )
    mcp_servers: Sequence[McpServer] = key(
        ListOf(Shaped("mcp-server"), 0),
        "MCP servers whose tools the rules judge. If a team lists a server of the packaged policy again, both count.",
        default=(),
    )
    loosen: tuple[Loosening, ...] = key(
        ListOf(Shaped("loosening"), 0),
        "Only in a team's own policy: rules of the packaged policy to apply more leniently, each with a reason. "
        "What could wipe production can't be loosened.",
        default=(),
    )
    layers: tuple[Policy, ...] = ()
    """If a team has its own policy: the packaged one and theirs. A command is judged by both, and the graver counts."""
    majors: Mapping[int, SupabaseMajor] = field(default_factory=dict)
    """What the book's supabase.yaml says, filled in by the loader."""
    programs: Programs = field(default_factory=Programs)
    """What programs.yaml says, filled in by the loader."""

    @property
    def all_layers(self) -> tuple[Policy, ...]:
        """The layers; without any, this policy."""
        return self.layers or (self,)


SHAPES = (
    shape(Policy, "policy", "a policy", "What each command does to its target, and whether it may run."),
    shape(Rule, "rule", "a rule", "What one command of one program does."),
    shape(
        Variant,
        "variant",
        "a variant",
        "The rule's command with certain flags or arguments. Anything left out is as in the rule.",
    ),
    shape(Loosening, "loosening", "a loosening", "A packaged rule that your team applies more leniently."),
    file_of(
        Field("majors", MapOf(MAJOR, Shaped("major"), minimum=1), "One entry for each major of the CLI."),
        "supabase",
        "the Supabase file",
        "How each major of the Supabase CLI names a target and runs SQL.",
    ),
    shape(SupabaseMajor, "major", "a major", "One major of the Supabase CLI.", keyed_by="major"),
)
"""The policy's file and the Supabase file."""
