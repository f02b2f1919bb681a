"""Commands in a pseudo terminal, without one on our side: as a drill runs them in a CI job."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from support.terminals import program, python_program

from runbook.engine.ports import Execution
from runbook.errors import MissingPartError, UsageError
from runbook.journal.events import Outcome
from runbook.journal.liveness import birth
from runbook.policy.redaction import Redactor
from runbook.runtime.environment import child_environment
from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor

Shown = list[str]


def _run(
    *argv: str,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = 20,
    born: Callable[[int, str], None] = lambda _pid, _since: None,
    secrets: Sequence[str] = (),
    answerer: Callable[[str], bytes | None] | None = None,
    shown: Shown | None = None,
    understands: Callable[[str], str] | None = None,
) -> Execution:
    screen = [] if shown is None else shown
    executor = PtyExecutor(Redactor, screen.append, lambda: FALLBACK_SIZE, answerer=answerer)
    return executor.execute(
        argv,
        environment=environment or {},
        directory=str(directory),
        timeout=timeout,
        born=born,
        secrets=secrets,
        understands=understands,
    )


def _python(code: str, **more: object) -> Execution:
    return _run(sys.executable, "-c", code, **more)  # type: ignore[arg-type]


def test_output_exit_code_and_outcome_are_reported(tmp_path: Path) -> None:
    """A command that ends with 3 has failed, and what it printed is kept without carriage returns."""
    ended = _run("sh", "-c", "echo one; echo two >&2; exit 3", directory=tmp_path)
    assert (ended.outcome, ended.exit, ended.output, ended.evidence) == (Outcome.FAILED, 3, "one\ntwo", "")


def test_success_passes(tmp_path: Path) -> None:
    """A command that ends with 0 has passed, in the directory that was named."""
    ended = _run("pwd", directory=tmp_path)
    assert (ended.outcome, ended.exit, ended.output) == (Outcome.PASSED, 0, str(tmp_path))


def test_child_has_a_terminal_of_the_size_of_ours(tmp_path: Path) -> None:
    """Stdin, stdout and stderr are a terminal of 80 by 24, and it is the controlling one."""
    code = (
        "import os; print([os.isatty(n) for n in range(3)], os.get_terminal_size(), os.ttyname(os.open('/dev/tty', 0)))"
    )
    ended = _python(code, directory=tmp_path)
    assert "[True, True, True] os.terminal_size(columns=80, lines=24) /dev/" in ended.output


def test_child_leads_its_own_session(tmp_path: Path) -> None:
    """Nothing typed at our terminal and no signal to our process group reaches it by itself."""
    ended = _python("import os; print(os.getsid(0) == os.getpid() == os.getpgrp())", directory=tmp_path)
    assert ended.output == "True"


_PRINTS = "print('[1, 2]')"
_JSON = ("--output-format", "json")


def test_a_document_can_be_understood_before_it_is_shown(tmp_path: Path) -> None:
    """The result is shown and kept instead."""
    shown: Shown = []
    ended = _run(
        sys.executable, "-c", _PRINTS, *_JSON,
        directory=tmp_path, shown=shown, understands=lambda document: f'{{"read": "{document.strip()}"}}',
    )  # fmt: skip
    assert ended.document == '{"read": "[1, 2]"}'
    assert ended.output == ended.document
    assert "read: [1, 2]" in "".join(shown)


def test_a_document_that_is_not_understood_fails_the_command(tmp_path: Path) -> None:
    """The reason is the evidence, and the document is dropped."""

    def refuse(_document: str) -> str:
        raise UsageError("there is no earlier version", hint="Take it from git.")

    ended = _run(sys.executable, "-c", _PRINTS, *_JSON, directory=tmp_path, understands=refuse)
    assert (ended.outcome, ended.document) == (Outcome.FAILED, "")
    assert ended.evidence == "there is no earlier version. Take it from git."


def test_a_command_that_failed_is_not_read(tmp_path: Path) -> None:
    """Its document may be an error."""
    code = f"{_PRINTS}; raise SystemExit(1)"
    ended = _run(sys.executable, "-c", code, *_JSON, directory=tmp_path, understands=lambda _document: "read")
    assert (ended.outcome, ended.output) == (Outcome.FAILED, "[1, 2]")


def test_json_is_kept_apart_from_what_is_said_beside_it(tmp_path: Path) -> None:
    """With --output-format json stdout is a pipe, stdin and stderr stay on the terminal, and the JSON is whole."""
    body = """import os, sys
