"""Files that are not what they should be: any bytes, any YAML, bombs and giants. The answer is always a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.books import PROCEDURE, write_book

from runbook.checks import open_book
from runbook.cli import main
from runbook.errors import BookError, Finding
from runbook.loading import read_book, yaml_nodes
from runbook.loading.source_text import SIZE_LIMIT
from runbook.model import Book

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
)


def _problems(book: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["--book", str(book), "check"]) == 2
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return [line.removeprefix(f"{book}/") for line in out.splitlines() if line.startswith(str(book))]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"title: Add\nsummary: caf\xe9\n", "2:13: is not UTF-8: byte 0xe9 at offset 23", id="latin-1"),
        pytest.param("title: x\n".encode("utf-16"), "1:1: is not UTF-8: byte 0xff at offset 0", id="utf-16"),
        pytest.param(b"title: \x00\n", "1:8: YAML can't contain a control character (U+0000)", id="nul"),
        pytest.param(BOMB.encode(), "2:8: the alias *a isn't allowed: write the value out", id="billion laughs"),
        pytest.param(b"[" * 200_000, "1:34: is nested deeper than 32 levels", id="deep lists"),
        pytest.param(b"{a: " * 60_000, "1:130: is nested deeper than 32 levels", id="deep mappings"),
        pytest.param(b"- " * 100_000, "1:67: is nested deeper than 32 levels", id="deep blocks"),
        pytest.param(b"? " * 100_000, "1:67: is nested deeper than 32 levels", id="deep keys"),
        pytest.param(b"a: x\n" * 2_100_000, "1:1: is larger than 256 KiB", id="10 MB"),
        pytest.param(b"\n" * 10_000_000, "1:1: is larger than 256 KiB", id="10 MB of nothing"),
    ],
)
def test_hostile_files_are_refused_with_a_sentence(
    data: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What can't be a procedure is refused, with its place, before it costs anything."""
    book = write_book(tmp_path / "book")
    (book / "procedures" / "add-thing.yaml").write_bytes(data)
    assert f"procedures/add-thing.yaml:{said}" in "\n".join(_problems(book, capsys))


def test_a_large_file_is_never_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the limit is read, and nothing is parsed."""
    book = write_book(tmp_path / "book")
    with (book / "procedures" / "add-thing.yaml").open("wb") as file:
        file.truncate(10**12)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # no file was read before
    sizes: list[int] = []

    def loader(text: str) -> yaml.CSafeLoader:
        sizes.append(len(text))
        return yaml.CSafeLoader(text)

    monkeypatch.setattr(yaml_nodes, "_Loader", loader)
    with pytest.raises(BookError, match="larger than 256 KiB"):
        read_book(book)
    assert max(sizes) < SIZE_LIMIT


def test_what_is_no_file_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory or a pipe with the name of a procedure is not opened, which could wait for ever."""
    book = write_book(tmp_path / "book")
    (book / "procedures" / "folder.yaml").mkdir()
    os.mkfifo(book / "procedures" / "pipe.yaml")
    assert _problems(book, capsys) == [
        "procedures/folder.yaml:1:1: isn't a file",
        "procedures/pipe.yaml:1:1: isn't a file",
    ]


def test_a_link_to_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link that leads nowhere is named."""
    book = write_book(tmp_path / "book")
    (book / "procedures" / "gone.yaml").symlink_to(tmp_path / "nowhere")
    assert _problems(book, capsys) == ["procedures/gone.yaml:1:1: isn't a file"]


def test_an_empty_book(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A book without procedures is no book."""
    assert _problems(write_book(tmp_path / "book", {}), capsys) == ["procedures:1:1: there is no procedure here"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(lambda text: "---\n" + text + "...\n", id="document marks"),
        pytest.param(lambda text: "# é\n" + text, id="comment"),
    ],
)
def test_harmless_differences(change: Callable[[str], str], tmp_path: Path) -> None:
    """What editors leave behind does no harm."""
    book = write_book(tmp_path / "book")
    (book / "procedures" / "add-thing.yaml").write_bytes(change(PROCEDURE).encode())
    assert open_book(str(book)).procedures["add-thing"].title == "Add a thing"


# Words of the format, so that what is generated gets past the first door.
NAMES = (
    "title summary section use_when owner reviewed review_every minutes steps id run sql tick choose when each as"
    " include with parameters ask example pattern many secret verify undo expect capture json drills answers prove <<"
)
KEYS = st.sampled_from(NAMES.split())
USUAL = ("git log {{target}}", "{{x}}", "add-thing", "before", "2026-01-02", "90d", "5", "on", "~", "'", "[", "*a")
WORDS = st.one_of(KEYS, st.sampled_from(USUAL), st.text(max_size=8))
VALUES = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(KEYS, inner).map(": ".join), max_size=4).map(lambda pairs: f"{{{', '.join(pairs)}}}"),
    ),
    max_leaves=8,
)
BLOCKS = ("steps:", "  - id: a", "    title: A", "    run: |", "    - x", "parameters:", "  x: {ask: X}", "---", "...")
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(": ".join),
    VALUES.map(lambda value: f"  - {value}"),
    st.sampled_from(BLOCKS),
)
YAML = st.one_of(
    st.lists(LINES, max_size=8).map("\n".join),
    st.lists(LINES, max_size=4).map(lambda lines: PROCEDURE + "\n".join(lines)),
)


def _opens_or_says_why(book: Path, data: bytes) -> None:
    (book / "procedures" / "add-thing.yaml").write_bytes(data)
    findings: tuple[Finding, ...] | None = None
    try:
        opened = open_book(str(book))
    except BookError as error:
        findings = error.findings
    else:
        assert isinstance(opened, Book)
    assert findings is None or findings
    for finding in findings or ():
        assert finding.line >= 1
        assert finding.column >= 1
        assert str(finding)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write one book that all examples share; each writes its file anew."""
    return write_book(tmp_path_factory.mktemp("hostile") / "book")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=YAML)
@example(text="title: &a [*a]\n")
@example(text="? ? a\n: b\n")
@example(text="a: !<x> b")
@example(text="%TAG ! x\n---\na")
@example(text="a: \u2028 b\n\u2029c: \x85d")
@example(text=PROCEDURE + "drills: [{name: a, briefing: x, scenario: {platform: {a: !x [&b *b]}}}]")
@example(text=PROCEDURE + "parameters: {x: {ask: X, example: x, pattern: '[[a]'}}")
@example(text=PROCEDURE + "parameters: {x: {ask: X, example: x, pattern: 'a{99999999999999999999}'}}")
def test_any_yaml_is_read_or_refused(book: Path, text: str) -> None:
    """Whatever the YAML says, the book is opened or every problem has a place; nothing else is raised."""
    _opens_or_says_why(book, text.encode("utf-8", "surrogatepass"))


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
@example(data=b"\xef\xbb\xbf")
@example(data=b"\xff\xfe\x00")
@example(data=b"a: \xed\xa0\x80")
def test_any_bytes_are_read_or_refused(book: Path, data: bytes) -> None:
    """Whatever the bytes are, the book is opened or every problem has a place; nothing else is raised."""
    _opens_or_says_why(book, data)
