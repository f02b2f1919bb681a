"""The policy that is kept ready: the very same, never an old one, never anybody else's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runbook.errors import BookError, UsageError
from runbook.guard.policy_cache import load_policy
from runbook.loading import PACKAGED_BOOK, read_policy
from runbook.model import Policy, Verdict


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/runbook"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a copy of the packaged policy in a book of its own."""
    directory = tmp_path / "book"
    directory.mkdir()
    for name in ("policy.yaml", "supabase.yaml"):
        shutil.copy(PACKAGED_BOOK / name, directory)
    return directory


def kept(cache: Path) -> Path:
    """Return the one file in the cache."""
    (path,) = cache.iterdir()
    return path


def without_tests(policy: Policy) -> Policy:
    """Return a policy as the guard needs it."""
    return replace(policy, rules=tuple(replace(rule, tests=()) for rule in policy.rules))


def test_what_is_kept_is_the_policy_of_the_book(book: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From YAML and from the kept file comes the same, for the packaged book and for a team's."""
    assert load_policy(None) == without_tests(read_policy(PACKAGED_BOOK))
    shutil.rmtree(cache)
    first = load_policy(str(book))
    monkeypatch.setattr("runbook.loading.read_policy", None)  # from here on YAML is not read

    assert load_policy(str(book)) == first
    assert first == without_tests(read_policy(book))


def test_reading_the_policy_loads_nothing_of_steps(book: Path) -> None:
    """A guard that finds nothing kept reads two files, and imports no more than these need."""
    code = (
        "import pathlib, sys; from runbook.loading import read_policy; read_policy(pathlib.Path(sys.argv[1])); "
        "print(*sorted(name for name in sys.modules if name.startswith(('runbook.model.', 'runbook.steps'))))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(book)], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == [f"runbook.model.{name}" for name in ("fields", "policy", "templates", "terms")]


def test_a_change_of_the_book_counts_at_once(book: Path) -> None:
    """Neither a changed nor a replaced file is mistaken for the old one."""
    before = load_policy(str(book))
    policy = book / "policy.yaml"
    policy.write_text(policy.read_text().replace("id: db-push\n", "id: db-pusx\n"))
    after = load_policy(str(book))

    assert before != after
    assert any(rule.id == "db-pusx" for rule in after.rules)
    about = policy.stat()
    policy.write_text(policy.read_text().replace("id: db-pusx\n", "id: db-push\n"))
    os.utime(policy, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert load_policy(str(book)) == before


@pytest.mark.parametrize("text", ["", "{}", "[]", "garbage", '{"age": null, "policy": ["data", "os", 1]}'])
def test_a_broken_file_is_made_anew(text: str, cache: Path) -> None:
    """Whatever is in it, the policy is the book's."""
    policy = load_policy(None)
    path = kept(cache)
    path.write_text(text)

    assert load_policy(None) == policy
    assert len(path.read_text()) > 10_000


def test_a_file_of_the_right_age_with_other_things_in_it_is_made_anew(cache: Path) -> None:
    """A kind, a class or a number of fields that is not the model's is not taken."""
    policy = load_policy(None)
    path = kept(cache)
    whole = json.loads(path.read_text())
    for wrong in (["tuple"], ["data", "Nothing"], ["data", "Policy"], ["enum", "Verdict", "maybe"], ["map", [1]], 7):
        path.write_text(json.dumps({**whole, "policy": wrong}))
        assert load_policy(None) == policy


def test_a_file_that_others_could_have_written_is_not_read(cache: Path) -> None:
    """A lenient policy planted in the cache changes nothing."""
    load_policy(None)
    path = kept(cache)
    planted = path.read_text().replace('"refuse"', '"allow"')
    for path_mode, directory_mode in ((0o666, 0o700), (0o600, 0o777), (0o620, 0o700)):
        path.write_text(planted)
        path.chmod(path_mode)
        cache.chmod(directory_mode)
        assert any(rule.remote is Verdict.REFUSE for rule in load_policy(None).rules)
        path = kept(cache)
    path.unlink()
    path.symlink_to(path.with_name("elsewhere"))
    path.with_name("elsewhere").write_text(planted)
    assert any(rule.remote is Verdict.REFUSE for rule in load_policy(None).rules)


def test_the_cache_is_private(cache: Path) -> None:
    """The directory and the file are the caller's alone."""
    load_policy(None)
    assert cache.stat().st_mode & 0o777 == 0o700
    assert kept(cache).stat().st_mode & 0o777 == 0o600


def test_without_a_cache_the_policy_is_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only home costs time and nothing else."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert load_policy(None) == load_policy(None)


def test_a_book_that_is_wrong_is_never_kept(book: Path, cache: Path) -> None:
    """Errors are raised each time."""
    (book / "policy.yaml").write_text("rules: [")
    for _ in range(2):
        with pytest.raises(BookError):
            load_policy(str(book))
    with pytest.raises(UsageError):
        load_policy(str(book / "nowhere"))
    assert not cache.exists()
