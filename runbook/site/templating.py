"""The site's HTML comes from the templates in `templates/`: Python passes plain data, and they make the elements.

Everything is escaped unless a template made it. A name misspelled in a template is an error, not an empty string.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from runbook.printable import printable
from runbook.site.prose import clause_spans, paragraphs, plain, spans
from runbook.site.request_line import curl_argv, secrets_to_curl
from runbook.site.value_markers import marked, marked_pieces, name_of, snippet_words
from runbook.steps import view

__all__ = ["block_macro", "macro", "render"]


def render(template: str, /, **data: object) -> Markup:
    """Render a template by its path in `templates/`."""
    # Autoescape has already worked inside, so the result is HTML and must not be escaped again.
    # Markdown would wrap HTML that begins with an empty line in a paragraph.
    return Markup(_compact(_environment().get_template(template).render(data).strip()))  # noqa: S704


def macro(name: str, template: str = "parts.html") -> Callable[..., Markup]:
    """Return a macro of a template, for callers outside of templates."""
    found: Callable[..., Markup] = getattr(_environment().get_template(template).module, name)
    return found


def block_macro(kind: type[view.Block]) -> Callable[..., Markup]:
    """Return the macro of `procedure/blocks.html` for a class of block: its name in lower case (`private_file`)."""
    return macro(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower(), "procedure/blocks.html")


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 30 == 0 else f"{seconds:g} s"


def _attribute(value: str) -> Markup:
    """Escape a text for an attribute in single quotes, so that JSON's own quotes need no escapes."""
    return Markup(value.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;"))  # noqa: S704 - escaped here


_PRE = re.compile(r"(<pre.*?</pre>)", re.DOTALL)


def _compact(html: str) -> str:
    """Drop the indentation of a template's lines, which isn't visible, but keep that of code."""
    # The pattern has one group, so every second part is code.
    return "".join(
        part if index % 2 else re.sub(r"\s*\n\s*", "\n", part) for index, part in enumerate(_PRE.split(html))
    )


def _shown(value: object) -> object:
    """Make a text printable on its way into a page. Markup comes from a template and stays as it is."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


# Not `for_one_build`, because Jinja itself checks each template's file and reads it again if it has changed.
@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        # For lists that a template fills, such as the panes of tabs.
        extensions=["jinja2.ext.do"],
    )
    environment.filters.update(
        attribute=_attribute,
        clause_spans=clause_spans,
        curl_argv=curl_argv,
        # Distinguishes versions of a step: a tick set on an older version doesn't count.
        digest=lambda html: sha256(html.encode()).hexdigest()[:8],
        duration=_duration,
        marked=marked,
        marked_pieces=marked_pieces,
        name_of=name_of,
        number=lambda value: f"{value:g}",
        paragraphs=paragraphs,
        plain=plain,
        secrets_to_curl=secrets_to_curl,
        slug=lambda value: re.sub(r"[^a-z0-9]+", "-", value.lower()),
        snippet_words=snippet_words,
        spans=spans,
    )
    environment.globals.update(show=lambda block, step: block_macro(type(block))(block, step))
    return environment
