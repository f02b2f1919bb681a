"""Read the text that a Supabase CLI prints for `--help`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runbook.model import TargetKind

__all__ = ["CliFlag", "Help", "read_help"]

_HEADING = re.compile(r"[A-Z][A-Z ]+")
_FLAG = re.compile(
    r"  (?P<names>-[\w-]+(?:, -[\w-]+)*)(?P<inline>\[=[^\]]*\])?(?: (?P<value>\S.*?))?(?:\s{2,}(?P<text>.*))?"
)
_USAGE = re.compile(r"  supabase ?(?P<words>[^\[<]*)")
_LOCAL, _REMOTE = TargetKind.LOCAL, TargetKind.PRODUCTION
_DEFAULTS = (
    (r"TARGET\n  Local by default\b", _LOCAL),
    (r"TARGET\n  Local only\b", _LOCAL),
    (r"TARGET\n  Remote (?:only|by default)\b", _REMOTE),
    # CLI 2 has no such section, but says when it needs a token.
    (r"PERMISSIONS\n  Not needed with (?:.* )?--local\b", _REMOTE),
    (r"PERMISSIONS\n  Only needed with (?:.* )?--linked\b", _LOCAL),
)


@dataclass(frozen=True, slots=True)
class CliFlag:
    """A flag as a CLI lists it. `takes` is `nothing`, `maybe` (as `--flag=value`, or not told) or `value`."""

    name: str
    takes: str
    text: str

    @property
    def is_deprecated(self) -> bool:
        """Whether its own description says that it will go."""
        return "deprecated" in self.text.lower()


@dataclass(frozen=True, slots=True)
class Help:
    """One help text. `command` is what it is the help of: for a command that does not exist, that of its group.

    `default` is where the command lands when no target is named, None where the text does not say.
    """

    command: tuple[str, ...]
    flags: Mapping[str, CliFlag] = field(default_factory=dict)
    default: TargetKind | None = None


def read_help(text: str) -> Help:
    """Return what a help text says; global flags count as flags of the command, where it has none of that name."""
    sections = _sections(text)
    usage = _USAGE.match(next(iter(sections.get("USAGE", ())), ""))
    flags = (flag for name in ("GLOBAL FLAGS", "FLAGS") for line in sections.get(name, ()) for flag in _flags(line))
    return Help(
        tuple(usage["words"].split()) if usage else (),
        {flag.name: flag for flag in flags},
        next((kind for pattern, kind in _DEFAULTS if re.search(rf"^{pattern}", text, re.MULTILINE)), None),
    )


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if _HEADING.fullmatch(line):
            lines = sections.setdefault(line, [])
        elif line.strip():
            lines.append(line)
    return sections


def _flags(line: str) -> Iterator[CliFlag]:
    found = _FLAG.fullmatch(line)
    if found:
        takes = "maybe" if found["inline"] else "value" if found["value"] else "nothing"
        yield from (CliFlag(name, takes, found["text"] or "") for name in found["names"].split(", "))
