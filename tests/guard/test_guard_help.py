"""The guard's help: its examples keep their lines and columns, at the terminal and on the page."""

from __future__ import annotations

from html import unescape

import pytest

from runbook.cli import main
from runbook.cli.pages import cli_reference
from runbook.guard.agents import AGENTS

FORMS = """\
runbook guard -- npx supabase db push --linked    judge it, ask if necessary, then run it
runbook guard --line 'A=reset; supabase db $A'    only judge: exit code 0, 6 or 3
"""
SHELLS = """\
bash   eval "$(runbook guard shell-init bash)"     in ~/.bashrc
zsh    eval "$(runbook guard shell-init zsh)"      in ~/.zshrc
fish   runbook guard shell-init fish | source      in ~/.config/fish/config.fish
"""
EXAMPLES = [
    pytest.param(["guard"], FORMS, id="guard"),
    pytest.param(["guard", "shell-init"], SHELLS, id="shell-init"),
]


@pytest.mark.parametrize(("words", "lines"), EXAMPLES)
def test_help_keeps_the_lines_of_examples(words: list[str], lines: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each example is on one line, and the columns are aligned."""
    main([*words, "--help"])

    assert lines in "".join(line.removeprefix("  ") for line in capsys.readouterr().out.splitlines(keepends=True))


@pytest.mark.parametrize(("words", "lines"), EXAMPLES)
def test_the_page_keeps_the_lines_of_examples(words: list[str], lines: str) -> None:
    """They are preformatted, as at the terminal."""
    assert f"<pre><span><code>{lines.rstrip()}</code></span></pre>" in unescape(cli_reference())


@pytest.mark.parametrize("words", [["guard", "install"], ["guard", "uninstall"], ["init"]])
def test_help_names_every_agent(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The lists are written out, because the module that knows the agents is loaded late."""
    main([*words, "--help"])
    assert "|".join(AGENTS) in "".join(capsys.readouterr().out.split())
