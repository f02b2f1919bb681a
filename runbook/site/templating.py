"""The site's HTML comes from the templates in `templates/`: Python hands them plain data, they make the elements.

Everything is escaped unless a template made it. A name that a template misspells is an error, not an empty place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from runbook.site.prose import paragraphs, plain, spans
from runbook.site.snippet import snippet_words, sql_word
from runbook.site.value_markers import filled_pieces, name_of

__all__ = ["macro", "render"]


def render(template: str, /, **data: object) -> Markup:
    """Render a template of `templates/` by its path there."""
    # Autoescape has been at work inside, so what comes out is HTML and must not be escaped again further out.
    # Markdown would wrap HTML that begins with an empty line in a paragraph.
    return Markup(_environment().get_template(template).render(data).strip())  # noqa: S704


def macro(name: str, template: str = "parts.html") -> Callable[..., Markup]:
    """Return a macro of a template, for callers that have none themselves."""
    found: Callable[..., Markup] = getattr(_environment().get_template(template).module, name)
    return found


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.filters.update(
        filled_pieces=filled_pieces,
        name_of=name_of,
        number=lambda value: f"{value:g}",
        paragraphs=paragraphs,
        plain=plain,
        slug=lambda value: re.sub(r"[^a-z0-9]+", "-", value.lower()),
        snippet_words=snippet_words,
        spans=spans,
        sql_word=sql_word,
    )
    return environment
