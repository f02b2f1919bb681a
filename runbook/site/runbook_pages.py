"""The runbook's pages in one build of a project: which there are, and what happens to each on its way into the site."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel, file_sort_key
from mkdocs.structure.pages import Page
from mkdocs.utils import nest_paths

from runbook.checks.review_dates import overdue
from runbook.loading.place import book_directory
from runbook.markup import unsafe_link_message
from runbook.model import Book
from runbook.site import assets, build_checks, edit_links, page_html, reference, search_index, source
from runbook.site.generated_pages import GeneratedPage, generated_pages
from runbook.site.navigation import HOME, packaged_paths, paths_in, sections, with_runbook
from runbook.site.page_rendering import Content, PageRenderer
from runbook.site.theme_context import ThemeContext

if TYPE_CHECKING:
    from runbook.site.plugin import RunbookOptions

__all__ = ["RunbookPages", "open_pages"]

_ERRORS = "reference/errors.md"
_DIRECTORY_URL, _FILE_URL = "/", ".html"
"""How the address of a page ends."""


def open_pages(options: RunbookOptions, config: MkDocsConfig) -> RunbookPages:
    """Open the book that the project shows. Raises RunbookError."""
    # The command's own --book comes first.
    named = os.environ.get("RUNBOOK_BOOK") or options.book
    book = book_directory(named, start=Path(config.config_file_path).resolve().parent).resolve()
    source.begin_build(book=book, results=Path(options.drills) if options.drills else None)
    return RunbookPages(source.book(), options.directory, Path(config.config_file_path), own_search=options.search)


@dataclass(kw_only=True)
class _Built:
    """What is known of the pages while they are built, by their paths in the project."""

    generated: dict[str, GeneratedPage] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    found: list[tuple[str, str, str]] = field(default_factory=list)
    """What the search finds: the address, title and text of each part of a page."""


class RunbookPages:
    """The pages below one directory of the project. A page that the project has wins over the generated one."""

    def __init__(self, book: Book, directory: str, config_file: Path, *, own_search: bool) -> None:
        self.book = book
        self.directory = directory
        self._config_file = config_file
        self._own_search = own_search
        self._built = _Built()
        self._renderer = PageRenderer({}, self._content, is_serving=False)

    @property
    def is_whole_site(self) -> bool:
        """Whether the site has no other pages."""
        return not self.directory

    def has(self, page: Page) -> bool:
        """Return whether a page is one of the runbook's."""
        return page.file.src_uri.startswith(self.directory)

    def _name(self, page: Page) -> str:
        return page.file.src_uri.removeprefix(self.directory)

    # --- The sources ------------------------------------------------------------------------------------------------

    def source_problems(self, config: MkDocsConfig) -> Iterator[str]:
        """Yield what is wrong with the project's own pages of the runbook, and with the changes that it reports."""
        docs = Path(config.docs_dir) / self.directory
        yield from map(str, build_checks.page_problems(self.book, docs, self._config_file.parent))
        if not edit_links.is_in_repository(source.DATA, self._config_file.parent):
            return
        generated = generated_pages(self.book)
        for change in reference.all_changes():
            for name in change.pages:
                if f"{name}.md" not in generated and not (docs / f"{name}.md").is_file():
                    yield f"changes.yaml: there is no page {name}"

    def overdue(self) -> Iterator[str]:
        """Yield a sentence for each procedure that should have been reviewed by now."""
        for procedure in overdue(self.book, source.today()):
            yield f"{procedure.id}: its review is overdue since {procedure.due}"

    def add_to(self, files: Files, config: MkDocsConfig) -> None:
        """Add all files that the project doesn't have itself, and put the pages into its navigation."""
        below = self.directory
        own = [file for file in files.documentation_pages() if file.inclusion.is_in_nav()]  # type: ignore[no-untyped-call]
        others = [file.src_uri for file in sorted(own, key=file_sort_key) if not file.src_uri.startswith(below)]
        for path, asset in assets.asset_files():
            _add(files, File.generated(config, below + path, abs_src_path=str(asset)))
        for path, text in self._texts(config):
            _add(files, File.generated(config, below + path, content=text))
        for path, page in generated_pages(self.book).items():
            # The project's own Markdown extensions see the title alone, and so does every other plugin.
            if _add(files, File.generated(config, below + path, content=f"{page.heading}\n")):
                self._built.generated[below + path] = page
        self._built.urls = {file.src_uri: file.url for file in files}
        pages = [file for file in files.documentation_pages() if file.src_uri.startswith(self.directory)]
        self._built.files = {file.src_uri.removeprefix(self.directory): file for file in pages}
        nav = config.nav
        if nav is None:
            nav = nest_paths(others)  # type: ignore[no-untyped-call]
        config.nav = with_runbook(nav, self.directory, sections(self.book, list(self._built.files)))
        listed = {*paths_in(config.nav)}
        for file in pages:
            if file.src_uri in self._built.generated and file.src_uri not in listed:
                file.inclusion = InclusionLevel.NOT_IN_NAV  # on purpose, so MkDocs says nothing of it

    def start_rendering(self, *, is_serving: bool) -> None:
        """Begin to render the generated pages; `stop_rendering` must follow."""
        texts = {uri.removeprefix(self.directory): made.markdown for uri, made in self._built.generated.items()}
        self._renderer = PageRenderer(texts, self._content, is_serving=is_serving)

    def stop_rendering(self) -> None:
        """End what `start_rendering` began."""
        self._renderer.close()

    def _texts(self, config: MkDocsConfig) -> Iterator[tuple[str, str]]:
        for procedure in self.book.procedures.values():
            yield source.source_page(procedure.id), procedure.source
        if self._own_search:
            ending = _DIRECTORY_URL if config.use_directory_urls else _FILE_URL
            yield search_index.INDEX, search_index.index_script(ending=ending)

    # --- A page -----------------------------------------------------------------------------------------------------

    def read(self, text: str, page: Page) -> tuple[str, list[str]]:
        """Complete a page's metadata; return its Markdown and the problems of its blocks."""
        made = self._built.generated.get(page.file.src_uri)
        found = {**made.meta, **page.meta} if made else dict(page.meta)
        if made and not self.is_whole_site:
            # In a project with other pages, readers need the navigation to get back to them.
            found["hide"] = [each for each in found.get("hide", ()) if each != "navigation"]
        page.meta.update(page_html.meta(self._name(page), found))
        page.meta.setdefault("template", assets.TEMPLATE)
        if self._own_search:
            # The theme loads its index on every page, whether or not anyone searches. This search has its own.
            page.meta["search"] = {"exclude": True}
        return text, [] if made else build_checks.fence_problems(text)

    def finish(
        self, html: str, page: Page, config: MkDocsConfig, *, on_exit: Callable[[object, str], None]
    ) -> tuple[str, list[str]]:
        """Return the contents of a page and their problems; `html` is what MkDocs made of its Markdown.

        `on_exit` is called with a generated block that tries to end the build.
        """
        name = self._name(page)
        if page.file.src_uri in self._built.generated:
            content = self._renderer.content(name, on_exit=on_exit)
        else:
            content = self._content(name, html)
        page_html.list_headings(content.html, page.toc)
        # MkDocs only looks for anchors in the Markdown, so it would report a written link to a generated heading.
        page.present_anchor_ids = (page.present_anchor_ids or set()) | page_html.anchors(content.html)
        page.edit_url = self._edit_url(page, config)
        self._built.found += content.sections
        return content.html, content.problems

    def _content(self, name: str, html: str) -> Content:
        """Point generated links at pages, and look for problems and for what the search finds."""
        uri, problems = self.directory + name, build_checks.leftovers(html)
        html, refused = page_html.unlink(html)
        problems += map(unsafe_link_message, refused)
        html, dead = page_html.relink(html, uri, self._built.urls, root=self.directory)
        if uri in self._built.generated:
            # A packaged page may mention what another book doesn't have.
            absent = [path for path in dead if self._is_packaged(page_html.target_of(path, uri, root=self.directory))]
            html = page_html.without_dead_links(html, absent)
            dead = [path for path in dead if path not in absent]
        problems += (f"generated text links to {path}, which doesn't exist" for path in dead)
        html = page_html.with_labelled_cells(html)
        # The home page lists the other pages, so every word would find it.
        is_found = self._own_search and name != HOME
        return Content(html, problems, [*search_index.sections(self._built.urls[uri], html)] if is_found else [])

    def _is_packaged(self, target: str) -> bool:
        return target.startswith(self.directory) and target.removeprefix(self.directory) in packaged_paths()

    def _edit_url(self, page: Page, config: MkDocsConfig) -> str | None:
        if name := page_html.shown_procedure(self._name(page)):
            procedure = self.book.procedure(name)
            # A team changes a packaged procedure in a file of its own.
            source_file = procedure.changes[0].at.file if procedure.changes else procedure.at.file
            return edit_links.edit_url(Path(source_file), config)
        made = self._built.generated.get(page.file.src_uri)
        return edit_links.edit_url(made.file if made else Path(page.file.abs_src_path or ""), config)

    def context(self, config: MkDocsConfig) -> ThemeContext:
        """Return what the template knows on every page."""
        below, emergency = self.directory, next(iter(self.book.emergencies), None)
        polyfills = config.extra.get("polyfills") or ()
        is_offline = config.plugins.get("material/offline") is not None
        has_worker = any("iframe-worker" in str(each) and "//" not in str(each) for each in polyfills)
        return ThemeContext(
            home_url=self._url(HOME),
            errors_url=self._url(_ERRORS),
            styles=tuple(below + path for path in assets.styles()),
            scripts=tuple(below + path for path in assets.scripts(own_search=self._own_search)),
            frame_worker=below + assets.FRAME_WORKER if is_offline and not has_worker else "",
            own_search=self._own_search,
            emergency=emergency,
            emergency_url=self._url(f"procedures/{emergency.id}.md") if emergency else "",
            is_alarm_shown=emergency is not None,
        )

    def context_of(self, page: Page, config: MkDocsConfig) -> ThemeContext:
        """Return what the template knows on that page."""
        name, context = self._name(page), self.context(config)
        calm = {HOME, *(f"procedures/{each.id}.md" for each in self.book.emergencies)}
        return replace(
            context,
            is_alarm_shown=context.is_alarm_shown and name not in calm,
            is_home=name == HOME,
            changes=reference.changes_of(name.removesuffix(".md")),
            report_url=edit_links.report_url(str(page.title), config),
        )

    def _url(self, name: str) -> str:
        file = self._built.files.get(name)
        return file.url if file else self.directory

    def dress(self, html: str) -> str:
        """Mend what the theme writes: attributes that HTML doesn't allow, landmarks, what loads from other hosts.

        The search box also gets this project's search, and icons get their drawings. `labels.js` restores what the
        dropped attributes do.
        """
        page = page_html.with_few_landmarks(page_html.without_other_hosts(page_html.valid(html)))
        return page_html.with_icons(page_html.with_own_search(page) if self._own_search else page)

    # --- The site ---------------------------------------------------------------------------------------------------

    def write_search(self, site: Path) -> None:
        """Write the texts of all pages for the runbook's own search."""
        if self._own_search:
            (site / search_index.PAGES).write_text(search_index.pages_script(self._built.found), encoding="utf-8")

    def built_problems(self, site: Path) -> Iterator[str]:
        """Yield what is missing from the built pages, and each dead link on them."""
        pages = {name: site / file.dest_uri for name, file in self._built.files.items()}
        yield from build_checks.missing_parts(self.book, site, pages, self._renderer.steps)
        checked = None if self.is_whole_site else [*pages.values()]
        yield from build_checks.dead_links(site, checked, each=self._renderer.each)


def _add(files: Files, file: File) -> bool:
    """Add a file unless the project has it itself; return whether it was added."""
    if files.get_file_from_path(file.src_uri) is not None:
        return False
    files.append(file)
    return True
