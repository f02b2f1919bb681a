"""What a deploy of an edge function takes from a directory: the settings in config.toml, and the files it imports.

The defaults, and how imports are followed, match Supabase CLI 2.122.1 and 3.1.0.
"""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook.errors import RunbookError

__all__ = ["EdgeFunction", "imports_in", "read_function"]

_CONFIG = "supabase/config.toml"
_FUNCTIONS = "supabase/functions"
_NAME = r"""[ \t\n]*["']([^"'\n]+)["']"""
_IMPORT = re.compile(
    rf"""^[ \t]*(?:import{_NAME}|(?:import|export)\b[^'"`;()]*?\bfrom{_NAME})|\bimport\({_NAME}""", re.MULTILINE
)
_CODE = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_LARGEST = 4 * 1024 * 1024
"""How many bytes of a file to search for imports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFunction:
    """What a deploy would upload. Paths are relative to the directory; `missing` lists imports that don't exist."""

    slug: str
    verify_jwt: bool
    entrypoint: str
    import_map: str
    files: tuple[str, ...]
    missing: tuple[str, ...]


def read_function(directory: Path, name: str) -> EdgeFunction:
    """Return what a deploy of that function would take. Raises RunbookError if its entrypoint doesn't exist."""
    settings = _settings(directory, name)
    entrypoint = _below_supabase(settings.get("entrypoint")) or f"{_FUNCTIONS}/{name}/index.ts"
    import_map = _below_supabase(settings.get("import_map")) or _usual_import_map(directory, name)
    if not (directory / entrypoint).is_file():
        others = sorted(path.name for path in (directory / _FUNCTIONS).glob("[!_.]*") if path.is_dir())
        raise RunbookError(
            f"{name} has no source: {entrypoint} doesn't exist",
            hint=f"Functions here: {', '.join(others) or 'none'}. {_CONFIG} may name another entrypoint.",
        )
    mapped = _mapped(directory, import_map)
    files, missing = {import_map: None} if import_map else {}, set[str]()
    waiting = [entrypoint]
    while waiting:
        file = waiting.pop()
        if file in files:
            continue
        if not (directory / file).is_file():
            missing.add(file)
            continue
        files[file] = None
        waiting += _imported(directory, file, mapped)
    return EdgeFunction(
        slug=name,
        # Only the value false turns the check off.
        verify_jwt=settings.get("verify_jwt") is not False,
        entrypoint=entrypoint,
        import_map=import_map,
        files=tuple(sorted(files)),
        missing=tuple(sorted(missing)),
    )


def imports_in(text: str) -> Iterator[tuple[str, int]]:
    """Yield each import of a source as written, with its line."""
    for found in _IMPORT.finditer(text):
        group = found.lastindex or 0
        yield found[group], text.count("\n", 0, found.start(group)) + 1


def _settings(directory: Path, name: str) -> Mapping[str, Any]:
    try:
        config = tomllib.loads((directory / _CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunbookError(f"{_CONFIG} doesn't exist", hint="Run it in the project's directory.") from error
    except (OSError, ValueError) as error:
        raise RunbookError(f"{_CONFIG} can't be read: {error}") from error
    found = config.get("functions", {}).get(name, {})
    return found if isinstance(found, Mapping) else {}


def _below_supabase(path: object) -> str:
    """Convert a path in config.toml, which is relative to its directory, to one from the directory above."""
    return posixpath.normpath(posixpath.join("supabase", path)) if isinstance(path, str) and path else ""


def _usual_import_map(directory: Path, name: str) -> str:
    own = [f"{_FUNCTIONS}/{name}/{each}" for each in ("deno.json", "deno.jsonc", "import_map.json")]
    return next((path for path in (*own, f"{_FUNCTIONS}/import_map.json") if (directory / path).is_file()), "")


def _mapped(directory: Path, import_map: str) -> Mapping[str, str]:
    """Return the names that an import map maps to files, each with its path."""
    try:
        imports = json.loads((directory / import_map).read_text(encoding="utf-8")).get("imports", {})
    except (OSError, ValueError, AttributeError):
        return {}  # no import map, or one with comments: only paths are followed
    near = posixpath.dirname(import_map)
    return {
        name: _joined(near, path) + ("/" if path.endswith("/") else "")
        for name, path in imports.items()
        if isinstance(path, str) and path.startswith(".")
    }


def _imported(directory: Path, file: str, mapped: Mapping[str, str]) -> Iterator[str]:
    if not file.endswith(_CODE):
        return
    with (directory / file).open(encoding="utf-8", errors="replace") as source:
        text = source.read(_LARGEST)
    for wanted, _ in imports_in(text):
        if wanted.startswith(("./", "../")):
            yield _joined(posixpath.dirname(file), wanted)
        elif wanted in mapped:
            yield mapped[wanted]
        elif below := next((name for name in mapped if name.endswith("/") and wanted.startswith(name)), ""):
            yield _joined(mapped[below], wanted.removeprefix(below))


def _joined(near: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(near, path))
