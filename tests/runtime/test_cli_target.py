"""The target, proven by stand-ins for npx and the CLI on PATH."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.books import POLICY, SUPABASE, write_book
from support.terminals import python_program, recorded

from runbook.errors import MissingPartError, RunbookError, UsageError
from runbook.loading import read_book
from runbook.model import Policy, TargetKind
from runbook.runtime.cli_target import CliTarget
from runbook.runtime.project import find_project, installed_version, linked_ref

REF = "qwertyuiopasdfghjklz"
LINKED = {"kind": "linked", "project_ref": REF, "environment": "production"}


class Machine:
    """A project directory and a PATH with a `npx` that says what it is told to say."""

    def __init__(self, root: Path) -> None:
        self.project = root / "project"
        self.bin = root / "bin"
        self.log = root / "log"
        (self.project / "supabase" / ".temp").mkdir(parents=True)
        (self.project / "supabase" / "config.toml").write_text("")
        self.link(REF)
        self.policy: Policy = read_book(write_book(root / "book", policy=POLICY, supabase=SUPABASE)).policy
        self.variables: dict[str, str] = {}
        self.npx("3.1.0", {"migrations": [], "target": LINKED})

    def link(self, ref: str) -> None:
        """Link the project."""
        (self.project / "supabase" / ".temp" / "project-ref").write_text(ref)

    def npx(self, version: str, document: object, code: int = 0) -> None:
        """Say what the CLI's version is and what `migration list` prints."""
        body = f"""
import json, os, sys
with open({str(self.log)!r}, "a") as log:
    log.write(json.dumps([*sys.argv[1:], os.environ.get("SUPABASE_YES", "unset")]) + "\\n")
if "--version" in sys.argv:
    print({version!r}) if {version!r} else sys.exit("npm error npx canceled due to missing packages: supabase@3.1.0")
else:
    print("Target: somewhere", file=sys.stderr)
    print({json.dumps(document)!r})
    sys.exit({code})
"""
        python_program(self.bin, "npx", body)

    def environ(self) -> Mapping[str, str]:
        """Return the environment of the walk."""
        return {"PATH": f"{self.bin}{os.pathsep}/usr/bin{os.pathsep}/bin", **self.variables}

    def target(self, kind: TargetKind = TargetKind.PRODUCTION) -> CliTarget:
        """Return the target of this machine."""
        return CliTarget(self.project, kind, self.policy, environ=self.environ)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine with CLI 3 and a linked production project."""
    return Machine(tmp_path)


def test_cli_3_is_asked_where_commands_land(machine: Machine) -> None:
    """Version, linked project, and what the CLI itself says of it; no prompt can be answered there."""
    seen = machine.target().prove()
    assert (seen.kind, seen.name, seen.cli, seen.environment, seen.project_ref) == (
        "production",
        REF,
        "3.1.0",
        "production",
        REF,
    )
    assert recorded(machine.log) == [
        ["--no-install", "supabase", "--version", "false"],
        ["supabase", "migration", "list", "--remote", "--output-format", "json", "false"],
    ]


def test_cli_2_says_nothing_so_the_link_counts(machine: Machine) -> None:
    """Its JSON has no target."""
    machine.npx("2.122.1", {"migrations": []})
    seen = machine.target().prove()
    assert (seen.name, seen.cli, seen.environment) == (REF, "2.122.1", "")


def test_local_needs_no_link(machine: Machine) -> None:
    """The local stack has no ref."""
    machine.link("")
    seen = machine.target(TargetKind.LOCAL).prove()
    assert (seen.kind, seen.name, seen.project_ref) == ("local", "local", "")


def test_words_name_the_target_per_major(machine: Machine) -> None:
    """The same template, the spelling of each CLI."""
    target = machine.target()
    assert target.words(("npx", "supabase", "db", "push", "{{target}}"), 3) == ("--remote",)
    assert target.words(("npx", "supabase", "db", "push", "{{target}}"), 2) == ("--linked",)
    assert target.words(("npx", "supabase", "functions", "deploy", "{{target}}"), 2) == ("--project-ref", REF)


def test_another_project_than_the_linked_one_stops(machine: Machine) -> None:
    """What the CLI would do counts, and it must be what the files say."""
    machine.npx("3.1.0", {"target": {**LINKED, "project_ref": "a" * 20}})
    with pytest.raises(RunbookError, match="would go to aaaaaaaaaaaaaaaaaaaa"):
        machine.target().prove()


def test_local_answer_for_production_stops(machine: Machine) -> None:
    """A CLI that means the local stack is not asked to write to production."""
    machine.npx("3.1.0", {"target": {"kind": "local", "host": "127.0.0.1"}})
    with pytest.raises(RunbookError, match="would go to local"):
        machine.target().prove()


def test_broken_database_is_told_and_does_not_stop_an_emergency(machine: Machine) -> None:
    """The CLI's error names the target too: it is proven, and the failure is a note."""
    machine.npx("3.1.0", {"target": LINKED, "_tag": "Error", "error": {"message": "connection refused"}}, code=1)
    target = machine.target()
    assert target.prove().environment == "production"
    assert target.notes() == ("The database didn't answer the CLI: connection refused",)


def test_a_missing_sign_in_is_named_as_the_cause(machine: Machine) -> None:
    """Without an access token the CLI blames the network, so it is asked who is signed in."""
    error = {"code": "AccessTokenRequiredError", "message": "IPv6 is not supported on your current network"}
    machine.npx("3.1.0", {"target": LINKED, "_tag": "Error", "error": error}, code=1)
    target = machine.target()
    target.prove()
    (note,) = target.notes()
    assert "Nobody is signed in" in note
    assert "npx supabase login" in note
    assert "IPv6" not in note


