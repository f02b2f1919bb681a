"""`runbook site`: build, serve or zip the documentation site."""

from __future__ import annotations

import logging
import os
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import click

from runbook.errors import ExitCode, MissingPartError, RunbookError, UsageError
from runbook.installation import command_that_adds
from runbook.site.project import CONFIG, nearest_project

__all__ = ["MODULES", "command", "find_config"]

MODULES = ("mkdocs", "material", "markdown_exec", "pymdownx", "jinja2")
"""What a build imports from the optional part `site`."""
_OUTPUT = click.option("--output", "-o", type=click.Path(path_type=Path), help="Where to write.")


@click.group("site")
@click.pass_obj
def command(book: str | None) -> None:
    """Build, serve or zip the site that shows the runbook.

    It is the nearest mkdocs.yml with the plugin `runbook`, here or above, in the directory itself or in team-runbook/.
    """
    if book:
        os.environ["RUNBOOK_BOOK"] = str(Path(book).resolve())


@command.command("build")
@_OUTPUT
def build(output: Path | None) -> int:
    """Build the site into a directory (default: site/ beside mkdocs.yml). You can open it from file://."""
    config = find_config()
    directory = (output or config.parent / "site").resolve()
    count = _build(config, directory)
    click.echo(f"{count} pages in {directory}; open {directory / 'index.html'}")
    return ExitCode.DONE


@command.command("zip")
@_OUTPUT
def zip_(output: Path | None) -> int:
    """Build the site and pack it into one file, to use without a network."""
    file = (output or Path("runbook-site.zip")).resolve()
    with tempfile.TemporaryDirectory(prefix="runbook-site-") as directory:
        count = _build(find_config(), Path(directory))
        _pack(Path(directory), file)
    click.echo(f"{count} pages in {file} ({file.stat().st_size / 1e6:.1f} MB); unpack it and open index.html")
    return ExitCode.DONE


@command.command("serve")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port on this machine.")
def serve(port: int) -> int:
    """Serve the site on this machine only, and rebuild it whenever a page, the book or the code changes."""
    config = find_config()
    _need_mkdocs()
    from mkdocs.commands.serve import serve as mkdocs_serve

    _log_to_terminal(logging.INFO)
    # Warnings don't stop the server, because an author must be able to see a half-finished page.
    mkdocs_serve(str(config), dev_addr=f"127.0.0.1:{port}", strict=False)
    return ExitCode.DONE


def find_config() -> Path:
    """Return the nearest `mkdocs.yml` with the plugin, here or above. Raises UsageError if there is none."""
    here = Path.cwd()
    if project := nearest_project(here):
        return project.config
    other = next((each / CONFIG for each in (here, *here.parents) if (each / CONFIG).is_file()), None)
    if other:
        raise UsageError(f"{other} doesn't use the plugin 'runbook'", hint="Add `- runbook` to its `plugins:`.")
    raise UsageError(
        f"there is no {CONFIG} here or above", hint="Run it in a MkDocs project that has the plugin 'runbook'."
    )


def _need_mkdocs() -> None:
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")
    for part in MODULES:
        if find_spec(part) is None:
            raise MissingPartError(f"the site needs {part}, which isn't installed", hint=command_that_adds("site"))


def _build(config: Path, directory: Path) -> int:
    """Build strictly and return the number of pages. Raises RunbookError if anything is wrong."""
    _need_mkdocs()
    from mkdocs.commands.build import build as mkdocs_build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    _log_to_terminal(logging.WARNING)
    try:
        loaded = load_config(str(config), site_dir=str(directory), strict=True)
        loaded.plugins.on_startup(command="build", dirty=False)
        try:
            mkdocs_build(loaded)
        finally:
            loaded.plugins.on_shutdown()
    except (MkDocsException, SystemExit) as error:
        raise RunbookError(f"the site was not built: {error}", hint="Each problem is named above.") from error
    except OSError as error:
        raise _unwritable(error, directory) from error
    return len(list(directory.rglob("*.html")))


def _unwritable(error: OSError, place: Path) -> RunbookError:
    """Return what to tell about a file that can't be read or written."""
    at = error.filename or place
    return RunbookError(
        f"the site was not written to {place}: {at}: {error.strerror}", hint="Name another place with --output."
    )


def _log_to_terminal(level: int) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger = logging.getLogger("mkdocs")
    logger.setLevel(level)
    logger.handlers = [handler]


def _pack(directory: Path, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in directory.rglob("*") if path.is_file()):
                archive.write(path, Path("runbook-site") / path.relative_to(directory))
    except OSError as error:
        raise _unwritable(error, file) from error
