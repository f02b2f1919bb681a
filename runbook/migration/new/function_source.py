"""Get the current definition of a function: from a database, or from the migrations as they are here or in git."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runbook.definitions.restoration import Asked
from runbook.definitions.routines import read_routine
from runbook.errors import RunbookError
from runbook.migration.git import git, try_git
from runbook.migration.new.current_function import Choose, CurrentFunction
from runbook.migration.new.database_function import function_in, query_for
from runbook.migration.new.migration_function import file_with, function_of
from runbook.migration.new.project_cli import Database
from runbook.policy.sql_tokens import tokens
from runbook.steps.migration_files import MIGRATIONS, migration_files

__all__ = ["function_from_database", "function_from_files", "function_from_git"]

Files = Sequence[tuple[str, str]]


def function_from_database(database: Database, asked: Asked, project: Path, choose: Choose | None) -> CurrentFunction:
    """Return the function as the database has it. Its source also names the last file with the same body.

    Raises RunbookError if the database doesn't answer, UsageError if the function doesn't exist or several fit.
    """
    try:
        document = database.query(query_for(asked))
    except RunbookError as error:
        hint = "Take it from the migrations instead with --offline or --from main. They may be older than the database."
        raise type(error)(error.message, hint=error.hint or hint) from error
    found = function_in(document, asked, where=database.title, choose=choose)
    last = file_with(_local_files(project), found)
    if last is None:
        return found._replace(notes=(*found.notes, "No migration here creates it."))
    file, text = last
    if _body(text) != _body(found.definition):
        note = f"{database.title} has another body than {file}: it was changed by hand, or by a file that isn't here."
        return found._replace(notes=(*found.notes, note[:1].upper() + note[1:]))
    return found._replace(source=f"{found.source}; the same body is in {file}{_commit(project, file)}")


def function_from_files(asked: Asked, project: Path, choose: Choose | None) -> CurrentFunction:
    """Return the function as the migrations in the project's folder leave it. Raises UsageError."""
    found = function_of(_local_files(project), asked, where="", choose=choose)
    note = "The definition is from the migrations. If the database was changed by hand, it has another one."
    return found._replace(source=f"{found.source}{_commit(project, found.source)}", notes=(note, *found.notes))


def function_from_git(revision: str, asked: Asked, project: Path, choose: Choose | None) -> CurrentFunction:
    """Return the function as the migrations of a revision leave it. Raises UsageError, also outside of git."""
    problem = f"git doesn't know the revision '{revision}'"
    commit = git(
        project, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}", problem=problem
    ).strip()
    texts = _texts_at(commit, project)
    found = function_of(texts, asked, where=f"at commit {commit[:12]}", choose=choose)
    note = f"The definition is from the migrations of {revision}. A database may have another one."
    return found._replace(notes=(note, *found.notes))


def _texts_at(commit: str, project: Path) -> Files:
    """Return the migrations of a commit, by name. One `git grep` for every line reads all files in one process."""
    words = ("--no-color", "--no-line-number", "--no-column", "-z", "-a", "-F", "-e", "")
    answer = try_git(project, "grep", *words, commit, "--", f"{MIGRATIONS}/")
    texts: dict[str, list[str]] = {}
    for line in answer.stdout.split("\n"):
        path, separator, text = line.partition("\0")
        folder, _, name = path.rpartition("/")
        if separator and folder.endswith(MIGRATIONS) and name.endswith(".sql"):
            texts.setdefault(name, []).append(text)
    return [(name, "\n".join(lines)) for name, lines in sorted(texts.items())]


def _local_files(project: Path) -> Files:
    return [(file.name, file.text) for file in migration_files(project)]


def _commit(project: Path, file: str) -> str:
    """Return the commit that last changed a migration, in words; "" if it isn't committed as it is."""
    path = f"{MIGRATIONS}/{file}"
    if try_git(project, "diff", "--quiet", "HEAD", "--", path).code:
        return ""
    commit = try_git(project, "log", "-1", "--format=%h", "--", path).stdout.strip()
    return f" at commit {commit}" if commit else ""


def _body(definition: str) -> str | None:
    return read_routine(list(tokens(definition))).body
