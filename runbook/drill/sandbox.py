"""Set up the throwaway sandbox of one drill: database, project, platform, home. It's up within a second or removed."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from runbook.drill.database import load_driver, query
from runbook.drill.database_relay import DatabaseRelay, open_relay
from runbook.drill.isolation import BlockingProxy, open_blocking_proxy, write_shell_script
from runbook.drill.machine import Account, process_of, server_account, temporary_base
from runbook.drill.platform import Platform, environment, serve, write_link, write_profile
from runbook.drill.platform_state import PROJECT_REF, PlatformState
from runbook.drill.postgres import Postgres, named_postgres, start_postgres, stop_postgres
from runbook.drill.registry import SandboxRecord, destroy, is_kept, sweep, write
from runbook.drill.watcher import Watcher, watch
from runbook.engine.ports import Execution
from runbook.errors import MissingPartError, RunbookError
from runbook.filling import target_words
from runbook.journal.events import TargetSeen
from runbook.model import Policy, TargetKind
from runbook.runtime.environment import isolated_environment, settled_environment
from runbook.runtime.programs import is_supabase
from runbook.runtime.reported_target import reported_target
from runbook.runtime.toolchain import CliPackage, cli_package, node_directory

__all__ = [
    "BASE_MIGRATION",
    "PLATFORM_SQL",
    "ROWS_SQL",
    "DrillTarget",
    "Sandbox",
    "open_sandbox",
    "project_sql",
]

_CLOSED = 9
"""A port (discard) that is closed everywhere: there is no local stack on a server that isn't ours."""


@dataclass(slots=True, kw_only=True)
class Sandbox:
    """Everything that a drill needs."""

    directory: Path
    project: Path
    home: Path
    state: Path
    """For the drill's own journal."""
    cli: CliPackage
    postgres: Postgres
    local: DatabaseRelay | None
    """The relay to the local stack. There is none on a server that isn't ours."""
    platform: Platform
    proxy: BlockingProxy
    environment: Mapping[str, str]
    enter: Path
    """A script that runs a command, or a shell, in the project with the drill's environment."""
    watcher: Watcher
    """Removes everything if this process is killed."""

    def commit(self, message: str) -> None:
        """Commit everything in the project."""
        _commit_all(self.project, message, self.environment)


@contextmanager
def open_sandbox(
    platform: PlatformState, *, major: int, postgres_url: str | None = None, drill: str = ""
) -> Iterator[Sandbox]:
    """Set up a sandbox for the block and remove it afterwards (unless it was kept), with those of drills that died.

    `drill` is its name for others. Raises MissingPartError if Node.js, the CLI, PostgreSQL, psycopg or git is missing.
    """
    cli = cli_package(major)
    node_directory()  # report missing parts before creating anything
    account = server_account()
    identity = secrets.token_hex(4)
    directory = temporary_base(account) / f"runbook-drill-{identity}"
    record = SandboxRecord(id=identity, owner=process_of(os.getpid()), directory=str(directory), about={"drill": drill})
    with watch(directory) as watcher, _on_record(record):
        _make_directory(directory, account)
        with serve(platform) as running, open_blocking_proxy() as proxy, ThreadPoolExecutor(2) as pool:
            # Both take a while and depend on nothing else, so the server starts in the meantime.
            pool.submit(load_driver)
            old = pool.submit(sweep)
            with _database(record, watcher, postgres_url) as postgres, _local_stack(postgres) as local:
                home, project, states = (directory / name for name in ("home", "project", "state"))
                state = states / "runbook"  # where `runbook` looks for it with XDG_STATE_HOME set to `states`
                for path in (home, project, states, state):
                    path.mkdir(mode=0o700)
                _make_project(project, cli=cli, local_port=local.port if local else None)
                write_profile(home / "profile.yaml", running.url)
                write_link(project)
                # The operator's own isn't visible here, and without one `git commit` refuses.
                (home / ".gitconfig").write_text(
                    "[user]\n\tname = Drill\n\temail = drill@example.com\n", encoding="utf-8"
                )
                settings = {
                    **isolated_environment(home, proxy=proxy.url),
                    **environment(home / "profile.yaml", running),
                    **({"PGPASSWORD": postgres.password} if postgres.password is not None else {}),
                }
                old.result()
                yield Sandbox(
                    directory=directory,
                    project=project,
                    home=home,
                    state=state,
                    cli=cli,
                    postgres=postgres,
                    local=local,
                    platform=running,
                    proxy=proxy,
                    environment=settings,
                    enter=_write_enter(directory / "enter", project, states, cli, postgres, settings),
                    watcher=watcher,
                )


