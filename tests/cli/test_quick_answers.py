"""What `list` and `show` say the second time: the same as before, and something new as soon as anything changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from support.books import FIX_HEAD, write_book

import runbook
from runbook import quick_answers
from runbook.cache import state_of_trees

SHOW = ("show", "emergency-rollback")
MAIN = "from runbook.__main__ import main; raise SystemExit(main())"
LOADED = (
    "import sys; before = {*sys.modules}; from runbook.__main__ import main; code = main();"
    "print(*sorted({*sys.modules} - before), file=sys.stderr); raise SystemExit(code)"
)
QUICK = {
    *(
        "__future__",
        "_blake2",
        "_operator",
        "fcntl",
        "gc",
        "runbook",
        "runbook.__main__",
        "runbook.cache",
        "runbook.loading",
    ),
    *("runbook.loading.book_search", "runbook.posix", "runbook.quick_answers", "runbook.user_directories"),
}
"""All that the second answer imports, beside what every interpreter has."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory to be in, with a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("RUNBOOK_BOOK", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    place = tmp_path / "project/app"
    place.mkdir(parents=True)
    return place


def said(here: Path, *words: str, code: str = MAIN, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a new process."""
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=here, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def loaded(here: Path, *words: str, **environment: str) -> set[str]:
    """Return the modules that the command line loads."""
    return set(said(here, *words, code=LOADED, **environment).stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words",
    [
        ("--version",),
        ("list",),
        ("list", "--long"),
        ("list", "--format", "json"),
        SHOW,
        (*SHOW, "--cli", "2"),
        (*SHOW, "--format", "md"),
    ],
    ids=" ".join,
)
def test_the_second_answer_is_the_first_one(words: tuple[str, ...], here: Path) -> None:
    """It loads next to nothing, and not even `re`."""
    first = said(here, *words)
    second = said(here, *words)
    assert (second.stdout, second.stderr, second.returncode) == (first.stdout, "", 0)
    assert len(first.stdout) > 1000 or words == ("--version",)
    assert loaded(here, *words) <= QUICK


def test_a_narrow_window_has_an_answer_of_its_own(here: Path) -> None:
    """Text is wrapped at its width."""
    wide, narrow = (said(here, *SHOW, COLUMNS=columns).stdout for columns in ("90", "50"))
    assert max(map(len, wide.splitlines()[:9])) > 60
    assert [said(here, *SHOW, COLUMNS=columns).stdout for columns in ("90", "50")] == [wide, narrow]
    assert wide != narrow


Change = Callable[[Path], None]


def _link(here: Path) -> None:
    (here.parent / "supabase/.temp").mkdir(parents=True)
    (here.parent / "supabase/config.toml").write_text('project_id = "a"\n')
    (here.parent / "supabase/.temp/project-ref").write_text("abcdefghijklmnopqrst")


def _add_cli(here: Path) -> None:
    (here.parent / "supabase").mkdir()
    (here.parent / "supabase/config.toml").write_text('project_id = "a"\n')
    (here.parent / "node_modules/supabase").mkdir(parents=True)
    (here.parent / "node_modules/supabase/package.json").write_text('{"version": "2.5.0"}')


def _add_book(here: Path) -> None:
    book = here.parent / "team-runbook"
    (book / "changes").mkdir(parents=True)
    (book / "team.yaml").write_text("name: Ledger\n")
    (book / "changes/emergency-rollback.yaml").write_text("owner: The night shift\n")


@pytest.mark.parametrize("change", [_link, _add_cli, _add_book])
def test_what_the_project_changes_is_shown_at_once(change: Change, here: Path) -> None:
    """Its link, its CLI, and its team's book are looked for from here upward."""
    before = [said(here, *SHOW).stdout for _ in range(2)]
    change(here)
    after = [said(here, *SHOW) for _ in range(2)]
    assert before[0] == before[1]
    assert after[0].stdout not in {"", before[0]}, after[0].stderr
    assert after[1].stdout == after[0].stdout


def test_an_edited_book_is_shown_at_once(tmp_path: Path, here: Path) -> None:
    """Even if the edit leaves its size and its time as they were."""
    book = write_book(tmp_path / "book", {"fix": f"{FIX_HEAD}steps:\n  - {{id: a, tick: Call Ada}}\n"})
    file = book / "procedures/fix.yaml"
    about = file.stat()
    first = [said(here, "show", "fix", RUNBOOK_BOOK=str(book)).stdout for _ in range(2)]
    file.write_text(file.read_text().replace("Call Ada", "Call Bob"))
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert file.stat().st_size == about.st_size
    then = said(here, "show", "fix", RUNBOOK_BOOK=str(book)).stdout
    assert ["Call Ada" in text for text in (*first, then)] == [True, True, False]
    assert "Call Bob" in then


def test_a_book_with_a_problem_is_complained_of_every_time(tmp_path: Path, here: Path) -> None:
    """A warning that is only shown once is a warning that somebody else missed."""
    book = write_book(
        tmp_path / "book", {"fix": f"{FIX_HEAD}steps:\n  - {{id: a, tick: Call Ada}}\n", "bad": "title: [\n"}
    )
    for _ in range(2):
        ran = said(here, "list", RUNBOOK_BOOK=str(book))
        assert "fix" in ran.stdout
        assert "1 problem" in ran.stderr


@pytest.mark.parametrize("words", [("show", "emergency-rolback"), ("list", "--format", "xml"), ("show", "--help")])
def test_an_error_and_a_help_text_are_worked_out_every_time(words: tuple[str, ...], here: Path) -> None:
    """Only answers are kept."""
    first, second = (said(here, *words) for _ in range(2))
    assert (first.stdout, first.stderr, first.returncode) == (second.stdout, second.stderr, second.returncode)
    assert "click" in loaded(here, *words)


def test_a_shell_that_completes_a_word_gets_no_answer(here: Path) -> None:
    """It asks with the words that are there so far."""
    said(here, "list")
    ran = said(here, "list", _RUNBOOK_COMPLETE="bash_complete", COMP_WORDS="runbook sho", COMP_CWORD="1")
    assert ran.stdout == "plain,show\n"


def test_files_with_secrets_that_were_left_behind_are_removed_first(here: Path) -> None:
    """As every command does."""
    said(here, "list")
    left = here.parents[1] / "state/runbook/secrets"
    left.mkdir()
    (left / "old.env").write_text("A=1\n")
    assert said(here, "list").returncode == 0
    assert [*left.iterdir()] == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode_gets_the_same_as_before(encoding: str, here: Path) -> None:
    """What the encoding lacks is escaped."""
    first, second = (said(here, *SHOW, PYTHONIOENCODING=encoding) for _ in range(2))
    assert (first.stdout, first.returncode) == (second.stdout, 0)


def test_a_full_disk_is_reported_as_before(here: Path) -> None:
    """The known answer can't be written, and the whole command line says so."""
    said(here, "list")
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-c", MAIN, "list"], cwd=here, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (1, "runbook: No space left on device")


def test_at_a_terminal_the_known_page_opens_in_the_pager(here: Path, tmp_path: Path) -> None:
    """And the book isn't read for it."""
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGER; exec cat\n")
    pager.chmod(0o755)
    environment = {**os.environ, "PAGER": str(pager), "TERM": "xterm"}
    pages = []
    for _ in range(2):
        child = pexpect.spawn(
            sys.executable,
            ["-c", LOADED, *SHOW],
            env=environment,
            cwd=str(here),
            dimensions=(24, 80),
            timeout=60,
            encoding="utf-8",
        )
        pages.append(child.read())
        child.close()
    assert [page.startswith("PAGER") for page in pages] == [True, True]
    assert pages[0].partition("__future__")[0] == pages[1].partition("__future__")[0]
    assert ["runbook.model" in page for page in pages] == [True, False]


# --- the introduction of a run -------------------------------------------------------------------------------------

CALL_ADA = f"{FIX_HEAD}steps:\n  - {{id: a, tick: Call Ada}}\n"
UNTIL_LOADED = (
    "import runbook.__main__ as process; process._run = lambda: print('(loaded)') or 0;raise SystemExit(process.main())"
)
"""A process that ends where the whole program would be loaded."""


def opened(
    here: Path, book: Path, *words: str, code: str = MAIN, until: str = "Press Enter", **environment: str
) -> str:
    """Begin a run in a terminal, and return what is shown until it asks."""
    child = pexpect.spawn(
        sys.executable,
        ["-c", code, "run", "fix", *words],
        env={**os.environ, "RUNBOOK_BOOK": str(book), "TERM": "xterm", **environment},
        cwd=str(here),
        dimensions=(24, 80),
        timeout=60,
        encoding="utf-8",
    )
    try:
        child.expect_exact(until)
        return str(child.before)
    finally:
        child.close(force=True)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a book whose procedure reaches no target."""
    return write_book(tmp_path / "book", {"fix": CALL_ADA})


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--target", "local")], ids=" ".join)
def test_a_run_shows_its_introduction_before_anything_is_loaded(words: tuple[str, ...], here: Path, book: Path) -> None:
    """It is the same one, and it's there once."""
    first = opened(here, book, *words)
    at_once = opened(here, book, *words, code=UNTIL_LOADED, until="(loaded)")
    second = opened(here, book, *words)
    assert "Use it when" in at_once
    assert first.startswith(at_once)
    assert second.count("Use it when") == first.count("Use it when") == 1
    assert second == first


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"RUNBOOK_ASCII": "1"}], ids=str)
def test_an_introduction_in_other_characters_is_another_one(
    environment: dict[str, str], here: Path, book: Path
) -> None:
    """Colours and characters are part of it."""
    opened(here, book)
    assert opened(here, book, code=UNTIL_LOADED, until="(loaded)", **environment) == ""
    assert opened(here, book, **environment).count("Use it when") == 1


