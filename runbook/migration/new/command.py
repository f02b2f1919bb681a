"""`runbook migration new`: write a migration with a version, a header and timeouts, from a pattern or a function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runbook.cli.given_values import given_values
from runbook.errors import BookError, ExitCode, UsageError
from runbook.paths import relative_path
from runbook.printable import json_text

if TYPE_CHECKING:
    from runbook.definitions.restoration import Asked
    from runbook.migration.new.creation import Created
    from runbook.migration.new.current_function import CurrentFunction
    from runbook.migration.new.project_cli import Database
    from runbook.model.book import Pattern

__all__ = ["new"]


def _complete_pattern(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the patterns that begin with the typed text; none if the book can't be read."""
    from runbook.migration.new.patterns import read_templates

    try:
        templates = read_templates(ctx.find_root().params.get("book"))
    except (BookError, UsageError):
        return []
    return [name for name in templates if name.startswith(incomplete)]


@click.command("new", short_help="Create a migration, from nothing, a pattern or a function.")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--pattern", metavar="PATTERN", shell_complete=_complete_pattern, help="Start from one of the patterns.")
@click.option("--list", "lists", is_flag=True, help="List the patterns, with the names that each asks for.")
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="A name in the pattern. Repeatable.")
@click.option(
    "--part", "parts", metavar="N", type=int, multiple=True, help="Of a pattern with several files, only this one."
)
@click.option("--function", metavar="'NAME(TYPES)'", help="The function for the pattern replace-function.")
@click.option("--purpose", metavar="TEXT", help="Why the change is needed.")
@click.option("--rollback", metavar="TEXT", help="What undoes it.")
@click.option("--db-url", metavar="URL", help="Ask this database. The password belongs in PGPASSWORD.")
@click.option("--local", is_flag=True, help="Take the function from the local stack.")
@click.option("--from", "revision", metavar="REF", help="Take the function from the migrations at a git revision.")
@click.option("--offline", is_flag=True, help="Ask no database.")
@click.option(
    "--directory", type=click.Path(path_type=Path), metavar="DIR", help="The directory that has the folder supabase."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def new(  # noqa: PLR0913 - one for each option
    book: str | None,
    *,
    name: str | None,
    pattern: str | None,
    lists: bool,
    given: tuple[str, ...],
    parts: tuple[int, ...],
    function: str | None,
    purpose: str | None,
    rollback: str | None,
    db_url: str | None,
    local: bool,
    revision: str | None,
    offline: bool,
    directory: Path | None,
    form: str,
) -> int:
    """Create a migration, with a version later than all others, a header and timeouts.

    The version is compared with the files in supabase/migrations and with the history of the linked project. What you
    don't give as an option is asked at a terminal. Otherwise, placeholders remain, which `runbook migration check`
    reports. A file that exists is never changed.

    \b
    runbook migration new add_priority_to_tasks
    runbook migration new add_priority --pattern add-column \\
      --set table=tasks --set column=priority
    runbook migration new fix_total --pattern replace-function \\
      --function 'app.total(uuid)'

    replace-function starts from the definition that the linked project has now, or --db-url, --local or --from. The
    file keeps SECURITY DEFINER, SET, owner and grants, and has the old definition as a comment, so you can undo it.
    """  # noqa: D301 - a raw docstring would print click's mark \b instead of obeying it
    from runbook.migration.new.creation import Request, create_migration
    from runbook.migration.new.patterns import find_template, read_templates
    from runbook.migration.new.templates import REPLACE_FUNCTION
    from runbook.migration.new.writing import project_of

    if lists:
        click.echo(_listed(read_templates(book), form))
        return ExitCode.DONE
    _refuse_conflicts(db_url=db_url, local=local, revision=revision, offline=offline)
    person = _Terminal() if sys.stdin.isatty() and sys.stderr.isatty() else None
    if not name:
        raise UsageError("the migration has no name", hint="For example: runbook migration new add_priority_to_tasks")
    if function and pattern is None:
        pattern = REPLACE_FUNCTION
    chosen = find_template(pattern, read_templates(book)) if pattern else None
    _refuse_what_does_not_fit(chosen, given, parts, function)
    if chosen and chosen.id == REPLACE_FUNCTION and not function and person:
        function = person.ask("Which function (schema.name, with its types if several have that name)?")
    project = project_of(directory or Path.cwd(), is_named=directory is not None)
    databases = _databases(project, book, db_url=db_url, local=local, offline=offline)
    request = Request(
        name=name,
        project=project,
        pattern=chosen,
        values=given_values(given, example="table=tasks"),
        parts=parts,
        function=function,
        purpose=purpose,
        rollback=rollback,
        databases=databases,
        offline=offline,
        find_function=_finder(project, databases, revision=revision, person=person),
    )
    for database in databases:
        click.echo(f"Asking {database.title} …", err=True)
    created = create_migration(request, person)
    click.echo(_json(created) if form == "json" else "\n".join(map(relative_path, created.files)))
    if form == "text":
        click.echo("\n".join(_next(created)), err=True)
    return ExitCode.DONE


# --- the options ------------------------------------------------------------------------------------------------------


def _refuse_conflicts(*, db_url: str | None, local: bool, revision: str | None, offline: bool) -> None:
    sources = [("--db-url", db_url), ("--local", local), ("--from", revision)]
    named = [option for option, value in sources if value]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} can't be combined", hint="Each says where the function comes from.")
    if offline and (db_url or local):
        raise UsageError(f"--offline asks no database, so it can't be combined with {named[0]}")