print('{"rows": [{"a": 1}, {"a": 2}]}')
print("Connecting", [os.isatty(n) for n in range(3)], file=sys.stderr)"""
    program_ = python_program(tmp_path, "cli", body)
    shown: Shown = []
    ended = _run(str(program_), "--output-format", "json", directory=tmp_path, shown=shown)
    assert ended.document == '{"rows": [{"a": 1}, {"a": 2}]}\n'
    assert ended.output == 'Connecting [True, False, True]\n{"rows": [{"a": 1}, {"a": 2}]}'
    assert "".join(shown).replace("\r", "").endswith("a\n-\n1\n2\n")


def test_without_json_there_is_no_document(tmp_path: Path) -> None:
    """The word json elsewhere in an argv changes nothing."""
    assert _run("echo", "--output-format", "text", "json", directory=tmp_path).document == ""


def test_redrawn_lines_are_kept_once_without_control_sequences(tmp_path: Path) -> None:
    """A progress bar leaves its last state, colours leave none."""
    ended = _run("printf", r"10%%\r50%%\r100%%\n\033[31mred\033[0m\n", directory=tmp_path)
    assert ended.output == "100%\nred"


def test_long_output_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    """What is kept of 3 MB is bounded and says how much is missing."""
    ended = _python("import sys\nfor n in range(60_000): print(f'line {n:07} ' + 'x' * 36)", directory=tmp_path)
    assert ended.outcome is Outcome.PASSED
    assert len(ended.output) < 300_000
    assert ended.output.startswith("line 0000000 ")
    assert ended.output.endswith("line 0059999 " + "x" * 36)
    assert "characters cut" in ended.output


def test_secrets_are_removed_from_screen_and_record_also_when_split(tmp_path: Path) -> None:
    """A secret that comes in two writes is shown nowhere."""
    code = "import time\nfor part in ('tok=hunter', '2hunter2 end'): print(part, end='', flush=True); time.sleep(.2)"
    shown: Shown = []
    ended = _python(code, directory=tmp_path, secrets=["hunter2hunter2"], shown=shown)
    assert "hunter" not in ended.output + "".join(shown)
    assert ended.output.endswith("end")


def test_secrets_are_removed_from_the_document(tmp_path: Path) -> None:
    """JSON stays JSON, without the secret."""
    cli = program(tmp_path, "cli", """echo '{"key": "hunter2hunter2"}'""")
    ended = _run(str(cli), "--output-format=json", directory=tmp_path, secrets=["hunter2hunter2"])
    assert ended.document == '{"key": "[secret]"}\n'


def test_born_is_told_before_the_program_is_loaded(tmp_path: Path) -> None:
    """The pid on record is the program's own, and its start time is the kernel's."""
    seen: list[tuple[int, str, str]] = []

    def born(pid: int, since: str) -> None:
        seen.append((pid, since, Path(f"/proc/{pid}/comm").read_text().strip()))

    ended = _run("sh", "-c", "echo $$; cut -d' ' -f22 /proc/$$/stat", directory=tmp_path, born=born)
    pid, since, name = seen[0]
    assert ended.output == f"{pid}\n{since.partition('@')[0]}"
    assert name != "sh"


def test_program_never_runs_if_its_birth_can_not_be_recorded(tmp_path: Path) -> None:
    """A full disk stops the command, not what comes after it, and leaves no process behind."""
    pids: list[int] = []

    def full(pid: int, _since: str) -> None:
        pids.append(pid)
        raise OSError("disk full")

    mark = tmp_path / "ran"
    with pytest.raises(OSError, match="disk full"):
        _run("touch", str(mark), directory=tmp_path, born=full)
    assert not mark.exists()
    assert birth(pids[0]) == ""


def test_program_never_runs_if_this_process_dies_at_its_birth(tmp_path: Path) -> None:
    """Kill it between the birth and the program: the child sees that nobody opens its gate, and ends."""
    mark = tmp_path / "ran"
    code = f"""
