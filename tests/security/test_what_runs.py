"""A command runs what was checked: nothing that is swapped between the check and its start takes effect."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.books import POLICY, SUPABASE, write_book
from support.places import make_place
from support.terminals import program, python_program
from support.walks import PRODUCTION, FakeExecutor, FakeTarget, Walked, book, ended, procedure, step

from runbook.engine.ports import Execution
from runbook.errors import ExitCode, MissingPartError, ProgramChangedError, RunbookError
from runbook.journal.events import Outcome
from runbook.loading import read_book
from runbook.model import TargetKind
from runbook.policy.redaction import Redactor
from runbook.runtime.cli_target import CliTarget
from runbook.runtime.environment import child_environment
from runbook.runtime.executor import FALLBACK_SIZE, PtyExecutor
from runbook.runtime.programs import Programs
from runbook.runtime.subprocesses import open_editor

PROVEN, OTHER = "qwertyuiopasdfghjklz", "a" * 20
EVIL = "echo evil"


def _nothing() -> None:
    """Attack nothing."""


@dataclass
class Shell:
    """A project, a PATH, and the executor of one walk."""

    root: Path
    screen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bin, self.project = self.root / "bin", self.root / "project"
        self.bin.mkdir()
        self.project.mkdir()
        self.path = f"{self.bin}:/usr/bin:/bin"
        self.executor = PtyExecutor(Redactor, self.screen.append, lambda: FALLBACK_SIZE)

    def run(self, *argv: str, meanwhile: Callable[[], object] = _nothing, path: str = "") -> Execution:
        """Run a command; `meanwhile` happens when its process exists and its program is not loaded yet."""
        return self.executor.execute(
            argv,
            environment={"PATH": path or self.path},
            directory=str(self.project),
            timeout=20,
            born=lambda _pid, _born: (meanwhile(), None)[1],
        )

    def install_cli(self) -> tuple[Path, Path]:
        """Install a CLI as npm does; return its script's link and the binary that the script starts."""
        modules = self.project / "node_modules"
        package = modules / "supabase" / "dist" / "supabase.js"
        package.parent.mkdir(parents=True)
        package.write_text("#!/usr/bin/env node\n")
        package.chmod(0o755)
        (modules / ".bin").mkdir()
        link = modules / ".bin" / "supabase"
        link.symlink_to("../supabase/dist/supabase.js")
        node = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(os.uname().machine, os.uname().machine)
        binary = program(modules / "@supabase" / f"cli-{sys.platform}-{node}" / "bin", "supabase", 'echo "good $*"')
        return link, binary


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a shell with an empty project."""
    return Shell(tmp_path)


# --- programs -----------------------------------------------------------------------------------------------------


def _replace(file: Path) -> None:
    """Put another program in the place of this one."""
    program(file.parent, f".{file.name}", EVIL).replace(file)


def _overwrite(file: Path) -> None:
    """Write into the file, and set back when it was written."""
    before = file.stat()
    file.write_text(f"#!/bin/sh\n{EVIL}\n".ljust(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("attack", [_replace, _overwrite])
def test_a_program_that_is_swapped_at_its_start_does_not_run(shell: Shell, attack: Callable[[Path], None]) -> None:
    """Its process exists, it is on record, and then the file is another one."""
    tool = program(shell.bin, "tool", "echo good")
    assert shell.run("tool").output == "good"
    done = shell.run("tool", meanwhile=lambda: attack(tool))
    assert (done.outcome, done.output) == (Outcome.FAILED, "")
    assert "changed at the very moment it was started" in done.evidence
    with pytest.raises(ProgramChangedError, match="changed since it was looked up"):
        shell.run("tool")


def test_a_program_that_appears_earlier_on_path_does_not_run(shell: Shell) -> None:
    """It was looked up once; a program that appears in front of it later is ignored."""
    program(shell.bin, "tool", "echo good")
    path = f"{shell.root / 'first'}:{shell.path}"
    (shell.root / "first").mkdir()
    assert shell.run("tool", path=path).output == "good"
    program(shell.root / "first", "tool", EVIL)
    assert shell.run("tool", path=path).output == "good"


@pytest.mark.parametrize("entry", [".", "", "project", "./project"])
def test_a_program_in_the_project_is_not_one_on_path(shell: Shell, entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative or empty entry would mean another directory for each command."""
    monkeypatch.chdir(shell.root if entry.endswith("project") else shell.project)
    program(shell.project, "tool", EVIL)
    with pytest.raises(MissingPartError, match="'tool' isn't on PATH"):
        shell.run("tool", path=f"{entry}:/usr/bin:/bin")


