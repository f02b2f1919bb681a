"""Random JSON documents with comments, in random layouts, each with its value."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

__all__ = ["documents", "laid_out"]

_GAPS = (
    "",
    "",
    " ",
    "\n",
    "\r\n",
    "\n  ",
    "\n\t",
    " /* c, } */ ",
    "// c ] \n",
    " // \u00fc  \r\n    ",
    "/**/",
    " \n\n ",
)
_KEYS = st.text(max_size=4) | st.sampled_from(["hooks", "version", "//", "a b"])
_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["/*", "//", "}", 'a"b', 0.5])
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8
)


@st.composite
def laid_out(draw: st.DrawFn, value: Any) -> str:
    """Return a value as text, with random gaps, comments and trailing commas."""
    tidy = draw(st.sampled_from([None, None, 2, "\t"]))
    # Most files are as a program or a tidy person writes them.
    if tidy is not None:
        return json.dumps(value, indent=tidy, ensure_ascii=draw(st.booleans()))
    return _text(draw, value)


def _text(draw: st.DrawFn, value: Any) -> str:
    if isinstance(value, dict):
        members = [f"{json.dumps(key)}{_gap(draw)}:{_gap(draw)}{_text(draw, each)}" for key, each in value.items()]
        return "{" + _items(draw, members) + "}"
    if isinstance(value, list):
        return "[" + _items(draw, [_text(draw, each) for each in value]) + "]"
    return json.dumps(value, ensure_ascii=False)


def _items(draw: st.DrawFn, items: list[str]) -> str:
    if not items:
        return _gap(draw)
    text = ",".join(f"{_gap(draw)}{item}{_gap(draw)}" for item in items)
    return text + (f",{_gap(draw)}" if draw(st.booleans()) else "")


def _gap(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(_GAPS))


@st.composite
def documents(draw: st.DrawFn, values: st.SearchStrategy[Any] = _VALUES) -> tuple[str, Any]:
    """Return a document and its value."""
    value = draw(values)
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    end = draw(st.sampled_from(["\n", "", "\r\n", "\n// end", " /* end */\n\n"]))
    return f"{mark}{_gap(draw) if draw(st.booleans()) else ''}{draw(laid_out(value))}{end}", value
