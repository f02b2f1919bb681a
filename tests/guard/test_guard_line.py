"""`runbook guard --line` and `runbook guard -- COMMAND…`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from guard_support.home import RUNBOOK, Home
from support.terminals import program, terminal, type_keys

RESET = "npx supabase db reset --linked"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a scratch home."""
    return Home(tmp_path)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (RESET, 3),
        ("npx supabase db reset", 6),
        ("npx supabase db push --linked", 0),
        ("ls -la", 0),
        ("", 0),
        ("echo 'unterminated", 6),
        ('A=reset; sh -c "supabase db $A --linked"', 3),
    ],
)
def test_a_line_is_judged_by_the_exit_code(line: str, code: int, home: Home) -> None:
    """0 means allowed, 6 means that a person must confirm, 3 means refused. An allowed line prints nothing."""
    judged = home.guard("--line", line)

    assert judged.returncode == code
    assert judged.stdout == ""
    assert bool(judged.stderr) == (code != 0)


def test_a_refusal_says_what_where_and_what_instead(home: Home) -> None:
    """The text fits 80 columns and names the command, the target, the effect, the reason and the safe command."""
    (home.project / "supabase/.temp").mkdir(parents=True)
    (home.project / "supabase/.temp/project-ref").write_text("qwertyuiopasdfghjklz\n")

    told = home.guard("--line", RESET).stderr

    assert all(len(line) <= 80 for line in told.splitlines())
    for words in ("refused", RESET, "qwertyuiopasdfghjklz", "DESTROYS DATA", "auth", "db push"):
        assert words in told


def test_json_is_the_whole_judgement(home: Home) -> None:
    """A program can read verdict, effect, rule, target and commands."""
    for words in (("--line", RESET, "--format", "json"), ("--format", "json", "--line", RESET)):
        found = json.loads(home.guard(*words).stdout)

        assert (found["verdict"], found["effect"], found["rule"]) == ("refuse", "destroys", "db-reset")
        assert (found["family"], found["target"]) == ("database", "production")
        assert found["commands"][0] == RESET.split()


def test_secrets_are_neither_shown_nor_logged(home: Home) -> None:
    """A password in a line stays out of text, JSON and log."""
    line = "PGPASSWORD=hunter2secret psql postgres://u:pa55w0rd@db.abc.supabase.co/x -c 'drop table x'"

    shown = home.guard("--line", line)
    as_json = home.guard("--line", line, "--format", "json")

    everything = shown.stderr + as_json.stdout + home.log.read_text()
    assert "pa55w0rd" not in everything
    assert "hunter2secret" not in everything


def test_the_directory_and_the_environment_count(home: Home) -> None:
    """A script of this directory's package.json is read, and the host in the environment is the target."""
    (home.project / "package.json").write_text('{"scripts": {"fresh": "supabase db reset --linked"}}')

    assert home.guard("--line", "npm run fresh").returncode == 3
    assert home.guard("--line", "dropdb x").returncode == 6
    assert home.guard("--line", "dropdb x", PGHOST="db.abc.supabase.co").returncode == 3


def test_another_book_tightens_the_rules(home: Home) -> None:
    """RUNBOOK_BOOK and --book select a team's policy. A broken one blocks everything."""
    book = home.root / "book"
    book.mkdir()
    rule = (
        "global_value_flags: {}\nremote_flags: [--linked]\nrules:\n  - id: no-push\n    program: supabase\n"
        "    command: db push\n    reaches: database\n    effect: writes\n    remote: refuse\n    local: allow\n"
        "    bare: {2: production, 3: local}\n    reason: Releases go through the pipeline.\n    instead: Merge it.\n"
    )
    (book / "policy.yaml").write_text(rule)
    line = "npx supabase db push --linked"

    assert home.guard("--line", line).returncode == 0
    assert home.guard("--line", line, RUNBOOK_BOOK=str(book)).returncode == 3
    assert home.run(str(RUNBOOK), "--book", str(book), "guard", "--line", line).returncode == 3
    (book / "policy.yaml").write_text("rules: [")
    assert home.guard("--line", "ls", RUNBOOK_BOOK=str(book)).returncode == 2
    assert home.guard("--line", "ls", RUNBOOK_BOOK=str(home.root / "nowhere")).returncode == 2


def test_an_allowed_command_is_what_runs(home: Home, tmp_path: Path) -> None:
    """The guard becomes the command, with the same words, input, output and exit code. A closed pipe ends it."""
    tool = program(tmp_path, "tool", 'printf "<%s>" "$@"; cat; exit 7')

    ran = home.guard("--", str(tool), "a b", "", "$x", "--", "-h", stdin=b"in")

    assert (ran.returncode, ran.stdout) == (7, "<a b><><$x><--><-h>in")
    piped = home.run("bash", "-c", f"set -o pipefail; {RUNBOOK} guard -- yes | head -1; exit ${{PIPESTATUS[0]}}")
    assert piped.returncode == 141, "the default action of SIGPIPE is back"


