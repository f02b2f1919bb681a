"""Lines that the guard allows at once: never one that it would stop, and never after anything changed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from guard_support.home import Home
from guard_support.lines import read_rows
from hypothesis import given
from hypothesis import strategies as st
from support.policies import book_policy

from runbook.cache import find_text
from runbook.guard import quick
from runbook.guard.command_line import is_harmless, judge
from runbook.guard.outline import outline_of
from runbook.guard.programs.quiet import quiet_commands
from runbook.model import Verdict

pytest_plugins = ["guard_support.warm_home"]

ROWS = [
    *read_rows(Path(__file__).parent / "data/lines.tsv"),
    *read_rows(Path(__file__).parents[1] / "policy/data/guard-examples.tsv"),
]
NAMES = quiet_commands(outline_of(book_policy()))
RESET = "npx supabase db reset --linked"


def test_no_line_of_the_tables_that_is_stopped_is_known() -> None:
    """The tables hold thousands of lines, and the incidents."""
    known = [row for row in ROWS if quick.is_known(row.line, NAMES)]
    assert len(known) > 20
    assert [row.line for row in known if row.verdict != Verdict.ALLOW.value] == []


WORDS = (
    *("supabase", "npx", "db", "reset", "push", "--linked", "-c", "--exec", "-x", "--output=x", "a.sh", "./a.sh", "sh"),
    *(
        "run",
        "foreach",
        "alias.x=y",
        "core.hookspath=.",
        "HEAD:a.sh",
        "-f",
        "--",
        "-",
        "a",
        "b/c",
        "x=1",
        "postgres://h/d",
    ),
    *(
        "drop",
        "table",
        "config",
        "clone",
        "worktree",
        "add",
        "commit",
        "bisect",
        "-m",
        "--force",
        "-rf",
        "/",
        "..",
        "-5",
    ),
)


@given(command=st.sampled_from(sorted(NAMES)), words=st.lists(st.sampled_from(WORDS), max_size=5))
def test_a_quiet_command_is_allowed_whatever_its_words_are(command: str, words: list[str]) -> None:
    """No file is needed for that, so no file of a project can change it."""
    line = " ".join([command, *words])
    assert quick.is_known(line, NAMES)
    assert is_harmless(line, book_policy())
    assert judge(line, cwd="/", policy=book_policy()).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    "line",
    [
        *("ls; " + RESET, "ls && " + RESET, "ls | sh", f"ls $({RESET})", "ls > ~/.bashrc", "ls\n" + RESET, "ls `x`"),
        *(
            "ls\t",
            "ls 'a'",
            'ls "a"',
            "ls \\\n",
            "ls *",
            "ls ~",
            "{ls,-la}",
            "!ls",
            "ls # x",
            "ls é",
            "",
            " ",
            "ls" + " a" * 100,
        ),
    ],
)
def test_a_line_with_more_than_plain_words_is_not_known(line: str) -> None:
    """Its meaning is left to those who know the grammar."""
    assert not quick.is_known(line, [*NAMES, f"= {line}"])


@pytest.mark.parametrize(
    "line", ["= ls", "=", "A=1 ls", "./ls", "/bin/ls", "LS", "sudo ls", "git", "git -C x add", "git  rebase"]
)
def test_only_the_command_itself_is_known_by_its_name(line: str) -> None:
    """A path, a variable or a program before it may change what runs."""
    assert not quick.is_known(line, [*NAMES, "= git"] if line != "git" else NAMES)


@pytest.mark.parametrize(
    "line", ["npm run build", "make", "./a.sh", "psql -c x", "npx supabase migration list --linked", "sh a.sh"]
)
def test_a_line_that_needs_a_file_or_reaches_a_database_is_not_harmless(line: str) -> None:
    """Tomorrow, or in another directory, it may do something else."""
    assert not is_harmless(line, book_policy())


@pytest.fixture
def modules(home: Home) -> Callable[[str], set[str]]:
    """Return a function that judges a line in a new process, and returns the modules of this project that it loaded."""

    def loaded(line: str) -> set[str]:
        code = (
            "import sys; from runbook.__main__ import main; code = main();"
            "print(*sorted(name for name in sys.modules if name.startswith('runbook.'))); raise SystemExit(code)"
        )
        ran = home.run(sys.executable, "-c", code, "guard", "--line", line)
        assert ran.returncode == 0, ran.stderr
        return set(ran.stdout.split())

    return loaded


QUICK = {
    *("runbook.__main__", "runbook.cache", "runbook.guard", "runbook.guard.quick", "runbook.loading"),
    *("runbook.loading.book_search", "runbook.posix", "runbook.quick_answers", "runbook.user_directories"),
}


def test_a_quiet_command_loads_nothing_of_the_guard(modules: Callable[[str], set[str]]) -> None:
    """Only the names are read."""
    assert modules("ls -la src") == QUICK
    assert modules("git add docs") == QUICK


def test_a_harmless_line_is_known_the_second_time(modules: Callable[[str], set[str]]) -> None:
    """`git status` has options that a rule minds, so it's known as a whole."""
    assert modules("git status") > QUICK
    assert modules("git status") == QUICK
    assert modules("git status -s") > QUICK


def test_a_line_that_reads_a_file_is_judged_every_time(home: Home) -> None:
    """The file may be another one by then."""
    manifest = home.project / "package.json"
    manifest.write_text('{"scripts": {"build": "tsc"}}')
    assert [home.guard("--line", "npm run build").returncode for _ in range(2)] == [0, 0]
    manifest.write_text(f'{{"scripts": {{"build": "{RESET}"}}}}')
    assert home.guard("--line", "npm run build").returncode == 3


def test_a_team_that_forbids_a_command_is_heard_at_once(home: Home) -> None:
    """What was harmless by the packaged policy isn't asked of it again."""
    assert [home.guard("--line", "git push").returncode for _ in range(2)] == [0, 0]
    book = home.project / "team-runbook"
    book.mkdir()
    (book / "team.yaml").write_text("format: 1\nname: Ledger\n")
    assert home.guard("--line", "git push").returncode == 0
    (book / "policy.yaml").write_text(
        "rules:\n"
        "  - {id: no-push, program: git, command: push, reaches: nothing, effect: writes, remote: refuse,\n"
        "     local: refuse, reason: We merge on the site., instead: Open a pull request.,\n"
        "     tests: [{line: git push, verdict: refuse}]}\n"
    )
    # The second line is allowed, so that the quiet commands of this policy are known for the third.
    lines = ("git push", "ls", "git push", "git add x")
    assert [home.guard("--line", line).returncode for line in lines] == [3, 0, 3, 0]


def test_a_line_that_somebody_else_put_into_the_cache_is_not_known(home: Home) -> None:
    """The entry has a seal."""
    home.guard("--line", "git status")
    (entry,) = [
        each for each in (home.root / ".cache/runbook/kept").iterdir() if b"\n= git status" in each.read_bytes()
    ]
    entry.write_bytes(entry.read_bytes() + f"\n= {RESET}\nnpx".encode())
    assert home.guard("--line", RESET).returncode == 3
    assert find_text(entry) is None


def test_the_oldest_lines_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names stay."""
    kept: list[bytes] = []
    monkeypatch.setattr(quick, "keep_text", lambda _entry, data: kept.append(data))
    monkeypatch.setattr(quick, "_entry", "entry")
    monkeypatch.setattr(quick, "_MOST_LINES", 2)
    monkeypatch.setattr(quick, "_known", ["ls", "= a", "= b"])
    quick.note("c", is_harmless=lambda: True, names=list)
    assert kept == [b"ls\n= b\n= c"]
