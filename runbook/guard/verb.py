"""`runbook guard`: judge a line, guard a command, install the guard in shells and agents, and show what it stopped."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.errors import ExitCode
from runbook.guard.fast_path import answer_hook, answer_line
from runbook.guard.shims import (
    SHELLS,
    default_directory,
    export_line,
    install_shims,
    run_guarded,
    shell_functions,
    uninstall_shims,
)
from runbook.printable import json_text

if TYPE_CHECKING:
    from runbook.guard.hook_command import Hook

__all__ = ["command"]


# --- subcommands -----------------------------------------------------------------------------------------------------


# Written out here, because the module that knows them is loaded only when it's needed.
_AGENTS = ["claude-code", "codex", "gemini", "cursor", "copilot", "windsurf", "opencode"]
_FENCES = """\
The guard can't catch absolute paths, programs that reach the database on their own, the dashboard, tools of an agent
that no rule knows, or anybody who removes it. The real fences are tokens without write access, a working copy
that isn't linked to production, a staging project, and backups that you have restored once."""


_NOT_FOUND = """\
On this machine, the hook doesn't find runbook: it looks for .venv/bin/runbook and venv/bin/runbook here and above,
then on PATH. Run `pipx install migration-runbook`. Until then, the agent's commands are blocked."""


@click.command("shell-init")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_obj
def shell_init(book: str | None, shell: str) -> int:
    """Print functions that guard supabase, npx and other package runners, psql, pg_restore and more in a shell.

    \b
    bash   eval "$(runbook guard shell-init bash)"     in ~/.bashrc
    zsh    eval "$(runbook guard shell-init zsh)"      in ~/.zshrc
    fish   runbook guard shell-init fish | source      in ~/.config/fish/config.fish
    """  # noqa: D301 - a raw docstring would print click's mark \b instead of obeying it
    click.echo(shell_functions(shell, _started_by(_own_path(), book)), nl=False)
    return ExitCode.DONE


@click.command("hook")
@click.argument("agent", metavar="AGENT")
@click.pass_obj
def hook(book: str | None, agent: str) -> int:
    """Judge a coding agent's event (JSON on standard input), and answer in that agent's format.

    An event that would run a command or call an MCP tool is judged. Others pass.
    """
    return answer_hook(agent, book)


@click.command("install")
@click.argument("what", type=click.Choice(["shims", *_AGENTS]))
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Where the shims go.")
@click.option("--user", is_flag=True, help="For an agent: your own settings instead of this project's.")
@click.pass_obj
def install(book: str | None, what: str, directory: Path | None, user: bool) -> int:
    """Put the guard before scripts and Makefiles (shims), or into a coding agent's settings."""
    if what == "shims":
        shims = install_shims((directory or default_directory()).absolute(), _started_by(_own_path(), book))
        click.echo(f"{shims.directory}: {', '.join(shims.names)}")
        if not shims.leads:
            click.echo(f"Put it first on PATH, in your shell's configuration:  {export_line(shims.directory)}")
            click.echo(f"(fish: {export_line(shims.directory, fish=True)})")
        click.echo(_FENCES, err=True)
        return ExitCode.DONE
    from runbook.guard.agent_settings import install_hook, settings_path

    base = Path.home() if user else Path.cwd()
    hook = _hook_of(what, base, book, user=user)
    change = install_hook(hook, base / settings_path(what, user=user))
    click.echo(f"{change.path}: {'hook installed' if change.action == 'written' else 'nothing to do'}")
    if what == "codex":
        click.echo("Codex runs a project's hooks only after you trust them: start Codex and open /hooks.")
    if hook.book is not None and not user and Path(hook.book).is_absolute():
        click.echo(f"The book is outside this project, so the hook needs it at {hook.book} on each machine.", err=True)
    if not hook.is_found(base):
        click.echo(_NOT_FOUND, err=True)
    click.echo(_FENCES, err=True)
    return ExitCode.DONE


@click.command("uninstall")
@click.argument("what", type=click.Choice(["shims", *_AGENTS]))
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Where the shims are.")
@click.option("--user", is_flag=True, help="For an agent: your own settings instead of this project's.")
def uninstall(what: str, directory: Path | None, user: bool) -> int:
    """Remove the guard."""
    if what == "shims":
        shims = uninstall_shims((directory or default_directory()).absolute())
        click.echo(f"{shims.directory}: {len(shims.names)} shims removed")
        return ExitCode.DONE
    from runbook.guard.agent_settings import settings_path, uninstall_hook

    change = uninstall_hook(what, (Path.home() if user else Path.cwd()) / settings_path(what, user=user))
    words = {"written": "hook removed", "removed": "file removed, nothing else was in it", "unchanged": "nothing to do"}
    click.echo(f"{change.path}: {words[change.action]}")
    return ExitCode.DONE


