"""HTML elements as strings. Text is escaped by `text`, attributes here; content is HTML already."""

from __future__ import annotations

from html import escape

__all__ = ["Attribute", "lines", "page_link", "tag", "text"]

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
