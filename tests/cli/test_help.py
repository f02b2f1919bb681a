"""The help of every verb, at the terminal and on the page that is generated from it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from runbook.cli import main
from runbook.cli.group import runbook
from runbook.cli.pages import cli_reference
from runbook.cli.verbs import verbs
from runbook.errors import ExitCode


def _commands() -> Iterator[tuple[str, ...]]:
    yield ()
    context = click.Context(runbook)
    for verb in verbs():
        yield (verb,)
        command = runbook.get_command(context, verb)
        if isinstance(command, click.Group):
            yield from ((verb, name) for name in command.commands)


@pytest.mark.parametrize("words", [*_commands()], ids=" ".join)
def test_help_shows_no_mark_of_clicks(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Readers never see click's mark that preserves lines, and every paragraph fits the terminal."""
    assert main([*words, "--help"]) == 0
    shown = capsys.readouterr().out

    assert "\\b" not in shown
    assert "\b" not in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_the_page_shows_no_mark_of_clicks() -> None:
    """The command-line reference has no marks either."""
    page = cli_reference()

    assert "\\b" not in page
    assert "\b" not in page


@pytest.mark.parametrize("words", [["list"], ["show", "add-index"], ["find", "lock"]])
def test_a_command_without_an_output_says_so(words: list[str]) -> None:
    """Started with `>&-`. A result that nobody gets must not look like a success, or like a bug."""
    line = f"{shlex.join([sys.executable, '-m', 'runbook', *words])} >&-"
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (1, "runbook: standard output is closed")


def test_a_command_without_a_place_for_messages_does_its_work() -> None:
    """Started with `2>&-`."""
    line = f"{shlex.join([sys.executable, '-m', 'runbook', 'list'])} 2>&-"
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert "add-index" in ran.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_no_bug() -> None:
    """The error is one sentence with what to do, and no log is written."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "runbook", "show", "emergency-rollback"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert ended.returncode == ExitCode.NOT_COMPLETED
    assert ended.stderr.startswith("runbook: No space left on device")
    assert "bug" not in ended.stderr
