"""The help of every verb: at the terminal, and on the page that is made from it."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from runbook.cli import main
from runbook.cli.group import runbook, verbs
from runbook.cli.pages import cli_reference


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
    """The mark that keeps lines as they are never reaches a reader, and every paragraph fits the terminal."""
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
