from __future__ import annotations

import shlex

import pytest

from runbook.policy.argv import addresses_in, host_of, invocation_of, is_elsewhere, read_words


@pytest.mark.parametrize(
    ("line", "program", "major"),
    [
        ("npx prisma@6 migrate reset", "prisma", 6),
        ("npx @prisma/cli@5.1 migrate reset", "cli", 5),
        ("node node_modules/typeorm/cli.js schema:drop", "typeorm", None),
        ("node node_modules/@acme/tool/dist/index.js x", "tool", None),
        ("node node_modules/.bin/knex x", "knex", None),
        ("node index.js", "index", None),
        ("./vendor/bin/phinx rollback", "phinx", None),
    ],
)
def test_the_program_behind_a_package_or_a_path(line: str, program: str, major: int | None) -> None:
    """The main file of a package says nothing, so the package's name counts."""
    found = invocation_of(shlex.split(line))
    assert (found.program, found.major) == (program, major)


def test_a_long_flag_with_one_dash_is_one_flag_if_it_is_listed() -> None:
    """As in Go: `-database URL`. Otherwise the letters are flags of their own."""
    words = read_words(["-database", "x", "-path=m", "drop"], {"-database", "-path"})
    assert words.positionals == ("drop",)
    assert words.values("-database", "-path") == ("x", "m")
    assert [flag.name for flag in read_words(["-Atc", "x"], {"-c"}).flags] == ["-A", "-t", "-c"]


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("postgresql+asyncpg://u@h.example.com:5432/x", "h.example.com"),
        ("jdbc:postgresql://h.example.com/x", "h.example.com"),
        ("mysql://h/x", "h"),
        ("sqlite:///x.db", ""),
        ("postgres://localhost/x?host=h.example.com", "h.example.com"),
        ("host=h.example.com user=x", "h.example.com"),
        ("app", None),
    ],
)
def test_the_host_of_any_address(address: str, host: str | None) -> None:
    """A URL of any kind, or a `host=` text."""
    assert host_of(address) == host


def test_addresses_are_found_wherever_they_begin() -> None:
    """Alone, after `=`, after `jdbc:`; a web page or a file isn't a database."""
    words = ["drop", "--url=postgres://a/x", "-Durl=jdbc:postgresql://b/x", "https://c/x", "file://d", "host=e user=f"]
    assert addresses_in(words) == ["postgres://a/x", "postgresql://b/x", "host=e user=f"]


@pytest.mark.parametrize(
    ("host", "is_other"),
    [
        ("db.example.com", True),
        ("10.0.0.5", True),
        ("2001:db8::1", True),
        ("localhost", False),
        ("::1", False),
        ("/tmp", False),
        ("db", False),
        ("app.localhost", False),
        ("host.docker.internal", False),
        ("$1.example.com", False),
        ("", False),
    ],
)
def test_which_hosts_are_certainly_elsewhere(host: str, is_other: bool) -> None:
    """Not this machine, not a container of it, and not one that can't be told."""
    assert is_elsewhere(host) is is_other
