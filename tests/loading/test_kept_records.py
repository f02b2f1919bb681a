"""Records in the cache: the same values as from YAML, never old ones, never anybody else's."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.books import POLICY, PROCEDURE, write_book

from runbook.cache import find_kept, keep
from runbook.errors import BookError
from runbook.loading import PACKAGED_BOOK, load_book, load_procedure, read_book, read_policy
from runbook.loading.kept_records import find_record, keep_record
from runbook.loading.records import ProcedureMention, Record
from runbook.model import Position, Verdict
from runbook.model.fields import Shape

OWN = "Only this policy says so."
"""Words of a policy that no other file has."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/runbook/kept"


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what makes reading YAML impossible from then on."""
    return lambda: monkeypatch.setattr("runbook.loading.yaml_nodes.parse", None)


@pytest.fixture(scope="module")
def packaged_entries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read the packaged policy into a cache, once."""
    directory = tmp_path_factory.mktemp("packaged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(directory))
        read_policy(PACKAGED_BOOK)
    return directory


@pytest.fixture
def packaged_is_kept(tmp_path: Path, packaged_entries: Path) -> None:
    """Let the packaged policy be in the cache already: every book has it below its own."""
    shutil.copytree(packaged_entries, tmp_path / "cache")


@pytest.fixture
def policy_book(tmp_path: Path, cache: Path, packaged_is_kept: None) -> Path:
    """Return a book with a small policy of its own."""
    return write_book(tmp_path / "book", {}, policy=POLICY.replace("It shows the history.", OWN))


def entry_with(cache: Path, text: str) -> Path:
    """Return the one entry that holds a text."""
    (found,) = (path for path in cache.iterdir() if text in path.read_text(encoding="utf-8"))
    return found


def test_from_the_cache_comes_the_same_book(unread: Callable[[], None]) -> None:
    """Every value of every file, with its place, is as it is from YAML."""
    book, policy = read_book(PACKAGED_BOOK), read_policy(PACKAGED_BOOK)
    procedure = load_procedure(PACKAGED_BOOK, "emergency-rollback")
    unread()

    assert read_book(PACKAGED_BOOK) == book
    assert read_policy(PACKAGED_BOOK) == policy
    assert load_procedure(PACKAGED_BOOK, "emergency-rollback") == procedure


@pytest.mark.usefixtures("packaged_is_kept")
def test_places_carry_the_name_of_the_file_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unread: Callable[[], None]
) -> None:
    """The same text in another directory, or seen from another one, is found there."""
    write_book(tmp_path / "first", {"add-thing": PROCEDURE})
    read_book(tmp_path / "first")
    (tmp_path / "first").rename(tmp_path / "second")
    monkeypatch.chdir(tmp_path)
    unread()

    (step,) = read_book(tmp_path / "second").procedures["add-thing"].steps
    assert step.at.file == "second/procedures/add-thing.yaml"


@pytest.mark.usefixtures("packaged_is_kept")
def test_an_edit_counts_at_once(tmp_path: Path) -> None:
    """Though the file keeps its size and its times; and back again, the old record fits."""
    directory = write_book(tmp_path / "book", {"add-thing": PROCEDURE})
    path = directory / "procedures/add-thing.yaml"
    about = path.stat()

    def summary_of(text: str) -> str:
        path.write_text(text)
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
        return read_book(directory).procedures["add-thing"].summary

    edited = PROCEDURE.replace("A thing is added.", "A thing is eaten.")
    assert [summary_of(text) for text in (PROCEDURE, edited, PROCEDURE)] == [
        "A thing is added.",
        "A thing is eaten.",
        "A thing is added.",
    ]


