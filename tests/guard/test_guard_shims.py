"""The guard in real shells, in front of the real Supabase CLI: it stops the reset and lets the push through."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from guard_support.home import RUNBOOK, TOOLS, Home
from support.terminals import program

pytest_plugins = ["guard_support.warm_home"]

SHELLS = ["bash", "zsh", "fish"]
RESET = "npx supabase db reset --linked"
PUSH = "npx supabase db push --linked"
CLI_SAYS = "Cannot find project ref"
"""What the real CLI answers to a push in a directory that isn't linked."""


@pytest.fixture
def project(home: Home) -> Path:
    """Return a project with the real CLI in its node_modules, in a home with shims."""
    assert (TOOLS / "supabase/package.json").is_file(), "scripts/setup tools"
    (home.project / "node_modules").symlink_to(TOOLS)
    (home.project / "package.json").write_text('{"name": "app", "private": true}')
    installed = home.guard("install", "shims")
    assert installed.returncode == 0
    assert "export PATH=" in installed.stdout
    assert "real fences" in installed.stderr
    return home.project


def guarded_path(home: Home) -> str:
    """Return a PATH with the shims first."""
    return f"{home.root}/.local/share/runbook/shims:{os.environ['PATH']}"


@pytest.mark.parametrize("shell", SHELLS)
def test_shims_stop_the_reset_and_let_the_push_through(shell: str, home: Home, project: Path) -> None:
    """This works in each shell, at the prompt and in a script. The push reaches the real CLI, which answers."""
    assert shutil.which(shell), "scripts/setup shells"
    path = guarded_path(home)

    stopped = home.run(shell, "-c", RESET, PATH=path)
    through = home.run(shell, "-c", PUSH, PATH=path)

    assert stopped.returncode == 3
    assert "refused" in stopped.stderr
    assert CLI_SAYS not in stopped.stdout + stopped.stderr
    assert CLI_SAYS in through.stdout + through.stderr
    assert "refused" not in through.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_functions_stop_the_reset_and_let_the_push_through(shell: str, home: Home, project: Path) -> None:
    """The test uses the line for the shell's configuration, together with aliases that people already have."""
    read = f"{RUNBOOK} guard shell-init {shell}"
    alias = "alias npx='npx --yes'\n"
    setup = f"{alias}{read} | source\n" if shell == "fish" else f'{alias}eval "$({read})"\n'

    stopped = home.run(shell, "-c", f"{setup}{RESET}")
    through = home.run(shell, "-c", f"{setup}{PUSH}")

    assert stopped.returncode == 3
    assert "refused" in stopped.stderr
    assert CLI_SAYS in through.stdout + through.stderr


@pytest.mark.parametrize("shell", SHELLS)
def test_functions_hand_on_words_input_and_exit_code(shell: str, home: Home, tmp_path: Path) -> None:
    """With the function, the program behaves as without it."""
    stub = program(tmp_path / "bin", "pnpm", 'printf "<%s>" "$@"; cat; exit 7')
    read = f"{RUNBOOK} guard shell-init {shell}"
    setup = f"{read} | source" if shell == "fish" else f'eval "$({read})"'
    path = f"{stub.parent}:{os.environ['PATH']}"

    ran = home.run(shell, "-c", f"{setup}\npnpm 'a b' '' '*' --x=1", stdin=b"in", PATH=path)

    assert (ran.returncode, ran.stdout) == (7, "<a b><><*><--x=1>in")


@pytest.mark.parametrize("shell", SHELLS)
def test_functions_of_a_runbook_that_is_gone_do_not_open_the_door(shell: str, home: Home, tmp_path: Path) -> None:
    """The program doesn't run unguarded, and the message says how to remove the function."""
    from runbook.guard.shims import shell_functions

    stub = program(tmp_path / "bin", "npx", "echo ran")
    (home.project / "init").write_text(shell_functions(shell, "/nowhere/runbook"))

    ran = home.run(shell, "-c", f"source ./init\n{RESET}", PATH=f"{stub.parent}:{os.environ['PATH']}")

    assert ran.returncode == 6
    assert "ran" not in ran.stdout
    assert "runbook guard is missing" in ran.stderr