def test_silence_is_no_proof(machine: Machine) -> None:
    """Without a target in its answer nothing runs."""
    machine.npx("3.1.0", {"error": {"message": "not logged in"}}, code=1)
    with pytest.raises(RunbookError, match="doesn't say where commands go"):
        machine.target().prove()


def test_unknown_major_stops(machine: Machine) -> None:
    """Its commands may behave differently, as from 2 to 3."""
    machine.npx("4.0.0", {"target": LINKED})
    with pytest.raises(RunbookError, match=r"doesn't support Supabase CLI 4\.0\.0"):
        machine.target().prove()


def test_missing_cli_is_told_with_the_version_to_pin(machine: Machine) -> None:
    """Without a pin npx would fetch whatever is newest."""
    machine.npx("", {})
    with pytest.raises(MissingPartError) as caught:
        machine.target().prove()
    assert "--save-exact supabase@3.1.0" in caught.value.hint


def test_missing_node_is_told(machine: Machine) -> None:
    """Another problem, another hint."""
    (machine.bin / "npx").unlink()
    machine.variables["PATH"] = str(machine.bin)
    with pytest.raises(MissingPartError, match="'npx' isn't on PATH"):
        machine.target().prove()


def test_unlinked_directory_is_told(machine: Machine) -> None:
    """The way to link it is named."""
    machine.link("")
    with pytest.raises(UsageError, match="no project is linked"):
        machine.target().prove()


def test_variables_are_noted_and_kept_from_the_cli(machine: Machine) -> None:
    """A note names SUPABASE_YES once and says why, and the CLI gets the opposite."""
    machine.variables |= {"SUPABASE_YES": "1", "CLAUDECODE": "1", "CLAUDE_CODE": "1"}
    target = machine.target()
    target.prove()
    assert all(argv[-1] == "false" for argv in recorded(machine.log))
    assert [note.split(" is set")[0] for note in target.notes()] == ["SUPABASE_YES", "CLAUDECODE, CLAUDE_CODE"]


def test_env_file_that_confirms_stops_before_anything_is_asked(machine: Machine) -> None:
    """Nothing is run, not even to look."""
    (machine.project / "supabase" / ".env").write_text("SUPABASE_YES=true\n")
    with pytest.raises(UsageError, match="SUPABASE_YES is set in"):
        machine.target().prove()
    assert recorded(machine.log) == []


def test_example_env_files_are_no_traps(machine: Machine) -> None:
    """The CLI does not read them."""
    (machine.project / ".env.example").write_text("SUPABASE_YES=true\n")
    assert machine.target().prove().name == REF


def test_recheck_sees_a_new_link_and_a_new_cli(machine: Machine) -> None:
    """Right before a write; the version comes from the installed package when there is one."""
    target = machine.target()
    seen = target.prove()
    assert target.recheck(seen) == seen
    package = machine.project / "node_modules" / "supabase"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "3.9.0"}')
    assert target.recheck(seen) == replace(seen, cli="3.9.0")
    machine.link("a" * 20)
    assert target.recheck(seen).name == "a" * 20


def test_project_is_found_from_below(machine: Machine) -> None:
    """As the CLI finds it: the nearest directory with supabase/config.toml."""
    assert find_project(machine.project / "supabase") == machine.project.resolve()
    with pytest.raises(UsageError, match="no Supabase project"):
        find_project(machine.bin)


def test_files_that_are_not_what_they_should_be_are_not_believed(machine: Machine) -> None:
    """A ref is 20 letters; a package.json is JSON."""
    machine.link("../../etc")
    assert linked_ref(machine.project) == ""
    package = machine.project / "node_modules" / "supabase"
    package.mkdir(parents=True)
    (package / "package.json").write_text("not json")
    assert installed_version(machine.project) == ""


def test_functions_are_called_at_the_linked_project(machine: Machine) -> None:
    """On production the address is that of the project that is linked in the directory."""
    assert machine.target().functions_url() == f"https://{REF}.supabase.co/functions/v1"


def test_without_a_link_nobody_knows_where_functions_are(machine: Machine) -> None:
    """Without a linked project there is no address to call, and the message says how to link one."""
    machine.link("")
    with pytest.raises(UsageError, match="no project is linked"):
        machine.target().functions_url()


@pytest.mark.parametrize(
    ("config", "port"),
    [
        pytest.param("", 54321, id="default"),
        pytest.param('[api]\nschemas = ["public"]\n', 54321, id="no port"),
        pytest.param("[db]\nport = 5432\n[api]\nport = 8000\n", 8000, id="named"),
    ],
)
def test_functions_of_the_local_stack_are_on_its_api_port(machine: Machine, config: str, port: int) -> None:
    """The local stack answers on loopback, on the port that the project's configuration names."""
    (machine.project / "supabase" / "config.toml").write_text(config)
    assert machine.target(TargetKind.LOCAL).functions_url() == f"http://127.0.0.1:{port}/functions/v1"


@pytest.mark.parametrize("config", ["[api\n", '[api]\nport = "env(PORT)"\n', "api = 3\n"])
def test_a_port_that_can_not_be_read_is_an_error(machine: Machine, config: str) -> None:
    """Nothing is called at a port that is only a guess; the message names the file."""
    (machine.project / "supabase" / "config.toml").write_text(config)
    with pytest.raises(UsageError, match=r"config\.toml"):
        machine.target(TargetKind.LOCAL).functions_url()
