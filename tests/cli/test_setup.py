"""`runbook setup`: install the tools, look at them, replace them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tool_registry import Npm

from runbook.cli import main
from runbook.runtime.toolchain import pinned_cli


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Npm:
    """Return a machine without tools, whose npm is a stand-in."""
    return Npm(tmp_path, monkeypatch)


def test_setup_installs_once_and_then_only_looks(npm: Npm, capsys: pytest.CaptureFixture[str]) -> None:
    """The second run starts the tools and says where they are."""
    assert main(["setup"]) == 0
    first = capsys.readouterr()
    assert main(["setup"]) == 0
    second = capsys.readouterr()

    assert first.out == second.out
    assert [line.split(",")[0] for line in first.out.splitlines()] == [
        *(f"ok  Supabase CLI {pinned_cli()[major]}" for major in (3, 2)),
        "ok  PostgreSQL 17.10",
    ]
    assert ("with npm" in first.err, second.err) == (True, "")
    assert len(npm.calls) == 1


def test_check_installs_nothing(npm: Npm, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what is missing and the command that adds it, and exits with 1."""
    assert main(["setup", "--check"]) == 1
    assert "runbook setup" in capsys.readouterr().err
    assert npm.calls == []

    assert main(["setup"]) == 0
    assert main(["setup", "--check"]) == 0
    assert len(npm.calls) == 1


def test_tools_that_broke_later_are_noticed_and_installed_again(npm: Npm, capsys: pytest.CaptureFixture[str]) -> None:
    """A disk or a person removed a file of an installation that was whole."""
    main(["setup"])
    (script,) = npm.cache.glob("*/node_modules/supabase/dist/supabase.js")
    script.write_text("")

    assert main(["setup", "--check"]) == 1
    assert "doesn't start" in capsys.readouterr().err
    assert main(["setup"]) == 0
    assert main(["setup", "--check"]) == 0


def test_again_installs_what_is_there(npm: Npm) -> None:
    """Whoever doubts an installation replaces it."""
    assert [main(["setup"]), main(["setup", "--again"])] == [0, 0]
    assert len(npm.calls) == 2


def test_packages_that_only_the_registry_vouches_for_are_named(npm: Npm, capsys: pytest.CaptureFixture[str]) -> None:
    """A reader can decide whether to trust it."""
    npm.installs(
        "import json\nfile = Path('node_modules/.package-lock.json')\nread = json.loads(file.read_text())\n"
        "read['packages']['node_modules/@supabase/cli-darwin-arm64'] = {'version': '3.1.0', 'integrity': 'x'}\n"
        "file.write_text(json.dumps(read))"
    )
    assert main(["setup"]) == 0
    assert "only npm's registry vouches for them: @supabase/cli-darwin-arm64 3.1.0" in capsys.readouterr().err