def test_a_program_where_anybody_may_write_is_not_one_on_path(shell: Shell) -> None:
    """Any user of the machine could have put it there."""
    program(shell.root / "open", "tool", EVIL)
    (shell.root / "open").chmod(0o777)
    program(shell.bin, "tool", "echo good")
    assert shell.run("tool", path=f"{shell.root / 'open'}:{shell.path}").output == "good"


def test_npx_supabase_is_the_binary_that_npm_installed(shell: Shell) -> None:
    """Neither npx nor Node.js nor the project's `.npmrc` decides what runs."""
    shell.install_cli()
    program(shell.bin, "npx", EVIL)
    program(shell.bin, "node", EVIL)
    (shell.project / ".npmrc").write_text("script-shell=/bin/false\n")
    assert shell.run("npx", "supabase", "db", "push").output == "good db push"


@pytest.mark.parametrize("which", [0, 1], ids=["the link", "the binary"])
def test_a_cli_that_is_swapped_at_its_start_does_not_run(shell: Shell, which: int) -> None:
    """The link in node_modules/.bin counts as well as the binary behind it."""
    file = shell.install_cli()[which]
    assert shell.run("npx", "supabase", "--version").output == "good --version"
    done = shell.run("npx", "supabase", "db", "push", meanwhile=lambda: _replace(file))
    assert (done.outcome, done.output) == (Outcome.FAILED, "")


def test_an_interpreter_that_path_would_choose_is_looked_up_once_too(shell: Shell) -> None:
    """`#!/usr/bin/env tool` leaves the choice to PATH, at the very start."""
    inner = program(shell.bin, "inner", "echo good")
    script = shell.bin / "script"
    script.write_text("#!/usr/bin/env inner\n")
    script.chmod(0o755)
    assert shell.run("script").output == "good"
    done = shell.run("script", meanwhile=lambda: _replace(inner))
    assert (done.outcome, done.output) == (Outcome.FAILED, "")


def test_a_swapped_program_fails_the_step_and_nothing_ran(tmp_path: Path) -> None:
    """The walk goes on to ask what to do, as after any failure."""
    swapped = ProgramChangedError("the program 'change' changed", hint="Look.")
    walked = Walked(book(procedure(step("push", "change"))), tmp_path, executor=FakeExecutor({"change": swapped}))
    assert walked.begin() is ExitCode.NOT_COMPLETED
    assert ("recover", "push", "run", "the program 'change' changed. Look. (nothing ran)") in walked.operator.log


# --- the environment ----------------------------------------------------------------------------------------------


_UNNEEDED = """
LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES NODE_OPTIONS NODE_PATH BASH_ENV ENV PYTHONPATH PYTHONSTARTUP
PERL5OPT GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_DIR LESSOPEN PAGER CDPATH IFS PS4
npm_config_script_shell NPM_CONFIG_SCRIPT_SHELL npm_config_registry SUPABASE_YES SUPABASE_PROJECT_ID SHELLOPTS
SUPABASE_CLI_BINARY_OVERRIDE SUPABASE_INTERNAL_X PGHOST PGOPTIONS CLAUDECODE RUNBOOK_DB_PASSWORD AWS_SECRET X
"""


@pytest.mark.parametrize("name", _UNNEEDED.split())
def test_a_variable_that_no_command_needs_does_not_reach_one(name: str) -> None:
    """Only listed variables are inherited, so one that nobody thought of isn't."""
    for is_cli in (False, True):
        assert name not in child_environment({name: "evil", "PATH": "/bin"}, {}, is_cli=is_cli)


def test_docker_on_another_machine_is_not_the_local_stack() -> None:
    """The CLI takes the host of its local stack from DOCKER_HOST."""
    assert "DOCKER_HOST" not in child_environment({"DOCKER_HOST": "tcp://prod:2375"}, {})
    assert child_environment({"DOCKER_HOST": "unix:///run/me/docker.sock"}, {})["DOCKER_HOST"].startswith("unix:")


