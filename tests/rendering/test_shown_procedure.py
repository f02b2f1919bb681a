"""A procedure read with examples: places, prepared actions, headings."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.books import procedure_text, write_book

from runbook.loading import read_book
from runbook.model import Effect
from runbook.rendering.json_record import record_of
from runbook.rendering.shown_procedure import ShownProcedure, headed, read_with_examples
from runbook.steps.scope import Place

STEPS = """\
- id: set
  title: Set {{name}}
  phase: Set it
  run: npx supabase secrets set {{target}} --env-file {{env_file}}
  env_file: {"{{name}}": key}
  undo: {none: The old value is gone}
- id: seen
  title: Look at it
  tick: Look
  asks: {name: rate, ask: Rate?, example: "3"}
- id: count
  title: Count from {{rate}}
  sql: select visit from public.logged where rate = '{{rate}}'
  writes: true
  capture: {total: {json: 0.total}}
  undo: {none: It only adds a row}
- id: which
  title: Which of {{total}}?
  choose:
    - when: One
      steps:
        - {id: one, title: "Take {{total}}", tick: Take it, phase: A phase}
        - {id: two, title: Take the other, tick: Take the other}
    - {when: None of them, steps: []}
- id: all
  title: For each
  each: tables
  as: table
  steps:
    - {id: pack, title: "Pack {{table}}", tick: Pack it}
- id: leave
  title: Declared by hand
  tick: Delete the project
  effect: destroys
"""
MORE = """\
parameters:
  name: {ask: "Name?", example: KEY}
  key: {ask: "Key?", secret: true, example: abc}
  tables: {ask: "Tables?", example: "tasks, notes", many: true}
before:
  - {id: warn, title: Warn the team, tick: Warn the team}
"""


@pytest.fixture
def shown(tmp_path: Path) -> ShownProcedure:
    """Return a procedure of every sort of value, read for CLI 3."""
    book = read_book(write_book(tmp_path, {"fix-it": procedure_text(STEPS, more=MORE)}))
    return read_with_examples(book.procedures["fix-it"], book.policy, 3, "<project_ref>")


def _at(shown: ShownProcedure, step: str) -> Place:
    return next(place for place in shown.expansion.places if place.step.id == step)


def test_titles_hold_examples_and_names(shown: ShownProcedure) -> None:
    """A parameter and an asked value by example, a list by its first value, a captured value by its name."""
    titles = {place.step.id: shown.title(place) for place in shown.expansion.places}
    assert titles["set"] == "Set KEY"
    assert titles["count"] == "Count from 3"
    assert titles["one"] == "Take <total>"
    assert titles["pack"] == "Pack tasks"


def test_headings_come_from_answers_and_phases(shown: ShownProcedure) -> None:
    """An answer with steps heads the first of them, in place of a phase; numbers come from the places."""
    heads = [(heading, place.shown_number) for heading, place in headed(shown.expansion.steps)]
    assert heads == [
        ("Set it", "1"),
        ("", "2"),
        ("", "3"),
        ("", "4"),
        ("a) One", "4a.1"),
        ("", "4a.2"),
        ("", "5"),
        ("", "5.1"),
        ("", "6"),
    ]
    assert [place.shown_number for place in shown.expansion.before] == ["1"]


def test_author_who_says_that_a_statement_writes_is_believed(shown: ShownProcedure) -> None:
    """A view may call a function that writes, without a word that shows it."""
    note = shown.effect_note(_at(shown, "count"))
    assert note is not None
    assert (note.effect, note.text) == (Effect.WRITES, "WRITES to production.")


def test_step_by_hand_has_an_effect_only_by_its_author(shown: ShownProcedure) -> None:
    """Nothing is known of what a person does."""
    assert shown.effect_note(_at(shown, "seen")) is None
    note = shown.effect_note(_at(shown, "leave"))
    assert note is not None
    assert note.effect is Effect.DESTROYS


def test_no_secret_is_shown(shown: ShownProcedure) -> None:
    """The private file is named by its variables, in the argv by its own name."""
    step = next(step for step in record_of(shown)["steps"] if step["id"] == "set")  # type: ignore[attr-defined]
    assert step["argv"] == ["npx", "supabase", "secrets", "set", "--remote", "--env-file", "<env_file>"]
    assert step["env_file"] == ["KEY"]


def test_record_has_the_path_and_what_the_title_says_too(shown: ShownProcedure) -> None:
    """A path names a step whatever its number; a tick that is its own title is still data."""
    record = record_of(shown)
    steps = {step["id"]: step for step in record["steps"]}  # type: ignore[attr-defined]
    assert steps["one"]["path"] == "which/one"
    assert steps["pack"]["path"] == "all/pack"
    assert steps["two"]["tick"] == steps["two"]["title"] == "Take the other"
    assert record["before"][0]["path"] == "before/warn"  # type: ignore[index]
