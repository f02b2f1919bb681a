"""MkDocs hooks that fail the build for everything that `--strict` lets through.

MkDocs counts warnings of loggers below `mkdocs`, so a warning here fails a strict build but lets it report all the
others.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

__all__ = [
    "on_config",
    "on_files",
    "on_page_content",
    "on_page_context",
    "on_page_markdown",
    "on_post_build",
    "on_post_page",
    "on_post_template",
    "on_pre_build",
    "on_startup",
]

_log = logging.getLogger("mkdocs.plugins.runbook")
_notice = logging.getLogger("runbook.site")
"""Not below `mkdocs`, so its messages are shown but don't fail the build."""
_serving = False
_texts: dict[str, str] = {}
"""The contents of each page built so far, by its address, for the search."""


def on_startup(*, command: Literal["build", "gh-deploy", "serve"], **_: object) -> None:
    """Note whether this is a server, which must also show edits of Python code."""
    global _serving  # noqa: PLW0603 - MkDocs keeps the hook module itself across rebuilds; there is no other place
    _serving = command == "serve"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Open the book before any page needs it, and catch blocks that try to end the build."""
    os.environ["MKDOCS_CONFIG_DIR"] = str(Path(config.config_file_path).parent)
    # Without this, a server keeps showing the output of the code that it started with. For the same reason, this
    # module, which MkDocs keeps, doesn't import the site's code at the top.
    for name in [name for name in sys.modules if name.partition(".")[0] == "runbook"] if _serving else ():
        del sys.modules[name]
    from runbook.errors import RunbookError
    from runbook.site import source

    source.forget()
    _texts.clear()
    try:
        book = source.book()
    except RunbookError as error:
        raise PluginError(f"the book can't be used:\n{error.message}") from error
    # The theme's templates show this on every page, except the home page and those about what is broken.
    config.extra["emergency"] = next(iter(book.emergencies), None)
    config.extra["without_alarm"] = ["index.md", *(f"procedures/{each.id}.md" for each in book.emergencies)]
    for fence in config.mdx_configs.get("pymdownx.superfences", {}).get("custom_fences", []):
        fence["format"] = _guarded(fence["format"])
    return config


def _guarded(run: Callable[..., str]) -> Callable[..., str]:
    # markdown-exec only catches `Exception`, so `exit(0)` in a block would end the build as if it had succeeded.
    def guarded(source: str, *args: Any, **options: Any) -> str:
        try:
            return run(source, *args, **options)
        except SystemExit as stop:
            _log.warning("runbook: a generated block tried to end the build with %r:\n%s", stop.code, source)
            return ""

    return guarded


def on_pre_build(config: MkDocsConfig) -> None:
    """Compare the pages with the procedures before any page is built."""
    from runbook.site import build_checks, reference, source

    for problem in build_checks.page_problems(source.book(), Path(config.config_file_path)):
        _log.warning("runbook: %s", problem)
    for change in reference.all_changes():
        for name in change.pages:
            if not (Path(config.docs_dir) / f"{name}.md").is_file():
                _log.warning("runbook: includes/changes.yaml: there is no page %s", name)
    for procedure in source.book().procedures.values():
        if procedure.due < source.today():
            _notice.warning("%s: its review is overdue since %s", procedure.id, procedure.due)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the YAML of each procedure and the search index to the site."""
    from runbook.site import search_index, source

    files.append(File.generated(config, search_index.INDEX, content=search_index.index_script()))
    for procedure in source.book().procedures.values():
        files.append(File.generated(config, source.source_page(procedure.id), content=procedure.source))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Check the form of all generated blocks; take descriptions and sources of procedure pages from the book."""
    from runbook.site import build_checks, page_html

    for problem in build_checks.fence_problems(markdown):
        _log.warning("runbook: %s: %s", page.file.src_uri, problem)
    page.meta.update(page_html.meta(page.file.src_uri, dict(page.meta)))
    # The theme loads its index on every page, whether or not anyone searches. This project's search has its own.
    page.meta["search"] = {"exclude": True}
    return markdown


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point generated links at pages, list generated headings in the contents, and look for leftovers."""
    from runbook.markup import unsafe_link_message
    from runbook.site import build_checks, page_html

    for problem in build_checks.leftovers(html):
        _log.warning("runbook: %s: %s", page.file.src_uri, problem)
    urls: Mapping[str, str] = {file.src_uri: file.url for file in files}
    html, refused = page_html.unlink(html)
    for address in refused:
        _log.warning("runbook: %s: %s", page.file.src_uri, unsafe_link_message(address))
    linked, dead = page_html.relink(html, page.file.src_uri, page.file.url, urls)
    for target in dead:
        _log.warning("runbook: %s: generated text links to %s, which doesn't exist", page.file.src_uri, target)
    linked = page_html.with_labelled_cells(linked)
    page_html.list_headings(linked, page.toc)
    # MkDocs only looks for anchors in the Markdown, so it would report a written link to a generated heading as dead.
    page.present_anchor_ids = (page.present_anchor_ids or set()) | page_html.anchors(linked)
    page.edit_url = page_html.edit_url(page.file.src_uri, config.edit_uri, page.edit_url)
    # The home page lists the other pages, so every word would find it.
    if page.file.src_uri != "index.md":
        _texts[page.url] = linked
    return linked


def on_page_context(context: dict[str, Any], page: Page, config: MkDocsConfig, **_: object) -> dict[str, Any]:
    """Give the theme the footer of a page: what changed, and where to report a problem."""
    from runbook.site import page_html, reference

    context["page_changes"] = reference.changes_of(page.file.src_uri.removesuffix(".md"))
    context["report_url"] = page_html.report_url(str(page.title), config.edit_uri)
    return context


def on_post_template(output_content: str, *, template_name: str, config: MkDocsConfig) -> str:
    """Treat the page for missing addresses like all others. It works wherever the site is hosted."""
    from runbook.site import page_html

    if not template_name.endswith(".html"):
        return output_content
    root = urlsplit(config.site_url or "/").path or "/"
    return page_html.rootless(on_post_page(output_content), root)


def on_post_page(output: str, **_: object) -> str:
    """Remove two of the theme's attributes that HTML doesn't allow there; `labels.js` restores what they do.

    The search box also gets this project's search, icons get their drawings, and the navigation gets one landmark.
    """
    from runbook.site import page_html

    page = page_html.with_few_landmarks(page_html.valid(output))
    return page_html.with_icons(page_html.with_own_search(page))


def on_post_build(config: MkDocsConfig) -> None:
    """Write the search index; check that every page, procedure and step is there, and that no link is dead."""
    from runbook.site import build_checks, search_index, source

    site = Path(config.site_dir)
    (site / search_index.PAGES).write_text(search_index.pages_script(_texts), encoding="utf-8")
    for problem in (*build_checks.missing_parts(source.book(), site), *build_checks.dead_links(site)):
        _log.warning("runbook: %s", problem)
