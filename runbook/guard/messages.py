"""A judgement in words: what would have happened, where, and what to do instead."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

from runbook.known_secrets import known_secrets
from runbook.model import Effect, Family, TargetKind, Verdict
from runbook.policy.argv import host_of
from runbook.policy.judgement import Judgement
from runbook.printable import one_line, printable, spelled_out, suspect

__all__ = ["as_json", "as_sentence", "as_text", "encodable", "hidden", "name_of_target", "project_line"]

_PROJECT_FLAGS = frozenset({"--project-ref", "--remote"})
_HOST_FLAGS = frozenset({"-h", "--host"})


def name_of_target(judged: Judgement, directory: str | None) -> str:
    """Return the word that a person types before something is destroyed. It's never empty and has no spaces."""
    if judged.target is TargetKind.LOCAL:
        return "local"
    if judged.protects:
        return judged.protects
    named = judged.project or _named(judged)
    # A person can't type a name whose letters aren't what they seem.
    if named is not None and (suspect(named) or spelled_out(named)):
        return "production"
    return named or _linked_of(judged, directory) or "production"


def described_target(judged: Judgement, directory: str | None) -> str:
    """Return what a command would hit, in words."""
    if judged.target is TargetKind.LOCAL:
        return "the local stack on this machine"
    if judged.target is TargetKind.DRILL:
        return "a drill's throwaway database"
    named = _named(judged)
    if named:
        letters = spelled_out(named)
        return f"{one_line(named)} (hosted{f'; not Latin letters: {letters}' if letters else ''})"
    linked = _linked_of(judged, directory)
    return f"the hosted project {linked} that this directory is linked to" if linked else "a hosted project"


def project_line(judged: Judgement, directory: str | None) -> str:
    """Return a line that names the hosted project to which something allowed writes, "" if it writes to none."""
    if not judged.project or judged.verdict is not Verdict.ALLOW:
        return ""
    return printable(
        f"runbook guard: this goes to {described_target(judged, directory)}; it {_EFFECTS[judged.effect]}."
    )


def _named(judged: Judgement) -> str | None:
    """Return the project or host that the command itself names."""
    words = judged.commands[0] if judged.commands else ()
    for word, following in zip(words, (*words[1:], ""), strict=True):
        flag, equals, inline = word.partition("=")
        value = inline if equals else following
        # A value that looks like a flag is a flag: the one before it has no value.
        if flag in _PROJECT_FLAGS | _HOST_FLAGS | {"--db-url"} and value and not value.startswith("-"):
            found: str | None = host_of(value) or value
        else:
            found = host_of(word) if "://" in word else None
        # The name is printed and must be typed, so it must not contain anything that a terminal would act on.
        if found and all(letter.isalnum() or letter in ".-_" for letter in found):
            return found
    return None


def _linked_of(judged: Judgement, directory: str | None) -> str | None:
    """Return the linked project if the command would go there. A migration tool or a request goes elsewhere."""
    return None if judged.family is Family.NOTHING else _linked(directory)


def _linked(directory: str | None) -> str | None:
    """Return the project that the environment names, or that this directory or one above it is linked to."""
    given = os.environ.get("SUPABASE_PROJECT_ID", "")
    if _is_ref(given):
        return given
    here = Path(directory) if directory else None
    for each in (here, *here.parents) if here else ():
        try:
            # `supabase link` stores it here.
            found = (each / "supabase/.temp/project-ref").read_text(encoding="utf-8").strip()
        # ValueError: an agent's path may contain NUL, and a file may not be text.
        except (OSError, ValueError):
            continue
        # The nearest link counts, even a broken one.
        return found if _is_ref(found) else None
    return None


def _is_ref(text: str) -> bool:
    return text.isascii() and text.isalnum()


_HEADS = {Verdict.ALLOW: "allowed", Verdict.CONFIRM: "this needs a person", Verdict.REFUSE: "refused; it didn't run"}
_EFFECTS = {Effect.READS: "reads", Effect.WRITES: "writes", Effect.DESTROYS: "DESTROYS DATA"}


def as_text(judged: Judgement, directory: str | None) -> str:
    """Return a judgement as lines for a terminal. The directory tells which project is linked."""
    lines = [f"runbook guard: {_HEADS[judged.verdict]}"]
    if judged.verdict is Verdict.ALLOW:
        return lines[0]
    if judged.commands:
        # Indent its other lines, so that none of them looks like one of the guard's own.
        lines.append(f"  Command:  {hidden(shlex.join(judged.commands[0]))}".replace("\n", f"\n{'':12}"))
    if judged.target is not None:
        lines.append(_wrapped("Would go:", f"to {described_target(judged, directory)}; it {_EFFECTS[judged.effect]}"))
    lines.append(_wrapped("Why:", hidden(judged.reason)))
    if judged.instead:
        lines.append(_wrapped("Instead:", judged.instead))
    return printable("\n".join(lines))


def _wrapped(name: str, text: str) -> str:
    import textwrap

    # Flags and addresses stay whole, so that they can be copied.
    wrapper = textwrap.TextWrapper(80, f"  {name:<10}", " " * 12, break_on_hyphens=False, break_long_words=False)
    return wrapper.fill(printable(text))


def as_sentence(judged: Judgement, directory: str | None) -> str:
    """Return a judgement as one paragraph, for an agent to read."""
    parts = [f"runbook guard: {_HEADS[judged.verdict]}."]
    if judged.commands:
        parts.append(f"`{hidden(shlex.join(judged.commands[0]))}`")
    if judged.target is not None:
        parts.append(f"would go to {described_target(judged, directory)}, and it {_EFFECTS[judged.effect]}.")
    parts.append(hidden(judged.reason))
    if judged.instead:
        parts.append(f"Instead: {judged.instead}")
    return printable(" ".join(parts))


def as_json(judged: Judgement) -> str:
    """Return a judgement as one JSON object, in ASCII, because some streams can't encode more."""
    return json.dumps(
        {
            "verdict": judged.verdict.value,
            "effect": judged.effect.value,
            "rule": judged.rule,
            "reason": hidden(judged.reason),
            "instead": judged.instead,
            "family": judged.family.value,
            "target": judged.target.value if judged.target else None,
            "project": judged.project or None,
            "commands": [[hidden(word) for word in command] for command in judged.commands],
        }
    )


_WORD = r"""[`("']*(?:--?)?(?:[a-zA-Z][a-zA-Z'-]{0,15}|[0-9]{1,4})[`)"'.,;:?]*"""
_PLAIN = re.compile(rf"{_WORD}(?: {_WORD})*")
_ABOUT_SECRETS = re.compile(r"(?i)pass|pwd|secret|token|key|auth|cred|bearer|\s-[pWu]\b")
"""A text of short words without these can't hold what looks like a secret."""


def hidden(text: str) -> str:
    """Return a text without what looks like a secret."""
    if not known_secrets() and _PLAIN.fullmatch(text) and not _ABOUT_SECRETS.search(text):
        return text
    # Loaded late: what is allowed prints nothing, and most of what is stopped has only short words in it.
    from runbook.policy.redaction import Redactor

    return Redactor().redact(encodable(text))


def encodable(text: str) -> str:
    r"""Return a text that every stream, file and JSON parser accepts, with `\ufffd` for bytes that aren't UTF-8.

    Python represents such bytes in a command line, a file name or the environment as lone surrogates.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
