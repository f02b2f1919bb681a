"""A cache that somebody else filled: nothing in it makes a fatal command harmless."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.cache import find_kept, keep
from runbook.cli import main
from runbook.loading import PACKAGED_BOOK, read_policy
from runbook.user_directories import cache_directory, is_out_of_reach, state_directory

RESET = "npx supabase db reset --linked"
REFUSED = 3
Plant = Callable[[Path, bytes], None]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache and a key of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("RUNBOOK_BOOK", raising=False)
    return tmp_path


def _entries() -> list[Path]:
    return sorted((cache_directory() / "kept").iterdir())


def _weaker(entry: Path) -> bytes:
    """Return an entry's content with every refusal turned into a yes."""
    data = entry.read_bytes()
    return data.replace(b'"refuse"', b'"allow"').replace(b'"destroys"', b'"reads"')


def _warm() -> Path:
    """Fill the cache; return the entry of the policy."""
    assert main(["guard", "--line", RESET]) == REFUSED
    (entry,) = [each for each in _entries() if b'"db-reset"' in each.read_bytes()]
    assert _weaker(entry) != entry.read_bytes()
    return entry


def test_the_cache_is_used() -> None:
    """Otherwise the attacks below would prove nothing."""
    entry = _warm()
    before = entry.stat().st_mtime_ns
    assert main(["guard", "--line", RESET]) == REFUSED
    assert find_kept(entry) is not None
    assert entry.stat().st_mtime_ns == before


def _replace(entry: Path, data: bytes) -> None:
    entry.write_bytes(data)


def _keep_times(entry: Path, data: bytes) -> None:
    about = entry.stat()
    entry.write_bytes(data)
    os.utime(entry, ns=(about.st_atime_ns, about.st_mtime_ns))


def _without_seal(entry: Path, data: bytes) -> None:
    entry.write_bytes(data[data.index(b"{") :])


def _with_zeros(entry: Path, data: bytes) -> None:
    entry.write_bytes(b"0" * 128 + data[128:])


def _by_link(entry: Path, data: bytes) -> None:
    elsewhere = entry.parents[3] / "planted"
    elsewhere.write_bytes(data)
    entry.unlink()
    entry.symlink_to(elsewhere)


def _by_hard_link(entry: Path, data: bytes) -> None:
    elsewhere = entry.parents[3] / "planted"
    elsewhere.write_bytes(data)
    entry.unlink()
    os.link(elsewhere, entry)


def _by_fifo(entry: Path, data: bytes) -> None:
    del data
    entry.unlink()
    os.mkfifo(entry)


def _whole_directory(entry: Path, data: bytes) -> None:
    other = entry.parents[2] / "other"
    shutil.copytree(entry.parents[1], other)
    (other / "kept" / entry.name).write_bytes(data)
    shutil.rmtree(entry.parents[1])
    entry.parents[1].symlink_to(other)


def _sealed_elsewhere(entry: Path, data: bytes) -> None:
    """Seal it with another key, as in the cache of another machine or of a build of somebody else's branch."""
    key = state_directory() / "cache.key"
    own = key.read_bytes()
    key.write_bytes(os.urandom(32))
    keep(entry, json.loads(data.partition(b"\n")[2]))
    key.write_bytes(own)


@pytest.mark.parametrize(
    "plant",
    [
        _replace,
        _keep_times,
        _without_seal,
        _with_zeros,
        _by_link,
        _by_hard_link,
        _by_fifo,
        _whole_directory,
        _sealed_elsewhere,
    ],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_entry_allows_nothing(plant: Plant) -> None:
    """Fatal commands are refused, however the entry got into the cache and whatever its times are."""
    entry = _warm()
    plant(entry, _weaker(entry))
    assert find_kept(entry) is None
    assert main(["guard", "--line", RESET]) == REFUSED
    assert {rule.remote for rule in read_policy(PACKAGED_BOOK).rules if rule.id == "db-reset"} == {"refuse"}


def test_an_entry_does_not_pass_for_another_one(tmp_path: Path) -> None:
    """An entry that this user made from a weak policy counts only for that policy."""
    entry = _warm()
    weak = tmp_path / "weak"
    weak.mkdir()
    text = (PACKAGED_BOOK / "policy.yaml").read_text(encoding="utf-8")
    (weak / "policy.yaml").write_text(
        text.replace("remote: refuse", "remote: allow").replace("verdict: refuse", "verdict: allow"), encoding="utf-8"
    )
    before = set(_entries())
    assert main(["--book", str(weak), "guard", "--line", RESET]) == REFUSED
    (other,) = set(_entries()) - before
    assert other.read_bytes().count(b'"refuse"') < entry.read_bytes().count(b'"refuse"')
    shutil.copy(other, entry)
    assert main(["guard", "--line", RESET]) == REFUSED


@pytest.mark.parametrize("above", ["cache", "cache/runbook", "cache/runbook/kept"])
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720])
def test_a_cache_below_a_directory_that_others_may_write_to_is_not_read(home: Path, above: str, mode: int) -> None:
    """They could replace the cache between the check and the read."""
    entry = _warm()
    (home / above).chmod(mode)
    assert find_kept(entry) is None
    assert main(["guard", "--line", RESET]) == REFUSED


def test_a_directory_of_somebody_else_is_not_trusted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is a directory inside it, because its owner can rename everything there."""
    assert is_out_of_reach(home / "cache")
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    if os.getuid() != 0:  # root is trusted, as it can do anything anyway
        assert not is_out_of_reach(home / "cache")
    monkeypatch.undo()
    (home / "open").mkdir(mode=0o777)
    (home / "open").chmod(0o777)
    assert not is_out_of_reach(home / "open" / "cache")
    (home / "open").chmod(0o1777)
    assert is_out_of_reach(home / "open" / "cache")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o666])
def test_a_key_that_others_can_read_or_write_seals_nothing(mode: int) -> None:
    """Entries sealed with it are made again, under a new key."""
    entry = _warm()
    key = state_directory() / "cache.key"
    old = key.read_bytes()
    key.chmod(mode)
    assert find_kept(entry) is None
    assert main(["guard", "--line", RESET]) == REFUSED
    assert (key.read_bytes() != old, key.stat().st_mode & 0o777) == (True, 0o600)
    assert find_kept(entry) is not None


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_made_anew(content: bytes) -> None:
    """A key that is cut off or too long isn't used."""
    entry = _warm()
    (state_directory() / "cache.key").write_bytes(content)
    assert find_kept(entry) is None
    assert main(["guard", "--line", RESET]) == REFUSED
    assert find_kept(entry) is not None


def test_where_no_key_can_be_kept_nothing_is_cached(home: Path) -> None:
    """The guard still works, only slower."""
    (home / "state").write_text("a file in the way")
    assert main(["guard", "--line", RESET]) == REFUSED
    kept = cache_directory() / "kept"
    assert not kept.exists() or not list(kept.iterdir())
