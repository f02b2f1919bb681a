"""`runbook init`: start a team's own book in a Supabase project."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from runbook.errors import ExitCode, RunbookError, UsageError
from runbook.extras import installed
from runbook.loading.place import TEAM_FILE, TEAM_FOLDER
from runbook.migration_names import parse_name
from runbook.model.team import REF
from runbook.printable import counted, one_line

__all__ = ["command"]

_AGENTS = ("claude-code", "codex", "gemini", "cursor", "copilot", "windsurf", "opencode")


@click.command("init")
@click.option("--name", help="Your team's name.")
@click.option("--production", metavar="REF", help="The production project (default: the linked one).")
@click.option("--staging", metavar="REF", help="The staging project, if you have one.")
@click.option("--contact", metavar="WHO", help="The person or rota that answers for the database.")
@click.option("--channel", help="Where you tell each other about an incident, such as #incidents.")
@click.option("--workflow", is_flag=True, help="Add a GitHub workflow that checks the book and builds the site.")
@click.option("--pre-commit", is_flag=True, help="Add a pre-commit hook that judges the commands in each commit.")
@click.option("--agent", "agents", multiple=True, type=click.Choice(_AGENTS), help="Guard a coding agent. Repeatable.")
def command(
    *,
    name: str | None,
    production: str | None,
    staging: str | None,
    contact: str | None,
    channel: str | None,
    workflow: bool,
    pre_commit: bool,
    agents: tuple[str, ...],
) -> int:
    """Start your team's own book in this project: the folder team-runbook/.

    It has your projects, people and links, your own procedures, your changes to the packaged ones, and your site. What
    you don't give as an option is asked at a terminal. A file that exists is never changed, so you can run it again.
    """
    from runbook.site.new_team import Answers, book_files, pre_commit_file, workflow_file

    project = _look_around(Path.cwd())
    for line in project.said():
        click.echo(line, err=True)
    ask = _ask if sys.stdin.isatty() and not (project.top / TEAM_FOLDER / TEAM_FILE).exists() else _take
    answers = Answers(
        name=_needed("--name", ask(name, "Your team's name", project.name)),
        production=_ref("--production", _needed("--production", ask(production, "Production's ref", project.ref))),
        staging=_ref("--staging", ask(staging, "Staging's ref, if there is one", "")),
        contact=ask(contact, "Who answers for the database (a name or a rota)", ""),
        channel=ask(channel, "Where you tell each other about an incident", ""),
        cli=project.cli,
        functions=project.functions,
    )
    more = [*([workflow_file()] if workflow else []), *([pre_commit_file()] if pre_commit else [])]
    _write(project.top, {**book_files(answers), **dict(more)})
    for agent in agents:
        _guard(agent)
    click.echo(_NEXT, err=True)
    return ExitCode.DONE


_NEXT = """\
Next:
  runbook list                       your book, found from anywhere in this project
  runbook new procedure NAME         a procedure of your own
  runbook check                      what is wrong with the book
  runbook site serve                 your site"""


# --- the project ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Project:
    """What a Supabase project shows by its files."""

    top: Path
    ref: str
    cli: str
    functions: tuple[str, ...]
    migrations: int
    skipped: tuple[str, ...]
    """SQL files in supabase/migrations that the CLI passes over."""

    @property
    def name(self) -> str:
        return self.top.name

    def said(self) -> Iterator[str]:
        """Yield what was found, in sentences."""
        functions = f"edge functions ({', '.join(self.functions)})" if self.functions else "no edge functions"
        cli = f"Supabase CLI {self.cli}" if self.cli else "no Supabase CLI in node_modules"
        migrations = counted(self.migrations, "migration")
        yield f"Found in {self.top}: {migrations}, {functions}, {cli}."
        if self.skipped:
            some = ", ".join(self.skipped[:3]) + (" and more" if len(self.skipped) > 3 else "")
            yield f"The CLI passes over {some}: a migration is supabase/migrations/<digits>_<name>.sql."


def _look_around(start: Path) -> _Project:
    """Return the project around a directory. Raises UsageError if there is none."""
    from runbook.runtime.project import find_project, installed_version, linked_ref

    top = find_project(start)
    folder = top / "supabase/migrations"
    sql = sorted(folder.rglob("*.sql")) if folder.is_dir() else []
    good = [file for file in sql if file.parent == folder and parse_name(file.name)]
    functions = sorted(
        each.name
        for each in ((top / "supabase/functions").iterdir() if (top / "supabase/functions").is_dir() else ())
        if each.is_dir() and not each.name.startswith(("_", "."))
    )
    return _Project(
        top,
        linked_ref(top),
        installed_version(top),
        tuple(map(one_line, functions)),
        len(good),
        tuple(one_line(str(file.relative_to(folder))) for file in sql if file not in good),
    )


# --- the answers ------------------------------------------------------------------------------------------------------


def _ask(given: str | None, question: str, default: str) -> str:
    """Return an option's value, or what somebody types."""
    text = given if given is not None else click.prompt(question, default, show_default=bool(default), err=True)
    return _line(text)


def _take(given: str | None, _question: str, default: str) -> str:
    """Return an option's value, or the default: nobody is asked without a terminal, or if the file exists."""
    return _line(default if given is None else given)


def _line(text: str) -> str:
    found = " ".join(text.split())
    if found != one_line(found):
        raise UsageError("an answer has characters that can't be shown", hint="Give it as one line of plain text.")
    return found


def _needed(option: str, text: str) -> str:
    if not text:
        raise UsageError(f"{option} is needed", hint=f"For example: runbook init {option} ...")
    return text


def _ref(option: str, text: str) -> str:
    if text and not re.fullmatch(REF, text):
        raise UsageError(
            f"{option} {text}: a project's ref has 20 lower-case letters",
            hint="It is in the project's address: https://supabase.com/dashboard/project/REF",
        )
    return text


# --- the files --------------------------------------------------------------------------------------------------------


def _write(top: Path, files: Mapping[str, str]) -> None:
    """Write each file that doesn't exist yet, and print what became of each."""
    for name, text in files.items():
        path = top / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            click.echo(f"wrote  {name}")
        except FileExistsError:
            click.echo(f"kept   {name}")
        except OSError as error:
            raise RunbookError(f"can't write {path}: {error.strerror}", hint="Who may write there?") from error


def _guard(agent: str) -> None:
    if "guard" not in installed():
        raise UsageError("this installation has no guard", hint="Leave out --agent.")
    from runbook.cli import main

    if code := main(["guard", "install", agent]):
        raise RunbookError(f"the guard wasn't installed in {agent} (exit code {code})", hint="The reason is above.")
