"""Texts call one thing by one name: the one that a reader would search for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
WORDING = yaml.safe_load((Path(__file__).parent / "data/wording.yaml").read_text(encoding="utf-8"))
COMMENTS = {".yaml": re.compile(r"^\s*#.*$", re.MULTILINE), ".html": re.compile(r"\{#.*?#\}", re.DOTALL)}
DOCUMENTS = (
    "*.md",
    *(f"{top}/**/*.{ending}" for top in ("docs", "includes", "runbook") for ending in ("md", "yaml", "html")),
)
SEARCHED = "search.yaml"
"""The words that readers type, whatever they are."""


def _texts() -> Iterator[tuple[str, str]]:
    """Yield every text that a reader sees, with its file: documents, the book, templates, and strings of the code."""
    files = (file for pattern in DOCUMENTS for file in ROOT.glob(pattern) if file.name != SEARCHED)
    for file in files:
        text = file.read_text(encoding="utf-8")
        comment = COMMENTS.get(file.suffix)
        yield str(file.relative_to(ROOT)), comment.sub("", text) if comment else text
    for file in (ROOT / "runbook").rglob("*.py"):
        yield from ((str(file.relative_to(ROOT)), text) for text in _strings(file.read_text(encoding="utf-8")))


def _strings(code: str) -> Iterator[str]:
    """Yield the strings of a module, and of its docstrings those that are the help of a verb."""
    unseen = set[int]()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and not _is_verb(node):
            unseen.update(id(each.value) for each in node.body if isinstance(each, ast.Expr))
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            unseen.update(map(id, node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unseen:
            yield node.value


def _is_verb(node: ast.AST) -> bool:
    return any(re.search(r"\.(command|group)\(", ast.unparse(each)) for each in getattr(node, "decorator_list", []))


def test_no_text_uses_another_word() -> None:
    """In the book, on pages, on screens, in help texts and in errors. One test: reading everything takes a while."""
    texts = [(where, re.sub(r"\s+", " ", text)) for where, text in _texts()]
    found = []
    for term in WORDING:
        wrong = re.compile(term["not"], re.IGNORECASE)
        for where, text in texts:
            hits = (text[max(0, hit.start() - 40) : hit.end() + 40] for hit in wrong.finditer(text))
            found += [f"{where}: …{hit}… (use: {term['use']})" for hit in hits]

    assert found == []
