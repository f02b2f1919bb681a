"""`runbook completion`: the script by which a shell completes verbs, procedures and runs."""

from __future__ import annotations

import click

from runbook.errors import ExitCode

__all__ = ["command"]

_HINTS = {
    "bash": 'eval "$(runbook completion bash)"   in ~/.bashrc',
    "zsh": 'eval "$(runbook completion zsh)"   in ~/.zshrc, after compinit',
    "fish": "runbook completion fish > ~/.config/fish/completions/runbook.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_HINTS)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    """Print the completion script for bash, zsh or fish; its first line says where it goes."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    # Not `source()`: for bash it would start a bash to look at its version, and print what it thinks of it.
    script = kind.source_template % kind(ctx.find_root().command, {}, "runbook", "_RUNBOOK_COMPLETE").source_vars()
    click.echo(f"# {_HINTS[shell]}\n{script.strip()}")
    return ExitCode.DONE