@click.command("scan")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Also report commands that need a person to confirm.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="sarif is for code scanning, github for annotations in a workflow.",
)
@click.option("--book", "own_book", metavar="DIRECTORY", help="The book whose policy counts.")
@click.pass_obj
def scan(book: str | None, files: tuple[Path, ...], strict: bool, form: str, own_book: str | None) -> int:
    """Find commands that the policy refuses in scripts, pipelines, task runners' files and images.

    Directories are searched for files that hold commands. What couldn't be read is named on standard error, with the
    reason.

    \b
    Exit code: 0 nothing found · 2 a path doesn't exist, or the book is damaged · 3 something found
    """  # noqa: D301 - a raw docstring would print click's mark \b instead of obeying it
    from runbook.guard.judging import policy_of
    from runbook.guard.scan_report import passed_over_lines, report_of, summary_of
    from runbook.guard.scanning import scan_files
    from runbook.model import Verdict

    policy = policy_of(own_book or book)
    found = scan_files(files, policy)
    found.stopped = [each for each in found.stopped if strict or each.verdict is Verdict.REFUSE]
    report = report_of(found, form, policy)
    if report:
        click.echo(report)
    for line in passed_over_lines(found):
        click.echo(line, err=True)
    click.echo(summary_of(found), err=True)
    return ExitCode.REFUSED if found.stopped else ExitCode.DONE


@click.command("log")
@click.option("--limit", "-n", type=click.IntRange(min=1), default=20, show_default=True, help="How many to show.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def log(limit: int, form: str) -> int:
    """Show what the guard stopped, the newest last."""
    from runbook.guard.log import log_path, read_log

    entries = list(read_log())[-limit:]
    if form == "json":
        click.echo(json_text([asdict(entry) for entry in entries], indent=2))
        return ExitCode.DONE
    for entry in entries:
        rule = f" ({entry.rule})" if entry.rule else ""
        click.echo(f"{entry.at}  {entry.verdict:7}  {entry.face}: {' '.join(entry.line.split())}{rule}")
    click.echo(f"{log_path()}" if entries else f"Nothing was stopped yet; the log would be {log_path()}", err=True)
    return ExitCode.DONE


def _started_by(program: str, book: str | None) -> str:
    """Return the shell text that starts `runbook` with the current book."""
    return shlex.join([program, "--book", str(Path(book).absolute())] if book else [program])


def _own_path() -> str:
    """Return the path of the `runbook` that runs now."""
    # Use the path that was typed, not the target of a link: it survives an update of the tool.
    started = Path(sys.argv[0])
    if started.name == "runbook" and started.exists():
        return str(started.absolute())
    beside = Path(sys.executable).with_name("runbook")
    return str(beside) if beside.exists() else shutil.which("runbook") or "runbook"


def _hook_of(agent: str, base: Path, book: str | None, *, user: bool) -> Hook:
    """Return the hook for the settings in a directory: a project's, or a person's home."""
    from runbook.guard.agent_settings import settings_path
    from runbook.guard.hook_command import Hook

    settings = settings_path(agent, user=user)
    found = Path(book).resolve() if book else None
    if user:
        return Hook(agent, f"~/{settings}", program=_own_path(), book=str(found) if found else None)
    here = base.resolve()
    if found is not None and found.is_relative_to(here):
        return Hook(agent, settings, book=found.relative_to(here).as_posix())
    return Hook(agent, settings, book=str(found) if found else None)


# --- the verb --------------------------------------------------------------------------------------------------------


class _GuardGroup(click.Group):
    """A group that takes `-- COMMAND…` as well as subcommands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set the words after `--` apart, unless they belong to a subcommand."""
        # `guard scan -- FILE` is click's own use of the two dashes.
        if "--" in args and not any(word in self.commands for word in args[: args.index("--")]):
            at = args.index("--")
            ctx.meta["runbook.guarded"] = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


@click.group("guard", cls=_GuardGroup, invoke_without_command=True, subcommand_metavar="[-- COMMAND…]")
@click.option("--line", metavar="TEXT", help="Judge a shell line. Exit code: 0 allowed, 6 ask a person, 3 refused.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How --line answers.")
@click.pass_context
def command(ctx: click.Context, line: str | None, form: str) -> int | None:
    """Judge a command line by the book's policy before it runs.

    \b
    runbook guard -- npx supabase db push --linked    judge it, ask if necessary, then run it
    runbook guard --line 'A=reset; supabase db $A'    only judge: exit code 0, 6 or 3

    A refused command never runs, and no flag changes that. If a person must confirm, the guard asks at the terminal.
    Without a terminal, the command doesn't run.
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
