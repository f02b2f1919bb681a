"""How the tool calls of MCP servers become command lines that the policy judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbook.model.fields import FLAG, LINE, ListOf, MapOf, Regex, key, shape
from runbook.model.terms import Position

__all__ = ["SHAPES", "McpServer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """How the tool calls of one kind of MCP server become command lines that rules judge.

    A call of `TOOL` becomes `PROGRAM TOOL FLAGS -- TEXTS`. Its tools are the subcommands of that program's rules.
    """

    program: str = key(LINE, "The program of the rules for its tools.")
    names: str = key(Regex(), "What is in the names that people give to this server, or in its address.")
    distinctive: tuple[str, ...] = key(
        ListOf(LINE, 0), "Tools that no other kind of server has: their name is enough to know the server.", default=()
    )
    identifying: tuple[str, ...] = key(
        ListOf(LINE, 0), "Arguments that only tools of this server have, such as project_id.", default=()
    )
    sql: tuple[str, ...] = key(ListOf(LINE, 0), "Arguments that are SQL.", default=())
    words: tuple[str, ...] = key(
        ListOf(LINE, 0),
        "Arguments that say what a tool does, such as operation. They count if there is no SQL.",
        default=(),
    )
    project: tuple[str, ...] = key(
        ListOf(LINE, 0), "Arguments that are a project's ref. It is looked up in team.yaml.", default=()
    )
    flags: Mapping[str, str] = key(
        MapOf(LINE, FLAG),
        "Arguments that become a flag if they are true, such as read_only: --read-only.",
        default=dict,
    )
    at: Position


SHAPES = (shape(McpServer, "mcp-server", "an MCP server", "How the tool calls of an MCP server become command lines."),)
"""MCP servers."""