def _refuse_what_does_not_fit(
    chosen: Pattern | None, given: Sequence[str], parts: Sequence[int], function: str | None
) -> None:
    from runbook.migration.new.templates import REPLACE_FUNCTION

    if chosen is None and (given or parts):
        raise UsageError(
            f"{'--set' if given else '--part'} requires --pattern", hint="Show them: runbook migration new --list"
        )
    if function and chosen and chosen.id != REPLACE_FUNCTION:
        raise UsageError(f"--function requires --pattern {REPLACE_FUNCTION}, not {chosen.id}")
    if chosen and chosen.id == REPLACE_FUNCTION and (given or parts):
        raise UsageError(f"--pattern {REPLACE_FUNCTION} takes --function, and no --set and no --part")


def _databases(project: Path, book: str | None, *, db_url: str | None, local: bool, offline: bool) -> list[Database]:
    """Return the databases to ask: the one that has the function first."""
    from runbook.runtime.project import linked_ref

    ref = linked_ref(project)
    if offline or not (db_url or local or ref):
        return []
    from runbook.loading.files import read_policy
    from runbook.loading.place import book_directory
    from runbook.migration.new.project_cli import linked_project, local_stack, named_database

    policy = read_policy(book_directory(book))
    found = []
    if db_url:
        found.append(named_database(project, policy, db_url))
    if local:
        found.append(local_stack(project, policy))
    if ref:
        found.append(linked_project(project, policy, ref))
    return found


def _finder(
    project: Path, databases: Sequence[Database], *, revision: str | None, person: _Terminal | None
) -> Callable[[Asked], CurrentFunction]:
    def find(asked: Asked) -> CurrentFunction:
        from runbook.migration.new.function_source import (
            function_from_database,
            function_from_files,
            function_from_git,
        )

        choose = person.choose if person else None
        if revision:
            return function_from_git(revision, asked, project, choose)
        if databases:
            return function_from_database(databases[0], asked, project, choose)
        return function_from_files(asked, project, choose)

    return find


class _Terminal:
    """The person at this terminal. Questions go to standard error, so that a script can read the paths."""

    def ask(self, question: str, default: str = "") -> str:
        """Return what somebody types, as one line; the default if that's nothing."""
        suffix = " " if question.endswith("?") else ": "
        answer = click.prompt(question, default, show_default=bool(default), prompt_suffix=suffix, err=True)
        return " ".join(str(answer).split())

    def choose(self, options: Sequence[str]) -> int:
        """Return the place of the option that somebody picks."""
        for number, option in enumerate(options, 1):
            click.echo(f"  {number}  {option}", err=True)
        picked = click.prompt("Which one", type=click.IntRange(1, len(options)), err=True)
        return int(picked) - 1


# --- the output -------------------------------------------------------------------------------------------------------


def _next(created: Created) -> list[str]:
    """Return the notes, and what to do next."""
    files = " ".join(map(relative_path, created.files))
    fill = [f"Replace {', '.join(f'<{name}>' for name in created.placeholders)}."] if created.placeholders else []
    more = ["The files are pushed in this order. Each must be right by itself."] if len(created.files) > 1 else []
    return [
        *created.notes,
        *more,
        *fill,
        "Next: complete the file, then check it:",
        f"  runbook migration check {files}",
    ]


def _json(created: Created) -> str:
    files = [relative_path(path) for path in created.files]
    document = {
        "files": files,
        "versions": [path.name.partition("_")[0] for path in created.files],
        "placeholders": list(created.placeholders),
        "notes": list(created.notes),
        "next": [f"runbook migration check {' '.join(files)}"],
    }
    return json_text(document, indent=2)


def _listed(templates: Mapping[str, Pattern], form: str) -> str:
    from textwrap import wrap

    from runbook.migration.new.templates import examples_of
    from runbook.migration.screen import screen_of

    if form == "json":
        rows = [
            {"pattern": one.id, "title": one.title, "files": len(one.files), "names": examples_of(one)}
            for one in templates.values()
        ]
        return json_text({"patterns": rows}, indent=2)
    width = max(map(len, templates), default=0)
    room = screen_of(sys.stdout).width or 10_000  # a program gets each pattern's names in one line
    indent = " " * (width + 2)
    lines = []
    for one in templates.values():
        files = "" if len(one.files) == 1 else f" ({len(one.files)} files)"
        lines.append(f"{one.id:{width}}  {one.title}{files}")
        names = ", ".join(f"{name}={example}" for name, example in examples_of(one).items())
        lines += wrap(names, room, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return "\n".join(lines)
