"""Bytes that aren't text, everywhere the guard reads input: each gets a verdict, never a crash."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from runbook.cli import main
from runbook.guard import fast_path
from runbook.guard.agents import AGENTS, LARGEST
from runbook.guard.command_line import judge, judge_words
from runbook.guard.log import log_path, read_log
from runbook.guard.messages import name_of_target
from runbook.model import Verdict

VERDICTS = {0, 3, 6}
RESET = b"npx supabase db reset --linked"
LINES = [
    line.split("\t", maxsplit=1)[0].encode()
    for line in (Path(__file__).parents[1] / "guard/data/lines.tsv").read_text(encoding="utf-8").splitlines()[1:]
]
SIGNS = b"\xff\xc3\x80\xed\xa0 $(){}[]'\"\\|;&<>`*?~#!=-,.\n\t0aZ"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""Variables that limit a process's streams to ASCII."""
BROKEN = [b"\xff", b"\xc3", b"\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\xef\xbb\xbf", b"\x01\x1b[2J"]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which the guard has read its policy before."""
    home = tmp_path_factory.mktemp("warm")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME"):
            patch.setenv(name, str(home))
        assert main(["guard", "--line", "ls"]) == 0
    return home


@pytest.fixture(autouse=True)
def home(warm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test its own directory and home, with what the guard keeps of its policy."""
    shutil.copytree(warm, tmp_path / "home")
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def _random_lines(seed: int, count: int) -> Iterator[bytes]:
    """Yield random bytes, random shell characters, and known lines with bytes inserted. None has NUL, as argv can't."""
    draw = random.Random(seed)
    for number in range(count):
        if number % 4 == 0:
            yield bytes(draw.randrange(1, 256) for _ in range(draw.randrange(60)))
        elif number % 4 == 1:
            yield bytes(draw.choice(SIGNS) for _ in range(draw.randrange(40)))
        else:
            line = bytearray(draw.choice(LINES))
            for _ in range(draw.randrange(1, 4)):
                at = draw.randrange(len(line) + 1)
                line[at:at] = draw.choice(BROKEN)
            yield bytes(line)


