"""The site's HTML comes from the templates in `templates/`: Python hands them plain data, they make the elements.

Everything is escaped unless a template made it. A name that a template misspells is an error, not an empty place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from runbook.site.prose import clause_spans, paragraphs, plain, spans
from runbook.site.snippet import snippet_words, sql_word
from runbook.site.value_markers import marked, marked_pieces, name_of
from runbook.steps import view

__all__ = ["BLOCKS", "macro", "render"]

BLOCKS: dict[type, str] = {
    view.Note: "note",
    view.Prose: "prose",
    view.Command: "command",
    view.EffectNote: "effect_note",
    view.Statement: "statement",
    view.PrivateFile: "private_file",
    view.File: "file",
    view.Request: "request",
    view.Options: "options",
    view.Ask: "ask",
    view.Pause: "pause",
    view.Repeat: "repeat",
    view.Included: "included",
    view.Expected: "expected",
    view.Verification: "verification",
    view.UndoWay: "undo_way",
}
"""The macro of `procedure/blocks.html` for each class of block."""


def render(template: str, /, **data: object) -> Markup:
    """Render a template of `templates/` by its path there."""
    # Autoescape has been at work inside, so what comes out is HTML and must not be escaped again further out.
    # Markdown would wrap HTML that begins with an empty line in a paragraph.
    return Markup(_environment().get_template(template).render(data).strip())  # noqa: S704


def macro(name: str, template: str = "parts.html") -> Callable[..., Markup]:
    """Return a macro of a template, for callers that have none themselves."""
    found: Callable[..., Markup] = getattr(_environment().get_template(template).module, name)
    return found


def _show(block: view.Block, step: object) -> Markup:
    return macro(BLOCKS[type(block)], "procedure/blocks.html")(block, step)


def _digest(html: str) -> str:
    """Tell one state of a step from another: a tick set on an older one does not count."""
    return sha256(html.encode()).hexdigest()[:8]


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 and seconds % 30 == 0 else f"{seconds:g} s"


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
        clause_spans=clause_spans,
        digest=_digest,
        duration=_duration,
        marked=marked,
        marked_pieces=marked_pieces,
        name_of=name_of,
        number=lambda value: f"{value:g}",
        paragraphs=paragraphs,
        plain=plain,
        slug=lambda value: re.sub(r"[^a-z0-9]+", "-", value.lower()),
        snippet_words=snippet_words,
        spans=spans,
        sql_word=sql_word,
    )
    environment.globals.update(show=_show)
    return environment
