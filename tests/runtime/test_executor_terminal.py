"""Commands in a pseudo terminal, with a person's terminal on our side."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest
from support.terminals import answer, found, hang_up, pid_of, press, python_program, terminal

from runbook.journal.liveness import birth

ROOT = Path(__file__).parents[2]
SUPABASE = ROOT / "node_modules" / ".bin" / "supabase"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., pexpect.spawn[str]]:
    """Start a command through PtyExecutor in a terminal of 80 by 24."""

    def start(*argv: str, **wanted: object) -> pexpect.spawn[str]:
        text = json.dumps({"argv": argv, **wanted})
        environment = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "HOME": str(tmp_path)}
        return terminal(sys.executable, "-m", "support.executing", text, environment=environment, directory=tmp_path)

    return start


def _result(child: pexpect.spawn[str]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(found(child, r"RESULT (\{.*\})\r\n"))
    child.expect(pexpect.EOF)
    child.close()
    return result


def test_prompt_without_a_newline_appears_at_once_and_is_answered(run: Callable[..., pexpect.spawn[str]]) -> None:
    """A shell's `read -p` is visible before it is answered."""
    child = run("sh", "-c", "printf 'Name: '; read name; echo hello $name")
    child.expect("Name: ")
    answer(child, "ada")
    child.expect("hello ada")
    assert _result(child)["output"] == "Name: ada\nhello ada"


def test_silence_is_marked_and_the_mark_is_gone_before_the_output(run: Callable[..., pexpect.spawn[str]]) -> None:
    """The mark stands on a line of its own, in no record, and never below a question; a key then is noted."""
    body = "read -t 5 a < go; echo one; printf 'Name: '; read name; echo hello $name"
    child = run("bash", "-c", f"mkfifo go; {body}")
    child.expect(r"running, \d s")
    press(child, "k")
    child.expect("typed before the question appeared were discarded")
    child.expect(r"running, \d s")
    Path(str(child.cwd), "go").write_text("\n")
    child.expect(r"\r\x1b\[Kone\r\n")
    child.expect("Name: ")
    answer(child, "ada")
    assert "running" not in (child.before or "")
    child.expect("hello ada")
    child.expect("EARLY True")
    assert _result(child)["output"] == "one\nName: ada\nhello ada"


def test_ctrl_c_reaches_the_child_alone(run: Callable[..., pexpect.spawn[str]]) -> None:
    """The runbook survives and says that the command was interrupted."""
    child = run("sh", "-c", "echo ready; sleep 60")
    child.expect("ready")
    child.send("\x03")
    result = _result(child)
    assert (result["outcome"], "Ctrl-C was pressed" in result["evidence"]) == ("interrupted", True)
    assert child.exitstatus == 0


def test_command_that_takes_ctrl_c_and_ends_well_has_passed(run: Callable[..., pexpect.spawn[str]]) -> None:
    """`tail -f` and its like are left by Ctrl-C."""
    child = run("sh", "-c", "trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.1; done")
    child.expect("ready")
    child.send("\x03")
    assert _result(child)["outcome"] == "passed"


def test_third_ctrl_c_ends_what_ignores_it(run: Callable[..., pexpect.spawn[str]]) -> None:
    """The second one says so first."""
    child = run("sh", "-c", "trap '' INT; echo ready; sleep 60")
    child.expect("ready")
    child.send("\x03")
    child.expect(r"\^C")
    child.send("\x03")
    child.expect("again to kill it")
    child.send("\x03")
    result = _result(child)
    assert (result["outcome"], "SIGTERM" in result["evidence"]) == ("interrupted", True)


def test_ctrl_z_is_refused_with_a_reason(run: Callable[..., pexpect.spawn[str]]) -> None:
    """Neither the command nor the runbook stops; what is typed with it still arrives."""
    child = run("sh", "-c", "printf 'Go? '; read answer; echo got $answer")
    child.expect("Go")
    child.send("\x1a")
    child.expect("Ctrl-Z is off")
    answer(child, "on")
    child.expect("got on")
    assert _result(child)["outcome"] == "passed"


def test_runbook_stopped_and_continued_from_outside_goes_on(run: Callable[..., pexpect.spawn[str]]) -> None:
    """After SIGSTOP and SIGCONT the keyboard is raw again and the child alive."""
    child = run("sh", "-c", "printf 'Go? '; read answer; echo got $answer")
    child.expect("Go")
    os.kill(pid_of(child), signal.SIGSTOP)
    os.kill(pid_of(child), signal.SIGCONT)
    answer(child, "on")
    child.expect("got on")
    assert _result(child)["outcome"] == "passed"


def test_hidden_input_stays_hidden(run: Callable[..., pexpect.spawn[str]]) -> None:
    """A password typed at a prompt without echo is neither shown nor kept."""
    code = "import getpass; print('length', len(getpass.getpass('Password: ')))"
    child = run(sys.executable, "-c", code)
    child.expect("Password: ")
    press(child, "correct horse\r")
    child.expect("length 13")
    seen = (child.before or "") + (child.after if isinstance(child.after, str) else "")
    assert "correct" not in seen
    assert "correct" not in json.dumps(_result(child))


def test_child_sees_the_size_of_the_terminal_and_its_changes(run: Callable[..., pexpect.spawn[str]]) -> None:
    """80 by 24 at the start, and SIGWINCH when the window changes."""
    body = "trap 'stty size; exit' WINCH; stty size; while :; do sleep 0.1; done"
    child = run("sh", "-c", body)
    child.expect("24 80")
    child.setwinsize(30, 100)
    child.expect("30 100")
    assert _result(child)["outcome"] == "passed"


