"""The two answers about an object: its earlier definition, and whether it has that definition again. Pure."""

from __future__ import annotations

import difflib
import json
import re

from runbook.definitions.catalogue import Catalogue
from runbook.definitions.proving import differences
from runbook.definitions.restoration import Asked, Restoration
from runbook.definitions.restoring import restore
from runbook.errors import UsageError
from runbook.printable import lines_of

__all__ = ["check_proof", "find_earlier"]


def find_earlier(of: str, name: str, document: str, *, part: str = "") -> dict[str, object]:
    """Return the earlier definition as a document: for a person, and (names with `_`) for the captures of later steps.

    `document` is the database's answer. Raises UsageError with the reason if nothing can be restored.
    """
    catalogue = Catalogue.read(document)
    found = restore(of, name, catalogue, part=part)
    statements = [statement for one in found for statement in one.statements]
    return {
        "_fix": ";\n\n".join(statement.strip().rstrip(";") for statement in statements) + ";",
        "_file_version": catalogue.next_version,
        "_file_name": re.sub(r"[^a-z0-9]+", "_", Asked.read(name).name.lower()).strip("_")[:60] or "object",
        "_source": ", ".join(dict.fromkeys(one.source for one in found)),
        "_proof": json.dumps([{"what": one.what, **one.wanted} for one in found], ensure_ascii=False),
        **{f"_{part}": text for one in found for part, text in one.parts.items()},
        "object": ", ".join(one.what for one in found),
        "restores": ", ".join(dict.fromkeys(one.source for one in found)),
        "note": ". ".join(note for one in found for note in one.notes) + ".",
        "difference": "\n".join(map(_difference, found)),
    }


def _difference(found: Restoration) -> str:
    before, after = lines_of(found.now), lines_of(found.before)
    lines = difflib.unified_diff(before, after, "runs now", "restored", lineterm="", n=2)
    return "\n".join(lines) or "(no difference in the text)"


def check_proof(proof: str, document: str) -> dict[str, object]:
    """Return for each object whether it matches the proof, and whether all do.

    `proof` is the `_proof` from `find_earlier`. Raises UsageError if it isn't one.
    """
    catalogue = Catalogue.read(document)
    try:
        wanted = json.loads(proof)
    except ValueError as error:
        raise UsageError("nothing to compare with: the step that finds the earlier definition was skipped") from error
    found = [(one["what"], "; ".join(differences(one, catalogue))) for one in wanted]
    is_whole = bool(found) and not any(differs for _, differs in found)
    objects = [{"object": what, "as_before": differs or "yes"} for what, differs in found]
    return {"all_as_before": is_whole, "objects": objects}
