"""The stand-in for the hosted platform, asked by the real CLI of both majors."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook.drill.platform import Platform, environment, serve, write_link, write_profile
from runbook.drill.platform_state import PROJECT_REF, Fault, initial_state
from runbook.errors import UsageError
from runbook.linear_regex import linear_regex
from runbook.runtime.environment import isolated_environment

ROOT = Path(__file__).parents[2]
Cli = Callable[..., subprocess.CompletedProcess[str]]
HELLO = 'Deno.serve(() => new Response("hello"))'


@pytest.fixture
def platform() -> Iterator[Platform]:
    """Serve a platform with one function and one secret."""
    with serve(initial_state(deployed={"hello": HELLO}, secrets={"A": "1"}, platform={})) as running:
        yield running


@pytest.fixture(params=[3, 2], ids=["cli3", "cli2"])
def major(request: pytest.FixtureRequest) -> int:
    """Name the CLI major under test."""
    return int(request.param)


@pytest.fixture
def cli(platform: Platform, major: int, tmp_path: Path) -> Cli:
    """Run the real CLI of that major in a linked project, with the stand-in as its platform."""
    package = "supabase" if major == 3 else "supabase-2"
    tools = Path(os.environ.get("RUNBOOK_TOOLS", ROOT / "node_modules"))
    profile = tmp_path / "profile.yaml"
    write_profile(profile, platform.url)
    write_link(tmp_path)
    for name in ("hello", "two"):
        source = tmp_path / "supabase" / "functions" / name / "index.ts"
        source.parent.mkdir(parents=True)
        source.write_text(HELLO, encoding="utf-8")
    (tmp_path / "supabase" / "config.toml").write_text('project_id = "drill"\n', encoding="utf-8")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["node", str(tools / package / "dist" / "supabase.js"), *words],
            cwd=tmp_path,
            env={**isolated_environment(tmp_path, proxy="http://127.0.0.1:9"), **environment(profile, platform)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_a_project_can_be_linked(cli: Cli, platform: Platform) -> None:
    """`link` accepts the stand-in and asks it for the project."""
    done = cli("link", "--project-ref", PROJECT_REF)

    assert done.returncode == 0, done.stderr
    assert f"GET /v1/projects/{PROJECT_REF}" in platform.state.requests


def test_a_deploy_makes_a_new_version_and_its_source_can_be_read_back(
    cli: Cli, platform: Platform, tmp_path: Path
) -> None:
    """Deploying one function raises its version alone, and `functions download` brings its source."""
    deployed = cli("functions", "deploy", "hello", "--use-api", "--project-ref", PROJECT_REF, "--yes")
    source = tmp_path / "supabase" / "functions" / "hello" / "index.ts"
    source.unlink()
    downloaded = cli("functions", "download", "hello", "--use-api", "--project-ref", PROJECT_REF)

    assert deployed.returncode == 0, deployed.stderr
    assert downloaded.returncode == 0, downloaded.stderr
    assert {slug: function.version for slug, function in platform.state.functions.items()} == {"hello": 2}
    assert source.read_text(encoding="utf-8") == HELLO


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            'import "./gone.ts";',
            r"Module not found \"file:///tmp/user_fn_hello_2/source/supabase/functions/hello/gone.ts\"",
        ),
        ('import { Hono } from "hono";', r"Relative import path \"hono\" not prefixed with / or ./ or ../ and not in"),
    ],
)
def test_a_deploy_that_does_not_bundle_is_refused(
    cli: Cli, platform: Platform, tmp_path: Path, source: str, reason: str
) -> None:
    """A file that nobody uploaded, a name that nothing maps; with the words of the hosted platform."""
    (tmp_path / "supabase" / "functions" / "hello" / "index.ts").write_text(f"{source}\n{HELLO}", encoding="utf-8")
    done = cli("functions", "deploy", "hello", "--use-api", "--project-ref", PROJECT_REF, "--yes")

    assert reason in done.stderr
    assert done.returncode != 0
    assert platform.state.functions["hello"].version == 1


@pytest.mark.parametrize(("live", "written"), [("true", "false"), ("false", "true")])
def test_a_flag_decides_who_may_call_it_whatever_the_config_says(
    cli: Cli, platform: Platform, tmp_path: Path, live: str, written: str
) -> None:
    """`--no-verify-jwt=false` keeps the check of tokens on, and `=true` off; without it, config.toml decides."""
    config = tmp_path / "supabase" / "config.toml"
    config.write_text(f'project_id = "drill"\n[functions.hello]\nverify_jwt = {written}\n', encoding="utf-8")
    words = ("functions", "deploy", "hello", "--use-api", "--project-ref", PROJECT_REF, "--yes")

    assert cli(*words).returncode == 0
    assert platform.state.functions["hello"].verify_jwt is (written == "true")
    assert cli(*words, f"--no-verify-jwt={'false' if live == 'true' else 'true'}").returncode == 0
    assert platform.state.functions["hello"].verify_jwt is (live == "true")


def test_deploying_without_a_name_activates_all_at_once(cli: Cli, platform: Platform) -> None:
    """Without a name every local function goes live by one last request, which the stand-in keeps."""
    done = cli("functions", "deploy", "--use-api", "--project-ref", PROJECT_REF, "--yes")

    assert done.returncode == 0, done.stderr
    assert set(platform.state.functions) == {"hello", "two"}
    assert f"PUT /v1/projects/{PROJECT_REF}/functions" in platform.state.requests


def test_functions_are_listed_and_deleted(cli: Cli, platform: Platform) -> None:
    """`functions list` shows versions as JSON and `functions delete` takes one away."""
    listed = cli("functions", "list", "--project-ref", PROJECT_REF, "--output-format", "json")
    deleted = cli("functions", "delete", "hello", "--project-ref", PROJECT_REF, "--yes")

    shown = [(function["slug"], function["version"]) for function in json.loads(listed.stdout)["functions"]]
    assert shown == [("hello", 1)]
    assert deleted.returncode == 0, deleted.stderr
    assert platform.state.functions == {}


def test_secrets_show_digests_only(cli: Cli, platform: Platform, tmp_path: Path) -> None:
    """Secrets set from a file arrive, and the list shows their names but never a value."""
    (tmp_path / "secrets.env").write_text("B=open-sesame\n", encoding="utf-8")
    done = cli("secrets", "set", "--env-file", "secrets.env", "--project-ref", PROJECT_REF, "--yes")
    listed = cli("secrets", "list", "--project-ref", PROJECT_REF, "--output-format", "json")

    assert done.returncode == 0, done.stderr
    assert platform.state.secrets == {"A": "1", "B": "open-sesame"}
    assert [secret["name"] for secret in json.loads(listed.stdout)["secrets"]] == ["A", "B"]
    assert "open-sesame" not in listed.stdout


def test_a_secret_can_keep_its_old_value_once(cli: Cli, platform: Platform, tmp_path: Path) -> None:
    """The CLI gets the answer of a success, and only the digest in the list says otherwise."""
    (tmp_path / "secrets.env").write_text("A=2\n", encoding="utf-8")
    platform.state.kept_secrets.add("A")
    words = ("secrets", "set", "--env-file", "secrets.env", "--project-ref", PROJECT_REF, "--yes")

    assert cli(*words).returncode == 0
    listed = json.loads(cli("secrets", "list", "--project-ref", PROJECT_REF, "--output-format", "json").stdout)
    assert listed["secrets"][0]["value"] == hashlib.sha256(b"1").hexdigest()
    assert cli(*words).returncode == 0
    assert platform.state.secrets["A"] == "2"


def test_a_restore_goes_through_within_reach_only(cli: Cli, platform: Platform) -> None:
    """A moment the backups reach is restored; without `-t` the CLI asks for 1970, which is refused."""
    called: list[int] = []
    platform.state.restore = called.append
    moment = int(time.time()) - 3600
    restored = cli("backups", "restore", "-t", str(moment), "--project-ref", PROJECT_REF, "--yes")
    refused = cli("backups", "restore", "--project-ref", PROJECT_REF, "--yes")

    assert restored.returncode == 0, restored.stderr
    assert refused.returncode != 0
    assert called == [moment]
    assert platform.state.restored_to == [moment, 0]


@pytest.mark.parametrize("major", [3], ids=["cli3"], indirect=True)
def test_a_failing_function_shows_in_the_logs(cli: Cli, platform: Platform) -> None:
    """A deployed source that throws logs errors, found by the function's id; CLI 2 has no `logs`."""
    platform.state.deploy("hello", (("index.ts", b'throw new Error("broken")'),), {})
    function = platform.state.functions["hello"]
    logs = ("logs", "--remote", "--output-format", "json", "--level", "error")
    shown = cli(*logs, "--service", "functions", "--resource", function.id)

    assert shown.returncode == 0, shown.stderr
    assert [row["event_message"] for row in json.loads(shown.stdout)] == ["Error: uncaught exception in the handler"]


def test_a_fault_plays_as_often_as_it_says(cli: Cli, platform: Platform) -> None:
    """A planted error fails one request and the next goes through; 400, since CLI 2 asks again after a 5xx."""
    platform.state.faults.append(Fault(request=linear_regex("GET .*/secrets"), status=400))
    words = ("secrets", "list", "--project-ref", PROJECT_REF, "--output-format", "json")

    assert [cli(*words).returncode != 0, cli(*words).returncode != 0] == [True, False]


def test_a_scenario_with_an_unknown_key_is_refused() -> None:
    """A key the stand-in does not know is an error, not something silently ignored."""
    with pytest.raises(UsageError, match="no 'backups'"):
        initial_state(deployed={}, secrets={}, platform={"backups": []})
