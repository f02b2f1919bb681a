"""A book's policy, fast: read from YAML once, then from a private file that is as old as the book's."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import runbook
from runbook.model import Effect, Family, Policy, Position, Rule, SupabaseMajor, TargetKind, Variant, Verdict
from runbook.runtime.user_directories import cache_directory, is_private, make_private

__all__ = ["load_policy"]

_CLASSES = (Effect, Family, Policy, Position, Rule, SupabaseMajor, TargetKind, Variant, Verdict)
_BY_NAME: Mapping[str, Any] = {each.__name__: each for each in _CLASSES}
_FIELDS = {each.__name__: tuple(field.name for field in fields(each)) for each in _CLASSES if is_dataclass(each)}
_FILES = ("policy.yaml", "supabase.yaml")


def load_policy(book: str | None) -> Policy:
    """Return the policy of a book (None: the packaged one), without its tests. Raises BookError and UsageError."""
    packaged = Path(runbook.__file__).parent / "book"
    directory = Path(book).absolute() if book else packaged
    age = _age(directory, packaged)
    kept = cache_directory() / f"policy{str(directory).replace('/', '%')[-200:]}.json"
    policy = _kept_policy(kept, age)
    if policy is not None:
        return policy
    from runbook.loading import read_policy

    policy = read_policy(directory)
    policy = replace(policy, rules=tuple(replace(rule, tests=()) for rule in policy.rules))
    _keep(kept, age, policy)
    return policy


def _age(directory: Path, packaged: Path) -> list[Any]:
    """Return what changes whenever the policy may: the files' times and sizes, and the shape of the model."""
    age: list[Any] = [str(directory), runbook.__version__, _FIELDS]
    for name in _FILES:
        for path in (directory / name, packaged / name):
            try:
                about = path.stat()
            except OSError:
                continue
            age.append([str(path), about.st_mtime_ns, about.st_size, about.st_ino])
            break
    return age


def _kept_policy(path: Path, age: list[Any]) -> Policy | None:
    """Return the policy kept in a file; None if that is missing, old, broken, or anybody else's."""
    if not is_private(path) or not is_private(path.parent):
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["age"] != json.loads(json.dumps(age)):
            return None
        policy = _unpacked(kept["policy"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return policy if isinstance(policy, Policy) else None


def _keep(path: Path, age: list[Any], policy: Policy) -> None:
    """Keep a policy for the next time. Where that is not possible, the next time is slower."""
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        make_private(path.parent)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"age": age, "policy": _packed(policy)}, file, separators=(",", ":"))
        temporary.replace(path)
    except OSError:
        return


def _packed(value: Any) -> Any:
    """Return a value as JSON: what is no text, number or None becomes a list that begins with its kind."""
    if isinstance(value, Enum):
        return ["enum", type(value).__name__, value.value]
    if isinstance(value, tuple):
        return ["tuple", *(_packed(item) for item in value)]
    if isinstance(value, Mapping):
        return ["map", *([_packed(key), _packed(item)] for key, item in value.items())]
    if is_dataclass(value):
        name = type(value).__name__
        return ["data", name, *(_packed(getattr(value, field)) for field in _FIELDS[name])]
    return value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, *rest = value
    if kind == "tuple":
        return tuple(_unpacked(item) for item in rest)
    if kind == "data":
        return _BY_NAME[rest[0]](**dict(zip(_FIELDS[rest[0]], map(_unpacked, rest[1:]), strict=True)))
    if kind == "enum":
        return _BY_NAME[rest[0]](rest[1])
    return {_unpacked(key): _unpacked(item) for key, item in rest}
