"""JSON with comments is read strictly, and edited as text."""

from __future__ import annotations

from typing import Any

import pytest
from guard_support.jsonc_documents import documents
from hypothesis import given

from runbook.guard.jsonc import Node, NotJsoncError, insert, is_open, read_jsonc, remove


def containers(node: Node) -> list[Node]:
    """Return every object and list in a value, itself first."""
    if not isinstance(node.value, dict | list):
        return []
    return [node, *(each for item in node.items for each in containers(item.node))]


@given(documents())
def test_every_layout_is_read_as_its_value(document: tuple[str, Any]) -> None:
    """Comments, trailing commas, line breaks and a byte order mark don't change the value."""
    text, value = document
    root = read_jsonc(text).root
    assert root is not None
    assert root.value == value


@given(documents())
def test_what_is_inserted_anywhere_can_be_removed_again(document: tuple[str, Any]) -> None:
    """Every object and list of a document gets an item, whose removal restores every byte."""
    text, _ = document
    read = read_jsonc(text)
    assert read.root is not None
    for number, container in enumerate(containers(read.root)):
        key = "new" if isinstance(container.value, dict) else None
        edited = read_jsonc(insert(read, container, {"a": [1, 2]}, key=key))
        assert edited.root is not None
        same = containers(edited.root)[number]
        assert same.items[-1].node.value == {"a": [1, 2]}
        assert remove(edited, same, len(same.items) - 1, closes_up=not is_open(read, container)) == text


@given(documents())
def test_removing_any_item_leaves_the_others_and_every_comment(document: tuple[str, Any]) -> None:
    """Whoever wrote them, and wherever they are."""
    text, _ = document
    read = read_jsonc(text)
    assert read.root is not None
    for container in containers(read.root):
        for index, item in enumerate(container.items):
            left = read_jsonc(remove(read, container, index, closes_up=True))
            assert left.root is not None
            same = next(each for each in containers(left.root) if each.start == container.start)
            rest = [each.node.value for each in container.items if each is not item]
            assert [each.node.value for each in same.items] == rest
            inside = sum(item.start <= start < item.end for start, _ in read.comments)
            assert len(left.comments) == len(read.comments) - inside


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ('{"a": 1', (1, 8), "expected ',' or '}'"),
        ('{\n  "a": 1\n  "b": 2}', (3, 3), "expected ',' or '}'"),
        ("[1 2]", (1, 4), "expected ',' or ']'"),
        ("{a: 1}", (1, 2), "expected a key in double quotes"),
        ("{,}", (1, 2), "expected a key in double quotes"),
        ("[,]", (1, 2), "expected a value"),
        ("[1,,]", (1, 4), "expected a value"),
        ("{'a': 1}", (1, 2), "expected a key in double quotes"),
        ('{"a" 1}', (1, 6), "expected ':' after the key"),
        ('{"a":\n NaN}', (2, 2), "expected a value"),
        ("[01]", (1, 3), "expected ',' or ']'"),
        ("[-]", (1, 2), "expected a value"),
        ('["a\nb"]', (1, 4), "control character"),
        ('["a', (1, 2), "unterminated string"),
        ("{} x", (1, 4), "expected the end of the file"),
        ("{} {}", (1, 4), "expected the end of the file"),
        ("{ /* a", (1, 3), "the comment isn't closed"),
        ("{ / }", (1, 3), "expected a comment"),
        ("{ # a\n}", (1, 3), "expected a key in double quotes"),
        ('{"a": 1, "b": 2,\r\n "a": 3}', (2, 2), "the key 'a' appears twice"),
        ("\ufeff[1 2]", (1, 4), "expected ',' or ']'"),
        ("[" * 1000, (1, 102), "nested too deeply"),
        (f"[{'9' * 5000}]", (1, 2), "the number is too long"),
    ],
)
def test_anything_else_is_an_error_with_its_place(text: str, place: tuple[int, int], says: str) -> None:
    """The line and the column are those of the first character that doesn't fit."""
    with pytest.raises(NotJsoncError, match=says) as caught:
        read_jsonc(text)
    assert (caught.value.line, caught.value.column) == place


def test_a_text_of_blanks_and_comments_has_no_value() -> None:
    """A new settings file may be empty."""
    for text in ("", "\ufeff", " \n", "// later\n", "/* a */ // b"):
        assert read_jsonc(text).root is None


LAYOUTS = [
    ("{}", '{\n  "new": 1\n}'),
    ("{\n}\n", '{\n  "new": 1\n}\n'),
    ('{"a": 1}', '{"a": 1, "new": 1}'),
    ('{\n    "a": 1\n}', '{\n    "a": 1,\n    "new": 1\n}'),
    ('{\r\n\t"a": 1\r\n}\r\n', '{\r\n\t"a": 1,\r\n\t"new": 1\r\n}\r\n'),
    ('{\n  "a": 1,\n}', '{\n  "a": 1,\n  "new": 1,\n}'),
    ('{\n  "a": 1 // one\n}', '{\n  "a": 1, // one\n  "new": 1\n}'),
    ('{\n  "a": 1, // one\n  // two\n}', '{\n  "a": 1, // one\n  "new": 1,\n  // two\n}'),
    ('{"a": 1 /* one */}', '{"a": 1, /* one */ "new": 1}'),
    ("{\n  // none yet\n}", '{\n  "new": 1\n  // none yet\n}'),
    ('{"a": 1 // one\n}', '{"a": 1, // one\n  "new": 1\n}'),
]


@pytest.mark.parametrize(("before", "after"), LAYOUTS)
def test_what_is_inserted_is_laid_out_like_the_rest(before: str, after: str) -> None:
    """Its indentation, line breaks and trailing comma are those of the items before it."""
    read = read_jsonc(before)
    assert read.root is not None
    assert insert(read, read.root, 1, key="new") == after


@pytest.mark.parametrize(
    ("text", "index", "rest"),
    [
        ("[1, 2, 3]", 0, "[2, 3]"),
        ("[1, 2, 3]", 1, "[1, 3]"),
        ("[1, 2, 3]", 2, "[1, 2]"),
        ("[\n  1,\n  2\n]", 0, "[\n  2\n]"),
        ("[\n  1, // one\n  2 // two\n]", 0, "[ // one\n  2 // two\n]"),
        ("[\n  1, // one\n  2 // two\n]", 1, "[\n  1 // one\n   // two\n]"),
        ("[\n  1,\n]", 0, "[]"),
        ("[\n  // one\n  1\n]", 0, "[\n  // one\n]"),
    ],
)
def test_every_comment_stays_when_an_item_is_removed(text: str, index: int, rest: str) -> None:
    """So do the other items, each on its line."""
    read = read_jsonc(text)
    assert read.root is not None
    left = remove(read, read.root, index, closes_up=True)
    assert left == rest
