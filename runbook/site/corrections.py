"""What the older guide got wrong, from `includes/corrections.yaml`: what is so, and the command that shows it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from runbook.site.checkout import checkout
from runbook.site.markup import lines, page_link, tag, text
from runbook.site.prose import inline
from runbook.site.snippet import line
from runbook.site.source import book, page_context

__all__ = ["Correction", "Proof", "all_corrections", "corrections"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A line, the CLI major it is for (`any`: another program), a piece of its output, and what else one sees."""

    cli: str
    run: str
    prints: str = ""
    shows: str = ""

    @property
    def argv(self) -> tuple[str, ...]:
        """Return the line as words."""
        return tuple(shlex.split(self.run))


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One thing that the guide says otherwise. `pattern` and `see` are ids in the book."""

    id: str
    title: str
    guide: str
    so: str
    see: str
    proof: tuple[Proof, ...] = ()
    pattern: str | None = None


@cache
def all_corrections() -> tuple[Correction, ...]:
    """Return every correction. Raises TypeError for a key that is unknown or missing."""
    file = checkout() / "includes" / "corrections.yaml"
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tuple(_correction(entry) for entry in read["corrections"])


def _correction(entry: Mapping[str, Any]) -> Correction:
    proofs = tuple(Proof(**{**proof, "cli": str(proof["cli"])}) for proof in entry.get("proof", ()))
    return Correction(**{**entry, "proof": proofs})


def corrections() -> str:
    """Render all corrections, each with its proof and the procedure that does it right."""
    return lines(*(_render(one) for one in all_corrections()))


def _render(one: Correction) -> str:
    facts = [
        tag("dt", "The guide said") + tag("dd", inline(one.guide)),
        tag("dt", "What is so") + tag("dd", inline(one.so)),
        tag("dt", "Done right in") + tag("dd", page_context(one.see).link(one.see)),
    ]
    listed = tag("dl", *facts, class_="rb-facts rb-correction")
    return lines(tag("h2", text(one.title), id=one.id), listed, _proofs(one.proof), _pattern(one.pattern))


def _proofs(proofs: tuple[Proof, ...]) -> str:
    if not proofs:
        return ""
    return lines(tag("p", tag("strong", "See for yourself:")), *(_proof(proof) for proof in proofs))


def _proof(proof: Proof) -> str:
    where = "It" if proof.cli == "any" else f"CLI {proof.cli}"
    printed = f"{where} prints {tag('q', text(proof.prints))}. " if proof.prints else ""
    return line(proof.argv) + tag("p", printed + inline(proof.shows), class_="rb-prints")


def _pattern(name: str | None) -> str:
    if name is None:
        return ""
    title = next(pattern.title for pattern in book().patterns if pattern.id == name)
    link = page_link(f"reference/sql-patterns.md#{name}", text(title))
    return tag("p", tag("strong", "See for yourself"), f": the SQL of “{link}”; its unsafe form does the harm.")
