"""Each block in text, in Markdown and as data."""

from __future__ import annotations

from types import ModuleType
from typing import get_args

import pytest

from runbook.markup import plain_prose
from runbook.model import Effect, Parameter, Position
from runbook.rendering import json_record, markdown, plain_text
from runbook.rendering.plain_text import Column
from runbook.steps import view

ROWS = view.Verification((view.CommandToRun(("git", "log")),), ("`count` is `1`",))
VERIFIED = "Verify:\n\n  ```sh\n  git log\n  ```\n\n  Expected: `count` is `1`"
SAMPLES: dict[view.Block, tuple[str, str, dict[str, object]]] = {
    view.Note(view.Label.WARNING, "It locks <table>"): (
        "WARNING: It locks <table>",
        "Warning: It locks &lt;table>",
        {"warning": "It locks <table>"},
    ),
    view.Note(view.Label.IF_IT_FAILS, "Wait", "fix-it"): (
        "If it fails: Wait -> fix-it",
        "If it fails: Wait See `fix-it`.",
        {"if_it_fails": {"text": "Wait", "see": "fix-it"}},
    ),
    view.Prose("Call them"): ("[ ] Call them", "Call them", {"tick": "Call them"}),
    view.CommandToRun(("git", "log", "a b")): (
        "$ git log 'a b'",
        "```sh\n  git log 'a b'\n  ```",
        {"argv": ["git", "log", "a b"]},
    ),
    view.CommandToRun(("git", "log"), lead="Check it:"): (
        "Check it:\n  $ git log",
        "Check it:\n\n  ```sh\n  git log\n  ```",
        {"check": ["git", "log"]},
    ),
    view.EffectNote(Effect.WRITES, "WRITES to production."): (
        "WRITES to production.",
        "WRITES to production.",
        {"effect": "writes"},
    ),
    view.Statement("select 1"): ("", "", {"sql": "select 1"}),
    view.PrivateFile(("KEY",)): (
        "<env_file> is a private file that sets KEY. A run writes and deletes it.",
        "`<env_file>` is a private file that sets `KEY`. A run writes and deletes it.",
        {"env_file": ["KEY"]},
    ),
    view.File("a.sql", "select 1;\n\nselect 2;\n"): (
        "Edit a.sql. Begin with:\n  | select 1;\n  | \n  | select 2;",
        "Edit `a.sql`. Begin with:\n\n  ```sql\n  select 1;\n\n  select 2;\n  ```",
        {"edit": "a.sql", "template": "select 1;\n\nselect 2;\n"},
    ),
    view.File("a.ts", None, "HEAD~1:a.ts"): (
        "Edit a.ts. Begin with:\n  | what git has at HEAD~1:a.ts",
        "Edit `a.ts`. Begin with what git has at `HEAD~1:a.ts`.",
        {"edit": "a.ts", "git": "HEAD~1:a.ts"},
    ),
    view.HttpRequest("POST", "https://x.test/f", (("Authorization", "<key>"),), '{"a": 1}'): (
        'POST https://x.test/f\n    Authorization: <key>\n    {"a": 1}',
        '```http\n  POST https://x.test/f\n  Authorization: <key>\n\n  {"a": 1}\n  ```',
        {
            "request": {
                "method": "POST",
                "url": "https://x.test/f",
                "headers": {"Authorization": "<key>"},
                "body": '{"a": 1}',
            }
        },
    ),
    view.Options(
        (
            view.Choice("A table", "It is empty", has_steps=True),
            view.Choice("Nothing"),
            view.Choice("Again", back_to="one"),
        )
    ): (
        "a) A table (It is empty)\n  b) Nothing: continue\n  c) Again: go back to one",
        "- a) A table (It is empty)\n  - b) Nothing: continue\n  - c) Again: go back to one",
        {"choose": ["A table", "Nothing", "Again"]},
    ),
    view.Looks((view.Reading("Locks", (view.Statement("select 1"),)),)): (
        "Locks:",
        "Locks:",
        {"looks": [{"look": "Locks", "sql": "select 1"}]},
    ),
    view.Ask(Parameter(name="table", ask="Which table?", example="tasks", at=Position("", 1, 1))): (
        "Note the value: Which table?",
        "Note the value: Which table?",
        {"asks": {"name": "table", "ask": "Which table?", "example": "tasks"}},
    ),
    view.Pause(30.0, "It settles"): (
        "Wait 30 s: It settles",
        "Wait 30 s: It settles",
        {"wait": 30.0, "for": "It settles"},
    ),
    view.Repeat("one", "names", "a,b"): (
        "Repeat these steps for each of names: a,b",
        "Repeat these steps for each of `names`: a,b",
        {"each": "names", "as": "one"},
    ),
    view.Included("fix-it"): (
        "These are the steps of fix-it:",
        "These are the steps of `fix-it`.",
        {"include": "fix-it"},
    ),
    view.Expected(("it exits with 1", "`count` is `<n>`")): (
        "Expected: it exits with 1; `count` is `<n>`",
        "Expected: it exits with 1; `count` is `<n>`",
        {"expect": ["it exits with 1", "`count` is `<n>`"]},
    ),
    ROWS: (
        "Verify:\n  $ git log\n  Expected: `count` is `1`",
        VERIFIED,
        {"verify": ["git", "log"], "verify_expect": ["`count` is `1`"]},
    ),
    view.UndoWay((view.Prose("Delete it"),)): ("Undo: Delete it", "Undo: Delete it", {"undo": {"tick": "Delete it"}}),
    view.UndoWay((), "It is gone"): ("No undo: It is gone", "No undo: It is gone", {"undo": {"none": "It is gone"}}),
    view.UndoWay((view.CommandToRun(("git", "revert")),), check=ROWS): (
        "Undo:\n  $ git revert\n  Verify:\n  $ git log\n  Expected: `count` is `1`",
        f"Undo:\n\n  ```sh\n  git revert\n  ```\n\n  {VERIFIED}",
        {"undo": {"argv": ["git", "revert"], "verify": ["git", "log"], "verify_expect": ["`count` is `1`"]}},
    ),
}
"""Blocks with what text (behind a margin of two), Markdown and JSON make of them."""