def _write_enter(
    file: Path, project: Path, states: Path, cli: CliPackage, postgres: Postgres, settings: Mapping[str, str]
) -> Path:
    """Write the script that opens a shell in the project. It says where one is and how to reach the database.

    In there, `runbook status` shows the drill's own run.
    """
    url = shlex.quote(postgres.command_url)
    lines = [f'npx supabase db query {f"--remote={url}" if cli.major > 2 else f"--db-url {url}"} "select now()"']
    if shutil.which("psql", path=settings["PATH"]):
        lines.append(f"psql {url}")
    welcome = [
        "You are in the drill's project. Its database is the drill's production. To query it:",
        *(f"  {line}" for line in lines),
        "`runbook status` shows how far the drill is. `exit` leaves.",
    ]
    shell = {"PS1": "drill$ ", "XDG_STATE_HOME": str(states)}
    return write_shell_script(file, project, {**settings, **shell}, welcome=welcome)


@contextmanager
def _on_record(record: SandboxRecord) -> Iterator[None]:
    """Keep the sandbox on record during the block. Then remove it and its record, unless it was kept."""
    write(record)
    try:
        yield
    finally:
        # Read the record on disk: whether the sandbox is kept is decided inside the block.
        if not is_kept(record.id):
            destroy(record)


def _make_directory(directory: Path, account: Account) -> None:
    directory.mkdir(mode=0o700)
    if account.switch:
        # The server's account must be able to reach its data, but not to list this directory.
        os.chown(directory, -1, account.gid)
        directory.chmod(0o710)


@contextmanager
def _local_stack(postgres: Postgres) -> Iterator[DatabaseRelay | None]:
    """Give the local stack's database a port of its own.

    CLI 3 treats a URL with the port of the local stack as local, and then doesn't ask before it writes.
    """
    if postgres.local_url is None:
        yield None
        return
    with open_relay(postgres.command_url) as relay:
        yield relay


@contextmanager
def _database(record: SandboxRecord, watcher: Watcher, url: str | None) -> Iterator[Postgres]:
    """Start or borrow a server. Its process or its database is on record before anything uses it."""
    if url is not None:
        postgres = named_postgres(url)
        write(replace(record, borrowed=(postgres.maintenance_url, postgres.database)))
    else:
        place = Path(record.directory) / "postgres"
        place.mkdir(mode=0o700)
        postgres = start_postgres(place, watcher, born=lambda process: write(replace(record, servers=(process,))))
    try:
        yield postgres
    finally:
        if not is_kept(record.id):
            stop_postgres(postgres)


