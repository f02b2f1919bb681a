"""What is kept in the user's cache: never stale, never anybody else's, never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import runbook
from runbook import cache as kept
from runbook.cache import entry_of, find_kept, keep

CODE = ("loading", "cli/contents.py")
DEEP = "[" * 100_000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "cache/runbook"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a package with the modules in `CODE`, in place of the real one."""
    package = tmp_path / "runbook"
    (package / "loading").mkdir(parents=True)
    (package / "cli").mkdir()
    for name in ("loading/book.py", "loading/files.py", "cli/contents.py", "cli/list.py"):
        (package / name).write_text("A = 1\n")
    monkeypatch.setattr(runbook, "__file__", str(package / "__init__.py"))
    kept._known.clear()
    yield package
    kept._known.clear()


def entry(text: bytes = b"text", use: str = "test") -> Path:
    """Return the entry for a text, as a process that starts now sees it."""
    kept._known.clear()
    found = entry_of(text, use=use, code=CODE)
    assert found is not None
    return Path(found)


def test_what_is_kept_is_found() -> None:
    """The value comes back as JSON has it."""
    keep(entry(), {"a": [1, 2.5, True, None, "é"]})

    assert find_kept(entry()) == {"a": [1, 2.5, True, None, "é"]}


def test_each_text_and_each_use_has_its_own_entry() -> None:
    """Neither is mistaken for another, not even where the two together read the same."""
    assert len({entry(b"text"), entry(b"texu"), entry(b"ttext", "tes"), entry(b"text", "other")}) == 4


@pytest.mark.parametrize("name", ["loading/book.py", "cli/contents.py"])
def test_changed_code_finds_nothing_kept(sources: Path, name: str) -> None:
    """An edit in a checkout counts, though neither the version, the size nor the time of the file tells of it."""
    before, about = entry(), (sources / name).stat()

    (sources / name).write_text("A = 2\n")
    os.utime(sources / name, ns=(about.st_atime_ns, about.st_mtime_ns))

    assert entry() != before


@pytest.mark.parametrize("name", ["loading/new.py", "loading/files.py"])
def test_a_module_that_comes_or_goes_is_a_change(sources: Path, name: str) -> None:
    """What is read may depend on any module of a package."""
    before, path = entry(), sources / name

    path.unlink() if path.exists() else path.write_text("")

    assert entry() != before


