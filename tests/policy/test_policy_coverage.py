"""The policy against the real CLI: every subcommand of both majors has a rule, every flag is read as the CLI reads it.

`data/supabase-commands.tsv` was written from the `--help` of each subcommand of the proven versions; a few are asked
again here, so that a changed version does not pass unseen.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from support.policies import book_policy

from runbook.policy.judgement import rule_of

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).parent / "data" / "supabase-commands.tsv"
CLI = {3: "node_modules/supabase/dist/supabase.js", 2: "node_modules/supabase-2/dist/supabase.js"}
ROWS = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
COMMANDS = [(int(row[0]), row[1], frozenset(row[2].split()), frozenset(row[3].split())) for row in ROWS]


def _id(value: object) -> str:
    return str(value) if isinstance(value, int | str) else ""


@pytest.mark.parametrize(("major", "command", "values", "alone"), COMMANDS, ids=_id)
def test_every_subcommand_has_a_rule_that_reads_its_flags(
    major: int, command: str, values: frozenset[str], alone: frozenset[str]
) -> None:
    """A flag that takes a value must not leave it behind as a name, nor may another one eat a name."""
    found = rule_of(["supabase", *command.split()], book_policy())
    assert found is not None
    taking = {*found.value_flags, *book_policy().global_value_flags["supabase"]}
    assert values <= taking
    assert not alone & taking


def test_what_the_research_calls_dangerous_is_not_simply_allowed() -> None:
    """On a hosted project every one of these is refused or needs a person, in at least one of its forms."""
    dangerous = (
        "db reset|migration down|projects delete|backups restore|db query|encryption update-root-key|migration up"
        "|migration repair|migration squash|db pull|pull|functions delete|secrets unset|config push"
        "|postgres-config update|postgres-config delete|network-restrictions update|ssl-enforcement update"
        "|branches delete|branches update|branches disable|branches pause|storage rm|storage mv|storage cp"
        "|domains activate|domains delete|domains create|vanity-subdomains activate|vanity-subdomains delete|sso add"
        "|sso update|sso remove|network-bans remove|notebooks push|compute push|compute delete|seed buckets|test db"
        "|branches create|projects create|orgs create|bootstrap|migration fetch|functions download|config pull|link"
        "|functions deploy|secrets set|db push|stop"
    )
    for command in dangerous.split("|"):
        found = rule_of(["supabase", *command.split()], book_policy())
        assert found is not None, command
        verdicts = {found.remote, *(variant.remote for variant in found.variants)}
        assert verdicts - {None, "allow"}, command


@pytest.mark.parametrize("major", [2, 3])
@pytest.mark.parametrize("command", ["db query", "functions deploy"])
def test_the_table_is_that_of_the_installed_cli(major: int, command: str, tmp_path: Path) -> None:
    """The proven version's own help names the same flags."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SUPABASE_TELEMETRY_DISABLED": "1"}
    argv = ["node", str(ROOT / CLI[major]), *command.split(), "--help"]
    text = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path).stdout
    own = text.partition("\nFLAGS\n")[2].partition("\n\n")[0]
    listed = {flag for line in own.splitlines() for flag in re.findall(r"(?<![\w-])--?[a-z][\w-]*", line[:30])}
    (row,) = [row for row in COMMANDS if row[:2] == (major, command)]
    assert listed == row[2] | row[3]
