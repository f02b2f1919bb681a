"""The fields of policy.yaml and supabase.yaml."""

from __future__ import annotations

from runbook.loading.schema.words import EFFECT, KEBAB, LINE, MAJOR, TEXTS, VERDICT, WORDS
from runbook.model.fields import Choice, Field, ListOf, MapOf, Regex, Shape, Shaped, Text

__all__ = ["SHAPES"]

_FAMILY = Choice(("database", "project", "nothing"))
_TARGET_KIND = Choice(("production", "local", "drill"))
_FLAG = Text(r"-{1,2}[A-Za-z0-9][A-Za-z0-9-]*", "a flag such as --linked or -f")
_FLAGS = ListOf(_FLAG, 0)
_COMMAND = Text(r"|[^\s]+(?: [^\s]+)*", "a subcommand such as 'db reset'", empty=True)

_POLICY = Shape(
    "policy",
    "a policy",
    "What each command does to its target, and what to think of that.",
    (
        Field("global_value_flags", MapOf(TEXTS, _FLAGS), "By program: flags that stand anywhere and take a value."),
        Field("remote_flags", _FLAGS, "Flags that send a Supabase command to a hosted project."),
        Field("rules", ListOf(Shaped("rule")), "One rule for each command.", required=True),
    ),
)

_RULE = Shape(
    "rule",
    "a rule",
    "What one command of one program does.",
    (
        Field("id", KEBAB, "The rule's name; unique in the policy.", required=True),
        Field("program", LINE, "The program, without a path.", required=True),
        Field("command", _COMMAND, "The subcommand; empty means the program itself.", required=True),
        Field("aliases", ListOf(_COMMAND, 0), "Other spellings of the subcommand."),
        Field("reaches", _FAMILY, "What it touches; it decides how the target is named.", required=True),
        Field("effect", EFFECT, "What it does to its target.", required=True),
        Field("remote", VERDICT, "The verdict where it lands on a hosted project.", required=True),
        Field("local", VERDICT, "The verdict where it lands on the local stack.", required=True),
        Field("bare", MapOf(MAJOR, _TARGET_KIND), "By major of the CLI: where it lands when no target is named."),
        Field("reason", TEXTS, "Why it is judged so, in one sentence.", required=True),
        Field("instead", TEXTS, "What to do instead."),
        Field("value_flags", _FLAGS, "Flags of this command that take a value in the next word."),
        Field("majors", ListOf(MAJOR, 0), "The majors of the CLI that have the command, if not all do."),
        Field("variants", ListOf(Shaped("variant"), 0), "Flags or arguments that change what it does."),
        Field("tests", ListOf(Shaped("rule-test"), 0), "Lines with the verdict that each must get."),
    ),
)

_VARIANT = Shape(
    "variant",
    "a variant",
    "The rule's command with certain flags or arguments. What is left out is as in the rule.",
    (
        Field("flags", _FLAGS, "All of these are given."),
        Field("without", _FLAGS, "None of these is given."),
        Field("arguments", Choice(("none", "some", "several")), "How many words there are besides flags."),
        Field("words", Regex(), "A regular expression found in one of the words after the command."),
        Field("sql", EFFECT, "What the SQL handed to the command does."),
        Field("majors", ListOf(MAJOR), "Only on these majors of the CLI."),
        Field("effect", EFFECT, "What it then does to its target."),
        Field("remote", VERDICT, "The verdict on a hosted project."),
        Field("local", VERDICT, "The verdict on the local stack."),
        Field("reason", TEXTS, "Why it is judged so."),
        Field("instead", TEXTS, "What to do instead."),
    ),
)

_RULE_TEST = Shape(
    "rule-test",
    "a test line",
    "A line as it is typed, and the verdict it must get.",
    (
        Field("line", TEXTS, "The line.", required=True),
        Field("verdict", VERDICT, "Its verdict.", required=True),
    ),
)

_SUPABASE = Shape(
    "supabase",
    "the Supabase file",
    "How each major of the Supabase CLI names a target and runs SQL.",
    (Field("majors", MapOf(MAJOR, Shaped("major")), "By major of the CLI.", required=True),),
)

_MAJOR = Shape(
    "major",
    "a major",
    "One major of the Supabase CLI.",
    (
        Field("proven", LINE, "The version that the drills ran with.", required=True),
        Field(
            "target",
            MapOf(_FAMILY, MapOf(_TARGET_KIND, WORDS)),
            "The words for {{target}}, by what is reached and by target; {{project_ref}} and {{drill_url}} fill in.",
            required=True,
        ),
        Field("query", WORDS, "The words that run {{sql}} on {{target}}.", required=True),
        Field("query_read", WORDS, "The words that run {{sql}} on {{target}} and can't write.", required=True),
    ),
)

SHAPES = (_POLICY, _RULE, _VARIANT, _RULE_TEST, _SUPABASE, _MAJOR)
"""The shapes of this part of the table."""
