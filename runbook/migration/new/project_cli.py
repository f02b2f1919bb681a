"""Ask a database through the Supabase CLI of the project: the versions in its history, and a query that only reads."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from runbook.errors import MissingPartError, RunbookError, UsageError
from runbook.filling import query_command, target_words, timeouts_environment
from runbook.migration.cli_answer import is_without_history, reason_in, rows_in
from runbook.model import Policy, TargetKind
from runbook.runtime.environment import child_environment, settled_environment
from runbook.runtime.programs import Programs
from runbook.runtime.project import installed_version
from runbook.runtime.subprocesses import Answer, ask

__all__ = ["Database", "linked_project", "local_stack", "named_database"]

_VERSIONS = "select version from supabase_migrations.schema_migrations"
_SECONDS = 20
"""The CLI answers within three. Without a network, it may wait for much longer."""


class Run(Protocol):
    """Runs a command that only answers a question."""

    def __call__(
        self, argv: Sequence[str], *, directory: str, environment: Mapping[str, str], timeout: float = ...
    ) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database, and the project's directory, whose CLI asks it."""

    title: str
    """How messages name it."""
    kind: TargetKind
    directory: Path
    policy: Policy
    ref: str = ""
    url: str = ""
    """Without the password."""
    password: str = field(default="", repr=False)
    run: Run = ask

    def versions(self) -> list[str]:
        """Return the versions in its history. Raises what `query` does."""
        # Not `migration list`: on a hosted project, that needs a direct connection and the database's password.
        try:
            document = self.query(_VERSIONS)
        except RunbookError as error:
            if is_without_history(error.message):
                return []
            raise
        rows = rows_in(document)
        if rows is None or not all(isinstance(row, dict) and "version" in row for row in rows):
            raise RunbookError(f"the history of {self.title} can't be read: the CLI's answer is incomplete")
        return [str(row["version"]) for row in rows]

    def query(self, statement: str) -> str:
        """Return the answer to a query as the CLI prints it. Raises RunbookError if nobody answers."""
        words = self.policy.majors[self._major()].query_read
        return self._ask(query_command(statement, words=words, target=self._words(words)))

    def _words(self, template: tuple[str, ...]) -> tuple[str, ...]:
        names = {"project_ref": self.ref, "drill_url": self.url}
        return target_words(template, policy=self.policy, major=self._major(), kind=self.kind, names=names)

    def _major(self) -> int:
        version = installed_version(self.directory)
        major = int(version.split(".", maxsplit=1)[0]) if version[:1].isdigit() else 0
        if major in self.policy.majors:
            return major
        known = " and ".join(one.proven for one in self.policy.majors.values())
        what = f"this book doesn't support Supabase CLI {version}" if version else "the Supabase CLI isn't installed"
        raise MissingPartError(
            f"{what} in {self.directory}",
            hint=f"Pin one: npm install --save-dev --save-exact supabase@VERSION. Supported are {known}.",
        )

    def _ask(self, argv: tuple[str, ...]) -> str:
        given = {
            **settled_environment(str(self.directory)),
            **timeouts_environment(lock_timeout=5, statement_timeout=30, writes=False),
            **({"PGPASSWORD": self.password} if self.password else {}),
        }
        environment = child_environment(os.environ, given, is_cli=True)
        directory = str(self.directory)
        program = Programs().find(argv, directory=directory, path=environment["PATH"])
        answer = self.run(program.argv(argv), directory=directory, environment=environment, timeout=_SECONDS)
        if answer.code:
            raise RunbookError(f"{self.title} can't be asked: {reason_in(answer.stdout, answer.stderr)}")
        return answer.stdout


def linked_project(directory: Path, policy: Policy, ref: str) -> Database:
    """Return the database of the project that is linked there."""
    return Database(title=f"the project {ref}", kind=TargetKind.PRODUCTION, directory=directory, policy=policy, ref=ref)


def local_stack(directory: Path, policy: Policy) -> Database:
    """Return the database of the local stack."""
    return Database(title="the local stack", kind=TargetKind.LOCAL, directory=directory, policy=policy)


def named_database(directory: Path, policy: Policy, url: str) -> Database:
    """Return the database at a URL. Its password, or else PGPASSWORD, goes into the CLI's environment.

    Every user of a machine can read the words of a command. Raises UsageError if it isn't a PostgreSQL URL.
    """
    try:
        parts = urlsplit(url)
        host, port, database = parts.hostname or "", parts.port or 5432, parts.path.removeprefix("/")
    except ValueError:
        host = ""
    if not host or parts.scheme not in {"postgres", "postgresql"} or not database:
        raise UsageError(
            "--db-url isn't the URL of a PostgreSQL database",
            hint="For example: postgresql://postgres@127.0.0.1:54322/postgres, with the password in PGPASSWORD",
        )
    login, _, address = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    words = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([pair for pair in words if pair[0] != "password"], quote_via=quote)
    bare = parts._replace(netloc=f"{user}@{address}" if user else address, query=query)
    password = dict(words).get("password") or unquote(parts.password or "") or os.environ.get("PGPASSWORD", "")
    return Database(
        title=f"the database {database} on {host}:{port}",
        kind=TargetKind.DRILL,  # supabase.yaml names a database by its URL for drills
        directory=directory,
        policy=policy,
        url=urlunsplit(bare),
        password=password,
    )