def test_an_edited_procedure_is_introduced_anew(here: Path, book: Path) -> None:
    """What it said before isn't shown any more."""
    opened(here, book)
    file = book / "procedures/fix.yaml"
    file.write_text(file.read_text().replace("title: ", "title: New, "))
    assert opened(here, book, code=UNTIL_LOADED, until="(loaded)") == ""
    assert "New, " in opened(here, book)


def test_no_introduction_of_a_run_with_values_is_kept(here: Path, book: Path) -> None:
    """A value may be a secret, and the name of an entry is a digest that can be guessed at."""
    opened(here, book, "--ticket", "A-1")
    assert opened(here, book, "--ticket", "A-1", code=UNTIL_LOADED, until="(loaded)") == ""


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C while the answer is looked up."""

    def press(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(quick_answers, "answer", press)


@pytest.mark.usefixtures("interrupted")
def test_ctrl_c_ends_it_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback, whenever it is pressed."""
    from runbook.__main__ import main

    assert main() == 130
    assert capsys.readouterr().err == "\nrunbook: interrupted\n"


def test_every_file_of_the_package_is_part_of_the_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade or an edit forgets every answer; bytecode doesn't."""
    for name in ("__init__.py", "book/procedures/a.yaml", "steps/sql/b.sql", "steps/__pycache__/c.pyc"):
        (tmp_path / "runbook" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "runbook" / name).write_text("1")
    monkeypatch.setattr(runbook, "__file__", str(tmp_path / "runbook/__init__.py"))
    monkeypatch.setenv("RUNBOOK_BOOK", "")
    monkeypatch.chdir(tmp_path)
    before = quick_answers.entry_of_book(use="test")

    (tmp_path / "runbook/steps/__pycache__/c.pyc").write_text("2")
    assert quick_answers.entry_of_book(use="test") == before
    (tmp_path / "runbook/steps/sql/b.sql").write_text("2")
    assert quick_answers.entry_of_book(use="test") not in {before, None}


def test_a_link_that_leads_back_is_followed_once(tmp_path: Path) -> None:
    """A checkout has a link to its pages."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_text("1")
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a", target_is_directory=True)
    assert len(state_of_trees([str(tmp_path / "a")])) == 1