_IDS = [f"{index}-{type(block).__name__}" for index, block in enumerate(SAMPLES)]


@pytest.mark.parametrize("renderer", [plain_text, markdown, json_record])
def test_every_block_has_a_place_in_every_renderer(renderer: ModuleType) -> None:
    """A new block can't be forgotten, and each one has a sample here."""
    assert set(renderer.BLOCKS) == set(get_args(view.Block)) == {type(block) for block in SAMPLES}


@pytest.mark.parametrize("block", SAMPLES, ids=_IDS)
def test_block_in_plain_text(block: view.Block) -> None:
    """It stands behind the margin of its step."""
    lines = list(Column(80, "  ").blocks((block,)))
    assert all(line.startswith("  ") for line in lines)
    assert "\n".join(lines).removeprefix("  ") == SAMPLES[block][0]


@pytest.mark.parametrize("block", SAMPLES, ids=_IDS)
def test_block_in_markdown(block: view.Block) -> None:
    """It belongs to its step's list item, with an empty line before it; a name in angle brackets is no tag."""
    lines = list(markdown.BLOCKS[type(block)](block))
    assert lines[:1] in ([""], [])
    assert "\n".join(lines).removeprefix("\n  ") == SAMPLES[block][1]


@pytest.mark.parametrize("block", SAMPLES, ids=_IDS)
def test_block_as_data(block: view.Block) -> None:
    """It adds its own keys to the record of its step."""
    assert json_record.BLOCKS[type(block)](block) == SAMPLES[block][2]


def test_long_text_stays_within_the_column() -> None:
    """Its other lines are indented as deep as the first."""
    lines = list(Column(40, "    ").blocks((view.Prose("word " * 20),)))
    assert all(len(line) <= 40 for line in lines)
    assert {line[:4] for line in lines} == {"    "}
    assert lines[1].startswith("     ") or lines[1].startswith("    word")


def test_a_link_is_named_by_its_page_or_its_address() -> None:
    """A terminal has nothing to click on. What only looks like a link stays as it is."""
    assert plain_prose("Read [why](/start/why.md) first") == "Read why (page start/why) first"
    assert plain_prose("Run [A fix](/procedures/a-fix.md) next") == "Run A fix (a-fix) next"
    assert plain_prose("See [the log](https://a.example/x).") == "See the log (https://a.example/x)."
    assert plain_prose("`[a](/b.md)` [x](javascript:y)") == "`[a](/b.md)` [x](javascript:y)"