import os, signal, sys
from runbook.policy.redaction import Redactor
from runbook.runtime.executor import PtyExecutor
def born(pid, since):
    print(pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
PtyExecutor(Redactor, print, lambda: (80, 24)).execute(
    ["touch", {str(mark)!r}], environment={{}}, directory="/", timeout=None, born=born)
"""
    ended = _python(code, directory=tmp_path)
    assert ended.exit is None
    pid = int(ended.output.split()[0])
    _until(lambda: birth(pid) == "")
    assert not mark.exists()


def test_missing_program_is_named_with_what_adds_it(tmp_path: Path) -> None:
    """Nothing is forked for a program that is not there."""
    with pytest.raises(MissingPartError, match="'no-such-program' isn't on PATH"):
        _run("no-such-program", directory=tmp_path)


def test_unloadable_program_has_failed_and_nothing_ran(tmp_path: Path) -> None:
    """A file that can't be executed is a failure in words, not an exception."""
    (tmp_path / "cli").write_text("no program")
    ended = _run(str(tmp_path / "cli"), directory=tmp_path)
    assert (ended.outcome, ended.exit) == (Outcome.FAILED, 126)
    assert "Nothing ran" in ended.evidence


def test_timeout_ends_the_whole_process_group(tmp_path: Path) -> None:
    """A command past its time is interrupted, its children too."""
    mark = tmp_path / "child"
    ended = _run("sh", "-c", f"sleep 60 & echo $! > {mark}; wait", directory=tmp_path, timeout=0.5)
    assert ended.outcome is Outcome.INTERRUPTED
    assert "didn't end within 0.5 s" in ended.evidence
    _until(lambda: birth(int(mark.read_text())) == "")


def test_stubborn_program_is_killed_after_a_grace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM ignored, SIGKILL follows."""
    monkeypatch.setattr("runbook.runtime.terminal_relay._GRACE", 0.3)
    ended = _run("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done", directory=tmp_path, timeout=0.5)
    assert (ended.outcome, ended.exit) == (Outcome.INTERRUPTED, None)
    assert "SIGKILL" in ended.evidence


def test_timeout_counts_while_it_asks_and_nobody_is_there(tmp_path: Path) -> None:
    """Without a keyboard nobody will answer: a question does not stop the clock."""
    ended = _run("sh", "-c", "printf 'Sure? '; read answer", directory=tmp_path, timeout=0.5)
    assert ended.outcome is Outcome.INTERRUPTED


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGINT], ids=lambda one: one.name)
def test_end_by_a_signal_is_an_interruption(tmp_path: Path, number: signal.Signals) -> None:
    """Whoever sent it, the server may have gone on."""
    ended = _run("sh", "-c", f"kill -{number.value} $$", directory=tmp_path)
    assert (ended.outcome, ended.exit, ended.evidence) == (Outcome.INTERRUPTED, None, f"ended by {number.name}")


def test_exit_code_of_a_signalled_grandchild_is_an_interruption(tmp_path: Path) -> None:
    """The Supabase CLI under npx ends with 130 when it is interrupted."""
    assert _run("sh", "-c", "exit 130", directory=tmp_path).outcome is Outcome.INTERRUPTED


def test_process_left_in_the_background_does_not_hold_the_walk(tmp_path: Path) -> None:
    """A grandchild that keeps the terminal open is not waited for: it still runs when the walk goes on."""
    ended = _run("sh", "-c", "trap '' HUP; sleep 60 & echo $!", directory=tmp_path)
    left = int(ended.output)
    assert birth(left) != ""
    os.kill(left, signal.SIGKILL)


def test_answerer_types_for_the_operator(tmp_path: Path) -> None:
    """It sees each prompt once, complete, and what it returns is typed."""
    prompts: list[str] = []

    def answer(text: str) -> bytes | None:
        prompts.append(text)
        return b"yes\r" if text.rstrip().endswith("?") else None

    ended = _run(
        "sh",
        "-c",
        "printf 'First? '; read a; printf 'Second? '; read b; echo $a $b",
        directory=tmp_path,
        answerer=answer,
    )
    assert ended.output.endswith("yes yes")
    asked = [text for text in prompts if text.rstrip().endswith("?")]
    assert ["First?" in asked[0], "Second?" in asked[1], "First?" in asked[1], len(asked)] == [True, True, False, 2]


def test_traps_are_not_inherited_and_what_is_given_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell's SUPABASE_YES never reaches a command, nor does a variable that none needs; a drill's profile does."""
    monkeypatch.setenv("SUPABASE_YES", "1")
    monkeypatch.setenv("CLAUDECODE", "1")
    monkeypatch.setenv("SUPABASE_PROFILE", "elsewhere")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("OTHER", "x")
    names = ("SUPABASE_YES", "CLAUDECODE", "SUPABASE_PROFILE", "LANG", "OTHER")
    code = f"import os; print(*(os.environ.get(n) for n in {names}))"
    ended = _python(code, directory=tmp_path, environment={"SUPABASE_PROFILE": "drill"})
    assert ended.output == "None None drill C.UTF-8 None"


def test_this_installations_tools_come_first_on_path() -> None:
    """`runbook` in a step is the one beside this Python."""
    whole = child_environment({"PATH": "/bin", "COLUMNS": "200"}, {})
    assert whole["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}/bin"
    assert "COLUMNS" not in whole


def test_broken_pipes_end_a_child_as_usual(tmp_path: Path) -> None:
    """Python ignores SIGPIPE for itself; a child must not inherit that."""
    ended = _run("sh", "-c", "yes | head -1; kill -PIPE $$; echo still here", directory=tmp_path)
    assert "still here" not in ended.output


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    """A replacement character stands for them."""
    assert _run("printf", r"a\377b\n", directory=tmp_path).output == "a�b"


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in 10 s"
        time.sleep(0.02)
