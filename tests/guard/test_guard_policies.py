"""The policy that a line is judged by is that of the book as it is now, and loads fast."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runbook.guard.judging import judge_line
from runbook.loading import PACKAGED_BOOK
from runbook.model import Verdict

LINE = "npx supabase db reset --linked"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache and a log of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "cache/runbook/kept"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a copy of the packaged policy in a book of its own."""
    directory = tmp_path / "book"
    directory.mkdir()
    for name in ("policy.yaml", "supabase.yaml"):
        shutil.copy(PACKAGED_BOOK / name, directory)
    return directory


def test_a_change_of_the_book_counts_at_once(book: Path) -> None:
    """It counts even if the file keeps its size and its times."""
    policy = book / "policy.yaml"
    text = """\
rules:
  - {id: ours, program: our-tool, command: '', reaches: nothing, effect: writes, remote: confirm, local: confirm,
     reason: It wipes.}
"""
    policy.write_text(text)
    about = policy.stat()

    def verdict_after(edited: str) -> str:
        policy.write_text(edited)
        os.utime(policy, ns=(about.st_atime_ns, about.st_mtime_ns))
        return judge_line("our-tool --wipe", book=str(book), face="line").verdict

    assert [verdict_after(text), verdict_after(text.replace("confirm", "refuse "))] == ["confirm", "refuse"]


def test_a_lenient_policy_planted_in_the_cache_changes_nothing(cache: Path) -> None:
    """A file that others could have written isn't read."""
    assert judge_line(LINE, book=None, face="line").verdict is Verdict.REFUSE
    for entry in cache.iterdir():
        entry.write_text(entry.read_text().replace('"refuse"', '"allow"'))
        entry.chmod(0o666)

    assert judge_line(LINE, book=None, face="line").verdict is Verdict.REFUSE


def imported(*words: str) -> set[str]:
    """Return the names of all modules that are loaded after a command whose files were read before."""
    code = "import sys; from runbook.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    for _ in range(2):
        ran = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return set(ran.stdout.splitlines()[-1].split())


def test_judging_a_line_imports_no_more_than_it_needs() -> None:
    """It runs before every command that people type: it reads three files of the book and loads no argument parser."""
    found = imported("guard", "--line", "ls -la")
    own = {name for name in found if name.startswith("runbook.") and not name.startswith("runbook.guard")}

    assert not {name for name in found if name.startswith("runbook.guard.command_files")}
    assert not found & {"click", "rich", "yaml", "platformdirs", "sqlite3", "subprocess", "tempfile", "datetime"}
    assert own == {
        *("runbook.cli", "runbook.cli.error_handler", "runbook.cli.platform_check", "runbook.errors", "runbook.extras"),
        *(
            "runbook.loading",
            *(
                f"runbook.loading.{name}"
                for name in ("book_search", "files", "kept_records", "place", "records", "source_text")
            ),
        ),
        *("runbook.model", *(f"runbook.model.{name}" for name in ("fields", "later", "policy", "programs", "terms"))),
        *("runbook.policy", *(f"runbook.policy.{name}" for name in ("argv", "judgement", "read_only"))),
        *(
            "runbook.cache",
            "runbook.linear_regex",
            "runbook.printable",
            "runbook.posix",
            "runbook.quick_answers",
            "runbook.secret_file",
            "runbook.streams",
        ),
        "runbook.user_directories",
    }


def test_a_guard_that_finds_nothing_kept_loads_nothing_of_steps(book: Path) -> None:
    """It reads three files, and imports only the parts of the model that these need."""
    code = (
        "import pathlib, sys; from runbook.loading import read_policy; read_policy(pathlib.Path(sys.argv[1])); "
        "print(*sorted(name for name in sys.modules if name.startswith(('runbook.model.', 'runbook.steps'))))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(book)], capture_output=True, text=True, check=True)

    tables = ("code_calls", "command_files", "http_requests", "launchers", "line_test", "mcp_servers")
    names = sorted(("fields", "later", "policy", "programs", "templates", "terms", *tables))
    assert ran.stdout.split() == [f"runbook.model.{name}" for name in names]