def test_a_refused_command_does_not_run(home: Home, tmp_path: Path) -> None:
    """The exit code is 3, the text is printed, and the program never starts."""
    stub = program(tmp_path / "bin", "npx", "echo ran")

    ran = home.guard("--", *RESET.split(), PATH=f"{stub.parent}:/usr/bin:/bin")

    assert (ran.returncode, ran.stdout) == (3, "")
    assert "refused" in ran.stderr


def test_what_needs_a_person_does_not_run_without_a_terminal(home: Home, tmp_path: Path) -> None:
    """The exit code is 6. `yes |` isn't a person."""
    stub = program(tmp_path / "bin", "npx", "echo ran")

    ran = home.guard(
        "--", "npx", "supabase", "db", "reset", stdin=b"y\nyes\nlocal\n", PATH=f"{stub.parent}:/usr/bin:/bin"
    )

    assert (ran.returncode, ran.stdout) == (6, "")
    assert "no terminal" in ran.stderr


@pytest.mark.parametrize(
    ("words", "typed", "code"),
    [
        (("npx", "supabase", "db", "reset"), "local", 0),
        (("npx", "supabase", "db", "reset"), "yes", 6),
        (("npx", "supabase", "db", "reset"), "", 6),
        (("npx", "supabase", "functions", "deploy", "a", "--prune", "--project-ref", "abcdef"), "abcdef", 0),
        (("npx", "supabase", "functions", "deploy", "a", "--prune", "--project-ref", "abcdef"), "yes", 6),
        (("npx", "supabase", "config", "push", "--remote"), "yes", 0),
        (("npx", "supabase", "config", "push", "--remote"), "y", 6),
    ],
)
def test_a_person_confirms_at_the_terminal(
    words: tuple[str, ...], typed: str, code: int, home: Home, tmp_path: Path
) -> None:
    """A person confirms a write with `yes`, and a destructive command with the name of its target."""
    stub = program(tmp_path / "bin", "npx", "echo it ran")

    child = terminal(
        str(RUNBOOK), "guard", "--", *words,
        environment=home.environment(PATH=f"{stub.parent}:/usr/bin:/bin"), directory=home.project,
    )  # fmt: skip
    child.expect("Type ([^ ]+) to run it, anything else to stop: ")
    type_keys(child, typed)
    child.expect("it ran" if code == 0 else "didn't run")
    child.wait()

    assert child.exitstatus == code


def test_a_missing_program_is_said_so(home: Home) -> None:
    """The error is one sentence without a traceback."""
    ran = home.guard("--", "no-such-program-at-all")
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (
        2,
        "runbook: there is no program 'no-such-program-at-all' on PATH",
    )


def test_help_and_wrong_use(home: Home) -> None:
    """`runbook guard` alone shows help. A line together with a command is an error."""
    assert "shell-init" in home.guard().stdout
    assert home.guard("--line", "ls", "--", "ls").returncode == 2
    assert home.guard("--line").returncode == 2
    assert home.guard("--nonsense").returncode == 2


def test_the_log_shows_what_was_stopped(home: Home) -> None:
    """Refusals and questions are logged, allowed lines aren't. Only the caller can read the file."""
    for line in (RESET, "ls", "supabase db reset", "echo 'x"):
        home.guard("--line", line)

    shown = home.guard("log").stdout.splitlines()
    entries = json.loads(home.guard("log", "--format", "json").stdout)

    assert [entry["verdict"] for entry in entries] == ["refuse", "confirm", "confirm"]
    assert [entry["rule"] for entry in entries] == ["db-reset", "db-reset", ""]
    assert len(shown) == 3
    assert RESET in shown[0]
    assert json.loads(home.guard("log", "-n", "1", "--format", "json").stdout)[0]["line"] == "echo 'x"
    assert home.log.stat().st_mode & 0o777 == 0o600
    assert home.log.parent.stat().st_mode & 0o777 == 0o700


def test_a_log_that_cannot_be_written_changes_nothing(home: Home) -> None:
    """The command is still refused, and an odd line in the log is skipped."""
    home.log.parent.mkdir(parents=True)
    home.log.write_text('garbage\n{"at": 1}\n')
    assert home.guard("--line", RESET).returncode == 3
    assert len(json.loads(home.guard("log", "--format", "json").stdout)) == 1
    home.log.unlink()
    home.log.symlink_to("/dev/full")
    assert home.guard("--line", RESET).returncode == 3


def test_the_log_is_empty_at_first(home: Home) -> None:
    """A message says that nothing was stopped yet."""
    shown = home.guard("log")
    assert (shown.returncode, shown.stdout) == (0, "")
    assert "Nothing was stopped yet" in shown.stderr


def test_the_guard_does_without_platformdirs(tmp_path: Path) -> None:
    """Judging a harmless line doesn't import it."""
    script = (
        "import sys; from runbook.guard.fast_path import answer\n"
        "assert answer(['guard', '--line', 'ls']) == 0\n"
        "sys.exit('platformdirs' in sys.modules)"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0
