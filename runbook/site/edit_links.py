"""Where to edit the source of a page, and where to report a problem with it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, urlencode, urljoin

from mkdocs.config.defaults import MkDocsConfig

from runbook.markup import is_safe_link

__all__ = ["edit_url", "is_in_repository", "report_url"]

_INSTALLED = frozenset({"site-packages", "dist-packages"})


def edit_url(file: Path, config: MkDocsConfig) -> str | None:
    """Return where to edit a file: in the project's repository, as `edit_uri` has it for pages; else nowhere."""
    address = _docs_address(config)
    project = Path(config.config_file_path).resolve().parent
    docs = f"{_path(Path(config.docs_dir).resolve(), project)}/"
    if not address or not address.endswith(docs) or not is_in_repository(file, project):
        return None
    return urljoin(address.removesuffix(docs), quote(_path(file.resolve(), project)))


def is_in_repository(file: Path, project: Path) -> bool:
    """Return whether a file belongs to the repository of a project's directory, and isn't just installed there."""
    start = project.resolve()
    root = next((each for each in (start, *start.parents) if (each / ".git").exists()), start)
    found = file.resolve()
    return found.is_relative_to(root) and not _INSTALLED & {*found.relative_to(root).parts}


def report_url(title: str, config: MkDocsConfig) -> str | None:
    """Return where to report a problem with a page: the repository's issues, on GitHub, GitLab and similar hosts."""
    repository, edit, _ = _docs_address(config).partition("/edit/")
    if not edit:
        return None
    field = "issue[title]" if repository.endswith("/-") else "title"
    return f"{repository}/issues/new?{urlencode({field: f'Page: {title}'})}"


def _docs_address(config: MkDocsConfig) -> str:
    """Return where the project's pages are edited, as MkDocs joins `repo_url` and `edit_uri`; empty if nowhere."""
    uri, repository = config.edit_uri or "", config.repo_url or ""
    if repository and not uri.startswith(("?", "#")):
        repository = f"{repository.removesuffix('/')}/"
    address = urljoin(repository, uri) if uri else ""
    return address if is_safe_link(address) else ""


def _path(file: Path, project: Path) -> str:
    return Path(os.path.relpath(file, project)).as_posix()
