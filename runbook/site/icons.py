"""Small drawings that stand beside a word, never instead of it."""

from __future__ import annotations

from runbook.site.markup import tag, text

__all__ = ["badge", "icon"]

_PATHS = {
    "reads": (
        "M8 3.2C4.6 3.2 1.9 5.3.6 8c1.3 2.7 4 4.8 7.4 4.8s6.1-2.1 7.4-4.8C14.1 5.3 11.4 3.2 8 3.2Zm0 8a3.2 "
        "3.2 0 1 1 0-6.4 3.2 3.2 0 0 1 0 6.4Zm0-1.7a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Z"
    ),
    "writes": (
        "M11.7 1.3a1.4 1.4 0 0 1 2 0l1 1a1.4 1.4 0 0 1 0 2L6 13l-4.3 1.3L3 10l8.7-8.7Zm-.9 2.9 1 1 "
        "1.4-1.4-1-1-1.4 1.4ZM4.4 10.6l-.6 1.6 1.6-.6 5.2-5.2-1-1-5.2 5.2Z"
    ),
    "destroys": "M8 .9 15.6 14.6H.4L8 .9Zm-.9 4.8v4.6h1.8V5.7H7.1Zm0 5.8v1.8h1.8v-1.8H7.1Z",
    "tick": "M6.2 12.6 1.8 8.2l1.5-1.5 2.9 2.9 6.5-6.5 1.5 1.5-8 8Z",
    "choose": "M8 .8 15.2 8 8 15.2.8 8 8 .8Zm0 2.6L3.4 8 8 12.6 12.6 8 8 3.4Z",
    "edit": ("M3 1h7l3.5 3.5V15H3V1Zm1.6 1.6v10.8h7.3V5.4H9.2V2.6H4.6Zm1.2 5h4.9v1.3H5.8V7.6Zm0 2.6h4.9v1.3H5.8v-1.3Z"),
    "wait": (
        "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 1.6a5.4 5.4 0 1 0 0 10.8A5.4 5.4 0 0 0 8 2.6ZM7.2 "
        "4.5h1.6v3.1l2.3 2.3-1.1 1.2-2.8-2.8V4.5Z"
    ),
    "repeat": "M3.5 4.2h7V2l4 3.2-4 3.2V6.1h-5v3H3.5V4.2Zm9 7.6h-7V14l-4-3.2 4-3.2v2.3h5v-3h2v4.9Z",
    "go": "M8.4 2.3 14.1 8l-5.7 5.7-1.5-1.5 3.1-3.1H1.9V6.9H10L6.9 3.8l1.5-1.5Z",
    "terminal": (
        "M1 2.5h14v11H1v-11Zm1.6 1.6v7.8h10.8V4.1H2.6Zm1.2 1.6 1-1L7.6 7.5 4.8 10.3l-1-1L5.6 7.5 3.8 5.7Zm4 "
        "3.6h4v1.4h-4V9.3Z"
    ),
    "refuse": "M5 1h6l4 4v6l-4 4H5l-4-4V5l4-4Zm-.8 6.2v1.7h7.6V7.2H4.2Z",
    "confirm": "M8 .9 15.6 14.6H.4L8 .9Zm-.9 4.8v4.6h1.8V5.7H7.1Zm0 5.8v1.8h1.8v-1.8H7.1Z",
    "allow": "M6.2 12.6 1.8 8.2l1.5-1.5 2.9 2.9 6.5-6.5 1.5 1.5-8 8Z",
}


def icon(name: str) -> str:
    """Draw one; it is hidden from assistive technology, since the word beside it says the same."""
    path = tag("path", d=_PATHS[name])
    return tag("svg", path, class_="rb-icon", viewBox="0 0 16 16", aria_hidden="true", focusable="false")


def badge(name: str, word: str) -> str:
    """Pair a drawing with its word."""
    return tag("span", icon(name), text(word), class_=f"rb-badge rb-badge--{name}")