def test_the_login_is_for_the_cli_alone(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """git, curl and the rest have no use for the token and the database's password."""
    monkeypatch.setenv("SUPABASE_ACCESS_TOKEN", "token")
    monkeypatch.setenv("SUPABASE_DB_PASSWORD", "password")
    program(shell.bin, "git", "echo $SUPABASE_ACCESS_TOKEN $SUPABASE_DB_PASSWORD.")
    program(shell.bin, "supabase", "echo $SUPABASE_ACCESS_TOKEN $SUPABASE_DB_PASSWORD.")
    assert shell.run("git", "checkout", "supabase").output == "."
    assert shell.run("supabase", "link").output == "token password."


def test_the_editor_gets_no_secret_and_is_not_one_of_the_project(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked up like any program, and inherits what leads to its window."""
    program(shell.bin, "edit", 'env | grep -cE "^(RUNBOOK|SUPABASE)_" > "$1"; echo "$DISPLAY" >> "$1"')
    program(shell.project, "edit", EVIL)
    monkeypatch.chdir(shell.project)
    for name, value in {"RUNBOOK_KEY": "x", "SUPABASE_ACCESS_TOKEN": "x", "DISPLAY": ":0", "EDITOR": "edit"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("PATH", f".:{shell.path}")
    assert open_editor(str(shell.root / "draft")) == ""
    assert (shell.root / "draft").read_text() == "0\n:0\n"


# --- the target ---------------------------------------------------------------------------------------------------


@dataclass
class Linked:
    """A project that is linked, with a CLI that says the truth."""

    root: Path
    kind: TargetKind = TargetKind.PRODUCTION
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.project, self.bin = self.root / "project", self.root / "bin"
        self.link = self.project / "supabase" / ".temp" / "project-ref"
        self.link.parent.mkdir(parents=True)
        self.link.write_text(PROVEN)
        (self.project / "supabase" / "config.toml").write_text("[api]\nport = 54321\n")
        target = {"kind": "linked", "project_ref": PROVEN, "environment": "production"}
        self.npx = python_program(
            self.bin,
            "npx",
            f"import sys; print('3.1.0' if '--version' in sys.argv else {json.dumps({'target': target})!r})",
        )
        book = write_book(self.root / "book", policy=POLICY, supabase=SUPABASE)
        self.target = CliTarget(
            self.project,
            self.kind,
            read_book(book).policy,
            environ=lambda: {"PATH": f"{self.bin}:/usr/bin:/bin", **self.variables},
        )
        self.seen = self.target.prove()


@pytest.fixture
def linked(tmp_path: Path) -> Linked:
    """Return a project whose target is proven."""
    return Linked(tmp_path)


def test_a_switched_link_is_written_into_no_command(linked: Linked) -> None:
    """Not even between two checks: commands and requests name the ref that was proven."""
    linked.link.write_text(OTHER)
    template = ("npx", "supabase", "functions", "deploy", "fn", "{{target}}")
    assert OTHER not in " ".join(linked.target.words(template, 2))
    assert linked.target.functions_url() == f"https://{PROVEN}.supabase.co/functions/v1"
    assert linked.target.recheck(linked.seen).name == OTHER
    linked.link.write_text(PROVEN)
    assert linked.target.recheck(linked.seen) == linked.seen


_FILES = {
    "a new confirmation": ("supabase/.env", "SUPABASE_YES=true\n", "SUPABASE_YES is set in"),
    "a new file": (".env.local", "COLOUR=red\n", "was added since the target was proven"),
    "another text": (".env", "COLOUR=blue\n", "changed since the target was proven"),
    "no file": (".env", None, "was deleted since the target was proven"),
}


@pytest.mark.parametrize("attack", _FILES)
def test_an_env_file_that_changes_during_the_run_stops_the_next_write(tmp_path: Path, attack: str) -> None:
    """The CLI reads these files by itself, before every command."""
    name, text, why = _FILES[attack]
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / ".env").write_text("COLOUR=green\n")
    linked = Linked(tmp_path)
    linked.target.recheck(linked.seen)
    if text is None:
        (linked.project / name).unlink()
    else:
        (linked.project / name).write_text(text)
    with pytest.raises(RunbookError, match=why):
        linked.target.recheck(linked.seen)


def test_another_port_for_the_local_stack_stops_the_next_write(tmp_path: Path) -> None:
    """The local target is a port on this machine, and a tunnel may lead from there to anywhere."""
    linked = Linked(tmp_path, TargetKind.LOCAL)
    linked.target.recheck(linked.seen)
    (linked.project / "supabase" / "config.toml").write_text("[api]\nport = 54321\n[db]\nport = 6543\n")
    with pytest.raises(RunbookError, match=r"config\.toml changed"):
        linked.target.recheck(linked.seen)


def test_a_swapped_cli_stops_the_next_write(linked: Linked) -> None:
    """The recheck before a write sees it, before anything is on record."""
    _replace(linked.npx)
    with pytest.raises(ProgramChangedError, match=r"npx.* changed"):
        linked.target.recheck(linked.seen)


def test_another_binary_of_the_same_version_is_another_target(shell: Shell) -> None:
    """The proof holds the program's digest, so a resumed run notices the change too."""
    binary = shell.install_cli()[1]
    argv = ("npx", "supabase", "--version")
    first = Programs()
    before = first.digest(first.find(argv, directory=str(shell.project), path=shell.path))
    _replace(binary)
    later = Programs()
    assert later.digest(later.find(argv, directory=str(shell.project), path=shell.path)) != before


def test_ignored_variables_and_path_entries_are_noted(tmp_path: Path) -> None:
    """Whoever set them must know that they have no effect."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    names = {"LD_PRELOAD": "x.so", "NODE_OPTIONS": "-r x", "GIT_SSH_COMMAND": "ssh -i x", "BASH_ENV": "x"}
    linked = Linked(tmp_path, variables={**names, "PATH": f"{tmp_path / 'bin'}:.:{tmp_path / 'open'}:/usr/bin:/bin"})
    notes = " ".join(linked.target.notes())
    assert [name for name in names if name not in notes] == []
    assert f"PATH has ., {tmp_path / 'open'}" in notes


_AT_THE_PROMPT: dict[str, tuple[Callable[[Path], object], str]] = {
    "the link": (
        lambda root: (root / "project" / "supabase" / ".temp" / "project-ref").write_text(OTHER),
        f"+name: {OTHER}",
    ),
    "a confirmation": (
        lambda root: (root / "project" / "supabase" / ".env").write_text("SUPABASE_YES=true\n"),
        "SUPABASE_YES is set in",
    ),
    "npx": (lambda root: _replace(root / "bin" / "npx"), "changed since it was looked up"),
}


@pytest.mark.parametrize("what", _AT_THE_PROMPT)
def test_a_swap_at_the_prompt_stops_the_write(tmp_path: Path, what: str) -> None:
    """In a real terminal: the operator reads, somebody swaps, the operator types yes, and nothing is written."""
    attack, said = _AT_THE_PROMPT[what]
    place = make_place(tmp_path)
    answer = place.answer

    def switched(screen: str) -> str:
        if "Type yes to run" in screen:
            attack(tmp_path)
        return answer(screen)

    place.answer = switched  # type: ignore[method-assign]
    assert place.session() != 0
    assert place.typed == 1
    assert place.effects == []
    shown = "".join("".join(place.screens).split())
    assert "".join(said.split()) in shown
    assert "evil" not in shown


# --- what the command says ----------------------------------------------------------------------------------------

_SAID = [
    (json.dumps({"target": {"kind": "linked", "project_ref": PROVEN}}), "", ""),
    (json.dumps({"target": {"kind": "linked", "project_ref": OTHER}}), "", OTHER),
    (json.dumps({"target": {"kind": "local", "host": "127.0.0.1", "port": 54322}}), "", "local"),
    (json.dumps({"target": {"kind": "db-url", "host": "evil.test", "port": 5432}}), "", "evil.test:5432"),
    ("[" * 100_000, "", ""),
    ("", f"Target: project {PROVEN}\nApply 1 migration", ""),
    ("", f"Target: project shop ({PROVEN}) · production", ""),
    ("", f"Target: project shop ({OTHER}) · production\nTarget: project {PROVEN}", OTHER),
    ("", f"Target: local stack (127.0.0.1:54322) · default; pass --remote for {PROVEN}", "local"),
    ("", "Target: custom Postgres (10.0.0.1:5432)", "10.0.0.1:5432"),
    ("", "Connecting to remote database...\nFinished supabase db push.", ""),
]


@pytest.mark.parametrize(("document", "output", "elsewhere"), _SAID)
def test_the_target_that_the_cli_reports_is_compared(
    linked: Linked, document: str, output: str, elsewhere: str
) -> None:
    """CLI 3 names its target in JSON and in text; CLI 2 says nothing."""
    said = Execution(outcome=Outcome.PASSED, exit=0, seconds=1, output=output, document=document)
    assert linked.target.contradicts(("npx", "supabase", "db", "push", "--remote"), said) == elsewhere
    assert linked.target.contradicts(("npx", "supabase", "migration", "up"), said) == ""


class Elsewhere(FakeTarget):
    """A target whose commands end up in another project."""

    def contradicts(self, argv: object, ended: Execution) -> str:
        """Return the other project."""
        return OTHER


def test_a_command_that_went_elsewhere_fails_its_step(tmp_path: Path) -> None:
    """It succeeded there; the operator reads where, and the walk stops for an answer."""
    walked = Walked(book(procedure(step("push", "change"))), tmp_path, target=Elsewhere())
    walked.executor = FakeExecutor({"change": ended(0, "Finished")})
    assert walked.begin() is ExitCode.NOT_COMPLETED
    asked = next(entry for entry in walked.operator.log if entry[0] == "recover")
    assert f"it went to {OTHER}, but this run is for {PRODUCTION.name}" in str(asked[3])