@dataclass(frozen=True, slots=True)
class DrillTarget:
    """The sandbox's database and platform, under the drill's name. `url` is where commands find the database."""

    name: str
    sandbox: Sandbox
    policy: Policy
    url: str

    def prove(self) -> TargetSeen:
        """Prove that the database answers. CLI and project are those that the sandbox was created with."""
        query(self.sandbox.postgres.url, "select 1")
        return TargetSeen(
            kind=TargetKind.DRILL.value, name=self.name, cli=self.sandbox.cli.version, project_ref=PROJECT_REF
        )

    def recheck(self, seen: TargetSeen) -> TargetSeen:
        """Prove it again. The project must still be linked to the stand-in, whatever a step did."""
        del seen  # the walk compares
        # `link` writes this file. If a step ran it, platform commands could go to another project.
        linked = (self.sandbox.project / "supabase" / ".temp" / "project-ref").read_text(encoding="utf-8").strip()
        if linked != PROJECT_REF:
            raise RunbookError(f"the scratch project is now linked to {linked}, not to the drill's {PROJECT_REF}")
        return self.prove()

    def words(self, argv_template: Sequence[str], major: int) -> tuple[str, ...]:
        """Return the words that replace `{{target}}`: the throwaway database's URL, or the stand-in's project."""
        names = {"project_ref": PROJECT_REF, "drill_url": self.url}
        words = argv_template or self.policy.majors[major].query  # SQL goes where the query command goes
        return target_words(words, policy=self.policy, major=major, kind=TargetKind.DRILL, names=names)

    def environment(self) -> Mapping[str, str]:
        """Return the environment that keeps commands inside and lets them log in."""
        return {**settled_environment(self.directory), **self.sandbox.environment}

    def contradicts(self, argv: Sequence[str], ended: Execution) -> str:
        """Return where a command says that it went, if that is outside the drill, "" otherwise."""
        address = urlsplit(self.url)
        own = {f"{address.hostname}:{address.port}", PROJECT_REF, "local", ""}
        reported = reported_target(ended) if is_supabase(argv) else ""
        return "" if reported in own else reported

    def functions_url(self) -> str:
        """Return the URL at which the stand-in answers for deployed functions."""
        return self.sandbox.platform.functions_url

    @property
    def directory(self) -> str:
        """The scratch project."""
        return str(self.sandbox.project)


# --- the scratch project --------------------------------------------------------------------------------------------


BASE_MIGRATION = "20260101000000_base"
PLATFORM_SQL = "platform"
ROWS_SQL = "rows"


def project_sql(name: str) -> str:
    """Return one of the SQL files that ship with the drills."""
    return (files("runbook.drill") / "project" / f"{name}.sql").read_text(encoding="utf-8")


def _make_project(project: Path, *, cli: CliPackage, local_port: int | None) -> None:
    """Write the project. `npx supabase` starts that CLI, and the local stack (if any) is at `local_port`."""
    # Without this setting, the CLI uses the password that all local stacks have.
    local = f"port = {_CLOSED}" if local_port is None else f'port = {local_port}\npassword = "env(PGPASSWORD)"'
    manifest = {"name": "drill", "private": True, "devDependencies": {"supabase": cli.version}}
    for name, text in {
        f"supabase/migrations/{BASE_MIGRATION}.sql": project_sql(BASE_MIGRATION),
        "supabase/config.toml": f'project_id = "drill"\n\n[db]\n{local}\nmajor_version = 17\n',
        ".gitignore": "node_modules/\nsupabase/.temp/\nsupabase/.branches/\n.env*\n",
        "package.json": json.dumps(manifest, indent=2) + "\n",
    }.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    (project / "supabase" / "functions").mkdir()
    # Links instead of `npm install`, because a drill has no network.
    programs = project / "node_modules" / ".bin"
    programs.mkdir(parents=True)
    (project / "node_modules" / "supabase").symlink_to(cli.directory, target_is_directory=True)
    (programs / "supabase").symlink_to("../supabase/dist/supabase.js")


def _commit_all(project: Path, message: str, environment: Mapping[str, str]) -> None:
    """Commit everything in the project. Create the repository if there is none. Raises RunbookError."""
    # Ignore the operator's git settings: this commit is nobody's, and there may be no key to sign it with.
    who = ("-c", "user.name=Drill", "-c", "user.email=drill@example.com", "-c", "commit.gpgsign=false")
    commands = [["add", "--all"], [*who, "commit", "--quiet", "--allow-empty", f"--message={message}"]]
    if not (project / ".git").exists():
        commands.insert(0, ["init", "--quiet", "--initial-branch=main"])
    for words in commands:
        try:
            done = subprocess.run(
                ["git", *words],  # noqa: S607 - the operator's own git, found on the drill's PATH
                cwd=project, env=dict(environment), capture_output=True, text=True, check=False, timeout=30,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise MissingPartError("git is not on PATH; procedures use it", hint="Install git.") from error
        if done.returncode != 0:
            raise RunbookError(f"`git {words[0]}` failed in the scratch project: {done.stderr.strip()}")
