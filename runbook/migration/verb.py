"""`runbook migration`: create migrations, and check them before anybody reviews or pushes them."""

from __future__ import annotations

import gc
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click

from runbook.errors import ExitCode, UsageError
from runbook.migration.new.command import new

__all__ = ["command"]


@click.group("migration")
def command() -> None:
    """Create migrations, and check them before review."""


command.add_command(new)


@command.command("check")
@click.argument("files", nargs=-1, metavar="[FILE|DIRECTORY]...", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "gitlab", "sarif"]),
    default="text",
    show_default=True,
    help="sarif is for code scanning, github for annotations in a workflow, gitlab for Code Quality.",
)
@click.option("--since", metavar="REF", default="", help="Only check what this branch adds since it left REF.")
@click.option(
    "--against",
    metavar="TARGET",
    default="",
    help="Also read a database, and change nothing: production or local (through the project's CLI), or a URL.",
)
@click.option("--explain", metavar="RULE", help="Print what a rule catches, why, and what to write instead.")
@click.option("--book", "own_book", metavar="DIRECTORY", help="The team's book whose settings count.")
@click.pass_obj
def check(
    book: str | None,
    *,
    files: tuple[Path, ...],
    form: str,
    since: str,
    against: str,
    explain: str | None,
    own_book: str | None,
) -> int:
    """Find statements that lose data, block the app or open data to strangers, and files that won't apply.

    Without files, it checks supabase/migrations of this project. Statements on tables that the same file creates are
    no danger. To accept a finding, write a comment right above the statement:

    \b
        -- runbook: allow drop-column because nothing has read it since March
        alter table tasks drop column note;

    With --against, one read-only look at a database adds what only it shows: applied files that were edited or are
    missing, invalid indexes, sessions that block, objects that don't exist, and the sizes of tables. A rewrite of a
    small table is then only a notice. Files that the history has aren't judged again, unless you name them.

    \b
    Exit code: 0 no errors · 1 errors · 2 wrong path, settings, --since or --against
    """  # noqa: D301 - a raw docstring would print click's mark \b instead of obeying it
    from runbook.migration.check import check_files
    from runbook.migration.report import report_text, summary_line
    from runbook.migration.rules import read_rules
    from runbook.migration.screen import screen_of
    from runbook.streams import terminal_of

    if explain:
        return _explain(explain)
    gc.disable()  # the parser's trees have no cycles, and searching them again and again takes a third of the time
    with _progress():
        if against:
            from runbook.migration.against import check_against

            report = check_against(files, against, since=since, book=own_book or book)
        else:
            report = check_files(files, since=since, book=own_book or book)
    screen = screen_of(sys.stdout)
    if text := report_text(report, form, read_rules(), screen):
        # Colors are escape codes, which the usual stream would show as text. What the report quotes is printable.
        stream = terminal_of(sys.stdout) if screen.has_color else sys.stdout
        encoding = stream.encoding or "utf-8"
        click.echo(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)
    click.echo(summary_line(report), err=True)
    return ExitCode.NOT_COMPLETED if report.has_errors else ExitCode.DONE


def _progress() -> AbstractContextManager[None]:
    """Return what shows on a terminal that the check is still running."""
    if not sys.stderr.isatty():
        return nullcontext()
    from runbook.runtime.running_mark import running

    return running("checking migrations")


def _explain(name: str) -> int:
    import shutil

    from runbook.migration.report import rule_text
    from runbook.migration.rules import read_rules

    rules = read_rules()
    if name not in rules:
        from difflib import get_close_matches

        close = get_close_matches(name, rules, n=3)
        hint = f"Did you mean {' or '.join(close)}?" if close else "A finding shows the name of its rule."
        raise UsageError(f"there is no rule '{name}'", hint=hint)
    click.echo(rule_text(rules[name], min(100, shutil.get_terminal_size().columns), _ways(rules[name].see)))
    return ExitCode.DONE


def _ways(shown_by: str) -> list[str]:
    """Return the commands for the procedure and the pattern of that id, if there are any."""
    from runbook.loading.place import PACKAGED_BOOK
    from runbook.migration.new.patterns import read_templates

    found = [f"runbook show {shown_by}"] if (PACKAGED_BOOK / f"procedures/{shown_by}.yaml").is_file() else []
    if shown_by in read_templates(str(PACKAGED_BOOK)):
        found.append(f"runbook migration new NAME --pattern {shown_by}")
    return found


@command.command("pull-request")
@click.option("--paths", metavar="LINES", default="", help="Files and directories to check, one on each line.")
@click.option("--since", metavar="REF", default="", help="What to compare with (default: the pull request's base).")
@click.option(
    "--fail-at",
    type=click.Choice(["error", "warning", "notice", "never"]),
    default="error",
    show_default=True,
    help="The lowest level of a finding that fails the check.",
)
@click.option("--comment", type=bool, default=True, show_default=True, help="Keep a comment on the pull request.")
@click.option("--sarif", type=bool, default=False, show_default=True, help="Write a file for code scanning, too.")
@click.pass_obj
def pull_request(book: str | None, paths: str, since: str, fail_at: str, comment: bool, sarif: bool) -> int:
    """Check what a pull request adds, in a workflow of GitHub.

    The findings become annotations, a summary, and one comment, which later runs update. This project's action runs
    it. It reads what a workflow has in its environment: GITHUB_EVENT_PATH, GITHUB_TOKEN and others.

    \b
    Exit code: 0 no finding at that level · 1 findings · 2 the check couldn't run
    """  # noqa: D301 - a raw docstring would print click's mark \b instead of obeying it
    import os

    from runbook.migration.pull_request import Options, check_pull_request

    named = [Path(line.strip()) for line in paths.splitlines() if line.strip()]
    options = Options(paths=named, since=since, fail_at=fail_at, comment=comment, sarif=sarif, book=book)
    environ = dict(os.environ)
    os.environ.pop("GITHUB_TOKEN", None)  # git needs none of it
    return check_pull_request(options, environ)
