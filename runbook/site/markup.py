"""HTML elements as strings, for the parts of a procedure that have no template yet.

The recurring parts come from the templates here too, but as plain strings: these callers join them with `+`, and
Jinja's own strings would escape what they are joined to.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from markupsafe import Markup

from runbook.site.templating import macro
from runbook.site.value_markers import ValueScope

__all__ = [
    "Attribute",
    "badge",
    "bullets",
    "code_block",
    "icon",
    "inline",
    "line",
    "lines",
    "page_link",
    "paragraphs",
    "shown",
    "sql_block",
    "tabs",
    "tag",
    "text",
]

Attribute = str | float | bool | None

_VOID = {"input", "br", "hr", "img", "meta", "link"}


def text(value: object) -> str:
    """Escape plain text for use as content."""
    return escape(str(value), quote=False)


def tag(name: str, /, *content: str, **attributes: Attribute) -> str:
    """Build an element. `class_` is class, `data_x` is data-x; True is a bare attribute, False and None none."""
    parts = [name, *(_attribute(key, value) for key, value in attributes.items() if value not in {None, False})]
    opened = f"<{' '.join(parts)}>"
    return opened if name in _VOID else f"{opened}{''.join(content)}</{name}>"


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    return name if value is True else f'{name}="{escape(str(value))}"'


def page_link(path: str, *content: str, **attributes: Attribute) -> str:
    """Link to a page by its source path from the docs' root; the build rewrites it, and fails if it is not there."""
    return tag("a", *content, href=f"/{path}", **attributes)


def lines(*parts: str) -> str:
    """Join the parts that are not empty, one to a line."""
    return "\n".join(part for part in parts if part)


def _part(name: str, *arguments: object) -> str:
    return str(macro(name)(*arguments))


def icon(name: str) -> str:
    """Draw an icon."""
    return str(macro("icon", "icons.html")(name))


def badge(name: str, word: str) -> str:
    """Pair an icon with its word."""
    return str(macro("badge", "icons.html")(name, word))


def inline(value: str, scope: ValueScope | None = None) -> str:
    """Render one run of text."""
    return _part("inline", value, scope)


def paragraphs(value: str, scope: ValueScope | None = None, *, class_: str | None = None) -> str:
    """Render text whose blank lines part paragraphs."""
    return _part("paragraphs", value, scope, class_)


def bullets(items: tuple[str, ...], scope: ValueScope | None = None, *, class_: str | None = None) -> str:
    """Render a list, one entry per item; nothing for none."""
    return _part("bullets", items, scope, class_)


def shown(filled: str) -> str:
    """Render filled text with its places."""
    return _part("filled", filled)


def line(argv: Sequence[str], *, target: Collection[str] = ()) -> str:
    """Render an argv as one line to copy."""
    return _part("command_line", argv, target)


def sql_block(statement: str) -> str:
    """Render a statement to paste into an SQL editor."""
    return _part("sql_block", statement)


def code_block(code: str, *, class_: str = "") -> str:
    """Wrap finished HTML as a block with a copy button."""
    return _part("code_block", Markup(code), class_)  # noqa: S704 - made by the functions above


def tabs(key: str, panes: Sequence[tuple[str, str]]) -> str:
    """Render panes of finished HTML as linked tabs."""
    return _part("tabs", key, [(label, Markup(content)) for label, content in panes])  # noqa: S704
