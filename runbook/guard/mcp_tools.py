"""Judge the call of an MCP tool by the policy: as a line of its server's rules, or by the SQL that is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runbook.guard.events import ToolCall
from runbook.linear_regex import linear_regex
from runbook.model import Effect, Family, Policy, TargetKind, Team, Verdict
from runbook.model.mcp_servers import McpServer
from runbook.policy.argv import host_of, is_loopback
from runbook.policy.judgement import Context, Judgement, classify

__all__ = ["judge_call", "judge_sql"]

_ANY_SQL = "sql-mcp"
"""The program whose rules judge SQL that goes to a server nobody knows."""
_SQL_ARGUMENTS = frozenset(
    {"sql", "query", "queries", "statement", "statements", "sqlstatements", "sqlquery", "rawsql", "migrationsql"}
)
"""Names of arguments that may be SQL, without underscores and in lower case."""
_LOOKS_UP = re.compile(r"search|find|docs?(?![a-z])|look|web|grep|browse", re.IGNORECASE)
_SAYS_DATABASE = re.compile(
    r"postgres|sql|database|supabase|neon|cockroach|timescale|redshift|warehouse|execute"
    r"|(?:^|[^a-z])(?:pg|db|dbs|rds|exec|run|table|schema)(?:$|[^a-z])|quer(?:y|ies)$"
)
"""What the name of a server, a tool or an argument says if the tool runs SQL."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NESTED = ("params", "parameters", "arguments", "args", "input")
"""Arguments that hold the others, as an object or as JSON in a text."""
_LOCAL = re.compile(r"(?:^|[^a-z])local(?:$|[^a-z]|host|dev|db)")
_ELSEWHERE = re.compile(r"prod|remote|hosted|cloud|live|stag|non_?local|not_?local")
"""Words in the name of a server that isn't for the local stack alone."""
_ADDRESS = re.compile(r"://[^\s'\"]*")
_NOUN = (
    "aggregate|cast|collation|column|database|domain|event|extension|foreign|function|group|index|language|materialized"
    "|operator|owned|policy|procedure|publication|role|routine|rule|schema|sequence|server|statistics|subscription|table"
    "|tablespace|text|trigger|type|user|view"
)
_READS_AS_SQL = re.compile(
    rf"""(?:^|;)\s*(?:(?:--[^\n]*\n|/\*.*?\*/)\s*)*\(?\s*(?:
        (?:drop|alter)\s+(?:{_NOUN})\b
      | create\s+(?:(?:or\s+replace|unique|temp(?:orary)?|unlogged|global|local|recursive)\s+)*(?:{_NOUN})\b
      | truncate\s+(?:table\s+|only\s+)?["\w]
      | delete\s+from\s+["\w]
      | insert\s+into\s+["\w]
      | merge\s+into\s+["\w]
      | update\s+(?:only\s+)?["\w.]+\s+(?:(?:as\s+)?\w+\s+)?set\b
      | with\s+(?:recursive\s+)?["\w]+\s*(?:\([^)]*\)\s*)?as\b
      | (?:grant|revoke)\s+[\w\s,]+\s+(?:on|to|from)\b
      | select\b
      | do\s+(?:language\s+\w+\s+)?\$
      | call\s+["\w.]+\s*\(
      | copy\s+["\w.(]
      | explain\s+
      | (?:refresh\s+materialized|reassign\s+owned|comment\s+on|security\s+label|vacuum|cluster|reindex)\b
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_REF = re.compile(r"project[_-]ref[=\s]+([a-z]{20})\b")
_READ_ONLY = re.compile(r"read[_-]only(?:=true)?(?![=\w-])")
_LONGEST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class _Known:
    """A tool that rules know, the server that it belongs to, and how sure that is (3: by the server's name)."""

    server: McpServer
    tool: str
    certainty: int


def judge_call(call: ToolCall, policy: Policy, team: Team | None) -> Judgement | None:
    """Return the judgement of a call, or None if neither a rule nor SQL says what it does."""
    judged = (_judge_one(each, policy, team) for each in _forms_of(call))
    return max((each for each in judged if each), key=lambda each: each.rank, default=None)


def _forms_of(call: ToolCall) -> Iterator[ToolCall]:
    """Yield a call with the arguments that others hold. If a name occurs twice, nobody knows which one counts."""
    own = dict(call.arguments)
    nested = {key: value for name in _NESTED for key, value in _object_in(own.get(name)).items()}
    yield replace(call, arguments={**own, **nested})
    if not own.keys().isdisjoint(nested):
        yield replace(call, arguments={**nested, **own})


def _object_in(value: object) -> dict[str, Any]:
    """Return an object, also one that is JSON in a text; an empty one for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _judge_one(call: ToolCall, policy: Policy, team: Team | None) -> Judgement | None:
    # A team's policy may know a server better. What the packaged one says about the call counts all the same.
    packaged, *own = [_surest(call, layer.mcp_servers, policy) for layer in policy.all_layers]
    known = [*packaged, *(each for layer in own for each in layer)]
    judged = [_judge_known(call, each, policy, team) for each in known]
    texts = () if packaged else tuple(_sql_in(call))
    if texts:
        found = _judged(call.name, (_ANY_SQL, "--", *texts), policy)
        # Nothing says that it's a hosted database.
        judged.append(replace(found, family=Family.NOTHING, target=None))
    return max(judged, key=lambda each: each.rank, default=None)


def judge_sql(text: str, policy: Policy) -> tuple[Judgement, ...]:
    """Return the judgement of a text that goes to a database nobody knows; nothing if it doesn't read as SQL."""
    if _READS_AS_SQL.search(text) is None:
        return ()
    return (replace(classify((_ANY_SQL, "--", text), policy), commands=((_shortened(text.strip()),),)),)


def _surest(call: ToolCall, servers: Sequence[McpServer], policy: Policy) -> list[_Known]:
    """Return what a call most probably means: tools of the rules, with their servers."""
    known = tuple(_known_tools(call, servers, policy))
    surest = max((each.certainty for each in known), default=0)
    return [each for each in known if each.certainty == surest]


def _known_tools(call: ToolCall, servers: Sequence[McpServer], policy: Policy) -> Iterator[_Known]:
    name = _normal(call.name)
    for server in servers:
        tools = {
            form[0]
            for rule in policy.rules
            if rule.program == server.program
            for form in (rule.command, *rule.aliases)
            if len(form) == 1
        }
        # A tool's name may end with another one's: the longest is meant.
        tool = max((each for each in tools if _ends_with(name, _normal(each))), key=len, default=None)
        certainty = 0 if tool is None else _certainty(call, server, tool)
        if tool is not None and certainty:
            yield _Known(server, tool, certainty)


def _certainty(call: ToolCall, server: McpServer, tool: str) -> int:
    named = f"{_normal(call.name)[: -len(_normal(tool))]} {call.server}"
    if linear_regex(server.names).search(named) is not None:
        return 3
    if any(name in call.arguments for name in server.identifying):
        return 2
    return 1 if tool in server.distinctive else 0


def _normal(name: str) -> str:
    """Return a name as agents spell it that allow no hyphens."""
    return name.lower().replace("-", "_")


def _ends_with(name: str, tool: str) -> bool:
    """Whether a name is a tool's, with or without the server's name before it."""
    return name == tool or (name.endswith(tool) and name[-len(tool) - 1] in "_:./ ")


def _judge_known(call: ToolCall, known: _Known, policy: Policy, team: Team | None) -> Judgement:
    server = known.server
    flags = dict.fromkeys(flag for name, flag in server.flags.items() if call.arguments.get(name) in {True, "true"})
    if _READ_ONLY.search(call.server) and "read_only" in server.flags:
        flags[server.flags["read_only"]] = None
    texts = tuple(text for name in server.sql for text in _texts(call.arguments.get(name)))
    if not texts:
        texts = tuple(text for name in server.words for text in _texts(call.arguments.get(name)))
    argv = (server.program, known.tool, *flags, *(("--", *texts) if texts else ()))
    refs = [text for name in server.project for text in _texts(call.arguments.get(name))]
    refs += _REF.findall(call.server) if server.project and not refs else []
    target = TargetKind.LOCAL if not refs and _is_local(call, known.tool) else None
    judged = _judged(call.name, argv, policy, refs=refs, target=target)
    if not server.project:
        # It has nothing to do with the project that the directory is linked to.
        judged = replace(judged, family=Family.NOTHING)
    if team is None or judged.effect is Effect.READS or judged.family is Family.NOTHING:
        return judged
    return _with_projects(judged, refs, team)


def _is_local(call: ToolCall, tool: str) -> bool:
    """Whether the server's name says that it's for the local stack, and no address or command says otherwise."""
    name = _normal(call.name)[: -len(_normal(tool))] if _ends_with(_normal(call.name), _normal(tool)) else ""
    first, *more = call.server.split() or [""]
    named = f"{name} {'' if '/' in first else _normal(first)}"
    if _LOCAL.search(named) is None or _ELSEWHERE.search(named) is not None or len(more) > 1:
        return False
    texts = (call.server, *(text for value in call.arguments.values() for text in _texts(value)))
    hosts = [host_of(f"postgres{address}") for text in texts for address in _ADDRESS.findall(text)]
    return all(host is not None and is_loopback(host) for host in hosts)


def _judged(
    name: str,
    argv: tuple[str, ...],
    policy: Policy,
    *,
    refs: Sequence[str] = (),
    target: TargetKind | None = None,
) -> Judgement:
    """Judge a line. Messages show the tool's own name instead of the program, and the projects."""
    judged = classify(argv, policy, context=Context(target=target))
    at = argv.index("--") if "--" in argv else len(argv)
    flags = (word for word in argv[:at] if word.startswith("-"))
    shown = (name, *flags, *(f"--project-ref={ref}" for ref in refs), *map(_shortened, argv[at:]))
    return replace(judged, commands=(shown,))


def _with_projects(judged: Judgement, refs: Sequence[str], team: Team) -> Judgement:
    """Return the graver of a judgement and what the team's file says about the projects."""
    from runbook.guard.projects import objection_to

    for ref in refs:
        found = objection_to(ref, team)
        if found is not None:
            # No person types the name of a project into an agent's question.
            least = Verdict.REFUSE if found.protects else Verdict.CONFIRM
            verdict = max(judged.verdict, least, key=lambda verdict: verdict.rank)
            judged = replace(judged, verdict=verdict, reason=f"{found.reason} {judged.reason}")
    return judged


def _sql_in(call: ToolCall) -> Iterator[str]:
    """Yield the arguments of an unknown tool that are SQL. Texts to search for aren't, unless a name says so."""
    runs_sql = _says_database(call)
    for name, value in call.arguments.items():
        bare = name.lower().replace("_", "").replace("-", "")
        if bare not in _SQL_ARGUMENTS or ("sql" not in bare and (_LOOKS_UP.search(call.name) or not runs_sql)):
            continue
        yield from (text for text in _texts(value) if _READS_AS_SQL.search(text))


def _says_database(call: ToolCall) -> bool:
    """Whether the names of a call, or an address in it, say that it runs SQL."""
    others = (name for name in call.arguments if name != "query")
    names = (_CAMEL.sub("_", name).lower() for name in (call.name, call.server, *others))
    addresses = (text for value in call.arguments.values() for text in _texts(value) if "://" in text)
    return any(map(_SAYS_DATABASE.search, (*names, *addresses)))


def _texts(value: object) -> tuple[str, ...]:
    """Return the texts in an argument: it's one, or a list of them. Anything else is rendered."""
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    if isinstance(value, list):
        return tuple(text for each in value for text in _texts(each))
    if isinstance(value, dict):
        return tuple(text for each in value.values() for text in _texts(each))
    return () if value is None or isinstance(value, bool) else (json.dumps(value),)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
