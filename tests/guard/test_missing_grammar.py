"""Without shfmt, which has no wheel for some systems, the guard refuses what it can't read and says how to add it."""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from guard_support.answers import decision_of

from runbook.guard.agents import AGENTS, answer_event
from runbook.guard.command_line import judge, judge_words
from runbook.guard.fast_path import answer_line
from runbook.guard.judging import policy_of
from runbook.guard.scanning import scan_files
from runbook.guard.shell import parser
from runbook.guard.shims import run_guarded
from runbook.model import Verdict

RESET = "npx supabase db reset --linked"
IN_GRAMMAR = f"if true; then {RESET}; fi"


@pytest.fixture(params=["absent", "not executable", "of another system"])
def without_shfmt(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take shfmt away, or put one there that can't start, and return which of them."""
    shfmt = tmp_path / "bin/shfmt"
    shfmt.parent.mkdir()
    if request.param != "absent":
        shfmt.write_bytes(b"\x7fELF of another processor")
        shfmt.chmod(0o755 if request.param == "of another system" else 0o644)
    monkeypatch.setattr(sys, "executable", str(shfmt.with_name("python")))
    monkeypatch.setattr(sysconfig, "get_path", lambda *_words: str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setenv("HOME", str(tmp_path))
    parser._shfmt.cache_clear()
    monkeypatch.setattr(parser, "_shfmt", parser._shfmt.__wrapped__)
    return str(request.param)


def test_a_line_that_needs_the_grammar_is_refused(without_shfmt: str) -> None:
    """The reason names the command that adds it. A line of words and quotes is judged as usual."""
    for line in ("echo $x", IN_GRAMMAR, "for a in b; do ls; done", f"bash -c '{IN_GRAMMAR}'"):
        judged = judge(line)
        assert judged.verdict is Verdict.REFUSE, line
        assert "without shfmt" in judged.reason
        assert "pip install shfmt-py" in judged.reason
        assert ("isn't installed" in judged.reason) == (without_shfmt == "absent")
    assert judge_words(("sh", "-c", IN_GRAMMAR)).verdict is Verdict.REFUSE
    assert judge("ls -la | wc -l && git status").verdict is Verdict.ALLOW
    assert judge(RESET).rule == "db-reset"


@pytest.mark.usefixtures("without_shfmt")
def test_a_text_that_may_be_shell_is_never_let_through() -> None:
    """With the grammar, the guard would see whether it resets. A text that names no such program can't."""
    for words in (("unknown-runner", IN_GRAMMAR), ("ssh", "host", IN_GRAMMAR)):
        assert judge_words(words).verdict is not Verdict.ALLOW, words
    assert judge_words(("git", "commit", "-m", "Fix (a) $b; in the parser")).verdict is Verdict.ALLOW


@pytest.mark.usefixtures("without_shfmt")
@pytest.mark.parametrize("agent", AGENTS)
def test_every_agent_is_refused_with_the_reason(agent: str) -> None:
    """None of them asks, because a person can add shfmt instead."""
    event = {"tool_name": "Bash", "tool_input": {"command": "echo $x"}, "cwd": "/"}
    answer = answer_event(agent, json.dumps(event).encode(), book=None)
    assert decision_of(agent, answer.stdout, answer.stderr, answer.code) == "deny"
    assert "pip install shfmt-py" in answer.stderr


@pytest.mark.usefixtures("without_shfmt")
def test_no_face_of_the_guard_lets_it_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line, a program and a file that is scanned, each with the command that helps."""
    assert answer_line(IN_GRAMMAR, "text", None) == 3
    assert run_guarded(("sh", "-c", IN_GRAMMAR), None) == 3
    assert capsys.readouterr().err.count("pip install shfmt-py") == 2
    script = tmp_path / "go.sh"
    script.write_text(IN_GRAMMAR)
    (found,) = scan_files([script], policy_of(None)).stopped
    assert found.verdict is Verdict.REFUSE
    assert "pip install shfmt-py" in found.message