def test_keys_typed_before_the_command_started_do_not_answer_it(tmp_path: Path) -> None:
    """A second `y` typed too early must not confirm a prompt that nobody has seen."""
    code = f"""
import sys, time
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from runbook.runtime.executor import PtyExecutor
print("now", flush=True)
input()
print(PtyExecutor.here().execute(["sh", "-c", "printf 'Sure? '; read a; echo got=$a="], environment={{}},
    directory="/", timeout=None, born=lambda pid, since: None).output)
"""
    child = terminal(sys.executable, "-c", code, directory=tmp_path)
    child.expect("now")
    child.send("\ry\r")
    child.expect("Sure")
    answer(child, "no")
    child.expect("got=no=")
    child.close()


@pytest.mark.parametrize("ending", ["normal", "SIGTERM", "raised"])
def test_terminal_is_always_given_back(tmp_path: Path, ending: str) -> None:
    """After the command, after SIGTERM and after an exception the shell behind has echo and line editing again."""
    born = "lambda pid, since: 1 / 0" if ending == "raised" else "lambda pid, since: None"
    command = ["sh", "-c", "echo ready; sleep 60"] if ending == "SIGTERM" else ["true"]
    code = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}]
from runbook.runtime.executor import PtyExecutor
PtyExecutor.here().execute({command!r}, environment={{}}, directory="/", timeout=None, born={born})
"""
    script = python_program(tmp_path, "walk", code)
    shell = f"stty -a > before; {script}; stty -a > after; cmp before after && echo same"
    child = terminal("bash", "--norc", "-c", shell, directory=tmp_path)
    if ending == "SIGTERM":
        child.expect("ready")
        os.kill(_only_child(pid_of(child)), signal.SIGTERM)
    child.expect("same")
    child.close()


def test_told_to_end_it_ends_the_command_too(run: Callable[..., pexpect.spawn[str]]) -> None:
    """SIGTERM to the runbook ends the command, and is an error with what to do next, not a result."""
    child = run("sh", "-c", "echo ready; sleep 60")
    pid = int(found(child, r"BORN (\d+)"))
    child.expect("ready")
    os.kill(pid_of(child), signal.SIGTERM)
    child.expect("RAISED told to end")
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, birth(pid)) == (7, "")


def test_command_that_asks_nothing_ends_well_without_its_terminal(tmp_path: Path) -> None:
    """A lost connection does not cut a push off: it goes on, and how it ended is known."""
    mark, result = tmp_path / "mark", tmp_path / "result"
    child = _lost_terminal(tmp_path, f"echo ready; sleep 1; echo done > {mark}", result)
    child.expect("ready")
    hang_up(child)
    _until(lambda: result.exists() and result.read_text() != "")
    assert (result.read_text(), mark.read_text()) == ("passed 0", "done\n")


def test_command_that_asks_is_ended_when_its_terminal_is_lost(tmp_path: Path) -> None:
    """Nobody will answer any more, so it must not wait for ever."""
    result = tmp_path / "result"
    child = _lost_terminal(tmp_path, "printf 'Sure? '; read answer; sleep 60", result)
    child.expect("Sure")
    hang_up(child)
    _until(lambda: result.exists() and result.read_text() != "")
    assert result.read_text() == "interrupted None"


def _lost_terminal(directory: Path, script: str, result: Path) -> pexpect.spawn[str]:
    code = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}]
from pathlib import Path
from runbook.runtime.executor import PtyExecutor
ended = PtyExecutor.here().execute(["sh", "-c", {script!r}], environment={{}}, directory="/", timeout=None,
    born=lambda pid, since: None)
Path({str(result)!r}).write_text(f"{{ended.outcome}} {{ended.exit}}")
"""
    return terminal(sys.executable, "-c", code, directory=directory)


def test_real_cli_asks_in_its_own_way_and_is_answered(run: Callable[..., pexpect.spawn[str]], tmp_path: Path) -> None:
    """The Supabase CLI draws its prompt with the arrow keys' choice, takes `n` at once, and leaves readable text."""
    child = run(str(SUPABASE), "init", "--interactive", environment={"SUPABASE_TELEMETRY_DISABLED": "1"})
    for question in ("Generate VS Code settings", "Generate IntelliJ IDEA settings"):
        child.expect(question)
        child.expect("No")
        press(child, "n")
    result = _result(child)
    assert (result["outcome"], (tmp_path / "supabase" / "config.toml").exists()) == ("passed", True)
    assert result["output"].count("Generate VS Code settings for Deno?") >= 1
    assert "\x1b" not in result["output"]


def test_real_cli_interrupted_at_its_prompt(run: Callable[..., pexpect.spawn[str]]) -> None:
    """Ctrl-C at its prompt ends it with 130: an interruption."""
    child = run(str(SUPABASE), "init", "--interactive", environment={"SUPABASE_TELEMETRY_DISABLED": "1"})
    child.expect("Generate VS Code settings")
    child.expect("No")
    time.sleep(0.3)  # as above
    child.send("\x03")
    result = _result(child)
    assert (result["outcome"], result["exit"]) == ("interrupted", 130)


def _only_child(pid: int) -> int:
    found: list[int] = []

    def has_child() -> bool:
        found[:] = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return bool(found)

    _until(has_child)
    return found[0]


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in 20 s"
        time.sleep(0.05)