@pytest.mark.parametrize(("module", "name"), [(runbook, "__version__"), (sys, "version")])
def test_a_new_version_finds_nothing_kept(module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the same code under another interpreter."""
    before = entry()
    monkeypatch.setattr(module, name, "999")
    assert entry() != before


def test_other_code_is_no_change(sources: Path) -> None:
    """Modules that have no part in it may change as they like."""
    before = entry()
    (sources / "cli/list.py").write_text("A = 3\n")
    assert entry() == before


def test_without_its_sources_nothing_is_kept(sources: Path, cache: Path) -> None:
    """In an archive nobody could tell whether the code changed."""
    (sources / "cli/contents.py").unlink()
    assert entry_of(b"text", use="test", code=CODE) is None
    keep(None, 1)
    assert find_kept(None) is None
    assert not cache.exists()


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id that the machine does not know costs time and nothing else."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    assert entry_of(b"text", use="test", code=CODE) is None


@pytest.mark.parametrize(
    "text", ["", '{"a": [1', "garbage", "\x00", DEEP], ids=["empty", "cut", "words", "nul", "deep"]
)
def test_a_damaged_entry_is_ignored_and_written_anew(text: str) -> None:
    """It is as if it was not there."""
    keep(entry(), 1)
    entry().write_text(text)
    assert find_kept(entry()) is None

    keep(entry(), 1)
    assert find_kept(entry()) == 1


@pytest.mark.parametrize(("file", "directory"), [(0o666, 0o700), (0o620, 0o700), (0o600, 0o777), (0o600, 0o720)])
def test_an_entry_that_others_could_have_written_is_not_read(file: int, directory: int) -> None:
    """The next process that keeps something writes its own, and closes the directory."""
    keep(entry(), "planted")
    entry().chmod(file)
    entry().parent.chmod(directory)
    assert find_kept(entry()) is None

    keep(entry(), "own")
    assert find_kept(entry()) == "own"
    assert [each.stat().st_mode & 0o777 for each in (entry().parent, entry())] == [0o700, 0o600]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """It may lead to a file of this user's that others can write to."""
    (tmp_path / "elsewhere").write_text('"planted"')
    keep(entry(), "own")
    entry().unlink()
    entry().symlink_to(tmp_path / "elsewhere")
    assert find_kept(entry()) is None


def test_the_cache_is_private(cache: Path) -> None:
    """Directories and files are the caller's alone."""
    keep(entry(), 1)
    assert [each.stat().st_mode & 0o777 for each in (cache, entry().parent, entry())] == [0o700, 0o700, 0o600]


def test_where_nothing_can_be_written_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only home is no failure."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    keep(entry(), 1)
    assert find_kept(entry()) is None


def test_the_oldest_entries_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache does not grow without end."""
    monkeypatch.setattr(kept, "ENTRY_LIMIT", 3)
    monkeypatch.setattr(kept, "_EVERY", 1)
    texts = [str(number).encode() for number in range(5)]
    for age, text in enumerate(texts):
        keep(entry(text), age)
        os.utime(entry(text), ns=(age, age))

    assert [find_kept(entry(text)) for text in texts] == [None, None, 2, 3, 4]


def test_entries_are_counted_at_the_first_write_of_a_process_and_then_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short processes count each time, and one that writes thousands doesn't list thousands each time."""
    monkeypatch.setattr(kept, "ENTRY_LIMIT", 1)
    monkeypatch.setattr(kept, "_EVERY", 3)
    monkeypatch.setattr(kept, "_writes", 0)
    left = []
    for number in range(8):
        keep(entry(str(number).encode()), number)
        left.append(len(list(entry().parent.iterdir())))

    assert left == [1, 2, 3, 0, 1, 2, 0, 1]


def test_an_entry_in_use_stays_while_others_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """However old it is: a book that is read every day isn't forgotten for one that is edited all day."""
    monkeypatch.setattr(kept, "ENTRY_LIMIT", 4)
    monkeypatch.setattr(kept, "_EVERY", 1)
    keep(entry(b"used"), "used")
    for number in range(20):
        os.utime(entry(b"used"), (1, 1))
        assert find_kept(entry(b"used")) == "used"
        keep(entry(str(number).encode()), number)
        assert len(list(entry().parent.iterdir())) <= 4


def test_writers_and_readers_do_not_meet(cache: Path) -> None:
    """While several processes write the same entry, each reader finds a whole one, and nothing is left over."""
    code = (
        "import sys; from runbook.cache import *\n"
        f"for _ in range(60): keep(entry_of(b'text', use='test', code={CODE!r}), [sys.argv[1]] * 20_000)"
    )
    keep(entry(), ["0"] * 20_000)
    writers = [subprocess.Popen([sys.executable, "-c", code, str(number)]) for number in (1, 2, 3)]
    while any(writer.poll() is None for writer in writers):
        found = find_kept(entry())
        assert found is not None
        assert len(found) == 20_000
        assert len(set(found)) == 1

    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert list(entry().parent.iterdir()) == [entry()]


def test_entries_are_data() -> None:
    """They are JSON texts behind a seal, and reading one runs no code that it names."""
    keep(entry(), {"record": "os.system"})
    assert json.loads(entry().read_text().splitlines()[1]) == {"record": "os.system"}
    source = Path(kept.__file__).read_text(encoding="utf-8")
    assert not [word for word in ("pickle", "marshal", "shelve", "eval(", "exec(", "import_module") if word in source]
