"""`runbook new` and `schema --write` write into a team's book or a checkout, never into an installed package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.books import write_book

from runbook.cli import main
from runbook.loading import PACKAGED_BOOK
from runbook.loading.json_schema import SCHEMA_NAMES, schema_text


def _files(directory: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the packaged book as it is when installed: no checkout is around it."""
    book = tmp_path / "site-packages" / "runbook" / "book"
    shutil.copytree(PACKAGED_BOOK, book)
    monkeypatch.setattr("runbook.loading.place.PACKAGED_BOOK", book)
    monkeypatch.chdir(tmp_path)
    return book


@pytest.mark.parametrize(
    "words",
    [("new", "procedure", "rotate-keys"), ("new", "page", "emergency-rollback"), ("schema", "--write")],
    ids=" ".join,
)
@pytest.mark.parametrize("how", ["", "{book}", "{book}/../book"])
def test_an_installed_package_is_not_written_to(
    how: str, words: tuple[str, ...], package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says how to make a book of one's own, whether the packaged one was named or not."""
    before = _files(package)
    named = ("--book", how.format(book=package)) if how else ()

    assert main([*named, *words]) == 2

    assert "runbook init" in capsys.readouterr().err
    assert _files(package) == before


def test_the_header_of_a_new_procedure_names_a_schema_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A team's book has none yet, so it's written along. One that is there stays as it is."""
    monkeypatch.chdir(tmp_path)
    book = write_book(tmp_path / "book")

    assert main(["--book", str(book), "new", "procedure", "rotate-keys"]) == 0

    procedure = book / "procedures" / "rotate-keys.yaml"
    named = procedure.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    schema = procedure.parent / named
    assert schema.read_text(encoding="utf-8") == schema_text("procedure")
    schema.write_text("{}")
    assert main(["--book", str(book), "new", "procedure", "rotate-more"]) == 0
    assert schema.read_text(encoding="utf-8") == "{}"


def test_a_book_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The kernel creates no file there, not even for root. What was written before is removed."""
    monkeypatch.chdir(tmp_path)
    book = write_book(tmp_path / "book", {})
    (book / "schema").symlink_to("/proc/self")
    assert main(["--book", str(book), "new", "procedure", "rotate-keys"]) == 2
    told = capsys.readouterr().err
    assert "can't write" in told
    assert "Nothing was written" in told
    assert list((book / "procedures").iterdir()) == []


def test_schemas_are_written_into_a_book(tmp_path: Path) -> None:
    """All of them, as they are printed."""
    book = write_book(tmp_path / "book")
    assert main(["--book", str(book), "schema", "--write"]) == 0
    for name in SCHEMA_NAMES:
        assert (book / "schema" / f"{name}.schema.json").read_text(encoding="utf-8") == schema_text(name)
