"""Find out why the platform would refuse to bundle an upload: a missing file, or a name that nothing maps.

The texts are those of the hosted platform, which bundles with Deno; public issues of the CLI quote them.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping

from runbook.drill.platform_state import DeployedFunction
from runbook.edge_function import imports_in

__all__ = ["bundling_problem"]

_SCHEME = re.compile(r"[a-z]+:")
_CODE = (".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs")


def bundling_problem(function: DeployedFunction) -> str:
    """Return the platform's reason for refusing to bundle a version, "" if it bundles it."""
    files = {posixpath.normpath(name): content for name, content in function.files}
    root = f"file:///tmp/user_fn_{function.slug}_{function.version}/source"
    if posixpath.normpath(function.entrypoint) not in files:
        return f'Module not found "{root}/{function.entrypoint}"'
    mapped = _imports_of(files.get(posixpath.normpath(function.import_map), b"{}"))
    for name, content in files.items():
        if not name.endswith(_CODE):
            continue
        for wanted, line in imports_in(content.decode("utf-8", "replace")):
            if problem := _problem_of(wanted, name, files, mapped, root):
                return f"{problem}. at {root}/{name}:{line}"
    return ""


def _problem_of(wanted: str, importer: str, files: Mapping[str, bytes], mapped: tuple[str, ...], root: str) -> str:
    if wanted.startswith(("./", "../")):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(importer), wanted))
        return "" if target in files else f'Module not found "{root}/{target}"'
    if _SCHEME.match(wanted) or any(wanted == name or _is_below(wanted, name) for name in mapped):
        return ""
    return (
        f'Relative import path "{wanted}" not prefixed with / or ./ or ../ and not in import map from'
        f' "{root}/{importer}"'
    )


def _is_below(wanted: str, prefix: str) -> bool:
    return prefix.endswith("/") and wanted.startswith(prefix)


def _imports_of(import_map: bytes) -> tuple[str, ...]:
    try:
        return tuple(json.loads(import_map).get("imports", {}))
    except (ValueError, AttributeError):
        return ()
