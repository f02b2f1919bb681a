"""The MkDocs plugin `runbook`: the pages of a book, in a site of their own or inside a project's own site.

It adds the pages that the project doesn't have, with their place in the navigation (`on_files`), renders them
(`on_page_content`), dresses them (`on_page_context`, `on_post_page`) and fails a strict build for everything that
`--strict` lets through. It leaves the project's own pages alone.

MkDocs counts warnings of loggers below `mkdocs`, so a warning here fails a strict build but lets it report all the
others. A server must also show edits of the code, so this module, which MkDocs keeps, imports it late.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from mkdocs.config import config_options as options
from mkdocs.config.base import Config, ValidationError
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils.templates import TemplateContext

if TYPE_CHECKING:
    from runbook.site.runbook_pages import RunbookPages

__all__ = ["RunbookOptions", "RunbookPlugin"]

_log = logging.getLogger("mkdocs.plugins.runbook")
_notice = logging.getLogger("runbook.site")
"""Not below `mkdocs`, so its messages are shown but don't fail the build."""
_THEME = "material"


class _Directory(options.Type[str]):
    """A directory below the project's pages: the empty text, or a path with a slash at its end."""

    def run_validation(self, value: object) -> str:
        path = super().run_validation(value).strip("/")
        if any(part in {"", ".", ".."} for part in path.split("/")) and path:
            raise ValidationError(f"expected a directory below docs_dir, such as runbook/, not {value!r}")
        return f"{path}/" if path else ""


class RunbookOptions(Config):  # type: ignore[no-untyped-call] # MkDocs leaves its `__init_subclass__` untyped
    """The options of the plugin. Paths count from the directory of `mkdocs.yml`."""

    directory = _Directory(str, default="runbook/")
    """Where the pages are in the site. With `""`, the whole site is the runbook."""
    book = options.Optional(options.Dir(exists=True))
    """The book to show. By default, the one that `runbook` finds from the directory of `mkdocs.yml`."""
    search = options.Type(bool, default=False)
    """Search with the runbook's own index, as `runbook find` does. Only if the whole site is the runbook."""
    drills = options.Optional(options.File(exists=True))
    """The results of your drills, written by `runbook drill --results FILE`."""


class RunbookPlugin(BasePlugin[RunbookOptions]):  # type: ignore[no-untyped-call] # as above
    """One build, or one server with all its builds."""

    def __init__(self) -> None:
        self._is_serving = False
        self._pages: RunbookPages

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:  # noqa: ARG002
        """Note whether this is a server. MkDocs then keeps the plugin for all its builds."""
        self._is_serving = command == "serve"

    def on_serve(self, server: LiveReloadServer, *, config: MkDocsConfig, builder: object) -> LiveReloadServer:  # noqa: ARG002
        """Rebuild when a file of the book changes."""
        server.watch(self._pages.book.directory)
        return server

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Open the book before any page needs it, and catch blocks that try to end the build."""
        if config.theme.name != _THEME:
            raise PluginError(f"the runbook's pages need the theme '{_THEME}', not '{config.theme.name}'")
        if self.config.search and self.config.directory:
            raise PluginError('search: true replaces the search of the whole site, so it needs directory: ""')
        if self._is_serving:
            _forget_code(Path(config.config_file_path).parent)
        from runbook.errors import RunbookError
        from runbook.site.assets import add_templates
        from runbook.site.markdown import guarded
        from runbook.site.runbook_pages import open_pages

        try:
            self._pages = open_pages(self.config, config)
        except RunbookError as error:
            raise PluginError(f"the book can't be used:\n{error.message}") from error
        add_templates(config.theme, whole_site=self._pages.is_whole_site)
        for fence in config.mdx_configs.get("pymdownx.superfences", {}).get("custom_fences", []):
            fence["format"] = guarded(fence["format"], _warn_of_exit)
        return config

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Compare the pages with the procedures before any page is built."""
        for problem in self._pages.source_problems(config):
            _log.warning("runbook: %s", problem)
        for late in self._pages.overdue():
            _notice.warning("%s", late)

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add the pages that the project lacks, what all pages load, and the navigation."""
        self._pages.add_to(files, config)
        self._pages.start_rendering(is_serving=self._is_serving)
        return files

    def on_page_markdown(self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str | None:  # noqa: ARG002
        """Check the form of all generated blocks; take descriptions of procedure pages from the book."""
        return self._reported(page, self._pages.read(markdown, page)) if self._pages.has(page) else None

    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str | None:  # noqa: ARG002
        """Render generated pages; point links at pages, complete the contents, and look for leftovers."""
        if not self._pages.has(page):
            return None
        return self._reported(page, self._pages.finish(html, page, config, on_exit=_warn_of_exit))

    def on_page_context(self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: object) -> None:  # noqa: ARG002
        """Tell the template what belongs on this page."""
        if self._pages.has(page):
            context["runbook"] = self._pages.context_of(page, config)  # type: ignore[typeddict-unknown-key]

    def on_template_context(self, context: TemplateContext, *, template_name: str, config: MkDocsConfig) -> None:  # noqa: ARG002
        """Tell the page for missing addresses, too, if it is the runbook's."""
        if self._pages.is_whole_site:
            context["runbook"] = self._pages.context(config)  # type: ignore[typeddict-unknown-key]

    def on_post_template(self, output_content: str, *, template_name: str, config: MkDocsConfig) -> str:
        """Treat the page for missing addresses like all others. It works wherever the site is hosted."""
        if not self._pages.is_whole_site or not template_name.endswith(".html"):
            return output_content
        from runbook.site import page_html

        return page_html.rootless(self._pages.dress(output_content), urlsplit(config.site_url or "/").path or "/")

    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str | None:  # noqa: ARG002
        """Mend what the theme writes, add the drawings of icons, and drop what would load from other hosts."""
        return self._pages.dress(output) if self._pages.has(page) else None

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Write the search index; check that every page, procedure and step is there, and that no link is dead."""
        self._pages.write_search(Path(config.site_dir))
        for problem in self._pages.built_problems(Path(config.site_dir)):
            _log.warning("runbook: %s", problem)
        self._pages.stop_rendering()

    def on_build_error(self, *, error: Exception) -> None:  # noqa: ARG002
        """Leave no process behind."""
        if hasattr(self, "_pages"):
            self._pages.stop_rendering()

    def _reported(self, page: Page, found: tuple[str, list[str]]) -> str:
        text, problems = found
        for problem in problems:
            _log.warning("runbook: %s: %s", page.file.src_uri, problem)
        return text


def _warn_of_exit(code: object, source: str) -> None:
    _log.warning("runbook: a generated block tried to end the build with %r:\n%s", code, source)


def _forget_code(project: Path) -> None:
    """Read the code again if it is part of the project, where its authors edit it."""
    from runbook.site.edit_links import is_in_repository

    if is_in_repository(Path(__file__), project):
        for name in [name for name in sys.modules if name.partition(".")[0] == "runbook"]:
            del sys.modules[name]
