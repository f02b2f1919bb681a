"""Spoil a procedure on purpose: drop a step that matters, swap two, or bring an old mistake of the guide back."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from runbook.reading import PACKAGED_BOOK

__all__ = ["Mutation", "mutations_of", "spoiled_book"]

Step = dict[str, Any]
Document = dict[str, Any]
Path_ = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to spoil a procedure. `document` is the whole spoiled procedure."""

    procedure: str
    what: str
    document: Document


def mutations_of(procedure: str) -> Iterator[Mutation]:
    """Yield every mutation of a procedure of the packaged book."""
    file = Path(PACKAGED_BOOK) / "procedures" / f"{procedure}.yaml"
    sound: Document = yaml.safe_load(file.read_text(encoding="utf-8"))
    for what, place, change in (*_drops(sound), *_swaps(sound), *_mistakes(sound)):
        spoiled = copy.deepcopy(sound)
        change(_at(spoiled, place))
        yield Mutation(procedure, what, spoiled)


def spoiled_book(directory: Path, mutation: Mutation | None) -> Path:
    """Copy the packaged book with that one procedure spoiled (None: written anew, and sound)."""
    book = directory / "book"
    shutil.copytree(PACKAGED_BOOK, book)
    names = [mutation.procedure] if mutation else [path.stem for path in (book / "procedures").glob("*.yaml")]
    for name in names:
        file = book / "procedures" / f"{name}.yaml"
        document = mutation.document if mutation else yaml.safe_load(file.read_text(encoding="utf-8"))
        file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10**6), encoding="utf-8")
    return book


# --- where steps are ------------------------------------------------------------------------------------------------


def _lists(document: Document) -> Iterator[Path_]:
    """Yield the place of every list of steps."""
    yield ("steps",)
    yield from _inner(document["steps"], ("steps",))


def _inner(steps: list[Step], place: Path_) -> Iterator[Path_]:
    for number, step in enumerate(steps):
        for choice, option in enumerate(step.get("choose", ())):
            if option.get("steps"):
                inner = (*place, number, "choose", choice, "steps")
                yield inner
                yield from _inner(option["steps"], inner)
        if "each" in step:
            inner = (*place, number, "steps")
            yield inner
            yield from _inner(step["steps"], inner)


def _at(document: Document, place: Path_) -> Any:
    found: Any = document
    for key in place:
        found = found[key]
    return found


def _matters(step: Step) -> bool:
    """Tell whether a step does, keeps or demands something; one that only shows is for the person's eyes."""
    return bool({"capture", "expect", "edit", "include", "verify", "each"} & set(step)) or bool(step.get("writes"))


Change = tuple[str, Path_, Callable[[Any], None]]


def _drops(document: Document) -> Iterator[Change]:
    for place in _lists(document):
        steps = _at(document, place)
        for number, step in enumerate(steps):
            if _matters(step) and len(steps) > 1:
                yield f"without step '{step['id']}'", place, partial(_drop, number)


def _swaps(document: Document) -> Iterator[Change]:
    for place in _lists(document):
        steps = _at(document, place)
        for number, (step, after) in enumerate(pairwise(steps)):
            if _acts(step) and _acts(after):
                yield f"'{after['id']}' before '{step['id']}'", place, partial(_swap, number)


def _acts(step: Step) -> bool:
    return bool({"edit", "include", "verify"} & set(step)) or bool(step.get("writes"))


def _swap(number: int, steps: Any) -> None:
    steps[number], steps[number + 1] = steps[number + 1], steps[number]


def _drop(key: Any, found: Any) -> None:
    found.pop(key)


def _retype(line: str, step: Any) -> None:
    step["run"] = line


# --- the guide's old mistakes ---------------------------------------------------------------------------------------


def _mistakes(document: Document) -> Iterator[Change]:
    for place in _lists(document):
        for number, step in enumerate(_at(document, place)):
            here = (*place, number)
            for what, line in _lines(str(step.get("run", ""))):
                yield f"{what} at '{step['id']}'", here, partial(_retype, line)
            if step.get("expect"):
                yield f"no expectation at '{step['id']}'", here, partial(_drop, "expect")
            if step.get("verify"):
                yield f"no check after '{step['id']}'", here, partial(_drop, "verify")


def _lines(run: str) -> Iterator[tuple[str, str]]:
    """Yield what somebody in a hurry would have typed instead."""
    if "db push" in run and "--dry-run" not in run:
        yield "a bare db push", run.replace(" {{target}}", "")
        yield "--include-all", f"{run} --include-all"
        yield "--yes", f"{run} --yes"
        yield "db reset for db push", run.replace("db push", "db reset")
    if "--dry-run" in run:
        yield "db diff as a preview", "npx supabase db diff {{target}}"
        yield "the push without --dry-run", run.replace(" --dry-run", "")
    if "migration list" in run:
        yield "db pull as a check", "npx supabase db pull {{target}}"
    if "migration fetch" in run:
        yield "history repaired instead of read", run.replace("fetch", "repair --status applied")
    if "functions deploy" in run:
        yield "deploy without a name", "npx supabase functions deploy --use-api {{target}}"
        yield "--prune", f"{run} --prune"
    if " logs " in run:
        yield "functions logs", "npx supabase functions logs {{target}}"
    if "worktree add" in run:
        yield "git checkout over the working tree", "git checkout {{good_commit}} -- supabase/functions"
    if "--env-file" in run:
        yield "the secret on the command line", "npx supabase secrets set {{secret_name}}={{secret_value}} {{target}}"
