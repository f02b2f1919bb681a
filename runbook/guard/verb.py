"""`runbook guard`: judge a line, guard a command, and put the guard where lines come from."""

from __future__ import annotations

import click

from runbook.guard.commands import hook, install, log, scan, shell_init, uninstall
from runbook.guard.fast_path import answer_line
from runbook.guard.run_command import run_guarded

__all__ = ["command"]


class _GuardGroup(click.Group):
    """A group that takes `-- COMMAND…` as well as subcommands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words behind `--` apart, unless they belong to a subcommand."""
        if "--" in args and not any(word in self.commands for word in args[: args.index("--")]):
            at = args.index("--")
            ctx.meta["runbook.guarded"] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


@click.group("guard", cls=_GuardGroup, invoke_without_command=True, subcommand_metavar="[-- COMMAND…]")
@click.option("--line", metavar="TEXT", help="Judge a shell line: ends with 0 (allowed), 6 (a person) or 3 (refused).")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How --line answers.")
@click.pass_context
def command(ctx: click.Context, line: str | None, form: str) -> int | None:
    """Judge a command line by the book's policy before it runs.

    \b
    runbook guard -- npx supabase db push --linked    judge it, ask if need be, then become it
    runbook guard --line 'A=reset; supabase db $A'    only judge: exit code 0, 6 or 3

    What is refused never runs, and no flag changes that. What needs a person is asked at the terminal; without one it
    does not run either.
    """  # noqa: D301 - a raw docstring would print click's mark \b instead of obeying it
    guarded: tuple[str, ...] = ctx.meta.get("runbook.guarded", ())
    if ctx.invoked_subcommand is not None:
        return None
    if line is not None and guarded:
        raise click.UsageError("give either --line TEXT or -- COMMAND, not both", ctx)
    if line is not None:
        return answer_line(line, form, ctx.obj)
    if guarded:
        return run_guarded(guarded, ctx.obj)
    click.echo(ctx.get_help())
    return None


for _each in (hook, install, log, scan, shell_init, uninstall):
    command.add_command(_each)
