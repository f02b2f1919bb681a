"""The JSON Schemas: committed as generated, in step with the reader, and of use to an editor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.books import ADVICE, PATTERNS, POLICY, PROCEDURE, SUPABASE, procedure_text

from runbook.cli import main
from runbook.loading import PACKAGED_BOOK
from runbook.loading.json_schema import SCHEMA_NAMES, json_schema, schema_text
from runbook.loading.scalars import plain_value
from runbook.loading.source_text import Problems, SourceText
from runbook.loading.yaml_nodes import parse

FILES = sorted(PACKAGED_BOOK.rglob("*.yaml"))


def _as_editors_see_it(text: str) -> Any:
    source = SourceText("test.yaml", text)
    node = parse(source, Problems(source, []))
    assert node is not None
    return json.loads(json.dumps(plain_value(node)))


def _errors(name: str, text: str) -> list[str]:
    validator = jsonschema.Draft7Validator(json_schema(name))
    return [error.message for error in validator.iter_errors(_as_editors_see_it(text))]


def _name_of(path: Path) -> str:
    return "procedure" if path.parent.name == "procedures" else path.stem


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_committed_schema_is_the_generated_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The file in the book and the output of `runbook schema` are what the tables of keys say."""
    committed = (PACKAGED_BOOK / "schema" / f"{name}.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(name), "run `runbook schema --write`"
    assert main(["schema", name]) == 0
    assert capsys.readouterr().out == committed


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_schema_is_valid(name: str) -> None:
    """Each schema is a JSON Schema of draft 7."""
    jsonschema.Draft7Validator.check_schema(json_schema(name))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_packaged_book_fits_its_schemas(path: Path) -> None:
    """Every file of the packaged book validates, and its first line names its schema to the editor."""
    text = path.read_text(encoding="utf-8")
    depth = "../" if path.parent.name == "procedures" else ""
    first = f"# yaml-language-server: $schema={depth}schema/{_name_of(path)}.schema.json"
    assert text.splitlines()[0] == first
    assert _errors(_name_of(path), text) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("policy", POLICY), ("supabase", SUPABASE), ("patterns", PATTERNS), ("advice", ADVICE), ("procedure", PROCEDURE)],
)
def test_small_files_fit(name: str, text: str) -> None:
    """What the reader takes, the schema takes."""
    assert _errors(name, text) == []


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param("- {id: a, title: A, run: git log, rolback: x}\n", id="unknown key"),
        pytest.param("- {id: a, title: A}\n", id="no kind"),
        pytest.param("- {id: a, title: A, run: git log, tick: x}\n", id="two kinds"),
        pytest.param("- {id: a, title: A, run: git log, writes: true}\n", id="key of another kind"),
        pytest.param("- {id: a, run: git log}\n", id="no title"),
        pytest.param("- {id: A, title: A, run: git log}\n", id="bad id"),
        pytest.param("- {id: a, title: 3, run: git log}\n", id="number for text"),
        pytest.param("- {id: a, title: A, wait: 5s}\n", id="wait without a reason"),
        pytest.param("- {id: a, title: A, wait: 5, for: x}\n", id="bad duration"),
        pytest.param("- {id: a, title: A, choose: [{when: x}]}\n", id="one option"),
        pytest.param("- {id: a, title: A, run: git log, undo: {none: x, tick: x}}\n", id="undo of two kinds"),
    ],
)
def test_what_the_reader_refuses_the_editor_marks(steps: str) -> None:
    """Mistakes of form are seen by an editor that goes by the schema."""
    assert _errors("procedure", procedure_text(steps)) != []


def test_tick_needs_no_title() -> None:
    """A tick's text is its title."""
    assert _errors("procedure", procedure_text("- {id: a, tick: Look}\n")) == []


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for shape in (schema, *schema.get("definitions", {}).values()):
        yield from shape["properties"].items()


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_key_has_a_description(name: str) -> None:
    """An editor shows a sentence for each key that it completes."""
    found = list(_properties(json.loads(schema_text(name))))
    assert len(found) > 2
    for key, schema in found:
        assert schema["description"].endswith("."), key


def test_schemas_are_written_into_a_book(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`runbook schema --write` puts all of them into the book's schema directory."""
    assert main(["--book", str(tmp_path), "schema", "--write"]) == 0
    written = capsys.readouterr().out.splitlines()
    assert written == [str(tmp_path / "schema" / f"{name}.schema.json") for name in SCHEMA_NAMES]
    assert (tmp_path / "schema" / "advice.schema.json").read_text(encoding="utf-8") == schema_text("advice")


def test_book_that_can_not_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the directory can't be made the end is a sentence."""
    (tmp_path / "schema").write_text("in the way", encoding="utf-8")
    assert main(["--book", str(tmp_path), "schema", "--write"]) == 2
    assert "can't write" in capsys.readouterr().err
