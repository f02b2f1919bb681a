"""Secrets on their way to a command: read back by the real CLI of both majors, and gone afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from runbook.drill.platform import environment, serve, write_link, write_profile
from runbook.drill.platform_state import PROJECT_REF, initial_state
from runbook.errors import UsageError
from runbook.runtime.toolchain import cli_package
from runbook.secret_file import SecretFile
from runbook.steps.env_file import env_line

ODD = {
    "PLAIN": "sk_live_abc/123+=",
    "SPACES": "  a b  ",
    "HASH": "a#b #c",
    "DOLLAR": "$HOME ${HOME} $(id) `id`",
    "QUOTES": '"quoted"',
    "SINGLE": "it's",
    "BACK": "a\\nb\\\\c",
    "LINES": "-----BEGIN KEY-----\nabc=\n-----END KEY-----\n",
    "JSON": '{\n  "type": "service_account",\n  "private_key": "-----BEGIN KEY-----\\nabc=\\n"\n}\n',
    "LARGE": "-----BEGIN KEY-----\n" + "QUJD/+==\n" * 2_500 + "-----END KEY-----\n",
    "UMLAUT": "schlüssel ✓",
    "EQUALS": "=a=b",
    "DASH": "--project-ref",
}


@pytest.mark.parametrize("where", ["memory", "disk"])
@pytest.mark.parametrize("major", [3, 2])
def test_the_real_cli_reads_every_value_as_it_is(
    tmp_path: Path, major: int, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quotes, dollars, line ends, backslashes; from a file in memory as from one on disk."""
    if where == "disk":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    profile = tmp_path / "profile.yaml"
    write_link(tmp_path)
    (tmp_path / "supabase" / "config.toml").write_text('project_id = "drill"\n', encoding="utf-8")
    file = SecretFile(tmp_path / "secrets", "r")
    target = f"--remote={PROJECT_REF}" if major == 3 else f"--project-ref={PROJECT_REF}"
    with serve(initial_state(deployed={}, secrets={}, platform={})) as platform:
        write_profile(profile, platform.url)
        with file.holding([env_line(key, value) for key, value in ODD.items()]):
            assert Path(file.path).stat().st_mode & 0o777 == 0o600
            cli = str(cli_package(major).directory / "dist" / "supabase.js")
            done = subprocess.run(
                ["node", cli, "secrets", "set", "--env-file", file.path, target, *(["--yes"] if major == 3 else [])],
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment(profile, platform)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        assert {name: platform.state.secrets.get(name) for name in ODD} == ODD
    file.close()


@pytest.mark.parametrize("value", ["it's $5", 'it\'s "5"', "it's\n5", "it's\\5"])
def test_a_value_that_no_spelling_fits_is_refused(value: str) -> None:
    """Before anything has started; the value is not repeated."""
    with pytest.raises(UsageError, match="a secret contains a single quote together with") as error:
        env_line("KEY", value)
    assert value not in error.value.message + error.value.hint
