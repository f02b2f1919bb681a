"""The two answers about an object: what it was before, and whether it is so again. Pure."""

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

__all__ = ["compared", "told"]


def told(of: str, name: str, document: str, *, part: str = "") -> dict[str, object]:
    """Return what was found for a person, and (names with `_`) what later steps capture.

    `document` is the database's answer. Raises UsageError with the reason if nothing can go back.
    """
    catalogue = Catalogue.read(document)
    found = restore(of, name, catalogue, part=part)
    statements = [statement for one in found for statement in one.statements]
    differences_ = [_difference(one) for one in found]
    return {
        "_fix": ";\n\n".join(statement.strip().rstrip(";") for statement in statements) + ";",
        "_file_version": catalogue.next_version,
        "_file_name": re.sub(r"[^a-z0-9]+", "_", Asked.read(name).name.lower()).strip("_")[:60] or "object",
        "_source": ", ".join(dict.fromkeys(one.source for one in found)),
        "_proof": json.dumps([{"what": one.what, **one.wanted} for one in found], ensure_ascii=False),
        **{f"_{part}": text for one in found for part, text in one.parts.items()},
        "object": ", ".join(one.what for one in found),
        "goes_back_to": ", ".join(dict.fromkeys(one.source for one in found)),
        "note": ". ".join(note for one in found for note in one.notes) + ".",
        "difference": "\n".join(differences_),
    }


def _difference(found: Restoration) -> str:
    before, after = lines_of(found.now), lines_of(found.before)
    lines = difflib.unified_diff(before, after, "runs now", "goes back", lineterm="", n=2)
    return "\n".join(lines) or "(no difference in the text)"


def compared(proof: str, document: str) -> dict[str, object]:
    """Return for each object whether it is as wanted, and for all of them.

    `proof` is what `told` captured as `_proof`. Raises UsageError if it is no such text.
    """
    catalogue = Catalogue.read(document)
    try:
        wanted = json.loads(proof)
    except ValueError as error:
        raise UsageError("what the object must be is not known: the step that looked it up was skipped") from error
    rows = [{"object": one["what"], "differs": "; ".join(differences(one, catalogue))} for one in wanted]
    is_whole = bool(rows) and not any(row["differs"] for row in rows)
    said = [{"object": row["object"], "as_before": row["differs"] or "yes"} for row in rows]
    return {"all_as_before": is_whole, "objects": said}
