"""The design of steps, held: what a kind means is said in its module, and nothing else asks for kinds."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import runbook
from runbook.model.fields import fields_of
from runbook.steps import KINDS

PACKAGE = Path(runbook.__file__).parent
NAMES = {cls.__name__ for cls in KINDS}
MODULES = {cls.__module__ for cls in KINDS}
OUTSIDE = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "steps")


def named_kinds(tree: ast.AST) -> set[str]:
    """Return the kinds' classes that a module imports, or takes from a module of a kind."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("runbook.steps", "runbook.model")):
            of_kinds = node.module in MODULES or node.module in {"runbook.steps", "runbook.model"}
            found |= {alias.name for alias in node.names if alias.name in NAMES and of_kinds}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in MODULES}
    return found


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_outside_steps_names_a_kind(path: Path) -> None:
    """A module that knew a kind would have to change with it."""
    assert named_kinds(ast.parse(path.read_text(encoding="utf-8"))) == set()


def test_the_search_finds_a_kind_that_is_named() -> None:
    """The test above can fail."""
    assert named_kinds(ast.parse("from runbook.steps.tick import Tick")) == {"Tick"}
    assert named_kinds(ast.parse("import runbook.steps.wait")) == {"runbook.steps.wait"}


def test_every_key_of_a_kind_is_stated_at_its_class() -> None:
    """The loader, the schemas and the reference read it there."""
    assert {cls.__name__ for cls in KINDS if not fields_of(cls)} == set()