def test_shims_reach_scripts_makefiles_and_package_scripts(home: Home, project: Path) -> None:
    """A shell function can't see these."""
    (project / "go.sh").write_text(f"#!/bin/sh\n{RESET}\n")
    (project / "Makefile").write_text(f"fresh:\n\t{RESET}\n")
    (project / "package.json").write_text('{"scripts": {"fresh": "npx supabase db reset --linked"}}')

    for words in (("sh", "go.sh"), ("make", "fresh"), ("npm", "run", "fresh"), ("env", "-S", RESET)):
        ran = home.run(*words, PATH=guarded_path(home))
        assert ran.returncode != 0, words
        assert "refused" in ran.stderr, words


def test_a_shim_never_starts_a_shim(home: Home, tmp_path: Path) -> None:
    """With two directories of shims on PATH, the real program still starts once."""
    stub = program(tmp_path / "bin", "yarn", "echo real")
    for name in ("one", "two"):
        assert home.guard("install", "shims", "--dir", str(tmp_path / name)).returncode == 0

    ran = home.run("yarn", "--version", PATH=f"{tmp_path}/one:{tmp_path}/two:{stub.parent}:/usr/bin:/bin", timeout=20)

    assert (ran.returncode, ran.stdout) == (0, "real\n")
    nothing = home.run("yarn", "--version", PATH=f"{tmp_path}/one:{tmp_path}/two:/usr/bin:/bin", timeout=20)
    assert "there is no program 'yarn'" in nothing.stderr


def test_shims_are_taken_back_and_nothing_else(home: Home, tmp_path: Path) -> None:
    """Uninstalling removes only the shims, and installing never overwrites a real program."""
    directory = tmp_path / "shims"
    home.guard("install", "shims", "--dir", str(directory))
    (directory / "mine").write_text("x")

    assert "11 shims removed" in home.guard("uninstall", "shims", "--dir", str(directory)).stdout
    assert [path.name for path in directory.iterdir()] == ["mine"]
    program(directory, "npx", "echo mine")
    refused = home.guard("install", "shims", "--dir", str(directory))
    assert refused.returncode == 1
    assert "other programs: npx" in refused.stderr
    (directory / "npx").unlink()
    (directory / "mine").unlink()
    home.guard("install", "shims", "--dir", str(directory))
    home.guard("uninstall", "shims", "--dir", str(directory))
    assert list(directory.iterdir()) == []


def test_every_directory_that_was_created_is_removed(home: Home, tmp_path: Path) -> None:
    """Those that were there stay, also after a second install."""
    (tmp_path / "mine").mkdir()
    for directory in (tmp_path / "mine/a/b", tmp_path / "mine"):
        home.guard("install", "shims", "--dir", str(directory))
        home.guard("install", "shims", "--dir", str(directory))
        assert home.guard("uninstall", "shims", "--dir", str(directory)).returncode == 0
        assert list((tmp_path / "mine").iterdir()) == []
    home.guard("install", "shims")
    home.guard("uninstall", "shims")
    assert not (home.root / ".local/share/runbook").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["x y", 'it\'s "$HOME"', "back\\\\slash \\' ;", "ü (1)"])
def test_the_line_for_path_is_quoted(name: str, shell: str, home: Home, tmp_path: Path) -> None:
    """Each shell reads the directory back from it, whatever it is called."""
    assert shutil.which(shell), "scripts/setup shells"
    directory = tmp_path / name
    printed = home.guard("install", "shims", "--dir", str(directory)).stdout.splitlines()
    line = printed[2].removeprefix("(fish: ").removesuffix(")") if shell == "fish" else printed[1].split(":  ", 1)[1]

    ran = home.run(shell, "-c", f"{line}\ncommand -v npx", fish_history="")

    assert ran.stdout.splitlines() == [f"{directory}/npx"], ran.stderr


def test_a_directory_that_cannot_be_on_path_is_refused(home: Home, tmp_path: Path) -> None:
    """A colon separates the directories of PATH."""
    ran = home.guard("install", "shims", "--dir", str(tmp_path / "a:b"))
    assert ran.returncode == 2
    assert "can't be on PATH" in ran.stderr
    assert not (tmp_path / "a:b").exists()


def test_a_shim_of_a_runbook_that_is_gone_says_so(home: Home, tmp_path: Path) -> None:
    """The program doesn't run unguarded, and the message says what to delete."""
    from runbook.guard.shims import install_shims

    stub = program(tmp_path / "bin", "npx", "echo ran")
    shims = install_shims(tmp_path / "x y", "/nowhere/runbook")

    ran = home.run("npx", "a", PATH=f"{shims.directory}:{stub.parent}:{os.environ['PATH']}")

    assert (ran.returncode, ran.stdout) == (6, "")
    assert f"delete npx in {shims.directory}" in ran.stderr