@pytest.mark.usefixtures("packaged_is_kept")
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Neither the first time nor from the cache."""
    directory = write_book(tmp_path / "book", {"add-thing": PROCEDURE})
    path = directory / "procedures/add-thing.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert [read_book(directory).procedures["add-thing"].source for _ in range(2)] == [PROCEDURE] * 2


@pytest.mark.usefixtures("packaged_is_kept")
def test_a_broken_file_is_never_kept(tmp_path: Path, cache: Path) -> None:
    """Its problems are told each time."""
    directory = write_book(tmp_path / "book", {"add-thing": PROCEDURE.replace("minutes: 5", "minutes: x")})
    first, second = load_book(directory), load_book(directory)

    assert first.findings == second.findings != ()
    assert not [path for path in cache.iterdir() if "A thing is added" in path.read_text()]


@pytest.mark.usefixtures("packaged_is_kept")
def test_a_missing_procedure_is_told_from_the_cache_too(tmp_path: Path) -> None:
    """What a file says of others is checked each time, and the finding underlines the same word."""
    text = PROCEDURE + "related: [add-thinh]\n"
    directory = write_book(tmp_path / "book", {"add-thing": text})
    first, second = load_book(directory), load_book(directory)

    (finding,) = first.findings
    assert "add-thinh" in finding.message
    assert second.findings == first.findings


@pytest.mark.parametrize("text", ["", "{}", "[]", "7", "null", '{"record": {"day": "2026-01-02"}, "references": []}'])
def test_an_entry_with_other_things_in_it_is_made_anew(text: str, cache: Path, policy_book: Path) -> None:
    """Whatever is in it, the policy is the book's."""
    policy = read_policy(policy_book)
    entry = entry_with(cache, OWN)
    entry.write_text(text)

    assert read_policy(policy_book) == policy
    if text:
        keep(entry, json.loads(text))
        assert read_policy(policy_book) == policy
    assert len(entry.read_text()) > 1_000


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: ["nothing", *record[1:]],
        lambda record: ["rule", *record[1:]],
        lambda record: record[:3],
        lambda record: [*record[:4], [1]],
        lambda record: [*record[:2], 5, *record[3:]],
        lambda record: [*record[:3], {"rules": [1]}, record[4]],
        lambda record: [*record[:2], {**record[2], "rules": {"day": "tomorrow"}}, *record[3:]],
        lambda record: [*record[:2], {**record[2], "rules": {"a": 1, "b": 2}}, *record[3:]],
    ],
)
def test_a_record_that_is_not_of_its_tables_is_made_anew(
    spoil: Callable[[list[Any]], list[Any]], cache: Path, policy_book: Path
) -> None:
    """An unknown table, another one, missing parts and impossible values are not taken."""
    policy = read_policy(policy_book)
    entry = entry_with(cache, OWN)
    whole = find_kept(entry)
    keep(entry, {**whole, "record": {"record": spoil(whole["record"]["record"])}})

    assert read_policy(policy_book) == policy


def test_a_lenient_policy_planted_by_others_changes_nothing(cache: Path, policy_book: Path) -> None:
    """An entry that somebody else could have written is not read."""
    policy = read_policy(policy_book)
    entry = entry_with(cache, OWN)
    entry.write_text(entry.read_text().replace("refuse", "allow"))
    entry.chmod(0o666)

    assert read_policy(policy_book) == policy
    assert any(rule.remote is Verdict.REFUSE for rule in policy.rules)


def test_without_a_cache_everything_is_read_each_time(monkeypatch: pytest.MonkeyPatch, policy_book: Path) -> None:
    """A read-only home costs time and nothing else, and errors are the same."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert read_policy(policy_book) == read_policy(policy_book)
    (policy_book / "policy.yaml").write_text("rules: [")
    for _ in range(2):
        with pytest.raises(BookError):
            read_policy(policy_book)


TABLE, PLACE = Shape("table", "a table", ""), Position("book/file.yaml", 3, 7)
PLAIN = st.text() | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.dates()
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
        | inner.map(lambda value: Record(TABLE, "", {"a": value}, {"a": PLACE}, PLACE))
    ),
)


@given(VALUES, st.binary())
def test_every_value_comes_back_as_it_was(value: object, data: bytes) -> None:
    """With its type: a date is no text, a number as a key is no text, and a tuple is no list."""
    record = Record(TABLE, "kind", {"value": value}, {"value": PLACE}, PLACE)
    references = [ProcedureMention("add-thing", PLACE, 9)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runbook.loading.kept_records.keep", lambda _entry, kept: stored.append(json.dumps(kept)))
        patch.setattr("runbook.loading.kept_records.find_kept", lambda _entry: json.loads(stored[-1]))
        stored: list[str] = []
        keep_record(data, record, references)
        found = find_record(data, "table", PLACE.file, {"table": TABLE})

    assert found == (record, references)
    assert repr(found[0]) == repr(record)
