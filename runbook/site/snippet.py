"""A command line as a snippet: the words that run, quoted for a shell, with places that the page's fields fill."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Sequence

from runbook.site.markup import tag, text
from runbook.site.value_markers import Name, Part, Slot, marks_in, parts, shown

__all__ = ["code_block", "flags", "line", "shell_quoted", "sql_block", "tabs", "words"]

_SAFE = re.compile(r"[\w@%+=:,./-]*", re.ASCII)
_FLAG = re.compile(r"(?<![\w-])--?[a-z][\w-]{1,30}(?![\w-])")
_SPECIAL = re.compile(r'["$`!]|\\(?:[\\\n]|$)')
"""What means something to a shell inside double quotes; a backslash does only before one of these."""
_QUOTE_OUTSIDE_MARKS = re.compile("'(?![^\ue000]*\ue001)")


def line(argv: Sequence[str], *, target: Collection[str] = ()) -> str:
    """Render an argv as one line to copy. Words of `target` say where it lands, and stand out."""
    return code_block(words(argv, target=target), class_="rb-line")


def words(argv: Sequence[str], *, target: Collection[str] = (), live: bool = True) -> str:
    """Render an argv as words quoted for a shell; `live` ones follow the fields of their page."""
    return " ".join(_word(word, is_target=word in target, live=live) for word in argv)


def sql_block(statement: str) -> str:
    """Render a statement to paste into an SQL editor: it never goes through a shell."""
    if not marks_in(statement):
        return code_block(text(statement), class_="rb-sql")
    return code_block(tag("span", shown(statement), data_rb_word=_data(statement), data_rb_bare=True), class_="rb-sql")


def code_block(code: str, *, class_: str = "") -> str:
    """Wrap finished HTML as a block that the theme gives a copy button; `rb-open` says that places in it are empty."""
    is_open = " rb-open" if "<var " in code else ""
    return tag("div", tag("pre", tag("code", code)), class_=f"highlight rb-snippet {class_}".rstrip() + is_open)


def _word(word: str, *, is_target: bool, live: bool) -> str:
    class_ = "rb-target" if is_target else None
    if not marks_in(word):
        return tag("strong", text(shell_quoted(word)), class_=class_) if is_target else flags(shell_quoted(word))
    return tag("span", _quoted(word), class_=class_, data_rb_word=_data(word) if live else None)


def shell_quoted(word: str) -> str:
    """Quote a word for a shell as the terminal shows it: SQL reads better in double quotes, where that is the same."""
    return f'"{word}"' if "'" in word and not _SPECIAL.search(word) else shlex.quote(word)


def flags(code: str) -> str:
    """Escape code so that no line of it ends within a flag."""
    return _FLAG.sub(lambda match: tag("span", match[0], class_="rb-flag"), text(code))


def _data(word: str) -> str:
    """Write a word's parts for the page's script: text, [key, mode] for a place, {"name": parts} for an SQL name."""
    return json.dumps([_datum(part) for part in parts(word)], ensure_ascii=False, separators=(",", ":"))


def _datum(part: Part) -> object:
    if isinstance(part, Slot):
        return [part.key, part.mode]
    return {"name": [_datum(inner) for inner in part.parts]} if isinstance(part, Name) else part


def _quoted(word: str) -> str:
    """Quote a word whose places are still empty. An empty place outside quotes stops a shell: it redirects."""
    fixed = "".join(part for part in parts(word) if isinstance(part, str))
    if _SAFE.fullmatch(fixed):
        return shown(word)
    if "'" in fixed and not _SPECIAL.search(fixed):
        return f'"{shown(word)}"'
    return "'" + shown(_QUOTE_OUTSIDE_MARKS.sub("'\"'\"'", word)) + "'"


def tabs(key: str, panes: Sequence[tuple[str, str]]) -> str:
    """Render panes as the theme's linked tabs, with ids made of `key`; one pane, or equal ones, need no tabs."""
    if len({content for _, content in panes}) == 1:
        return panes[0][1]
    ids = [f"{key}--{re.sub(r'[^a-z0-9]+', '-', label.lower())}" for label, _ in panes]
    inputs = [
        tag("input", type="radio", id=one, name=f"{key}--tabs", checked=not index) for index, one in enumerate(ids)
    ]
    labels = [tag("label", text(label), for_=one) for one, (label, _) in zip(ids, panes, strict=True)]
    blocks = [tag("div", content, class_="tabbed-block", data_label=label) for label, content in panes]
    return tag(
        "div",
        *inputs,
        tag("div", *labels, class_="tabbed-labels"),
        tag("div", *blocks, class_="tabbed-content"),
        class_="tabbed-set tabbed-alternate",
        data_tabs=f"{key}:{len(panes)}",
    )