def test_hundreds_of_lines_that_may_be_no_text_get_a_verdict(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Each line gets one of the three exit codes and, if JSON is asked for, valid JSON."""
    for line in _random_lines(0, 400):
        form = "json" if line[:1] < b"a" else "text"
        assert main(["guard", "--line", os.fsdecode(line), "--format", form]) in VERDICTS, line
        sys.stdout.flush()
        printed = capfdbinary.readouterr().out
        assert not printed or json.loads(printed.decode())["verdict"] in set(Verdict), line


@pytest.mark.parametrize("ascii_only", [False, True])
def test_real_processes_answer_too(ascii_only: bool, home: Path) -> None:
    """Twelve lines in each encoding of the terminal get a verdict."""
    environment = _environment(home, **(ASCII if ascii_only else {"LC_ALL": "C.UTF-8"}))
    for line in _random_lines(99 + ascii_only, 12):
        ended = _guard("--line", line, "--format", "json", environment=environment)
        assert ended.returncode in VERDICTS, (line, ended.stderr)
        assert json.loads(ended.stdout.decode())["verdict"] in set(Verdict)


@pytest.mark.parametrize("byte", BROKEN)
def test_what_is_refused_stays_refused_behind_such_bytes(byte: bytes) -> None:
    """A garbage word doesn't hide the command beside it or make its line harmless."""
    for line in (RESET + b" " + byte, b"echo '" + byte + b"'; " + RESET, RESET + b" # " + byte):
        assert judge(os.fsdecode(line)).verdict is not Verdict.ALLOW
    assert judge_words([*RESET.decode().split(), os.fsdecode(byte)]).verdict is Verdict.REFUSE


def test_a_guarded_command_gets_its_bytes_as_they_were(home: Path) -> None:
    """An allowed command runs with exactly the same words."""
    for word in BROKEN:
        ended = _guard("--", b"/bin/printf", b"%s", word, environment=_environment(home))
        assert (ended.returncode, ended.stdout) == (0, word)
    refused = _guard("--", *RESET.split(), b"\xff", environment=_environment(home))
    assert refused.returncode == 3
    assert b"db reset" in refused.stderr


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"\0",
        b"",
        b'{"tool_name": "Bash", "tool_input": {"command": "\xff"}}',
        b'{"tool_name": "Bash", "tool_input": {"command": "echo \\ud800"}}',
        b'{"tool_name": "Bash", "tool_input": {"command": "npx supabase db reset --linked \\udcff"}}',
        b'{"tool_name": "Bash", "tool_input": {"command": "npx supabase db reset \\u0000"}}',
        b'{"tool_name": "Bash", "cwd": "/\\ud800", "tool_input": {"command": "npx supabase db reset --linked"}}',
        b'{"tool_name": "Bash", "cwd": "/\\u0000", "tool_input": {"command": "npx supabase db reset --linked"}}',
        b'{"command": ["npx", "supabase", "db", "reset", "--linked", "\\udcff"], "cwd": "/\\udcff"}',
        b"[" * 100_000,
        b'{"a": 1e999999}',
        b'{"command": "echo ' + b"9" * 5000 + b'"}',
        b'{"command": ' + b"9" * 5000 + b"}",
        b" " * (LARGEST + 1),
    ],
    ids=lambda data: str(data[:80]),
)
def test_every_event_gets_an_answer(
    agent: str, data: bytes, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The agent gets an answer that it understands, in an encoding that it reads. Anything but an event is blocked."""
    # In a process as large as that of the tests, collecting garbage alone may take longer than an agent waits.
    monkeypatch.setattr(fast_path, "_JUDGING_SECONDS", 60)
    monkeypatch.setattr(fast_path, "_WAITING_SECONDS", 60)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code = fast_path.answer_hook(agent, None)
    sys.stdout.flush()
    printed = capfdbinary.readouterr()
    harmless = b"echo 9" in data or b'"\xff"' in data  # a byte that isn't text becomes an unknown character
    assert code in {0, 2}
    if agent in {"windsurf", "opencode"}:  # the exit code decides, and the reason is on standard error
        assert (code == 0) == harmless == (not printed.err)
        return
    assert (json.loads(printed.out.decode()) == {}) == harmless


@pytest.mark.parametrize("byte", [*BROKEN, b"\0"], ids=str)
@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("x.sh", b"echo %s\n" + RESET, "sh x.sh"),
        ("x.sh", b"echo '%s'\n" + RESET, ". ./x.sh"),
        ("Makefile", b"all:\n\techo %s\n\t" + RESET, "make"),
        ("package.json", b'{"scripts": {"go": "echo %s; ' + RESET + b'"}}', "npm run go"),
        ("x.sql", b"select '%s'; drop table tasks", "psql -h db.example.com -f x.sql"),
    ],
)
def test_bytes_in_a_file_that_a_line_would_run_hide_nothing(name: str, text: bytes, line: str, byte: bytes) -> None:
    """Bytes in a script, a Makefile, a package.json or a SQL file don't hide the command beside them."""
    Path(name).write_bytes(text.replace(b"%s", byte))
    code = main(["guard", "--line", line])
    assert code in VERDICTS - {0}


@pytest.mark.parametrize("name", ["PGHOST", "PGSERVICE", "SUPABASE_PROJECT_ID", "RUNBOOK_BOOK", "EDITOR"])
def test_the_environment_may_hold_such_bytes(name: str, home: Path) -> None:
    """A variable that isn't text doesn't crash the guard."""
    environment = {**_environment(home), os.fsencode(name): b"\xff\xfe"}
    ended = _guard("--line", b"psql -c 'drop table tasks'", environment=environment)
    # A missing book is a usage error.
    assert ended.returncode in ({2} if name == "RUNBOOK_BOOK" else {3, 6}), ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_directory_may_have_such_a_name(home: Path) -> None:
    """The log also holds the directory where the command would run."""
    place = os.fsencode(home) + b"/\xff\xfe"
    Path(os.fsdecode(place)).mkdir()
    ended = _guard("--line", RESET, "--format", "json", environment=_environment(home), directory=place)
    assert ended.returncode == 3, ended.stderr
    assert json.loads(ended.stdout.decode())["verdict"] == "refuse"
    assert [each.directory for each in read_log()] == [f"{home}/\ufffd\ufffd"]


def test_a_linked_project_in_letters_that_only_look_latin_is_not_named(home: Path) -> None:
    """Nobody could type such a name, and it would pass for another project."""
    link = home / "project/supabase/.temp/project-ref"
    link.parent.mkdir(parents=True)
    link.write_text("\u0430bcdefghijklmnopqrst", encoding="utf-8")  # a Cyrillic a
    assert name_of_target(judge(RESET.decode()), str(home / "project")) == "production"


def test_the_log_can_be_read_again(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """That holds for every stopped line, and for anything that somebody else wrote into the file."""
    main(["guard", "--line", os.fsdecode(RESET + b" '\xff'")])
    with log_path().open("ab") as log:
        log.write(b'\xff\n{"at": "\\ud800"}\n')
        row = dict.fromkeys(("at", "verdict", "rule", "face", "directory", "line"), "�")
        log.write(json.dumps(row).encode() + b"\n")
    for form in ("text", "json"):
        assert main(["guard", "log", "--format", form]) == 0
        sys.stdout.flush()
        assert b"supabase db reset" in capfdbinary.readouterr().out


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_scan_reads_any_file(form: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Whatever the names and contents, fatal commands are found."""
    Path(os.fsdecode(b"\xff")).mkdir()
    for number, byte in enumerate([*BROKEN, b"\0", random.Random(1).randbytes(400)]):
        (Path(os.fsdecode(b"\xff")) / f"{number}.sh").write_bytes(b"echo '" + byte.replace(b"'", b"") + b"'\n" + RESET)
        Path(os.fsdecode(b"\xff/%d\xfe.sh" % number)).write_bytes(RESET + b"\n")
    assert main(["guard", "scan", "--format", form, "."]) == 3
    sys.stdout.flush()
    printed = capfdbinary.readouterr().out.decode()
    assert printed.count("db reset") >= len(BROKEN)
    assert "\ufffd" in printed


def _environment(home: Path, **more: str) -> dict[bytes, bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    root = str(Path(__file__).parents[2])
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [root, kept.get("PYTHONPATH", "")]))
    named = {**kept, "HOME": str(home), "XDG_STATE_HOME": str(home / "home"), **more}
    return {os.fsencode(name): os.fsencode(value) for name, value in named.items()}


def _guard(
    *words: str | bytes, environment: Mapping[bytes, bytes], directory: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "runbook", "guard", *words]
    return subprocess.run(
        command, env=environment, cwd=directory, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("command", [["scan", "."], ["scan", "--strict", "."], ["log"]])
def test_streams_that_take_only_ascii_are_enough(command: list[str], home: Path) -> None:
    """Names and texts that such a stream can't show don't crash the guard."""
    environment = _environment(home, **ASCII)
    Path("é\ufffd.sh").write_bytes(RESET + " 'é'\n".encode())
    assert _guard("--line", RESET + " 'é'".encode(), environment=environment).returncode == 3
    ended = _guard(*command, environment=environment)
    assert ended.returncode == (3 if "scan" in command else 0), ended.stderr
    assert b"db reset" in ended.stdout
